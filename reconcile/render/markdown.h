/* Text that is only itself in Markdown, whatever it holds. Private to render and its tests. */
#ifndef HL_RECONCILE_RENDER_MARKDOWN_H
#define HL_RECONCILE_RENDER_MARKDOWN_H

#include "schema/base/text.h"

/* A name or value as code, also within a table. */
void hl_markdown_code(struct hl_text *out, const char *text);
/* A sentence. */
void hl_markdown_prose(struct hl_text *out, const char *text);
/* A block of lines. */
void hl_markdown_fence(struct hl_text *out, const char *language, const char *text);

#endif
