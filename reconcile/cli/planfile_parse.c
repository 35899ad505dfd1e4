/* What stands in a plan file. It is no boundary of trust (the seals are checked against a plan made anew), but it may be damaged, or another file. */
#include "config.h"

#include "reconcile/cli/planfile.h"

#include "schema/base/json.h"

#include <string.h>

enum { SALT_HEX = 32 };

static bool load_list(struct hl_arena *arena, const struct hl_value *options, const char *name, const char *const **out)
{
    const struct hl_value *list = hl_value_get(options, name);
    const size_t count = hl_value_count(list);

    if (!hl_value_is(list, HL_LIST))
        return false;
    *out = NULL;
    if (count == 0)
        return true;

    const char **items = hl_arena_alloc(arena, (count + 1) * sizeof(*items));

    for (size_t i = 0; i < count; i++) {
        const struct hl_value *item = hl_value_item(list, i);

        if (!hl_value_is(item, HL_TEXT))
            return false;
        items[i] = item->text.data;
    }
    *out = items;
    return true;
}

static bool load_options(struct hl_arena *arena, const struct hl_value *map, struct hl_plan_options *out)
{
    const struct hl_value *share = hl_value_get(map, "max_destroy_share");

    *out = (struct hl_plan_options){
        .destroy = hl_value_get_bool(map, "destroy", false),
        .refresh_only = hl_value_get_bool(map, "refresh_only", false),
        .drift_only = hl_value_get_bool(map, "drift_only", false),
        .adopt = hl_value_get_bool(map, "adopt", false),
        .allow_destroy = hl_value_get_bool(map, "allow_destroy", false),
        .max_destroy = hl_value_get_int(map, "max_destroy", -1),
        .max_destroy_share = hl_value_is(share, HL_REAL)  ? share->real
                             : hl_value_is(share, HL_INT) ? (double)share->integer
                                                          : -1,
    };
    return load_list(arena, map, "targets", &out->targets) && load_list(arena, map, "excludes", &out->excludes) &&
           load_list(arena, map, "replaces", &out->replaces);
}

bool hl_planfile_parse(struct hl_arena *arena, const char *path, const char *text, size_t length, struct hl_saved_plan *out, struct hl_error **err)
{
    struct hl_value *map = NULL;

    if (!hl_json_decode(arena, text, length, &map, err)) {
        hl_error_clear(err);
        map = NULL;
    }
    if (!hl_value_is(map, HL_MAP) || hl_value_get(map, "hlrec_plan") == NULL) {
        hl_fail(err, HL_E_SPEC, "'%s' is no plan file", path);
        return hl_error_hint(err, "`hlrec plan --out FILE` writes one; a spec is named with --file");
    }
    if (hl_value_get_int(map, "hlrec_plan", 0) != HL_PLANFILE_VERSION)
        return hl_fail(err, HL_E_SPEC, "plan file '%s' has a form that this version does not know", path);
    out->stack = hl_value_get_text(map, "stack");
    out->state_id = hl_value_get_text(map, "state_id");
    out->spec_hash = hl_value_get_text(map, "spec_hash");
    out->digest = hl_value_get_text(map, "digest");
    out->salt = hl_value_get_text(map, "salt");
    out->serial = hl_value_get_int(map, "serial", -1);
    if ((out->state_id != NULL && out->state_id[0] == '\0' && (out->salt == NULL || strlen(out->salt) != SALT_HEX)) || out->stack == NULL ||
        out->state_id == NULL || out->spec_hash == NULL || out->digest == NULL || out->serial < 0 ||
        !load_options(arena, hl_value_get(map, "options"), &out->options))
        return hl_fail(err, HL_E_SPEC, "plan file '%s' is damaged", path);
    return true;
}
