#include "config.h"

#include "tests/unit/stores/stores.h"

#include "schema/schema.h"
#include "tests/unit/stores/tests.h"

#include <stdlib.h>
#include <string.h>

static const char infisical_settings[] = "\"project\":\"homelab-prod\",\"environment\":\"prod\",\"client_id\":\"client\",\"client_secret\":\"geheim-geheim\"";
static const char openbao_settings[] = "\"token\":\"s.root-token\"";

bool stores_open(struct stores *stores, const char *settings, struct hl_error **err)
{
    struct hl_arena *arena = stores->world->arena;
    struct hl_value *decoded = NULL;
    struct hl_error *error = NULL;

    stores->store.type->verbs->close(&stores->store);
    stores->settings = settings != NULL ? settings : stores->settings;
    const char *json = hl_arena_printf(arena, "{\"url\":\"http://127.0.0.1:%d/\",\"timeout\":5000,%s}", stores->server.port, stores->settings);
    assert_true(hl_json_decode(arena, json, strlen(json), &decoded, &error));
    stores->store.settings = decoded;
    stores->world->session.used = stores->used;
    return stores->store.type->verbs->open(&stores->store, err);
}

void stores_next_run(struct stores *stores)
{
    struct hl_error *err = NULL;

    world_next_run(stores->world, 1000);
    assert_true(stores_open(stores, NULL, &err));
}

/* ---- specs ---- */

static struct hl_spec *load(struct stores *stores, const char *name, const char *body, struct hl_diags *diags)
{
    static const struct hl_kind *const kinds[] = {&hl_kind_secret, NULL};
    static const struct hl_provider_type *const providers[] = {&hl_provider_local, &hl_provider_infisical, &hl_provider_openbao, NULL};
    static const struct hl_registry registry = {.kinds = kinds, .providers = providers};
    struct world *world = stores->world;
    const char *text = hl_arena_printf(world->arena,
                                       "hlrec: 1\nstack: test\nproviders:\n  infisical: {url: \"https://a.lan\", token: x}\n"
                                       "  other: {type: infisical, url: \"https://b.lan\", token: x}\n  openbao: {url: \"https://c.lan\", token: x}\n"
                                       "secrets:\n  OTHER: {env: OTHER}\n  \"%s\": %s\n",
                                       name, body);
    const struct hl_spec_source source = {
        .file = "hlrec.yaml", .text = text, .length = strlen(text), .files = &world->files, .environment = world->environment};

    hl_diags_init(diags, world->arena, source.file);
    return hl_spec_load(world->arena, &registry, &source, diags);
}

static struct hl_value *decode(struct stores *stores, const char *name, const char *body)
{
    struct hl_diags diags;
    const struct hl_spec *spec = load(stores, name, body, &diags);

    if (spec == NULL)
        fail_msg("%s: %s", body, diags.items[0].message);
    const struct hl_resource *resource = hl_spec_find(spec, hl_arena_printf(stores->world->arena, "secret.%s", name));
    assert_non_null(resource);
    return resource->value;
}

const char *stores_findings(struct stores *stores, const char *name, const char *body)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_OUTPUT);
    struct hl_diags diags;

    load(stores, name, body, &diags);
    for (size_t i = 0; i < diags.count; i++)
        hl_text_printf(&out, "%s (%s)\n", diags.items[i].message, diags.items[i].hint != NULL ? diags.items[i].hint : "");
    return hl_arena_strdup(stores->world->arena, hl_text_get(&out));
}

struct secret stores_secret(struct stores *stores, const char *name, const char *body)
{
    const char *address = hl_arena_printf(stores->world->arena, "secret.%s", name);

    return (struct secret){.world = stores->world, .name = name, .address = address, .body = decode(stores, name, body)};
}

void stores_change(struct stores *stores, struct secret *secret, const char *body)
{
    secret->body = body != NULL ? decode(stores, secret->name, body) : NULL;
}

/* ---- the fixture ---- */

static int set_up(void **state, const struct hl_provider_type *type, const char *settings)
{
    struct stores *stores = hl_alloc(sizeof *stores);
    struct hl_error *err = NULL;
    void *world = NULL;

    if (world_setup(&world) != 0)
        return -1;
    stores->world = world;
    stores->store = (struct hl_session){.run = &stores->world->run, .name = type->name, .type = type, .arena = stores->world->arena};
    stores->used[0] = &stores->store;
    infisical_open(&stores->infisical);
    openbao_open(&stores->openbao);
    if (type == &hl_provider_infisical)
        server_start(&stores->server, infisical_serve, &stores->infisical);
    else
        server_start(&stores->server, openbao_serve, &stores->openbao);
    *state = stores;
    return stores_open(stores, settings, &err) ? 0 : -1;
}

int infisical_setup(void **state)
{
    return set_up(state, &hl_provider_infisical, infisical_settings);
}

int openbao_setup(void **state)
{
    return set_up(state, &hl_provider_openbao, openbao_settings);
}

int stores_teardown(void **state)
{
    struct stores *stores = *state;
    void *world = stores->world;

    stores->store.type->verbs->close(&stores->store);
    server_stop(&stores->server);
    infisical_close(&stores->infisical);
    openbao_close(&stores->openbao);
    world_teardown(&world);
    free(stores);
    return 0;
}
