/* The comments of a pull request that begin with our marker, and which of them are ours. */
#ifndef HL_RECONCILE_FORGE_COMMENTS_H
#define HL_RECONCILE_FORGE_COMMENTS_H

#include "reconcile/forge/session.h"

enum { HL_FORGE_LOST_MOST = 3 };

/* Who writes with this token. Both 0 and NULL: not known. */
struct hl_forge_author {
    int64_t id;
    const char *login;
};

struct hl_forge_found {
    int64_t id;
    struct hl_forge_author author;
    struct hl_forge_mark mark;
};

struct hl_forge_comments {
    struct hl_forge_session *session;
    struct hl_forge_mark ours;
    struct hl_value *body; /* {"body": markdown} */
    struct hl_forge_author me;
    struct hl_forge_found *items; /* all with our marker, whoever wrote them */
    size_t count, capacity;
    struct hl_map seen;               /* ids of all comments, as text */
    int64_t lost[HL_FORGE_LOST_MOST]; /* ids of ours that cannot be edited */
    size_t lost_count;
    const char *head;   /* of the pull request, now; NULL when it cannot be known */
    bool head_is_known; /* it was asked for */
    bool page_is_new;   /* the page had a comment that was not seen before */
    size_t page_count;
};

bool hl_forge_author_is_known(const struct hl_forge_author *author);
struct hl_forge_author hl_forge_read_author(struct hl_arena *arena, const struct hl_forge *forge, const struct hl_value *comment);
/* Tokens of jobs and apps may not ask, and tokens for comments alone often may not either: then it is what the caller knows, or nothing. */
bool hl_forge_ask_author(struct hl_forge_comments *comments, struct hl_error **err) HL_MUST_CHECK;

/* All pages, anew. */
bool hl_forge_read_comments(struct hl_forge_comments *comments, struct hl_error **err) HL_MUST_CHECK;
bool hl_forge_is_mine(const struct hl_forge_comments *comments, const struct hl_forge_found *found);
/* Written by this run. */
bool hl_forge_is_this_run(const struct hl_forge_comments *comments, const struct hl_forge_found *found);
/* Ids grow, so whoever sees one of ours sees the first: it is the one that all runs agree to keep. NULL when there is none that can be edited. */
const struct hl_forge_found *hl_forge_first_of_mine(const struct hl_forge_comments *comments);
/* The age of two runs, as hl_forge_mark_compare() has it. */
int hl_forge_compare(const struct hl_forge_comments *comments, const struct hl_forge_mark *a, const struct hl_forge_mark *b);
/* The one of the newest run, whatever its place; NULL when none is ours. */
const struct hl_forge_found *hl_forge_newest_of_mine(struct hl_forge_comments *comments);
/* Whether one of ours is of a newer run. Who does not know when it began cannot be told to be late. */
bool hl_forge_is_late(struct hl_forge_comments *comments);

#endif
