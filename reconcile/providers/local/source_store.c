/* Values from stores: {infisical: {...}}, {openbao: {...}}. And which session of a store is meant. */
#include "config.h"

#include "reconcile/providers/infisical/infisical.h"
#include "reconcile/providers/local/local.h"
#include "reconcile/providers/openbao/openbao.h"

#include <string.h>

/* Nothing said means the instance that is named as its type, as the spec was checked; else the only one. */
struct hl_session *hl_local_store(const struct hl_session *session, const char *type, const struct hl_value *where)
{
    const char *provider = hl_value_get_text(where, "provider");
    struct hl_session *store = hl_session_used(session, type, provider != NULL ? provider : type);

    if (store == NULL && provider == NULL)
        store = hl_session_used(session, type, NULL);
    return store != NULL && strcmp(store->type->name, type) == 0 ? store : NULL;
}

bool hl_local_need_store(const struct hl_session *session, const char *type, const struct hl_value *where, struct hl_session **store, struct hl_error **err)
{
    const char *provider = hl_value_get_text(where, "provider");

    *store = hl_local_store(session, type, where);
    if (*store != NULL)
        return true;
    hl_fail(err, HL_E_UNREACHABLE, "there is no open provider '%s' of type '%s'", provider != NULL ? provider : type, type);
    return hl_error_hint(err, "say where it is: `providers: {%s: {type: %s, url: ...}}`", provider != NULL ? provider : type, type);
}

bool hl_local_is_away(const struct hl_error *error)
{
    return error->code == HL_E_UNREACHABLE || error->code == HL_E_TIMEOUT || error->code == HL_E_AUTH;
}

bool hl_source_infisical(struct hl_source *source, struct hl_value **value, struct hl_error **err)
{
    const struct hl_value *where = hl_value_get(source->desired, "infisical");
    const struct hl_infisical_place place = hl_infisical_place(where, source->name);
    struct hl_infisical_secret found;
    struct hl_session *store = NULL;

    *value = NULL;
    if (!hl_local_need_store(source->session, "infisical", where, &store, err))
        return hl_wrap(err, "reading the value from %s", hl_infisical_describe(NULL, source->arena, &place));
    const char *what = hl_infisical_describe(store, source->arena, &place);
    if (!hl_infisical_read(store, source->arena, &place, false, &found, err))
        return hl_wrap(err, "reading the value from %s", what);
    source->hint = "make it in Infisical";
    if (found.value == NULL) {
        source->missing = hl_arena_printf(source->arena, "there is no %s%s", what, found.folder_exists ? "" : ", nor its folder");
        return true;
    }
    source->missing = hl_arena_printf(source->arena, "%s is empty", what);
    return hl_source_take(source, found.value->text.data, found.value->text.length, what, value, err);
}

bool hl_source_openbao(struct hl_source *source, struct hl_value **value, struct hl_error **err)
{
    const struct hl_value *where = hl_value_get(source->desired, "openbao");
    const struct hl_openbao_place place = hl_openbao_place(where, source->name);
    struct hl_value *found = NULL;
    struct hl_session *store = NULL;

    *value = NULL;
    if (!hl_local_need_store(source->session, "openbao", where, &store, err))
        return hl_wrap(err, "reading the value from %s", hl_openbao_describe(NULL, source->arena, &place));
    const char *what = hl_openbao_describe(store, source->arena, &place);
    if (!hl_openbao_read(store, source->arena, &place, false, &found, err))
        return hl_wrap(err, "reading the value from %s", what);
    source->hint = "put it there (bao kv patch; bao kv put for a path that is new)";
    source->missing = hl_arena_printf(source->arena, "there is no %s", what);
    if (found == NULL)
        return true;
    const char *text = hl_value_to_text(source->arena, found);
    if (text == NULL || found->type == HL_REAL) {
        hl_fail(err, HL_E_FAILED, "%s is a %s, not a text", what, hl_type_name(found->type));
        return hl_error_hint(err, "store it as a string");
    }
    source->missing = hl_arena_printf(source->arena, "%s is empty", what);
    return hl_source_take(source, text, found->type == HL_TEXT ? found->text.length : strlen(text), what, value, err);
}
