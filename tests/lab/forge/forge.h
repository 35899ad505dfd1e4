/* The comment APIs of GitHub (/api/v3), Gitea and Forgejo (/api/v1) and GitLab (/api/v4), as far as a plan on a pull request needs them.
 *
 * Each of the three is a world of its own. Tokens, the same in all:
 *     lab-user     hlrec-bot, who may do all
 *     lab-job      the CI system's own user (github-actions[bot], gitea-actions; GitLab's may not touch notes); may not ask who it is
 *     lab-app      my-app[bot], likewise
 *     lab-comment  hlrec-bot, for comments alone: it may ask neither who it is, nor for the pull request, nor set a status
 *     lab-read     hlrec-bot, reading alone
 *     lab-other    mallory
 *
 * POST /lab/forge sets a world up and makes it misbehave, GET /lab/forge tells what is in it; both in switch.c. */
#ifndef HL_TESTS_LAB_FORGE_FORGE_H
#define HL_TESTS_LAB_FORGE_FORGE_H

#include "tests/lab/lab.h"

enum forge_flavour { FORGE_GITHUB, FORGE_GITEA, FORGE_GITLAB, FORGE_FLAVOURS };

enum { FORGE_READ = 1, FORGE_COMMENT = 2, FORGE_STATUS = 4, FORGE_SELF = 8, FORGE_PULL = 16, FORGE_ALL = 31, FORGE_PARTS = 3 };

struct forge_user {
    int64_t id;
    const char *login;
    bool bot;
};

struct forge_comment {
    int64_t id;
    const char *repository;
    int64_t number;
    const struct forge_user *user;
    char *body; /* malloc'ed */
    bool system, deleted;
    int edits;
};

struct forge_status {
    const char *repository, *head, *state, *context, *description, *url;
};

struct forge_pull {
    const char *repository;
    int64_t number;
    const char *head;
};

/* What the next calls come to. */
struct forge_trouble {
    int64_t count;
    int64_t status;           /* 429, 403: a rate limit */
    const char *method;       /* only of calls with it; NULL: of all */
    int64_t retry_after;      /* seconds; -1: no such header */
    int64_t reset;            /* likewise, as x-ratelimit-reset or RateLimit-Reset */
    bool date;                /* retry_after as a date */
    bool html, redirect, bad; /* instead: a proxy's page, a redirect, JSON of another shape */
};

struct forge_world {
    enum forge_flavour flavour;
    struct hl_arena *arena;
    struct hl_map users; /* login -> struct forge_user * */
    struct forge_comment *comments;
    size_t comments_count, comments_capacity;
    struct forge_status *statuses;
    size_t statuses_count, statuses_capacity;
    struct forge_pull *pulls;
    size_t pulls_count;
    struct hl_value *commands; /* GitLab: lines that were carried out */
    struct forge_trouble trouble;
    int64_t last_id;
    int64_t most; /* bytes of a comment; 0: what the forge takes */
    bool no_links, archived;
};

struct forge {
    struct lab *lab;
    struct hl_arena *arena;
    struct forge_world worlds[FORGE_FLAVOURS];
};

struct forge_call {
    struct forge *forge;
    struct forge_world *world;
    struct lab_call *call;
    struct hl_arena *arena;
    const struct forge_user *user; /* who calls, and what they may do */
    unsigned rights;
    const char *parts[FORGE_PARTS]; /* of the path: repository, number or id */
    struct hl_value *body;
};

/* forge.c */
const char *forge_flavour_name(enum forge_flavour flavour);
/* In the words of the forge. False. */
bool forge_fail(struct forge_call *c, int status, const char *message);
/* Whether the caller may; else it was answered. */
bool forge_needs(struct forge_call *c, unsigned right, const char *scope);
const struct forge_user *forge_user(struct forge_world *world, const char *login);
const struct forge_pull *forge_pull(struct forge_call *c);

/* comment.c */
struct forge_comment *forge_comment_add(struct forge_world *world, const char *repository, int64_t number, const struct forge_user *user, const char *body);
struct hl_value *forge_comment_describe(struct hl_arena *arena, const struct forge_world *world, const struct forge_comment *comment);
void forge_comments_list(struct forge_call *c);
void forge_comment_create(struct forge_call *c);
void forge_comment_edit(struct forge_call *c);
void forge_comment_delete(struct forge_call *c);

/* status.c */
void forge_status_create(struct forge_call *c);
void forge_user_self(struct forge_call *c);
void forge_pull_get(struct forge_call *c);
/* A number of the query, at most `most`; `fallback` when it is none. */
int64_t forge_number(const struct forge_call *c, const char *name, int64_t fallback, int64_t most);
void forge_pulls_list(struct forge_call *c);

/* switch.c */
void forge_switch(struct forge *forge, struct lab_call *call);
/* Whether the call goes wrong on purpose; it was answered then. */
bool forge_in_trouble(struct forge_call *c);

extern const struct lab_api lab_api_forge;

#endif
