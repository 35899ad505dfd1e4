#include "config.h"

#include "reconcile/transport/git_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SUGGESTIONS = 3, FARTHEST = 3, ID_DIGITS = 40 };

/* --- What is asked for --- */

static bool is_hex(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

bool hl_git_parse_id(const char *text, git_oid *out)
{
    if (strlen(text) != ID_DIGITS || !is_hex(text))
        return false;
    return git_oid_fromstrn(out, text, ID_DIGITS) == 0;
}

static const char *lower(struct hl_arena *arena, const char *text)
{
    char *out = hl_arena_strdup(arena, text);

    for (char *at = out; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'F')
            *at = (char)(*at - 'A' + 'a');
    return out;
}

/* pull/7, pull/7/head, pull/7/merge, and GitLab's merge-requests: what people copy from a page. A branch of such a name is refs/heads/pull/7. */
static const char *pull_request(struct hl_arena *arena, const char *ref)
{
    const char *number = hl_starts_with(ref, "pull/") ? ref + 5 : hl_starts_with(ref, "merge-requests/") ? ref + 15 : NULL;
    size_t digits = number == NULL ? 0 : strspn(number, "0123456789");

    if (digits == 0)
        return NULL;
    if (number[digits] == '\0')
        return hl_arena_printf(arena, "refs/%s/head", ref);
    if (strcmp(number + digits, "/head") == 0 || strcmp(number + digits, "/merge") == 0)
        return hl_arena_printf(arena, "refs/%s", ref);
    return NULL;
}

static bool is_valid(const char *full)
{
    int valid = 0;

    return git_reference_name_is_valid(&valid, full) == 0 && valid != 0;
}

bool hl_git_wanted_parse(struct hl_arena *arena, const char *ref, struct hl_git_wanted *out, struct hl_error **err)
{
    hl_auto(text) struct hl_text shown = HL_TEXT_INIT(1024);
    const char *pull = ref == NULL ? NULL : pull_request(arena, ref);

    if (hl_is_blank(ref) || strcmp(ref, "HEAD") == 0) {
        *out = (struct hl_git_wanted){.kind = HL_GIT_WANT_HEAD, .given = "HEAD", .ref = "HEAD"};
        return true;
    }
    hl_text_put_escaped(&shown, ref, strlen(ref));
    *out = (struct hl_git_wanted){.kind = HL_GIT_WANT_NAME, .given = hl_arena_strdup(arena, hl_text_get(&shown)), .ref = hl_arena_strdup(arena, ref)};
    if (strlen(ref) == ID_DIGITS && is_hex(ref)) {
        out->kind = HL_GIT_WANT_ID;
        out->ref = lower(arena, ref);
    } else if (pull != NULL || hl_starts_with(ref, "refs/")) {
        out->kind = HL_GIT_WANT_REF;
        out->ref = pull == NULL ? out->ref : pull;
    }
    if (is_hex(ref) && strlen(ref) == 64) {
        hl_fail(err, HL_E_SPEC, "'%s' is a commit id of a SHA-256 repository, which is not supported", out->given);
        return hl_error_hint(err, "libgit2 reads SHA-1 repositories, as all forges make them by default");
    }
    /* git refuses a dash in front as well, so that no ref is taken for an option. */
    if (*ref == '-' || (out->kind != HL_GIT_WANT_ID && !is_valid(out->kind == HL_GIT_WANT_REF ? out->ref : hl_arena_printf(arena, "refs/heads/%s", ref)))) {
        hl_fail(err, HL_E_SPEC, "'%s' cannot be the name of a git ref", out->given);
        return hl_error_hint(err, "give a branch, a tag, a commit id of 40 digits, pull/7, merge-requests/7 or a full name such as refs/heads/main");
    }
    return true;
}

/* --- What the remote has --- */

static const git_remote_head *find(const git_remote_head *const *heads, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(heads[i]->name, name) == 0)
            return heads[i];
    return NULL;
}

/* The name without refs/heads/ or refs/tags/; NULL for anything else, and for what a tag points at. */
static const char *short_name(const char *name)
{
    if (hl_ends_with(name, "^{}"))
        return NULL;
    if (hl_starts_with(name, "refs/heads/"))
        return name + 11;
    return hl_starts_with(name, "refs/tags/") ? name + 10 : NULL;
}

struct suggestion {
    size_t distance;
    const char *name;
};

static void keep_best(struct suggestion *best, size_t distance, const char *name)
{
    for (size_t i = 0; i < SUGGESTIONS; i++) {
        if (best[i].name != NULL && best[i].distance <= distance)
            continue;
        memmove(best + i + 1, best + i, (SUGGESTIONS - i - 1) * sizeof(*best));
        best[i] = (struct suggestion){.distance = distance, .name = name};
        return;
    }
}

static bool suggest(const struct hl_git_wanted *wanted, const git_remote_head *const *heads, size_t count, struct hl_error **err)
{
    hl_auto(text) struct hl_text names = HL_TEXT_INIT(1024);
    struct suggestion best[SUGGESTIONS] = {0};
    const char *given = short_name(wanted->ref) == NULL ? wanted->ref : short_name(wanted->ref);

    for (size_t i = 0; i < count; i++) {
        const char *name = short_name(heads[i]->name);
        size_t distance = name == NULL ? FARTHEST + 1 : hl_edit_distance(given, name, FARTHEST);

        if (distance <= FARTHEST)
            keep_best(best, distance, name);
    }
    for (size_t i = 0; i < SUGGESTIONS && best[i].name != NULL; i++) {
        hl_text_puts(&names, i == 0 ? "'" : ", '");
        hl_text_put_escaped(&names, best[i].name, strlen(best[i].name));
        hl_text_puts(&names, "'");
    }
    return names.length > 0 && hl_text_ok(&names) ? hl_error_hint(err, "did you mean %s?", hl_text_get(&names)) : false;
}

static bool fail_absent(const struct hl_git_wanted *wanted, const char *shown, const git_remote_head *const *heads, size_t count, struct hl_error **err)
{
    if (wanted->kind == HL_GIT_WANT_HEAD) {
        hl_fail(err, HL_E_NOT_FOUND, count == 0 ? "'%s' has no commits yet" : "'%s' has no default branch: its HEAD points at nothing", shown);
        return hl_error_hint(err, count == 0 ? "push a commit with the spec" : "name a branch: --ref main");
    }
    if (wanted->kind == HL_GIT_WANT_NAME) {
        hl_fail(err, HL_E_NOT_FOUND, "'%s' has no branch or tag '%s'", shown, wanted->given);
        suggest(wanted, heads, count, err);
        return is_hex(wanted->ref) && strlen(wanted->ref) >= 7 ? hl_error_hint(err, "a commit is named by all 40 digits of its id") : false;
    }
    hl_fail(err, HL_E_NOT_FOUND, "'%s' has no '%s'", shown, wanted->ref);
    if (hl_starts_with(wanted->ref, "refs/pull/"))
        return hl_error_hint(err, "there is no such pull request, its head was deleted, or the server hides refs/pull");
    if (hl_starts_with(wanted->ref, "refs/merge-requests/"))
        return hl_error_hint(err, "there is no such merge request, its head was deleted, or the server hides refs/merge-requests");
    return suggest(wanted, heads, count, err);
}

/* An annotated tag is listed twice: itself, and with ^{} what it points at in the end. */
static bool take(struct hl_arena *arena, const git_remote_head *const *heads, size_t count, const git_remote_head *head, struct hl_git_found *out)
{
    const git_remote_head *peeled = hl_starts_with(head->name, "refs/tags/") ? find(heads, count, hl_arena_printf(arena, "%s^{}", head->name)) : NULL;

    *out = (struct hl_git_found){.ref = hl_arena_strdup(arena, head->name), .id = peeled == NULL ? head->oid : peeled->oid};
    return true;
}

static void find_id(struct hl_arena *arena, const char *id, const git_remote_head *const *heads, size_t count, struct hl_git_found *out)
{
    *out = (struct hl_git_found){.ref = NULL};
    hl_git_parse_id(id, &out->id);
    for (size_t i = 0; i < count && out->ref == NULL; i++) {
        size_t length = strlen(heads[i]->name) - (hl_ends_with(heads[i]->name, "^{}") ? 3 : 0);
        const char *name = git_oid_equal(&heads[i]->oid, &out->id) ? hl_arena_copy(arena, heads[i]->name, length) : NULL;

        if (name != NULL && is_valid(name))
            out->ref = name;
    }
}

bool hl_git_wanted_find(struct hl_arena *arena, const struct hl_git_wanted *wanted, const char *shown, const git_remote_head *const *heads, size_t count,
                        struct hl_git_found *out, struct hl_error **err)
{
    const git_remote_head *branch = NULL, *tag = NULL;

    if (wanted->kind == HL_GIT_WANT_ID) {
        find_id(arena, wanted->ref, heads, count, out);
        return true;
    }
    if (wanted->kind == HL_GIT_WANT_NAME) {
        branch = find(heads, count, hl_arena_printf(arena, "refs/heads/%s", wanted->ref));
        tag = find(heads, count, hl_arena_printf(arena, "refs/tags/%s", wanted->ref));
    } else {
        branch = find(heads, count, wanted->ref);
    }
    /* git itself takes the tag, forges show the branch: with both, who can make one could swap what is applied. */
    if (branch != NULL && tag != NULL) {
        hl_fail(err, HL_E_SPEC, "'%s' has both a branch and a tag '%s'", shown, wanted->given);
        return hl_error_hint(err, "say which: refs/heads/%s or refs/tags/%s", wanted->given, wanted->given);
    }
    if (branch == NULL && tag == NULL)
        return fail_absent(wanted, shown, heads, count, err);
    return take(arena, heads, count, branch == NULL ? tag : branch, out);
}
