#include "config.h"

#include "reconcile/render/render.h"

#include <string.h>

void hl_sink_put(const struct hl_sink *sink, const char *text, size_t length)
{
    hl_auto(text) struct hl_text safe = HL_TEXT_INIT(HL_MAX_RENDER);

    if (length == 0)
        return;
    hl_redact(sink->redactor, &safe, text, length);
    if (sink->journal) {
        hl_auto(text) struct hl_text lines = HL_TEXT_INIT(HL_MAX_RENDER);

        hl_journal_lines(&lines, hl_text_get(&safe), safe.length);
        (void)fwrite(hl_text_get(&lines), 1, lines.length, sink->stream);
        return;
    }
    /* Whether it arrived is asked once, by hl_sink_flush. */
    (void)fwrite(hl_text_get(&safe), 1, safe.length, sink->stream);
}

void hl_sink_puts(const struct hl_sink *sink, const char *text)
{
    hl_sink_put(sink, text, strlen(text));
}

void hl_sink_text(const struct hl_sink *sink, const struct hl_text *text)
{
    hl_sink_put(sink, hl_text_get(text), text->length);
}

void hl_sink_printf(const struct hl_sink *sink, const char *format, ...)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_RENDER);
    va_list args;

    va_start(args, format);
    hl_text_vprintf(&text, format, args);
    va_end(args);
    hl_sink_text(sink, &text);
}

bool hl_sink_flush(const struct hl_sink *sink)
{
    return fflush(sink->stream) == 0 && ferror(sink->stream) == 0;
}
