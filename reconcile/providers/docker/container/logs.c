/* The end of a container's output, for the person who wants to know why it does not run. */
#include "config.h"

#include "reconcile/providers/docker/container/container.h"

#include <string.h>

enum { FRAME_HEADER = 8, MAX_LOG = 256 * 1024, LINES = 8, MAX_LINE = 200 };

void hl_container_log_unframe(struct hl_text *out, const char *data, size_t length, bool tty)
{
    if (tty) {
        hl_text_append(out, data, length);
        return;
    }
    while (length >= FRAME_HEADER) {
        const unsigned char *header = (const unsigned char *)data;
        size_t size = ((size_t)header[4] << 24) | ((size_t)header[5] << 16) | ((size_t)header[6] << 8) | header[7];
        data += FRAME_HEADER;
        length -= FRAME_HEADER;
        if (size > length)
            size = length;
        hl_text_append(out, data, size);
        data += size;
        length -= size;
    }
}

static bool keep(void *context, const char *data, size_t length)
{
    hl_text_append(context, data, length);
    return true;
}

static const char *last_lines(const char *text)
{
    const char *at = text + strlen(text);
    int lines = 0;

    while (at > text && at[-1] == '\n')
        at--;
    while (at > text) {
        if (at[-1] == '\n' && ++lines == LINES)
            break;
        at--;
    }
    return at;
}

/* In one line, as hints are; each part escaped and cut: what a container prints is not to move anybody's cursor. */
static void put_lines(struct hl_text *out, const char *text)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        size_t shown = length > 0 && text[length - 1] == '\r' ? length - 1 : length;
        if (shown > MAX_LINE) {
            for (shown = MAX_LINE; shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80; shown--)
                continue;
        }
        if (shown > 0) {
            if (out->length > 0)
                hl_text_puts(out, " | ");
            hl_text_put_escaped(out, text, shown);
            if (shown < length && text[shown] != '\r')
                hl_text_puts(out, "...");
        }
        text += length;
        text += *text == '\n';
    }
}

const char *hl_container_log_tail(struct hl_docker *docker, struct hl_arena *arena, const struct hl_value *inspection)
{
    hl_auto(error) struct hl_error *ignored = NULL;
    hl_auto(text) struct hl_text raw = HL_TEXT_INIT(MAX_LOG);
    hl_auto(text) struct hl_text plain = HL_TEXT_INIT(MAX_LOG);
    hl_auto(text) struct hl_text masked = HL_TEXT_INIT(2 * MAX_LOG);
    hl_auto(text) struct hl_text lines = HL_TEXT_INIT(MAX_LOG);
    hl_auto(http_response) struct hl_http_response response = {0};
    const struct hl_docker_call call = {
        .method = "GET",
        .path = hl_container_path(arena, hl_container_id(inspection), hl_arena_printf(arena, "/logs?stdout=1&stderr=1&tail=%d", LINES)),
        .on_data = keep,
        .context = &raw,
    };

    /* Some log drivers cannot be read: then there is nothing to show, and the reason for asking stands without it. */
    if (!hl_docker_send(docker, &call, &response, &ignored) || response.status != 200)
        return NULL;
    hl_container_log_unframe(&plain, hl_text_get(&raw), raw.length, hl_value_get_bool(hl_value_get(inspection, "Config"), "Tty", false));
    hl_redact(docker->run->redactor, &masked, hl_text_get(&plain), strlen(hl_text_get(&plain)));
    put_lines(&lines, last_lines(hl_text_get(&masked)));
    return lines.length == 0 ? NULL : hl_arena_copy(arena, hl_text_get(&lines), lines.length);
}
