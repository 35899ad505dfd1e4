#include "config.h"

#include "reconcile/providers/shared/place.h"

#include "schema/base/text.h"

#include <string.h>

struct hl_value *hl_place_normal_path(struct hl_arena *arena, struct hl_value *value, const char *root)
{
    hl_auto(text) struct hl_text path = HL_TEXT_INIT(HL_MAX_TEMPLATE);

    if (!hl_value_is(value, HL_TEXT))
        return value;
    hl_text_puts(&path, root);
    for (const char *at = value->text.data; *at != '\0';) {
        const size_t part = strcspn(at, "/");
        if (part > 0 && path.length > strlen(root))
            hl_text_putc(&path, '/');
        hl_text_append(&path, at, part);
        at += part + (at[part] == '/' ? 1 : 0);
    }
    struct hl_value *normal = hl_value_text(arena, hl_text_get(&path));
    normal->at = value->at;
    return normal;
}

const char *hl_place_identity(struct hl_arena *arena, const char *store, const char *path, const char *key, const struct hl_value *where,
                              const char *const *members)
{
    hl_auto(text) struct hl_text identity = HL_TEXT_INIT(HL_MAX_TEMPLATE);
    char separator = '?';

    hl_text_printf(&identity, "%s:%s%s%s", store, path, key != NULL ? "#" : "", key != NULL ? key : "");
    for (; *members != NULL; members++) {
        const char *text = hl_value_get_text(where, *members);
        if (text == NULL)
            continue;
        hl_text_printf(&identity, "%c%s=%s", separator, *members, text);
        separator = '&';
    }
    return hl_arena_copy(arena, hl_text_get(&identity), identity.length);
}
