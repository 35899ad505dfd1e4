#include "config.h"

#include "reconcile/render/render.h"

void hl_render_run(struct hl_text *out, const struct hl_run_row *row)
{
    const struct {
        int64_t count;
        const char *word;
    } parts[] = {{row->created, "created"}, {row->updated, "updated"}, {row->replaced, "replaced"},
                 {row->deleted, "deleted"}, {row->failed, "failed"},   {row->deferred, "deferred"}};
    bool first = true;

    for (size_t i = 0; i < HL_COUNT(parts); i++) {
        if (parts[i].count <= 0)
            continue;
        hl_text_printf(out, "%s%lld %s", first ? "" : ", ", (long long)parts[i].count, parts[i].word);
        first = false;
    }
}
