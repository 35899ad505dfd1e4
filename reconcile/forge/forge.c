#include "config.h"

#include "reconcile/forge/session.h"

#include "reconcile/transport/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { SUMMARY_MOST = 1024 * 1024 }; /* what GitHub takes for one step */

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

/* "owner/name" or "group/sub/project" or "17": parts that are neither empty nor dots, which would be another path. */
static bool is_repository(const struct hl_forge *forge, const char *text)
{
    size_t parts = 0;

    if (hl_is_blank(text) || has_control(text))
        return false;
    for (const char *at = text;; at += strcspn(at, "/") + 1) {
        const size_t length = strcspn(at, "/");

        if (length == 0 || strncmp(at, "..", length) == 0)
            return false;
        parts++;
        if (at[length] == '\0')
            break;
    }
    return forge->path_is_one || parts == 2;
}

static bool wants_status(const struct hl_forge_post *post)
{
    return post->state != HL_FORGE_NO_STATUS && post->head != NULL;
}

/* A run that came late does not speak: neither in the comment nor in the status, which the newer one may have set already. */
static bool sets_status(const struct hl_forge_post *post, const struct hl_forge_result *result)
{
    return wants_status(post) && result->comment != HL_FORGE_OUTDATED;
}

static bool check(const struct hl_forge_post *post, struct hl_error **err)
{
    const struct hl_forge *forge = hl_forge_find(post->forge);

    if (forge == NULL)
        return hl_fail(err, HL_E_SPEC, "there is no forge '%s'", post->forge == NULL ? "" : post->forge);
    if (hl_is_blank(post->api)) {
        (void)hl_fail(err, HL_E_SPEC, "the address of %s's API is not known", forge->title);
        return hl_error_hint(err, "set HLREC_FORGE_URL, such as https://git.example.org/api/v1");
    }
    if (!is_repository(forge, post->repository)) {
        (void)hl_fail(err, HL_E_SPEC, "the repository of the pull request is not known");
        return hl_error_hint(err, "set HLREC_FORGE_REPOSITORY, such as owner/name");
    }
    if (post->pull <= 0 && post->markdown != NULL) {
        (void)hl_fail(err, HL_E_SPEC, "the number of the pull request is not known");
        return hl_error_hint(err, "set HLREC_FORGE_PULL, or run in a job for a pull request");
    }
    if (hl_is_blank(post->token)) {
        (void)hl_fail(err, HL_E_AUTH, "there is no token for %s", forge->title);
        return hl_error_hint(err, "set HLREC_FORGE_TOKEN or HLREC_FORGE_TOKEN_FILE");
    }
    return !wants_status(post) || hl_forge_is_id(post->head) || hl_fail(err, HL_E_SPEC, "the head of the pull request is no full commit id");
}

/* One message for both: the first failure, and that the other one failed as well. */
static void join(struct hl_error **err, struct hl_error *second)
{
    hl_auto(error) struct hl_error *owned = second;
    hl_auto(heap) char *text = NULL;

    if (second == NULL)
        return;
    if (*err == NULL) {
        *err = second;
        owned = NULL;
        return;
    }
    text = hl_error_text(second);
    (void)hl_wrap(err, "%s; and", text);
}

bool hl_forge_post(const struct hl_forge_post *post, struct hl_forge_result *result, struct hl_error **err)
{
    struct hl_forge_session session = {.forge = NULL};
    struct hl_error *status = NULL;
    bool fine = true;

    *result = (struct hl_forge_result){.comment = post->markdown == NULL ? HL_FORGE_NOT_ASKED : HL_FORGE_FAILED};
    if (!check(post, err))
        return false;
    if (!hl_forge_open(&session, post, err)) {
        hl_forge_close(&session);
        return false;
    }
    if (post->markdown != NULL)
        fine = hl_forge_put_comment(&session, &result->comment, err);
    hl_forge_begin(&session);
    if (sets_status(post, result) && !hl_forge_put_status(&session, &result->status_set, &status)) {
        fine = false;
        join(err, status);
    }
    hl_forge_close(&session);
    return fine;
}

/* ---- the run's page ---- */

static bool write_all(int file, const char *data, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(file, data, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        data += written;
        length -= (size_t)written;
    }
    return true;
}

bool hl_forge_summary(const struct hl_forge_place *place, const char *markdown, struct hl_error **err)
{
    const size_t length = strlen(markdown);
    bool fine;
    int file;

    if (hl_is_blank(place->summary))
        return true;
    if (length > SUMMARY_MOST)
        return hl_fail(err, HL_E_FAILED, "the summary of the run is longer than %d bytes", SUMMARY_MOST);
    file = open(place->summary, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (file < 0)
        return hl_fail_errno(err, errno, "opening the summary of the run '%s'", place->summary);
    fine = write_all(file, markdown, length);
    fine = (close(file) == 0 && fine) || hl_fail_errno(err, errno, "writing the summary of the run '%s'", place->summary);
    return fine;
}
