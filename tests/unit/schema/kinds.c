#include "config.h"

#include "tests/unit/schema/kinds.h"

#include <string.h>

static struct hl_value *lower(struct hl_arena *arena, struct hl_value *value)
{
    if (!hl_value_is(value, HL_TEXT))
        return value;

    char *text = hl_arena_copy(arena, value->text.data, value->text.length);

    for (char *at = text; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    return hl_value_text(arena, text);
}

/* "8080:80", "80"; "80-81" stands for two. */
static struct hl_value *port(struct hl_arena *arena, const char *text, const char **problem)
{
    const char *colon = strrchr(text, ':');
    const char *target = colon == NULL ? text : colon + 1;
    const char *dash = strchr(target, '-');
    struct hl_value *result = hl_value_list(arena);
    int64_t first, last;
    char *low = hl_arena_copy(arena, target, dash == NULL ? strlen(target) : (size_t)(dash - target));

    if (!hl_parse_int(low, 1, 65535, &first) || !hl_parse_int(dash == NULL ? low : dash + 1, 1, 65535, &last)) {
        *problem = "a port is [PUBLISHED:]TARGET";
        return NULL;
    }
    for (int64_t number = first; number <= last; number++) {
        struct hl_value *item = hl_value_map(arena);

        hl_value_map_put_int(item, "target", number);
        if (colon != NULL)
            hl_value_map_put(item, "published", hl_value_bytes(arena, text, (size_t)(colon - text)));
        hl_value_list_add(arena, result, item);
    }
    return dash == NULL ? hl_value_item(result, 0) : result;
}

static void no_latest(struct hl_check *check, const struct hl_value *value)
{
    if (hl_ends_with(value->text.data, ":latest"))
        hl_diag_warning(check->diags, value->at, "image '%s' has no fixed version", value->text.data);
}

static void one_source(struct hl_check *check, const struct hl_value *body)
{
    static const char *const sources[] = {"generate", "env", "value"};
    int count = 0;

    for (size_t i = 0; i < HL_COUNT(sources); i++)
        count += hl_value_get(body, sources[i]) != NULL;
    if (count != 1)
        hl_diag_error(check->diags, body->at, "secret '%s' must have one source, has %d", check->name, count);
}

/* A container's state follows from nothing; its template's text comes from a file. */
static void complete_container(struct hl_check *check, struct hl_value *body)
{
    const struct hl_value *path = hl_value_get(body, "template");
    const char *text;
    size_t length;

    hl_value_map_put_text(body, "state", "running");
    if (!hl_value_is(path, HL_TEXT) || !check->read_file(check->files, check->arena, path->text.data, path->at, check->diags, &text, &length))
        return;
    hl_value_map_put(body, "rendered",
                     hl_template_render(check->arena, path->text.data, text, length, hl_value_get(body, "environment"), check->scope, check->diags));
}

static const char *const encodings[] = {"base64", "hex", NULL};
static const char *const restarts[] = {"no", "always", "on-failure", "unless-stopped", NULL};
static const char *const conditions[] = {"service_started", "service_healthy", NULL};

static const struct hl_field generate_fields[] = {
    {.name = "bytes", .type = HL_F_INT, .minimum = 1, .maximum = 1024, .required = true, .doc = "how many random bytes"},
    {.name = "encoding", .type = HL_F_STRING, .allowed = encodings, .normalise = lower, .fallback = "base64", .doc = "how they are written"},
    {.name = NULL},
};

static const struct hl_field secret_fields[] = {
    {.name = "generate", .type = HL_F_OBJECT, .fields = generate_fields, .doc = "make it"},
    {.name = "env", .type = HL_F_STRING, .doc = "take it from the environment"},
    {.name = "value", .type = HL_F_STRING, .sensitive = true, .doc = "the value itself"},
    {.name = "optional", .type = HL_F_BOOL, .fallback = "false", .doc = "may be absent"},
    {.name = NULL},
};

static const struct hl_field network_fields[] = {
    {.name = "subnet", .type = HL_F_STRING, .doc = "its addresses"},
    {.name = "internal", .type = HL_F_BOOL, .fallback = "false", .doc = "without a way out"},
    {.name = "id", .type = HL_F_STRING, .computed = true, .doc = "the number that the box gave it"},
    {.name = NULL},
};

static const struct hl_field port_fields[] = {
    {.name = "target", .type = HL_F_INT, .minimum = 1, .maximum = 65535, .required = true, .doc = "port within"},
    {.name = "published", .type = HL_F_STRING, .doc = "port outside"},
    {.name = NULL},
};

static const struct hl_field attachment_fields[] = {
    {.name = "aliases", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .doc = "more names"},
    {.name = NULL},
};

static const struct hl_field dependency_fields[] = {
    {.name = "condition", .type = HL_F_STRING, .allowed = conditions, .fallback = "service_started", .doc = "what to wait for"},
    {.name = NULL},
};

static const struct hl_field health_fields[] = {
    {.name = "test", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_WORDS, .doc = "the command"},
    {.name = "interval", .type = HL_F_DURATION, .fallback = "30s", .doc = "how often"},
    {.name = "retries", .type = HL_F_INT, .minimum = 1, .maximum = 100, .doc = "how many failures"},
    {.name = NULL},
};

static const struct hl_field mount_fields[] = {
    {.name = "source", .type = HL_F_STRING, .refers_to = "network", .doc = "where from"},
    {.name = "target", .type = HL_F_STRING, .required = true, .doc = "where to"},
    {.name = NULL},
};

const struct hl_field hl_test_container_fields[] = {
    {.name = "image", .type = HL_F_STRING, .required = true, .immutable = true, .check = no_latest, .doc = "what runs", .example = "nginx:1.27"},
    {.name = "command", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_WORDS, .doc = "the command line"},
    {.name = "environment", .type = HL_F_MAP, .item = HL_F_STRING, .forms = HL_FORM_PAIRS, .doc = "variables"},
    {.name = "networks",
     .type = HL_F_MAP,
     .item = HL_F_OBJECT,
     .fields = attachment_fields,
     .forms = HL_FORM_NAMES,
     .refers_to = "network",
     .doc = "networks that it joins"},
    {.name = "ports",
     .type = HL_F_LIST,
     .item = HL_F_OBJECT,
     .fields = port_fields,
     .key = "target",
     .shorthand = port,
     .doc = "ports to publish",
     .example = "[\"8080:80\"]"},
    {.name = "mounts", .type = HL_F_LIST, .item = HL_F_OBJECT, .fields = mount_fields, .forms = HL_FORM_SINGLE, .doc = "folders"},
    {.name = "depends_on",
     .type = HL_F_MAP,
     .item = HL_F_OBJECT,
     .fields = dependency_fields,
     .forms = HL_FORM_NAMES,
     .refers_to = "container",
     .doc = "containers that must run first"},
    {.name = "restart", .type = HL_F_STRING, .allowed = restarts, .fallback = "no", .doc = "what happens at its end"},
    {.name = "memory", .type = HL_F_SIZE, .doc = "limit of memory"},
    {.name = "cpus", .type = HL_F_NUMBER, .doc = "limit of processors"},
    {.name = "privileged", .type = HL_F_BOOL, .fallback = "false", .doc = "may do all"},
    {.name = "caps", .type = HL_F_LIST, .item = HL_F_STRING, .order = HL_SET, .doc = "capabilities"},
    {.name = "dns", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .doc = "name servers"},
    {.name = "weights", .type = HL_F_MAP, .item = HL_F_INT, .doc = "numbers by name"},
    {.name = "healthcheck", .type = HL_F_OBJECT, .fields = health_fields, .forms = HL_FORM_TRUE, .doc = "how its health is known"},
    {.name = "password", .type = HL_F_STRING, .sensitive = true, .doc = "its password"},
    {.name = "pin", .type = HL_F_INT, .sensitive = true, .doc = "its number"},
    {.name = "extra", .type = HL_F_ANY, .doc = "anything"},
    {.name = "template", .type = HL_F_STRING, .doc = "a file to fill in"},
    {.name = "state", .type = HL_F_STRING, .internal = true, .doc = "whether it runs"},
    {.name = "rendered", .type = HL_F_STRING, .internal = true, .doc = "the template, filled in"},
    {.name = "id", .type = HL_F_STRING, .computed = true, .doc = "the number that the box gave it"},
    {.name = "address", .type = HL_F_MAP, .item = HL_F_STRING, .computed = true, .doc = "its addresses by network"},
    {.name = NULL},
};

static const struct hl_field tls_fields[] = {
    {.name = "certResolver", .type = HL_F_STRING, .doc = "who makes the certificate"},
    {.name = "passthrough", .type = HL_F_BOOL, .doc = "leave it to the service"},
    {.name = NULL},
};

static const struct hl_field router_fields[] = {
    {.name = "rule", .type = HL_F_STRING, .required = true, .doc = "which requests"},
    {.name = "entryPoints", .type = HL_F_LIST, .item = HL_F_STRING, .forms = HL_FORM_SINGLE, .order = HL_SET, .doc = "where they come in"},
    {.name = "service", .type = HL_F_STRING, .refers_to = "container", .doc = "who answers"},
    {.name = "tls", .type = HL_F_OBJECT, .fields = tls_fields, .forms = HL_FORM_TRUE | HL_FORM_NOCASE, .doc = "encrypted"},
    {.name = "priority", .type = HL_F_INT, .doc = "which rule goes first"},
    {.name = NULL},
};

static const struct hl_field group_fields[] = {
    {.name = "description", .type = HL_F_STRING, .doc = "the group's own description"},
    {.name = "id", .type = HL_F_STRING, .computed = true, .doc = "the number that the cloud gave it"},
    {.name = NULL},
};

static const struct hl_field token_fields[] = {
    {.name = "user", .type = HL_F_STRING, .required = true, .doc = "whose it is"},
    {.name = "expires_in", .type = HL_F_DURATION, .immutable = true, .doc = "lifetime"},
    {.name = "value", .type = HL_F_STRING, .computed = true, .sensitive = true, .doc = "the token"},
    {.name = NULL},
};

static const struct hl_field box_fields[] = {
    {.name = "host", .type = HL_F_STRING, .fallback = "unix:///run/box.sock", .doc = "where it listens"},
    {.name = "key", .type = HL_F_STRING, .sensitive = true, .doc = "the key to it"},
    {.name = NULL},
};

static const struct hl_field cloud_fields[] = {
    {.name = "url", .type = HL_F_STRING, .required = true, .doc = "where its API is"},
    {.name = "token", .type = HL_F_STRING, .sensitive = true, .doc = "what to sign in with"},
    {.name = "retries", .type = HL_F_INT, .doc = "how often to try"},
    {.name = NULL},
};

static const struct hl_kind secret = {.name = "secret",
                                      .section = "secrets",
                                      .provider = "box",
                                      .fields = secret_fields,
                                      .output = "value",
                                      .name_free = true,
                                      .check = one_source,
                                      .doc = "a value that nobody may see"};
static const struct hl_kind network = {.name = "network", .section = "networks", .provider = "box", .fields = network_fields, .doc = "a network"};
static const struct hl_kind container = {.name = "container",
                                         .section = "containers",
                                         .provider = "box",
                                         .fields = hl_test_container_fields,
                                         .complete = complete_container,
                                         .doc = "a program in a box",
                                         .example = "image: nginx:1.27\nports: [\"8080:80\"]\n"};
static const struct hl_kind router = {
    .name = "router", .section = "routers", .provider = "cloud", .fields = router_fields, .forms = HL_FORM_NOCASE, .doc = "a way to a service"};
static const struct hl_kind group = {
    .name = "group", .section = "groups", .provider = "cloud", .fields = group_fields, .name_free = true, .doc = "peers that belong together"};
static const struct hl_kind cloud_token = {
    .name = "token", .section = "tokens", .provider = "cloud", .fields = token_fields, .output = "value", .doc = "a token of the cloud"};
static const struct hl_kind vault_token = {
    .name = "token", .section = "tokens", .provider = "vault", .fields = token_fields, .output = "value", .doc = "a token of the vault"};

static const struct hl_kind *const kinds[] = {&secret, &network, &container, &router, &group, &cloud_token, &vault_token, NULL};

static const struct hl_provider_type box = {.name = "box", .fields = box_fields, .implicit = true, .doc = "the machine itself"};
static const struct hl_provider_type cloud = {
    .name = "cloud", .fields = cloud_fields, .doc = "somebody else's machine", .example = "url: https://cloud.example.org\n"};
static const struct hl_provider_type vault = {.name = "vault", .fields = cloud_fields, .doc = "a safe"};

static const struct hl_provider_type *const providers[] = {&box, &cloud, &vault, NULL};

const struct hl_registry hl_test_registry = {.kinds = kinds, .providers = providers};
