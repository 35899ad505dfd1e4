/* The spec says names, the API ids. */
#include "config.h"

#include "reconcile/providers/netbird/netbird_session.h"

#include <stdlib.h>
#include <string.h>

enum { CLOSE = 3, SHOWN_NAMES = 5 };

/* ---- to ids ---- */

/* "; there are: a, b" with the names that are close to `text`, or with all where there are only a few. */
static bool report_none(struct hl_session *session, enum hl_netbird_list list, const char *what, const char *text, struct hl_arena *arena,
                        struct hl_error **err)
{
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(4096);
    const struct hl_value **objects = NULL;
    size_t count = 0;
    size_t shown = 0;

    if (!hl_netbird_all(session, list, arena, &objects, &count, err))
        return false;
    for (size_t i = 0; i < count && shown < SHOWN_NAMES; i++) {
        const char *name = hl_netbird_name_of(list, objects[i]);
        if (name == NULL || (count > SHOWN_NAMES && hl_edit_distance(name, text, CLOSE) > CLOSE))
            continue;
        hl_text_printf(&names, "%s'%s'", shown++ > 0 ? ", " : "", name);
    }
    hl_fail(err, HL_E_NOT_FOUND, "there is no %s '%s'", what, text);
    if (shown > 0 && count > SHOWN_NAMES)
        return hl_error_hint(err, "did you mean %s?", hl_text_get(&names));
    return shown > 0 ? hl_error_hint(err, "there %s %s", shown > 1 ? "are" : "is", hl_text_get(&names)) : false;
}

static bool report_several(const char *what, const char *text, const struct hl_value *const *objects, size_t count, struct hl_error **err)
{
    hl_auto(text) struct hl_text ids = HL_TEXT_INIT(4096);

    for (size_t i = 0; i < count && i < SHOWN_NAMES; i++)
        hl_text_printf(&ids, "%s%s", i > 0 ? ", " : "", hl_value_get_text(objects[i], "id"));
    hl_fail(err, HL_E_CONFLICT, "%s '%s' is ambiguous: %zu have this name: %s%s", what, text, count, hl_text_get(&ids), count > SHOWN_NAMES ? ", ..." : "");
    return hl_error_hint(err, "write the id instead of the name, or give them names of their own");
}

bool hl_netbird_id(struct hl_session *session, enum hl_netbird_list list, const char *what, const char *text, struct hl_arena *arena, const char **id,
                   struct hl_error **err)
{
    const struct hl_value **objects = NULL;
    const struct hl_value *object = NULL;
    size_t count = 0;

    for (int tries = 0; tries < 2 && count == 0; tries++) {
        if (!hl_netbird_find(session, list, text, &object, err))
            return false;
        if (object != NULL) {
            *id = hl_arena_strdup(arena, text);
            return true;
        }
        if (!hl_netbird_named(session, list, text, arena, &objects, &count, err))
            return false;
        if (count == 0)
            hl_netbird_renew(session, list); /* a peer may have joined since */
    }
    if (count == 0)
        return report_none(session, list, what, text, arena, err);
    if (count > 1)
        return report_several(what, text, objects, count, err);
    *id = hl_arena_strdup(arena, hl_value_get_text(objects[0], "id"));
    return true;
}

static int compare_texts(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;

    return strcmp(*left, *right);
}

/* Sorted, each once. */
static struct hl_value *list_of(struct hl_arena *arena, const char **texts, size_t count)
{
    struct hl_value *list = hl_value_list(arena);

    if (count > 1)
        qsort(texts, count, sizeof *texts, compare_texts);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
            hl_value_list_add(arena, list, hl_value_text(arena, texts[i]));
    }
    return list;
}

bool hl_netbird_ids(struct hl_session *session, enum hl_netbird_list list, const char *what, const struct hl_value *names, struct hl_arena *arena,
                    struct hl_value **ids, struct hl_error **err)
{
    const char **texts = hl_arena_alloc(arena, (hl_value_count(names) + 1) * sizeof *texts);
    size_t count = 0;

    for (size_t i = 0; i < hl_value_count(names); i++) {
        const struct hl_value *name = hl_value_item(names, i);
        if (!hl_value_is(name, HL_TEXT))
            continue;
        if (!hl_netbird_id(session, list, what, name->text.data, arena, &texts[count], err))
            return false;
        count++;
    }
    *ids = list_of(arena, texts, count);
    return true;
}

/* ---- to names ---- */

bool hl_netbird_name(struct hl_session *session, enum hl_netbird_list list, const char *id, struct hl_arena *arena, const char **name, struct hl_error **err)
{
    const struct hl_value **objects = NULL;
    const struct hl_value *object = NULL;
    size_t count = 0;

    if (!hl_netbird_find(session, list, id, &object, err))
        return false;
    const char *told = object != NULL ? hl_netbird_name_of(list, object) : NULL;
    if (told != NULL && !hl_netbird_named(session, list, told, arena, &objects, &count, err))
        return false;
    *name = hl_arena_strdup(arena, count == 1 ? told : id);
    return true;
}

/* Ids come alone or within objects. */
static const char *id_in(const struct hl_value *item)
{
    return hl_value_is(item, HL_TEXT) ? item->text.data : hl_value_get_text(item, "id");
}

bool hl_netbird_names(struct hl_session *session, enum hl_netbird_list list, const struct hl_value *ids, const struct hl_value *desired, struct hl_arena *arena,
                      struct hl_value **names, struct hl_error **err)
{
    const char **texts = hl_arena_alloc(arena, (hl_value_count(ids) + 1) * sizeof *texts);
    struct hl_map said;
    size_t count = 0;

    hl_map_init(&said, arena);
    for (size_t i = 0; i < hl_value_count(desired); i++) {
        const struct hl_value *item = hl_value_item(desired, i);
        if (hl_value_is(item, HL_TEXT))
            hl_map_put(&said, item->text.data, (void *)item);
    }
    for (size_t i = 0; i < hl_value_count(ids); i++) {
        const char *id = id_in(hl_value_item(ids, i));
        if (hl_is_blank(id))
            continue;
        texts[count] = id;
        if (!hl_map_has(&said, id) && !hl_netbird_name(session, list, id, arena, &texts[count], err))
            return false;
        count++;
    }
    *names = list_of(arena, texts, count);
    return true;
}

/* ---- resources of the spec ---- */

/* What NetBird calls a resource of the spec; NULL when there is none of this name, or it is not known yet. Asking makes the dependency. */
static struct hl_value *spelled(struct hl_check *check, const char *kind, const struct hl_value *name)
{
    if (!hl_value_is(name, HL_TEXT))
        return NULL;
    const struct hl_value *found = hl_check_ask(check, kind, name->text.data, "name", name->at);
    if (!hl_value_is(found, HL_TEXT) || found->text.length == 0)
        return NULL;
    struct hl_value *text = hl_value_text(check->arena, found->text.data);
    text->at = name->at;
    return text;
}

void hl_netbird_spell(struct hl_check *check, struct hl_value *holder, const char *member, const char *kind)
{
    const struct hl_value *said = hl_value_get(holder, member);

    if (hl_value_is(said, HL_TEXT))
        hl_value_map_put(holder, member, spelled(check, kind, said));
    if (!hl_value_is(said, HL_LIST))
        return;
    struct hl_value *list = hl_value_list(check->arena);
    list->at = said->at;
    for (size_t i = 0; i < hl_value_count(said); i++) {
        struct hl_value *item = hl_value_item(said, i);
        struct hl_value *name = spelled(check, kind, item);
        hl_value_list_add(check->arena, list, name != NULL ? name : item);
    }
    hl_value_map_put(holder, member, list);
}
