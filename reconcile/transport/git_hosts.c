#include "config.h"

#include "reconcile/transport/git_internal.h"

#include "schema/base/crypto.h"

#include <string.h>

/* known_hosts as sshd(8) of OpenSSH 9.2 describes it. libssh2's reader is not used: one line that it does not understand makes it refuse the whole file, it
 * knows no wildcards, and it cannot tell a changed key from an unknown one. */

enum { SSH_PORT = 22, DIGEST = 20 };

struct word {
    const char *text;
    size_t length;
};

struct line {
    struct word marker, hosts, kind, key;
    unsigned number;
};

static bool word_is(struct word word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.text, text, word.length) == 0;
}

static struct word next_word(const char **at, const char *end)
{
    struct word word = {0};

    while (*at < end && (**at == ' ' || **at == '\t'))
        (*at)++;
    word.text = *at;
    while (*at < end && **at != ' ' && **at != '\t' && **at != '\r')
        (*at)++;
    word.length = (size_t)(*at - word.text);
    return word;
}

/* False for blank lines, comments, and what has too few words. */
static bool parse_line(const char *at, const char *end, struct line *line)
{
    line->marker = (struct word){0};
    line->hosts = next_word(&at, end);
    if (line->hosts.length == 0 || line->hosts.text[0] == '#')
        return false;
    if (line->hosts.text[0] == '@') {
        line->marker = line->hosts;
        line->hosts = next_word(&at, end);
    }
    line->kind = next_word(&at, end);
    line->key = next_word(&at, end);
    return line->key.length > 0;
}

/* --- Names --- */

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

/* '*' is any text, '?' any character; on a mismatch the last star takes one more. */
static bool matches_pattern(struct word pattern, const char *name)
{
    size_t at = 0, star = SIZE_MAX;
    const char *resume = name;

    while (*name != '\0') {
        if (at < pattern.length && pattern.text[at] == '*') {
            star = at++;
            resume = name;
        } else if (at < pattern.length && (pattern.text[at] == '?' || lower(pattern.text[at]) == *name)) {
            at++;
            name++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (at < pattern.length && pattern.text[at] == '*')
        at++;
    return at == pattern.length;
}

/* |1|SALT|HMAC, both in base64. */
static bool matches_hash(struct hl_arena *arena, struct word hashed, const char *name)
{
    const char *salt = hashed.text + 3;
    const char *bar = memchr(salt, '|', hashed.length - 3);
    unsigned char digest[DIGEST];
    size_t salt_length = 0, wanted_length = 0;

    if (bar == NULL)
        return false;

    const char *salt_bytes = hl_base64_decode(arena, HL_BASE64, salt, (size_t)(bar - salt), &salt_length);
    const char *wanted = hl_base64_decode(arena, HL_BASE64, bar + 1, hashed.length - (size_t)(bar + 1 - hashed.text), &wanted_length);

    if (salt_bytes == NULL || wanted == NULL || wanted_length != DIGEST)
        return false;
    hl_git_hmac_sha1((const unsigned char *)salt_bytes, salt_length, name, strlen(name), digest);
    return memcmp(digest, wanted, DIGEST) == 0;
}

/* A negated pattern that matches rules the line out, wherever it stands. */
static bool matches(struct hl_arena *arena, struct word hosts, const char *name)
{
    const char *at = hosts.text, *end = hosts.text + hosts.length;
    bool found = false;

    if (hosts.length > 3 && memcmp(hosts.text, "|1|", 3) == 0)
        return matches_hash(arena, hosts, name);
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma == NULL ? end : comma;
        bool negated = at < stop && *at == '!';
        struct word pattern = {.text = at + negated, .length = (size_t)(stop - at) - negated};

        if (matches_pattern(pattern, name)) {
            if (negated)
                return false;
            found = true;
        }
        at = comma == NULL ? end : comma + 1;
    }
    return found;
}

/* --- Keys --- */

/* The kind that a raw key names itself: a length of four bytes, then the text. */
static struct word kind_of(const unsigned char *key, size_t length)
{
    size_t name = length < 4 ? 0 : (size_t)key[0] << 24 | (size_t)key[1] << 16 | (size_t)key[2] << 8 | key[3];

    if (length < 4 || name > length - 4)
        return (struct word){.text = "", .length = 0};
    return (struct word){.text = (const char *)key + 4, .length = name};
}

static bool is_same_key(struct hl_arena *arena, struct word text, const struct hl_git_host_search *search)
{
    size_t length = 0;
    const char *raw = hl_base64_decode(arena, HL_BASE64, text.text, text.length, &length);

    return search->key != NULL && raw != NULL && length == search->key_length && memcmp(raw, search->key, length) == 0;
}

static void add_kind(struct hl_arena *arena, struct hl_git_host_search *search, struct word kind)
{
    const char *one = hl_arena_printf(arena, "%.*s ", (int)kind.length, kind.text);

    if (kind.length < 64 && strstr(search->kinds, one) == NULL)
        search->kinds = hl_arena_printf(arena, "%s%s", search->kinds, one);
}

static void decide(struct hl_git_host_search *search, enum hl_git_known verdict, unsigned line)
{
    static const int weights[] = {
        [HL_GIT_HOST_UNKNOWN] = 0,
        [HL_GIT_HOST_CHANGED] = 1,
        [HL_GIT_HOST_KNOWN] = 2,
        [HL_GIT_HOST_REVOKED] = 3,
    };

    if (weights[verdict] > weights[search->verdict]) {
        search->verdict = verdict;
        search->line = line;
    }
}

/* `exact` is false for a line that names the host without its port: OpenSSH takes it when the key is right, and draws no conclusion when it is not. */
static void weigh(struct hl_arena *arena, const struct line *line, bool exact, struct hl_git_host_search *search)
{
    bool same = is_same_key(arena, line->key, search);
    struct word shown = kind_of(search->key, search->key_length);

    if (word_is(line->marker, "@revoked")) {
        if (same)
            decide(search, HL_GIT_HOST_REVOKED, line->number);
        return;
    }
    if (line->marker.length > 0)
        return;
    add_kind(arena, search, line->kind);
    if (same)
        decide(search, HL_GIT_HOST_KNOWN, line->number);
    else if (exact && search->key != NULL && shown.length == line->kind.length && memcmp(shown.text, line->kind.text, shown.length) == 0)
        decide(search, HL_GIT_HOST_CHANGED, line->number);
}

void hl_git_hosts_search(struct hl_arena *arena, const char *text, size_t length, struct hl_git_host_search *search)
{
    const char *name = search->port == SSH_PORT ? search->host : hl_arena_printf(arena, "[%s]:%d", search->host, search->port);
    const char *at = text, *end = text + length;
    struct line line = {.number = 0};

    if (search->kinds == NULL)
        search->kinds = "";
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop == NULL ? end : stop;
        line.number++;
        if (parse_line(at, stop, &line)) {
            if (matches(arena, line.hosts, name))
                weigh(arena, &line, true, search);
            else if (search->port != SSH_PORT && matches(arena, line.hosts, search->host))
                weigh(arena, &line, false, search);
        }
        at = stop + 1;
    }
}
