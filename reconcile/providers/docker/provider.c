/* The provider type `docker`: its settings, and whether the engine answers. */
#include "config.h"

#include "reconcile/providers/docker/client.h"
#include "reconcile/providers/docker/kinds.h"

#include <string.h>

static const struct hl_field tls_fields[] = {
    {.name = "ca", .type = HL_F_STRING, .doc = "certificate of the authority that signed the engine's, PEM", .example = "ca.pem"},
    {.name = "cert", .type = HL_F_STRING, .doc = "our certificate, PEM", .example = "cert.pem"},
    {.name = "key", .type = HL_F_STRING, .doc = "its key, PEM", .example = "key.pem"},
    {.name = NULL},
};

static const struct hl_field login_fields[] = {
    {.name = "username", .type = HL_F_STRING, .required = true, .doc = "name to log in with"},
    {.name = "password", .type = HL_F_STRING, .required = true, .sensitive = true, .doc = "password or access token", .example = "\"${secret.GHCR_TOKEN}\""},
    {.name = NULL},
};

static const struct hl_field fields[] = {
    {.name = "host",
     .type = HL_F_STRING,
     .doc = "where the engine listens: unix:///path or tcp://host:port; default: DOCKER_HOST, else unix:///var/run/docker.sock",
     .example = "unix:///var/run/docker.sock"},
    {.name = "tls", .type = HL_F_OBJECT, .fields = tls_fields, .forms = HL_FORM_TRUE, .doc = "certificates for a tcp:// host; files, relative to the spec"},
    {.name = "registries",
     .type = HL_F_MAP,
     .item = HL_F_OBJECT,
     .fields = login_fields,
     .doc = "credentials for private registries, by host name; default: those of `docker login`",
     .example = "{ghcr.io: {username: me, password: \"${secret.GHCR_TOKEN}\"}}"},
    {.name = "settle", .type = HL_F_DURATION, .fallback = "1s", .doc = "how long a new container without a health check must keep running to count as started"},
    {.name = "settle_replaced",
     .type = HL_F_DURATION,
     .fallback = "5s",
     .doc = "the same for a container that takes the place of another, which is kept until then"},
    {.name = NULL},
};

static void report_engine(struct hl_docker *docker, struct hl_text *report)
{
    const char *engine = hl_value_get_text(docker->version, "Version");
    const char *arch = hl_value_get_text(docker->version, "Arch");
    const char *os = hl_value_get_text(docker->version, "Os");
    const char *newest = hl_value_get_text(docker->version, "ApiVersion");

    hl_text_printf(report, "Docker Engine %s (%s/%s) at %s, API 1.%d of up to %s\n", engine != NULL ? engine : "?", os != NULL ? os : "?",
                   arch != NULL ? arch : "?", docker->host, docker->minor, newest != NULL ? newest : "?");
}

/* For `doctor`: the lists that every plan reads. A socket proxy may forbid single ones. */
static bool report_rights(struct hl_docker *docker, struct hl_text *report, struct hl_error **err)
{
    static const struct {
        const char *path, *what;
    } lists[] = {
        {"/containers/json?limit=1", "containers"},
        {"/networks", "networks"},
        {"/volumes", "volumes"},
        {"/images/json", "images"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_value *answer = NULL;

    for (size_t i = 0; i < HL_COUNT(lists); i++) {
        if (!hl_docker_get(docker, arena, lists[i].path, &answer, err))
            return hl_wrap(err, "listing %s", lists[i].what);
        hl_text_printf(report, "may list %s\n", lists[i].what);
    }
    return true;
}

static bool docker_ready(struct hl_session *session, struct hl_text *report, struct hl_error **err)
{
    struct hl_docker *docker = hl_docker_of(session);
    int minor = 0;

    if (!hl_docker_negotiate(docker, &minor, err))
        return false;
    if (report == NULL)
        return true;
    report_engine(docker, report);
    return report_rights(docker, report, err);
}

static size_t docker_requests(struct hl_session *session)
{
    return hl_http_stats(hl_docker_of(session)->http).requests;
}

static const struct hl_provider_verbs verbs = {
    .open = hl_docker_open,
    .close = hl_docker_close,
    .ready = docker_ready,
    .requests = docker_requests,
};

const struct hl_provider_type hl_provider_docker = {
    .name = "docker",
    .doc = "a Docker Engine, 20.10 or newer: containers, networks and volumes",
    .example = "host: \"tcp://192.168.1.10:2376\"\ntls: {ca: ca.pem, cert: cert.pem, key: key.pem}\n",
    .fields = fields,
    .implicit = true,
    .verbs = &verbs,
};
