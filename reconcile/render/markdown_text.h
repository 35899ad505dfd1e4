/* Text that is only itself in Markdown, whatever it holds: CommonMark, and what GitHub, Gitea, Forgejo and GitLab add to it. Private to render and its tests.
 *
 * Names and values come from strangers. In what these functions write nothing is a link, an image, a mention of a person, a reference to an issue, HTML, the
 * end of a table, a code span or a fence, or the beginning of a line that GitLab takes for a command; nothing is invisible or turns the reading direction.
 * Secrets are masked before anything is escaped: in an escaped text the redactor would not find them. */
#ifndef HL_RECONCILE_RENDER_MARKDOWN_TEXT_H
#define HL_RECONCILE_RENDER_MARKDOWN_TEXT_H

#include "schema/base/redact.h"

/* `text` masked, with all that cannot be seen as \xNN or \u{N}. With `lines`, line ends stay. */
void hl_markdown_clean(struct hl_text *out, const struct hl_redactor *redactor, const char *text, size_t length, bool lines);

/* A name or value as code, also within a table. At most `most` bytes are written for it (0: no limit); what is longer ends in "...". */
void hl_markdown_code(struct hl_text *out, const struct hl_redactor *redactor, const char *text, size_t most);
/* A sentence of ours, which may hold names of theirs: as words where it is nothing else, as code where it might be. `most` likewise. */
void hl_markdown_prose(struct hl_text *out, const struct hl_redactor *redactor, const char *text, size_t most);
/* A name within an element of HTML: <summary><code>. */
void hl_markdown_html_code(struct hl_text *out, const struct hl_redactor *redactor, const char *text, size_t most);
/* A block of lines. The text must be clean. */
void hl_markdown_fence(struct hl_text *out, const char *language, const char *text, size_t length);

#endif
