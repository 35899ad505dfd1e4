/* Whose an object is: the labels that hlrec puts on containers, networks and volumes, and reads back. Pure.
 *
 *     hlrec.managed=true  hlrec.stack  hlrec.state (id of the state file)  hlrec.address  hlrec.operation (UUID of the action that made it)
 *     hlrec.spec-hash=v1:<keyed hash>     and on containers: hlrec.replaces=<id>  hlrec.files={path: "keyed hash mode uid gid"}
 *
 * They are no part of any diff: an adopted object lacks them and is fine. */
#ifndef HL_DOCKER_MARK_H
#define HL_DOCKER_MARK_H

#include "reconcile/provider.h"

#define HL_MARK_OPERATION "hlrec.operation"
#define HL_MARK_REPLACES "hlrec.replaces"
#define HL_MARK_FILES "hlrec.files"

/* Puts the marks of `op` into a map of labels. */
void hl_mark_put(struct hl_arena *arena, struct hl_value *labels, const struct hl_op *op);
/* Whose mark `labels` carry; *text tells the owner when it is another (a stack, a compose project), else NULL. */
enum hl_owner hl_mark_owner(struct hl_arena *arena, const struct hl_value *labels, const struct hl_run *run, const char **text);
/* Whether they are of this stack, this state and this address. */
bool hl_mark_is_of(const struct hl_value *labels, const struct hl_run *run, const char *address);
/* Whether the label is a mark (ours or compose's) and thus never part of a diff. */
bool hl_mark_is_label(const char *label);
/* For a field of labels: a finding for each that is a mark. */
void hl_mark_check(struct hl_check *check, const struct hl_value *labels);
/* Labels without marks; NULL when none are left. */
struct hl_value *hl_mark_strip(struct hl_arena *arena, const struct hl_value *labels);
/* "v1:<hex>" over the fields of `desired`, keyed with the run's key: labels can be read by anybody, and short secrets be guessed. */
const char *hl_mark_hash(struct hl_arena *arena, const struct hl_run *run, const struct hl_value *desired);
/* "?filters=..." for objects with the label. */
const char *hl_mark_filter(struct hl_arena *arena, char separator, const char *label, const char *value);
/* Describes an object without our mark for `unmanaged`: a map {kind, name, id, owner, values}. */
struct hl_value *hl_mark_describe(struct hl_arena *arena, const struct hl_run *run, const char *kind, const char *name, const char *id,
                                  const struct hl_value *labels, struct hl_value *values);
/* What a live object's owner is for the plan: its mark, else ours when its id is the recorded one (adopted). Fills owner and owner_text. */
void hl_mark_judge(struct hl_object *object, const struct hl_run *run, const struct hl_value *labels, const char *id);

#endif
