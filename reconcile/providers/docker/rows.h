/* What the tables of the kinds `network`, `volume` and `container` share: rows of compose's that mean the same in each. */
#ifndef HL_DOCKER_ROWS_H
#define HL_DOCKER_ROWS_H

#include "reconcile/providers/docker/mark.h"

#define HL_DOCKER_LABELS                                                                                                                                       \
    {                                                                                                                                                          \
        .name = "labels", .type = HL_F_MAP, .item = HL_F_STRING, .forms = HL_FORM_PAIRS, .immutable = true, .check = hl_mark_check,                            \
        .doc = "labels; hlrec adds its own"                                                                                                                    \
    }

/* The name in Docker; hl_docker_complete_name(), the kind's `complete`, puts the resource's where none is said. */
#define HL_DOCKER_NAME                                                                                                                                         \
    {                                                                                                                                                          \
        .name = "name", .type = HL_F_STRING, .immutable = true, .doc = "name in Docker; default: the resource's name"                                          \
    }
void hl_docker_complete_name(struct hl_check *check, struct hl_value *body);
/* The kind's `claims`: a name in Docker is of one object, though 20.10 makes a second network of it when two are made at once. */
void hl_docker_claim_name(struct hl_arena *arena, const char *resource, const struct hl_value *body, struct hl_value *list);
/* The same for a name that another row holds. */
void hl_docker_claim(struct hl_arena *arena, const struct hl_value *name, struct hl_value *list);

#define HL_DOCKER_DRIVER_OPTIONS(an_example)                                                                                                                   \
    {                                                                                                                                                          \
        .name = "driver_opts", .type = HL_F_MAP, .item = HL_F_STRING, .immutable = true, .doc = "options for the driver", .example = (an_example)              \
    }

/* Said for compose's sake: what the spec only refers to needs no block. */
#define HL_DOCKER_EXTERNAL                                                                                                                                     \
    {                                                                                                                                                          \
        .name = "external", .type = HL_F_ANY, .local = true, .check = hl_docker_check_external,                                                                \
        .doc = "not supported: what the spec does not declare is taken as it is in Docker, so drop the block"                                                  \
    }
void hl_docker_check_external(struct hl_check *check, const struct hl_value *value);

#endif
