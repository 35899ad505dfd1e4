/* A folder of its own, a run in it, a session of the local provider, and the little of plan and engine that takes a secret through its life. */
#ifndef HL_TESTS_UNIT_LOCAL_WORLD_H
#define HL_TESTS_UNIT_LOCAL_WORLD_H

#include "reconcile/provider.h"

extern const struct hl_kind hl_kind_secret;
extern const struct hl_provider_type hl_provider_local;

enum { WORLD_VARIABLES = 16 };

struct world {
    char folder[64];
    struct hl_arena *arena;
    struct hl_run run;
    struct hl_files files;
    const char *environment[WORLD_VARIABLES + 1];
    struct hl_session session;
    size_t checkpoints;
    struct hl_value *checkpoint; /* the last one */
    bool fail_checkpoint;
};

/* One secret of the spec, and what the state keeps of it. */
struct secret {
    struct world *world;
    const char *name, *address;
    struct hl_value *body; /* decoded; NULL: no longer in the spec */
    struct hl_recorded recorded;
    bool is_recorded;
    struct hl_live live;      /* as last refreshed */
    struct hl_value *desired; /* with inputs */
    const char *note;         /* of the last action */
    struct hl_error *error;   /* of the last action */
};

/* For cmocka: *state is the world. */
int world_setup(void **state);
int world_teardown(void **state);

void world_write(struct world *world, const char *name, const char *format, ...) HL_PRINTF(3, 4);
/* The file's text, or NULL when there is none. In the arena. */
const char *world_read(struct world *world, const char *name);
unsigned world_mode(struct world *world, const char *name);
/* "NAME=value", kept as it is; replaces one of the same name. */
void world_set(struct world *world, const char *variable);
void world_unset(struct world *world, const char *name);
/* Leaves the session and opens a new one, as the next run does. */
void world_next_run(struct world *world, int64_t later_ms);

/* Loads a spec whose one secret has this body (YAML, flow style); findings fail the test. */
struct hl_value *world_decode(struct world *world, const char *name, const char *body);
/* The findings of such a spec as one text, one a line: "message (hint)". */
const char *world_findings(struct world *world, const char *name, const char *body);

struct secret secret_new(struct world *world, const char *name, const char *body);
void secret_change(struct secret *secret, const char *body);
/* Reads it and puts the inputs over what is desired. */
void secret_refresh(struct secret *secret);
/* Refreshes, creates or updates, and records; false with secret->error set. */
bool secret_apply(struct secret *secret);
bool secret_delete(struct secret *secret);
/* Whether the next plan would be empty. */
bool secret_is_settled(struct secret *secret);
const char *secret_value(const struct secret *secret); /* recorded, or NULL */
const char *secret_input(const struct secret *secret); /* of the last refresh: text, "(null)", "(unknown)", or NULL */
/* What stands at a destination of the last refresh; NULL: nothing, or no such destination. */
const char *secret_content(const struct secret *secret, const char *destination);
/* Forgets the record: the state is lost. */
void secret_lose(struct secret *secret);

/* Fails the test unless the chain's text has `part`; clears it. */
void assert_error(struct hl_error **err, enum hl_code code, const char *part);
void assert_has(const char *text, const char *part);

#endif
