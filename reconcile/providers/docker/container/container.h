/* Containers on one engine: the calls that the kind's verbs are made of. All go by the full id, since the engine takes a name that nobody has for the beginning
 * of an id.
 *
 *     read.c      refresh, what a verb gives back as result
 *     unmanaged.c what nobody owns, as a spec would say it
 *     call.c      single calls: inspect, start, stop, rename, remove, connect
 *     make.c      a new container, complete but not started
 *     apply.c     create, update, remove
 *     replace.c   another container in the place of one, with the way back
 *     recover.c   what an interrupted run left behind
 *     wait.c      until it is fit; logs.c tells why it is not */
#ifndef HL_DOCKER_CONTAINER_CONTAINER_H
#define HL_DOCKER_CONTAINER_CONTAINER_H

#include "reconcile/providers/docker/client.h"

#define HL_SUFFIX_NEW ".hlrec-new"
#define HL_SUFFIX_OLD ".hlrec-old"

/* --- call.c --- */

/* "/containers/ID", the id escaped, and `rest` behind it as it is: "/json". */
const char *hl_container_path(struct hl_arena *arena, const char *id, const char *rest);
/* *out is NULL when there is none. What is found has a text as "Id" and as "Name"; a row of a list, as "Id". */
bool hl_container_inspect(struct hl_docker *docker, struct hl_arena *arena, const char *id, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* By exact name; *out is NULL when nobody has it. */
bool hl_container_inspect_name(struct hl_docker *docker, struct hl_arena *arena, const char *name, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* The list, stopped ones included; `filter` begins with '&' or is "". */
bool hl_container_list(struct hl_docker *docker, struct hl_arena *arena, const char *filter, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* All of them, a row at a time. */
bool hl_container_each(struct hl_docker *docker, hl_json_element_fn *visit, void *context, struct hl_error **err) HL_MUST_CHECK;
/* The container that an action has made, by its label; *out (a row of the list) is NULL when there is none. */
bool hl_container_find_operation(struct hl_docker *docker, struct hl_arena *arena, const char *operation, struct hl_value **out,
                                 struct hl_error **err) HL_MUST_CHECK;
bool hl_container_start(struct hl_docker *docker, const char *id, struct hl_error **err) HL_MUST_CHECK;
/* Gives it its own time to end (StopTimeout of the inspection, else 10 s). */
bool hl_container_stop(struct hl_docker *docker, const struct hl_value *inspection, struct hl_error **err) HL_MUST_CHECK;
bool hl_container_unpause(struct hl_docker *docker, const char *id, struct hl_error **err) HL_MUST_CHECK;
bool hl_container_rename(struct hl_docker *docker, const char *id, const char *name, struct hl_error **err) HL_MUST_CHECK;
/* POST update with one field of its flat body. */
bool hl_container_set_restart(struct hl_docker *docker, const char *id, const char *restart, struct hl_error **err) HL_MUST_CHECK;
/* A missing one is success. `volumes`: its nameless volumes too. Waits for a removal under way. */
bool hl_container_delete(struct hl_docker *docker, const char *id, bool force, bool volumes, struct hl_error **err) HL_MUST_CHECK;
bool hl_container_connect(struct hl_docker *docker, const char *id, const char *network_id, struct hl_value *endpoint, struct hl_error **err) HL_MUST_CHECK;
/* Not being connected is success. */
bool hl_container_disconnect(struct hl_docker *docker, const char *id, const char *network, struct hl_error **err) HL_MUST_CHECK;
/* Network name -> id, of all that there are. A name that two networks have has the id "". */
bool hl_container_networks_now(struct hl_docker *docker, struct hl_arena *arena, struct hl_map **out, struct hl_error **err) HL_MUST_CHECK;
/* Whether it has ever run. */
bool hl_container_was_started(const struct hl_value *inspection);
const char *hl_container_id(const struct hl_value *inspection);
/* The name in Docker that the spec asks for. */
const char *hl_container_wanted_name(const struct hl_value *desired, const char *resource);

/* --- make.c --- */

struct hl_making {
    const char *name;                 /* in Docker */
    const char *replaces;             /* id of the one whose place it takes, or NULL */
    const struct hl_value *inherited; /* target -> nameless volume to go on with, or NULL */
};
/* Pulls, checks what it refers to, creates, connects, puts files in. On failure nothing is left. */
bool hl_container_make(struct hl_op *op, const struct hl_making *making, const char **id, struct hl_error **err) HL_MUST_CHECK;
/* Removes what a failed action made, unless the run is being left at once: then recovery does. Never fails. */
void hl_container_discard(struct hl_op *op, const char *id);

/* --- wait.c --- */

enum hl_wait_goal {
    HL_WAIT_FIT,     /* healthy, or running for `settle_ms`, or a job that has ended well */
    HL_WAIT_STARTED, /* running, or ended well */
    HL_WAIT_HEALTHY,
    HL_WAIT_COMPLETED, /* ended with 0 */
};
/* At most op->timeout_ms. The error's hint has the last lines of its output. `last` takes the inspection that showed it, in op->arena; NULL when nobody needs
 * it. */
bool hl_container_wait(struct hl_op *op, const char *id, enum hl_wait_goal goal, int64_t settle_ms, const struct hl_value **last,
                       struct hl_error **err) HL_MUST_CHECK;
int64_t hl_docker_now_ms(void); /* monotonic */

/* --- logs.c --- */

/* The last lines of its output, redacted, escaped and put into one ("a | b"), in `arena`; NULL when there are none to be had. */
const char *hl_container_log_tail(struct hl_docker *docker, struct hl_arena *arena, const struct hl_value *inspection);
/* Takes the frames of a log stream apart; a terminal's has none. Exposed for its test. */
void hl_container_log_unframe(struct hl_text *out, const char *data, size_t length, bool tty);

/* --- read.c --- */

/* The live values of a container as refresh would give them, with `desired` as the record; for import `resource` and
 * `desired` are NULL. *out is NULL when it is gone. */
bool hl_container_values(struct hl_docker *docker, struct hl_arena *arena, const char *id, const char *resource, const struct hl_value *desired,
                         struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* Name of a row of the list. */
const char *hl_container_row_name(const struct hl_value *row);
/* Sets op->result and op->result_id by what it is now. */
bool hl_container_set_result(struct hl_op *op, const char *id, struct hl_error **err) HL_MUST_CHECK;
/* The same by an inspection in op->arena that nothing has been done after. */
bool hl_container_set_result_by(struct hl_op *op, const struct hl_value *inspection, struct hl_error **err) HL_MUST_CHECK;
bool hl_container_refresh(struct hl_session *session, struct hl_object **objects, size_t count, struct hl_error **err);
bool hl_container_unmanaged(struct hl_session *session, const struct hl_kind *kind, struct hl_arena *arena, struct hl_value *list, struct hl_error **err);

/* --- the other verbs --- */

/* Starts it, and names who holds a port that is taken. */
bool hl_container_launch(struct hl_op *op, const char *id, struct hl_error **err) HL_MUST_CHECK;

bool hl_container_create(struct hl_op *op, struct hl_error **err);
bool hl_container_update(struct hl_op *op, struct hl_error **err);
bool hl_container_remove(struct hl_op *op, struct hl_error **err);
bool hl_container_replace(struct hl_op *op, struct hl_error **err);
bool hl_container_recover(struct hl_recovery *recovery, struct hl_error **err);
bool hl_container_await(struct hl_op *op, const char *condition, struct hl_error **err);

#endif
