#include "config.h"

#include "tests/lab/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lab_log {
    int file; /* -1: nowhere */
};

struct lab_log *lab_log_open(const char *path)
{
    struct lab_log *log = hl_alloc(sizeof(*log));

    log->file = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (path != NULL && log->file < 0) {
        free(log);
        return NULL;
    }
    return log;
}

void lab_log_close(struct lab_log *log)
{
    if (log != NULL && log->file >= 0)
        close(log->file);
    free(log);
}

static void put_member(struct hl_text *line, const char *key, const char *text)
{
    hl_text_printf(line, "%s\"%s\":", line->length > 1 ? "," : "", key);
    hl_json_put_string(line, text, strlen(text));
}

/* One write a line: with O_APPEND it stays whole, and who reads the file sees what was answered. */
void lab_log_write(struct lab_log *log, const char *api, const struct lab_call *call, int status, const char *fault)
{
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(HL_MAX_BODY);

    if (log->file < 0)
        return;
    hl_text_putc(&line, '{');
    put_member(&line, "api", api);
    put_member(&line, "method", call->method);
    put_member(&line, "path", call->path);
    put_member(&line, "query", call->query_text);
    hl_text_printf(&line, ",\"status\":%d", status);
    if (fault != NULL)
        put_member(&line, "fault", fault);
    hl_text_printf(&line, ",\"received_us\":%" PRId64 ",\"answered_us\":%" PRId64, call->received_ns / 1000, lab_now_ns() / 1000);
    hl_text_puts(&line, "}\n");
    if (write(log->file, hl_text_get(&line), line.length) < 0)
        abort();
}
