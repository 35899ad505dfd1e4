/* What is done with an answer: its headers, and the words of a refusal. Knows nothing of curl. */
#include "config.h"

#include "reconcile/transport/http.h"

#include "schema/base/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LOOKED_AT = 64 * 1024, /* of an answer that refuses */
    SHOWN = 400,           /* of its words */
    DEEPEST = 6,           /* lists and maps around the words */
};

void hl_http_response_clear(struct hl_http_response *response)
{
    free(response->url);
    hl_text_clear(&response->body);
    hl_text_clear(&response->headers);
    response->url = NULL;
    response->status = 0;
}

const char *hl_http_header(const struct hl_http_response *response, struct hl_arena *arena, const char *name)
{
    const char *line = hl_text_get(&response->headers);
    size_t name_length = strlen(name);

    for (const char *end; *line != '\0'; line = *end == '\0' ? end : end + 1) {
        end = line + strcspn(line, "\n");
        if (strncasecmp(line, name, name_length) != 0 || line[name_length] != ':')
            continue;

        const char *value = line + name_length + 1;
        const char *behind = end;

        while (value < behind && strchr(" \t", *value) != NULL)
            value++;
        while (behind > value && strchr(" \t\r", behind[-1]) != NULL)
            behind--;
        return hl_arena_copy(arena, value, (size_t)(behind - value));
    }
    return NULL;
}

void hl_http_escape(struct hl_text *out, const char *text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
        hl_text_puts(out, text[1] == '\0' ? "%2E" : "%2E%2E");
        return;
    }
    while (*text != '\0') {
        size_t plain = strspn(text, unreserved);

        hl_text_append(out, text, plain);
        text += plain;
        if (*text != '\0')
            hl_text_printf(out, "%%%02X", (unsigned)(unsigned char)*text++);
    }
}

/* The words within `value`: where APIs put them, else the first text there is, with the key above it, since some answer
 * {"name": ["is required"]}. */
static const char *find_words(struct hl_arena *arena, const struct hl_value *value, int depth)
{
    static const char *const keys[] = {"message", "error", "errors", "detail"};

    if (depth > DEEPEST || value == NULL)
        return NULL;
    if (value->type == HL_TEXT)
        return value->text.length > 0 ? value->text.data : NULL;
    for (size_t i = 0; value->type == HL_LIST && i < value->list.count; i++) {
        const char *words = find_words(arena, value->list.items[i], depth + 1);

        if (words != NULL)
            return words;
    }
    if (value->type != HL_MAP)
        return NULL;
    for (size_t i = 0; i < HL_COUNT(keys); i++) {
        const char *words = find_words(arena, hl_value_get(value, keys[i]), depth + 1);

        if (words != NULL)
            return words;
    }
    for (size_t i = 0; i < hl_value_count(value); i++) {
        const char *words = find_words(arena, hl_value_at(value, i), depth + 1);

        if (words != NULL)
            return hl_arena_printf(arena, "%s: %s", hl_value_key(value, i), words);
    }
    return NULL;
}

static const char *words_of_body(struct hl_arena *arena, const struct hl_http_response *response)
{
    const char *body = hl_text_get(&response->body);
    const char *type = hl_http_header(response, arena, "Content-Type");
    hl_auto(error) struct hl_error *no_json = NULL;
    struct hl_value *value = NULL;

    if (type != NULL && strncasecmp(type, "text/html", 9) == 0)
        return "an HTML page instead of the API's answer";
    body += strspn(body, " \t\r\n");
    if ((*body == '{' || *body == '[' || *body == '"') && response->body.length <= LOOKED_AT &&
        hl_json_decode(arena, hl_text_get(&response->body), response->body.length, &value, &no_json))
        return find_words(arena, value, 0);
    return *body == '\0' ? NULL : hl_arena_copy(arena, body, strnlen(body, LOOKED_AT));
}

/* Masked before it is cut, so that no half of a secret is left; in one line, without control characters. */
static void put_words(struct hl_text *out, const char *words, const struct hl_redactor *redactor)
{
    hl_auto(text) struct hl_text masked = HL_TEXT_INIT(2 * LOOKED_AT);
    hl_auto(text) struct hl_text line = HL_TEXT_INIT(2 * LOOKED_AT);

    hl_redact(redactor, &masked, words, strlen(words));
    for (const char *at = hl_text_get(&masked); *at != '\0';) {
        size_t blanks = strspn(at, " \t\r\n");
        size_t word = strcspn(at + blanks, " \t\r\n");

        if (blanks > 0 && line.length > 0 && word > 0)
            hl_text_putc(&line, ' ');
        hl_text_append(&line, at + blanks, word);
        at += blanks + word;
    }

    size_t length = line.length;

    if (length > SHOWN) {
        /* Not in the middle of a character. */
        for (length = SHOWN; length > 0 && ((unsigned char)line.data[length] & 0xc0) == 0x80; length--)
            continue;
    }
    hl_text_put_escaped(out, hl_text_get(&line), length);
    if (length < line.length)
        hl_text_puts(out, "...");
}

static enum hl_code code_of(long status)
{
    switch (status) {
    case 401:
    case 403:
        return HL_E_AUTH;
    case 404:
        return HL_E_NOT_FOUND;
    case 409:
        return HL_E_CONFLICT;
    default:
        return status >= 500 ? HL_E_UNREACHABLE : HL_E_REJECTED;
    }
}

bool hl_http_rejected(const struct hl_http_response *response, const struct hl_redactor *redactor, struct hl_error **err)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(text) struct hl_text message = HL_TEXT_INIT(4 * LOOKED_AT);
    const char *words = words_of_body(arena, response);

    hl_text_printf(&message, "the API answered %ld", response->status);
    if (words != NULL) {
        hl_text_puts(&message, ": ");
        put_words(&message, words, redactor);
    }
    hl_fail(err, code_of(response->status), "%s", hl_text_get(&message));
    if (response->status >= 300 && response->status < 400)
        hl_error_hint(err, "the API redirects, and redirects are not followed: check the URL (http or https, its path)");
    if (response->status == 401)
        hl_error_hint(err, "check the credentials of the provider");
    return hl_error_http(err, response->method, response->url, response->status);
}
