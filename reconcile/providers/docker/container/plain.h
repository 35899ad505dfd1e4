/* Fields that stand in the engine's JSON as they stand in the spec: one row each, for both directions. */
#ifndef HL_DOCKER_CONTAINER_PLAIN_H
#define HL_DOCKER_CONTAINER_PLAIN_H

#include "schema/base/value.h"

enum hl_plain_form { HL_PLAIN_TEXT, HL_PLAIN_BOOL, HL_PLAIN_INT, HL_PLAIN_LIST, HL_PLAIN_MAP };

struct hl_plain {
    const char *field; /* of the spec */
    const char *key;   /* in Config, or in HostConfig when `host` */
    enum hl_plain_form form;
    bool host;
    bool image;           /* taken from the image when the spec is silent */
    const char *usual[2]; /* what the engine fills in by itself; not worth to be written into a spec */
};

extern const struct hl_plain hl_plain_fields[]; /* ends with .field = NULL */

/* The spec's value as the engine takes it; NULL for unset. */
struct hl_value *hl_plain_to_engine(struct hl_arena *arena, const struct hl_plain *plain, const struct hl_value *value);
/* The engine's value as the spec would say it; NULL for what means unset. Not normalised. */
struct hl_value *hl_plain_from_engine(struct hl_arena *arena, const struct hl_plain *plain, const struct hl_value *value);

#endif
