#include "config.h"

#include "reconcile/transport/git_internal.h"

#include "schema/base/crypto.h"

#include <string.h>

/* OpenSSH's own form (PROTOCOL.key): "openssh-key-v1" NUL, the cipher's name, and so on, with the public half in the clear. */
static const char magic[] = "openssh-key-v1";

static bool holds(const char *data, size_t length, const char *part)
{
    return memmem(data, length, part, strlen(part)) != NULL;
}

/* What stands between the first and the last line, without line ends. */
static const char *armoured(struct hl_arena *arena, const char *text, size_t length, size_t *out_length)
{
    const char *at = memchr(text, '\n', length);
    const char *end = at == NULL ? NULL : memmem(at, length - (size_t)(at - text), "-----END", 8);
    char *out = NULL;
    size_t used = 0;

    if (end == NULL)
        return NULL;
    out = hl_arena_alloc(arena, (size_t)(end - at) + 1);
    for (; at < end; at++)
        if (*at != '\n' && *at != '\r' && *at != ' ')
            out[used++] = *at;
    return hl_base64_decode(arena, HL_BASE64, out, used, out_length);
}

static struct hl_git_key_facts look_within(struct hl_arena *arena, const char *text, size_t length)
{
    struct hl_git_key_facts facts = {.is_key = true};
    size_t raw_length = 0;
    const char *raw = armoured(arena, text, length, &raw_length);
    const char *cipher = raw == NULL ? NULL : raw + sizeof(magic) + 4;

    if (raw == NULL || raw_length < sizeof(magic) + 8 || memcmp(raw, magic, sizeof(magic)) != 0)
        return (struct hl_git_key_facts){0};
    facts.encrypted = strncmp(cipher, "none", 4) != 0;
    facts.rsa = holds(raw, raw_length, "ssh-rsa");
    return facts;
}

struct hl_git_key_facts hl_git_key_look(struct hl_arena *arena, const char *text, size_t length)
{
    if (holds(text, length, "-----BEGIN OPENSSH PRIVATE KEY-----"))
        return look_within(arena, text, length);
    if (!holds(text, length, "-----BEGIN ") || !holds(text, length, "PRIVATE KEY-----"))
        return (struct hl_git_key_facts){0};
    return (struct hl_git_key_facts){
        .is_key = true,
        .encrypted = holds(text, length, "ENCRYPTED"),
        .rsa = holds(text, length, "BEGIN RSA "),
    };
}
