#include "config.h"

#include "reconcile/forge/session.h"

#include <string.h>

/* One line, masked, at most so many characters: a forge that gets more takes none of it. */
static const char *short_description(struct hl_forge_session *session)
{
    const char *text = session->post->description == NULL ? "" : session->post->description;
    const size_t most = session->forge->description_most;
    hl_auto(text) struct hl_text masked = HL_TEXT_INIT(HL_MAX_RENDER);
    hl_auto(text) struct hl_text clean = HL_TEXT_INIT(HL_MAX_RENDER);
    size_t characters = 0;
    size_t cut = 0; /* where the text ends when there must be room for dots */

    hl_redact(session->post->redactor, &masked, text, strlen(text));
    hl_text_put_escaped(&clean, hl_text_get(&masked), masked.length);
    for (size_t at = 0; at < clean.length; characters++) {
        uint32_t code = 0;
        const size_t size = hl_utf8_decode(clean.data + at, clean.length - at, &code);

        cut = characters + 3 <= most ? at : cut;
        at += size > 0 ? size : 1;
    }
    if (characters <= most)
        return hl_arena_copy(session->arena, hl_text_get(&clean), clean.length);
    return hl_arena_printf(session->arena, "%.*s...", (int)cut, hl_text_get(&clean));
}

static struct hl_value *make_body(struct hl_forge_session *session)
{
    const struct hl_forge_post *post = session->post;
    struct hl_value *body = hl_value_map(session->arena);

    hl_value_map_put_text(body, "state", session->forge->states[post->state]);
    hl_value_map_put_text(body, session->forge->context_name, hl_is_blank(post->context) ? "hlrec" : post->context);
    hl_value_map_put_text(body, "description", short_description(session));
    hl_value_map_put_text(body, "target_url", post->target_url);
    if (post->pipeline > 0)
        hl_value_map_put_int(body, "pipeline_id", post->pipeline);
    return body;
}

static bool has_state_already(const struct hl_forge_session *session, const struct hl_forge_answer *answer)
{
    return answer->response.status == 400 && session->forge->same_state != NULL &&
           strstr(hl_text_get(&answer->response.body), session->forge->same_state) != NULL;
}

bool hl_forge_put_status(struct hl_forge_session *session, bool *set, struct hl_error **err)
{
    const struct hl_forge_call call = {.method = "POST", .path = hl_forge_path(session, session->forge->status, 0), .body = make_body(session)};
    hl_auto(forge_answer) struct hl_forge_answer answer = {.uncertain = false};
    long status;

    if (!hl_forge_perform(session, &call, &answer, err))
        return hl_wrap(err, "setting the status of commit '%.12s'", session->post->head);
    status = answer.response.status;
    *set = (status >= 200 && status < 300) || has_state_already(session, &answer);
    if (*set || (session->post->fork && (status == 403 || status == 404)))
        return true;
    (void)hl_forge_rejected(session, &answer, session->forge->status_rights, err);
    return hl_wrap(err, "setting the status of commit '%.12s'", session->post->head);
}
