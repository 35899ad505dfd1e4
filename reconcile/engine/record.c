/* What is written into the state about a resource: the last place before the disk, where everything secret is marked, so that it is sealed. */
#include "config.h"

#include "reconcile/engine/internal.h"

#include <string.h>

static bool holds_secret(const struct hl_redactor *redactor, const struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT))
        return hl_redactor_finds(redactor, value->text.data, value->text.length);
    for (size_t i = 0; i < hl_value_members(value); i++) {
        const char *key = hl_value_key(value, i);
        if (hl_redactor_finds(redactor, key, strlen(key)) || holds_secret(redactor, hl_value_at(value, i)))
            return true;
    }
    for (size_t i = 0; hl_value_is(value, HL_LIST) && i < hl_value_count(value); i++) {
        if (holds_secret(redactor, hl_value_item(value, i)))
            return true;
    }
    return false;
}

/* Each text alone, so that what is no secret can still be read in the file; a map with a secret for a key is marked with its keys. */
static void mark_secrets(const struct hl_redactor *redactor, struct hl_value *value)
{
    if (hl_value_is(value, HL_TEXT) && holds_secret(redactor, value))
        hl_value_mark_sensitive(value);
    for (size_t i = 0; hl_value_is(value, HL_LIST) && i < hl_value_count(value); i++)
        mark_secrets(redactor, hl_value_item(value, i));
    for (size_t i = 0; i < hl_value_members(value); i++) {
        const char *key = hl_value_key(value, i);
        if (hl_redactor_finds(redactor, key, strlen(key)))
            hl_value_mark_sensitive(value);
        else
            mark_secrets(redactor, hl_value_at(value, i));
    }
}

/* Systems tell values as they have them. What the spec made from a secret is one, and so is a text in which a known secret stands. */
static struct hl_value *confidential(struct hl_engine *engine, struct hl_value *value, const struct hl_value *like)
{
    if (value == NULL || (!hl_value_has_sensitive(like) && !holds_secret(engine->run.redactor, value)))
        return value;
    struct hl_value *marked = hl_value_copy(engine->arena, value);
    hl_value_mark_like(marked, like);
    mark_secrets(engine->run.redactor, marked);
    return marked;
}

bool engine_is_confidential(const struct hl_value *value, const struct hl_value *like)
{
    if (hl_value_is_null(value) || like == NULL)
        return true;
    if (like->sensitive || (like->type == HL_LIST && hl_value_has_sensitive(like)))
        return hl_value_has_sensitive(value);
    for (size_t i = 0; i < hl_value_members(value); i++) {
        if (!engine_is_confidential(hl_value_at(value, i), hl_value_get(like, hl_value_key(value, i))))
            return false;
    }
    return true;
}

bool engine_record(struct hl_engine *engine, const struct hl_record *record, const struct hl_value *like, struct hl_error **err)
{
    struct hl_record written = *record;

    written.desired = confidential(engine, record->desired, like);
    written.live = confidential(engine, record->live, like != NULL ? like : record->desired);
    return hl_store_record(engine->store, &written, err);
}
