/* What a notification looks like to each service. */
#ifndef HL_RECONCILE_CLI_NOTIFY_FORM_H
#define HL_RECONCILE_CLI_NOTIFY_FORM_H

#include "schema/base/error.h"

enum hl_notify_form {
    HL_NOTIFY_GENERIC, /* hlrec's own JSON; `Authorization: Bearer` when there is a token */
    HL_NOTIFY_NTFY,    /* https://docs.ntfy.sh/publish/#publish-as-json */
    HL_NOTIFY_GOTIFY,  /* https://gotify.net/docs/pushmsg, 2.x */
    HL_NOTIFY_DISCORD, /* https://discord.com/developers/docs/resources/webhook#execute-webhook */
    HL_NOTIFY_SLACK,   /* https://api.slack.com/messaging/webhooks */
};

/* Where it goes. `origin` may be shown; `path` (with the query) may hold a token. */
struct hl_notify_target {
    enum hl_notify_form form;
    const char *origin, *path;
    const char *token; /* to be sent as a header; NULL when there is none, or when it stands in the path */
};

/* What is to be told: redacted already. */
struct hl_notice {
    bool is_failure;
    const char *title, *text;
    struct hl_value *value; /* the generic form */
};

struct hl_notify_post {
    const char *path;
    struct hl_value *body;
    const char *header, *header_value; /* NULL: none */
};

/* Reads "https://...", "ntfy+https://..."; the service may also be known by its host. `{token}` in it stands for `token`, which may be NULL. The messages of
 * errors never hold the URL. */
bool hl_notify_parse(struct hl_arena *arena, const char *option, const char *url, const char *token, struct hl_notify_target *out,
                     struct hl_error **err) HL_MUST_CHECK;
void hl_notify_make(struct hl_arena *arena, const struct hl_notify_target *target, const struct hl_notice *notice, struct hl_notify_post *out);

#endif
