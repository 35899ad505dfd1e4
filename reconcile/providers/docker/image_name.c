#include "config.h"

#include "reconcile/providers/docker/image_name.h"

#include "schema/base/text.h"

#include <string.h>

enum { DIGEST_HEX = 64, MAX_TAG = 128 };

static const char lower_alphanumeric[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char hexadecimal[] = "0123456789abcdef";

static bool is_hash(const char *text)
{
    return strlen(text) == DIGEST_HEX && strspn(text, hexadecimal) == DIGEST_HEX;
}

static bool is_digest(const char *text)
{
    return hl_starts_with(text, "sha256:") ? is_hash(text + 7) : hl_starts_with(text, "sha512:") && strspn(text + 7, hexadecimal) == 2 * DIGEST_HEX;
}

static bool is_tag(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    const size_t length = strlen(text);

    return length > 0 && length <= MAX_TAG && strspn(text, allowed) == length && text[0] != '.' && text[0] != '-';
}

/* A host with or without a port; IPv6 addresses stand in brackets. */
static bool is_domain(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    const size_t host = text[0] == '[' ? strspn(text + 1, "0123456789abcdefABCDEF:.") + 2 : strspn(text, allowed);
    int64_t port = 0;

    if (host == 0 || (text[0] == '[' && (strlen(text) < host || text[host - 1] != ']')))
        return false;
    return text[host] == '\0' || (text[host] == ':' && hl_parse_int(text + host + 1, 1, 65535, &port));
}

/* Each part between slashes begins and ends with a letter or digit. */
static bool is_path(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";

    for (;;) {
        const size_t length = strcspn(text, "/");
        if (length == 0 || strspn(text, allowed) < length || strchr(lower_alphanumeric, text[0]) == NULL ||
            strchr(lower_alphanumeric, text[length - 1]) == NULL)
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

/* The part before the first '/' is a registry when it looks like a host; else it belongs to the path, on Docker Hub. */
static void split_domain(struct hl_arena *arena, const char *text, struct hl_image_name *out)
{
    const char *slash = strchr(text, '/');

    out->domain = "docker.io";
    out->path = text;
    if (slash != NULL) {
        const char *first = hl_arena_copy(arena, text, (size_t)(slash - text));
        if (strpbrk(first, ".:") != NULL || strcmp(first, "localhost") == 0) {
            out->domain = strcmp(first, "index.docker.io") == 0 ? "docker.io" : first;
            out->path = slash + 1;
        }
    }
    if (strcmp(out->domain, "docker.io") == 0 && strchr(out->path, '/') == NULL)
        out->path = hl_arena_printf(arena, "library/%s", out->path);
}

static bool is_image_id(const char *text)
{
    return (hl_starts_with(text, "sha256:") && is_hash(text + 7)) || is_hash(text);
}

bool hl_image_name_parse(struct hl_arena *arena, const char *text, struct hl_image_name *out, const char **problem)
{
    *out = (struct hl_image_name){0};
    if (is_image_id(text)) {
        out->id = strchr(text, ':') != NULL ? hl_arena_strdup(arena, text) : hl_arena_printf(arena, "sha256:%s", text);
        return true;
    }
    char *rest = hl_arena_strdup(arena, text);
    char *at = strchr(rest, '@');
    if (at != NULL) {
        *at = '\0';
        out->digest = at + 1;
        if (!is_digest(out->digest)) {
            *problem = "the digest behind '@' is not sha256:<64 hexadecimal digits>";
            return false;
        }
    }
    char *colon = strrchr(rest, ':');
    if (colon != NULL && strchr(colon, '/') == NULL) {
        *colon = '\0';
        out->tag = colon + 1;
        if (!is_tag(out->tag)) {
            *problem = "the tag behind ':' may hold letters, digits, '_', '.' and '-' only";
            return false;
        }
    }
    if (out->tag == NULL && out->digest == NULL)
        out->tag = "latest";
    split_domain(arena, rest, out);
    if (!is_domain(out->domain)) {
        *problem = "the part before the first '/' is no host";
        return false;
    }
    if (!is_path(out->path)) {
        *problem = "an image's name is made of lower-case letters, digits, '_', '.', '-' and '/'";
        return false;
    }
    return true;
}

const char *hl_image_name_repository(struct hl_arena *arena, const struct hl_image_name *name)
{
    return name->id != NULL ? name->id : hl_arena_printf(arena, "%s/%s", name->domain, name->path);
}

const char *hl_image_name_format(struct hl_arena *arena, const struct hl_image_name *name)
{
    if (name->id != NULL)
        return name->id;
    return hl_arena_printf(arena, "%s/%s%s%s%s%s", name->domain, name->path, name->tag != NULL ? ":" : "", name->tag != NULL ? name->tag : "",
                           name->digest != NULL ? "@" : "", name->digest != NULL ? name->digest : "");
}

bool hl_image_name_equal(const char *a, const char *b)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_image_name left, right;
    const char *problem = NULL;

    if (strcmp(a, b) == 0)
        return true;
    if (!hl_image_name_parse(arena, a, &left, &problem) || !hl_image_name_parse(arena, b, &right, &problem))
        return false;
    if (left.digest != NULL && right.digest != NULL)
        left.tag = right.tag = NULL;
    return strcmp(hl_image_name_format(arena, &left), hl_image_name_format(arena, &right)) == 0;
}
