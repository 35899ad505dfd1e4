#include "config.h"

#include "reconcile/cli/notify_form.h"

#include "schema/base/text.h"

#include <string.h>
#include <strings.h>

/* Below what each service takes: ntfy makes an attachment of more than 4,096 bytes, Discord refuses more than 2,000 characters, Slack cuts. */
enum { TEXT_KEPT = 3500, DISCORD_KEPT = 1800 };

/* ---- where it goes ---- */

static const struct {
    const char *prefix;
    enum hl_notify_form form;
} schemes[] = {
    {"ntfy+", HL_NOTIFY_NTFY}, {"gotify+", HL_NOTIFY_GOTIFY}, {"discord+", HL_NOTIFY_DISCORD}, {"slack+", HL_NOTIFY_SLACK}, {"", HL_NOTIFY_GENERIC},
};

static const struct {
    const char *origin;
    enum hl_notify_form form;
} hosts[] = {
    {"https://ntfy.sh", HL_NOTIFY_NTFY},
    {"https://discord.com", HL_NOTIFY_DISCORD},
    {"https://discordapp.com", HL_NOTIFY_DISCORD},
    {"https://hooks.slack.com", HL_NOTIFY_SLACK},
};

static bool fail_url(const char *option, const char *why, struct hl_error **err)
{
    hl_fail(err, HL_E_SPEC, "the URL of --%s %s", option, why);
    return hl_error_hint(err,
                         "such as https://hooks.example.org/hlrec or ntfy+https://ntfy.example.org/topic; it is not shown here, since it may hold a token");
}

/* Blanks, control characters and bytes beyond ASCII have no place in a URL. */
static bool is_clean(const char *url)
{
    for (const unsigned char *at = (const unsigned char *)url; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f)
            return false;
    }
    return true;
}

static bool has_token(const char *token)
{
    return !hl_is_blank(token);
}

/* `{token}` within the path; *used tells whether it was there. */
static const char *fill_token(struct hl_arena *arena, const char *path, const char *token, bool *used)
{
    static const char mark[] = "{token}";
    const char *at = strstr(path, mark);

    *used = at != NULL;
    if (at == NULL)
        return path;
    return hl_arena_printf(arena, "%s%s%s", hl_arena_copy(arena, path, (size_t)(at - path)), has_token(token) ? token : "", at + strlen(mark));
}

static const char *strip_scheme(const char *url, enum hl_notify_form *form)
{
    for (size_t i = 0; i < HL_COUNT(schemes); i++) {
        if (strncasecmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0) {
            *form = schemes[i].form;
            return url + strlen(schemes[i].prefix);
        }
    }
    return url;
}

static enum hl_notify_form form_of_host(const char *origin)
{
    for (size_t i = 0; i < HL_COUNT(hosts); i++) {
        if (strcasecmp(origin, hosts[i].origin) == 0)
            return hosts[i].form;
    }
    return HL_NOTIFY_GENERIC;
}

bool hl_notify_parse(struct hl_arena *arena, const char *option, const char *url, const char *token, struct hl_notify_target *out, struct hl_error **err)
{
    bool in_path;
    const char *rest = strip_scheme(url, &out->form);
    const char *authority = hl_starts_with(rest, "https://") ? rest + 8 : hl_starts_with(rest, "http://") ? rest + 7 : NULL;

    if (authority == NULL)
        return fail_url(option, "begins with none of https://, http://, ntfy+https://, gotify+https://, discord+https://, slack+https://", err);
    if (!is_clean(rest))
        return fail_url(option, "holds a blank, a control character or what is not ASCII", err);

    const size_t length = strcspn(authority, "/?#");
    const char *path = authority + length;

    if (length == 0)
        return fail_url(option, "names no host", err);
    if (memchr(authority, '@', length) != NULL)
        return fail_url(option, "holds a user or password; give a token by HLREC_NOTIFY_TOKEN or HLREC_NOTIFY_TOKEN_FILE", err);
    if (strchr(path, '#') != NULL)
        return fail_url(option, "has a fragment", err);
    out->origin = hl_arena_copy(arena, rest, (size_t)(path - rest));
    if (out->form == HL_NOTIFY_GENERIC)
        out->form = form_of_host(out->origin);
    out->path = fill_token(arena, *path == '/' ? path : hl_arena_printf(arena, "/%s", path), token, &in_path);
    if (in_path && !has_token(token))
        return fail_url(option, "has a '{token}', and neither HLREC_NOTIFY_TOKEN nor HLREC_NOTIFY_TOKEN_FILE is set", err);
    if (!is_clean(out->path))
        return fail_url(option, "holds a blank, a control character or what is not ASCII, by its token", err);
    /* These two know no header: the token may be another service's. */
    out->token = in_path || !has_token(token) || out->form == HL_NOTIFY_DISCORD || out->form == HL_NOTIFY_SLACK ? NULL : token;
    if (out->form == HL_NOTIFY_NTFY && strrchr(out->path, '/')[1] == '\0')
        return fail_url(option, "names no topic: ntfy+https://HOST/TOPIC", err);
    return true;
}

/* ---- what it says ---- */

/* At most `maximum` bytes, whole characters. */
static const char *cut(struct hl_arena *arena, const char *text, size_t maximum)
{
    size_t length = strlen(text);

    if (length <= maximum)
        return text;
    length = maximum;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return hl_arena_printf(arena, "%s\n...", hl_arena_copy(arena, text, length));
}

static void make_ntfy(struct hl_arena *arena, const struct hl_notify_target *target, const struct hl_notice *notice, struct hl_notify_post *out)
{
    const size_t query = strcspn(target->path, "?");
    const char *path = hl_arena_copy(arena, target->path, query);
    const char *slash = strrchr(path, '/');
    struct hl_value *tags = hl_value_list(arena);

    hl_value_list_add(arena, tags, hl_value_text(arena, notice->is_failure ? "warning" : "arrows_counterclockwise"));
    /* JSON goes to the root; headers could not hold UTF-8. */
    out->path = hl_arena_printf(arena, "%s%s", hl_arena_copy(arena, path, (size_t)(slash - path) + 1), target->path + query);
    hl_value_map_put_text(out->body, "topic", slash + 1);
    hl_value_map_put_text(out->body, "title", notice->title);
    hl_value_map_put_text(out->body, "message", cut(arena, notice->text, TEXT_KEPT));
    hl_value_map_put_int(out->body, "priority", notice->is_failure ? 4 : 3);
    hl_value_map_put(out->body, "tags", tags);
}

static void make_gotify(struct hl_arena *arena, const struct hl_notify_target *target, const struct hl_notice *notice, struct hl_notify_post *out)
{
    const size_t query = strcspn(target->path, "?");
    size_t length = query;

    while (length > 0 && target->path[length - 1] == '/')
        length--;

    const char *path = hl_arena_copy(arena, target->path, length);

    out->path = hl_arena_printf(arena, "%s%s%s", path, hl_ends_with(path, "/message") ? "" : "/message", target->path + query);
    hl_value_map_put_text(out->body, "title", notice->title);
    hl_value_map_put_text(out->body, "message", cut(arena, notice->text, TEXT_KEPT));
    hl_value_map_put_int(out->body, "priority", notice->is_failure ? 8 : 4);
    out->header = "X-Gotify-Key";
}

/* In a block of code nothing is markup; a backquote could end it. */
static void make_discord(struct hl_arena *arena, const struct hl_notice *notice, struct hl_notify_post *out)
{
    struct hl_value *mentions = hl_value_map(arena);
    char *text = hl_arena_printf(arena, "%s\n%s", notice->title, cut(arena, notice->text, DISCORD_KEPT));

    for (char *at = text; *at != '\0'; at++)
        *at = *at == '`' ? '\'' : *at;
    hl_value_map_put(mentions, "parse", hl_value_list(arena));
    hl_value_map_put_text(out->body, "content", hl_arena_printf(arena, "```\n%s\n```", cut(arena, text, DISCORD_KEPT)));
    hl_value_map_put(out->body, "allowed_mentions", mentions);
}

static void make_slack(struct hl_arena *arena, const struct hl_notice *notice, struct hl_notify_post *out)
{
    hl_auto(text) struct hl_text text = HL_TEXT_INIT(HL_MAX_OUTPUT);

    for (const char *at = hl_arena_printf(arena, "%s\n%s", notice->title, cut(arena, notice->text, TEXT_KEPT)); *at != '\0'; at++) {
        if (*at == '&' || *at == '<' || *at == '>')
            hl_text_puts(&text, *at == '&' ? "&amp;" : *at == '<' ? "&lt;" : "&gt;");
        else
            hl_text_putc(&text, *at);
    }
    hl_value_map_put_text(out->body, "text", hl_text_get(&text));
}

void hl_notify_make(struct hl_arena *arena, const struct hl_notify_target *target, const struct hl_notice *notice, struct hl_notify_post *out)
{
    *out = (struct hl_notify_post){.path = target->path, .body = hl_value_map(arena), .header = "Authorization"};
    switch (target->form) {
    case HL_NOTIFY_GENERIC:
        out->body = notice->value;
        break;
    case HL_NOTIFY_NTFY:
        make_ntfy(arena, target, notice, out);
        break;
    case HL_NOTIFY_GOTIFY:
        make_gotify(arena, target, notice, out);
        break;
    case HL_NOTIFY_DISCORD:
        make_discord(arena, notice, out);
        break;
    case HL_NOTIFY_SLACK:
        make_slack(arena, notice, out);
        break;
    }
    if (target->token == NULL)
        out->header = NULL;
    else
        out->header_value = target->form == HL_NOTIFY_GOTIFY ? target->token : hl_arena_printf(arena, "Bearer %s", target->token);
}
