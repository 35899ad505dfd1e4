#include "config.h"

#include "schema/base/error.h"

#include "schema/base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAXIMUM = 64 * 1024 };

static const char *const code_names[] = {
    [HL_E_FAILED] = "failed",           [HL_E_SPEC] = "spec",       [HL_E_LOCKED] = "locked",           [HL_E_REJECTED] = "rejected",
    [HL_E_UNREACHABLE] = "unreachable", [HL_E_AUTH] = "auth",       [HL_E_NOT_FOUND] = "not_found",     [HL_E_CONFLICT] = "conflict",
    [HL_E_REFUSED] = "refused",         [HL_E_TIMEOUT] = "timeout", [HL_E_INTERRUPTED] = "interrupted", [HL_E_NOT_SET_UP] = "not_set_up",
};
_Static_assert(HL_COUNT(code_names) == HL_E_CODES, "a name for each code");

const char *hl_code_name(enum hl_code code)
{
    return code_names[code];
}

static char *format_message(const char *format, va_list args) HL_PRINTF(1, 0);

static char *format_message(const char *format, va_list args)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(MESSAGE_MAXIMUM);

    hl_text_vprintf(&text, format, args);
    return hl_text_take(&text);
}

/* Takes the message over. A caller that does not want to know passes err == NULL. */
static bool push(struct hl_error **err, enum hl_code code, char *message)
{
    if (err == NULL) {
        free(message);
        return false;
    }

    struct hl_error *error = hl_alloc(sizeof(*error));

    error->code = code;
    error->message = message;
    error->cause = *err;
    *err = error;
    return false;
}

bool hl_fail(struct hl_error **err, enum hl_code code, const char *format, ...)
{
    va_list args;

    assert(err == NULL || *err == NULL);
    va_start(args, format);

    char *message = format_message(format, args);

    va_end(args);
    return push(err, code, message);
}

bool hl_wrap(struct hl_error **err, const char *format, ...)
{
    va_list args;

    va_start(args, format);

    char *message = format_message(format, args);

    va_end(args);
    return push(err, err != NULL && *err != NULL ? (*err)->code : HL_E_FAILED, message);
}

bool hl_fail_errno(struct hl_error **err, int number, const char *format, ...)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(MESSAGE_MAXIMUM);
    va_list args;

    assert(err == NULL || *err == NULL);
    va_start(args, format);
    hl_text_vprintf(&text, format, args);
    va_end(args);
    /* strerror() has a buffer per thread in glibc since 2.32, and constant texts in musl. */
    hl_text_printf(&text, ": %s", strerror(number));
    return push(err, HL_E_FAILED, hl_text_take(&text));
}

static struct hl_error *newest(struct hl_error **err)
{
    return err == NULL ? NULL : *err;
}

bool hl_error_hint(struct hl_error **err, const char *format, ...)
{
    struct hl_error *error = newest(err);
    va_list args;

    if (error == NULL || error->hint != NULL)
        return false;
    va_start(args, format);
    error->hint = format_message(format, args);
    va_end(args);
    return false;
}

bool hl_error_address(struct hl_error **err, const char *address)
{
    struct hl_error *error = newest(err);

    if (error != NULL && error->address == NULL)
        error->address = hl_strdup(address);
    return false;
}

bool hl_error_place(struct hl_error **err, const char *file, struct hl_span at)
{
    struct hl_error *error = newest(err);

    if (error != NULL && error->file == NULL) {
        error->file = hl_strdup(file);
        error->at = at;
    }
    return false;
}

/* Query and user part of a URL can hold tokens, so neither gets in. */
static void put_bare_url(struct hl_text *out, const char *url)
{
    const char *scheme_end = strstr(url, "://");
    const char *host = scheme_end == NULL ? url : scheme_end + 3;
    size_t authority = strcspn(host, "/?#");

    hl_text_append(out, url, (size_t)(host - url));
    for (size_t i = authority; i > 0; i--) {
        if (host[i - 1] == '@') {
            host += i;
            break;
        }
    }
    hl_text_append(out, host, strcspn(host, "?#"));
}

bool hl_error_http(struct hl_error **err, const char *method, const char *url, long status)
{
    struct hl_error *error = newest(err);
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(MESSAGE_MAXIMUM);

    if (error == NULL || error->http != NULL)
        return false;
    hl_text_printf(&text, "%s ", method);
    put_bare_url(&text, url);
    if (status > 0)
        hl_text_printf(&text, " -> %ld", status);
    else
        hl_text_puts(&text, " -> no answer");
    error->http = hl_text_take(&text);
    return false;
}

void hl_error_free(struct hl_error *error)
{
    while (error != NULL) {
        struct hl_error *cause = error->cause;

        free(error->message);
        free(error->address);
        free(error->file);
        free(error->http);
        free(error->hint);
        free(error);
        error = cause;
    }
}

void hl_error_clear(struct hl_error **err)
{
    hl_error_free(*err);
    *err = NULL;
}

char *hl_error_text(const struct hl_error *error)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_OUTPUT);

    for (; error != NULL; error = error->cause) {
        hl_text_puts(&text, error->message);
        if (error->cause != NULL)
            hl_text_puts(&text, ": ");
    }
    return hl_text_take(&text);
}
