/* The verbs on a folder without any Traefik: what is written, found again, refused. */
#include "config.h"

#include "tests/unit/traefik/tests.h"

#include "reconcile/providers/traefik/preflight.h"
#include "reconcile/providers/traefik/traefik.h"
#include "reconcile/transport/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct hl_provider_type hl_provider_traefik;

enum { MOST = 8 };

/* One stack with its folder. */
struct world {
    char root[32];
    char folder[64]; /* within it: new files are made in the folder above */
    struct hl_arena *arena;
    struct hl_run run;
    struct hl_session session;
    struct hl_op ops[MOST];
    struct hl_op *op_pointers[MOST];
    size_t count;
};

static void open_world(struct world *world, struct hl_value *settings)
{
    hl_value_map_put_text(settings, "directory", world->folder);
    world->session = (struct hl_session){.run = &world->run, .name = "traefik", .type = &hl_provider_traefik, .settings = settings, .arena = world->arena};
    assert_true(hl_provider_traefik.verbs->open(&world->session, &(struct hl_error *){NULL}));
}

static int set_up(void **state)
{
    struct world *world = hl_alloc(sizeof *world);

    snprintf(world->root, sizeof world->root, "%s", "/tmp/hlrec-traefik-XXXXXX");
    assert_non_null(mkdtemp(world->root));
    snprintf(world->folder, sizeof world->folder, "%s/dynamic", world->root);
    assert_int_equal(mkdir(world->folder, 0755), 0);
    world->arena = hl_arena_new();
    world->run = (struct hl_run){.stack = "edge", .state_id = "0b1f", .version = "0.1", .base = "/"};
    open_world(world, hl_value_map(world->arena));
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    static const char *const names[] = {"hlrec-edge.yml", "hlrec-edge.yml.broken", "other.yml"};

    hl_provider_traefik.verbs->close(&world->session);
    for (size_t i = 0; i < HL_COUNT(names); i++)
        unlink(hl_arena_printf(world->arena, "%s/%s", world->folder, names[i]));
    assert_int_equal(rmdir(world->folder), 0);
    assert_int_equal(rmdir(world->root), 0);
    hl_arena_free(world->arena);
    free(world);
    return 0;
}

static const char *read_text(struct world *world, const char *name)
{
    const char *text = NULL;
    size_t length = 0;
    struct hl_error *error = NULL;

    if (hl_file_read(world->arena, hl_path_join(world->arena, world->folder, name), 1000000, &text, &length, &error))
        return text;
    hl_error_free(error);
    return NULL;
}

static void write_text(struct world *world, const char *name, const char *text)
{
    const struct hl_file_write write = {.path = hl_path_join(world->arena, world->folder, name), .data = text, .length = strlen(text), .mode = 0644};

    assert_true(hl_file_write(&write, &(struct hl_error *){NULL}));
}

static const struct hl_value *decode(struct world *world, const struct hl_kind *kind, const char *name, const char *body)
{
    struct hl_diags diags;

    if (body == NULL)
        return NULL;
    const struct hl_value *value = hl_test_decode(world->arena, kind, name, body, &diags);

    assert_int_equal(diags.errors, 0);
    return value;
}

static struct hl_live refresh(struct world *world, const struct hl_kind *kind, const char *name, const char *desired, const char *recorded)
{
    struct hl_recorded record = {.name = name, .desired = (struct hl_value *)decode(world, kind, name, recorded)};
    struct hl_object object = {.name = name,
                               .kind = kind,
                               .desired = decode(world, kind, name, desired),
                               .recorded = recorded == NULL ? NULL : &record,
                               .id = "",
                               .arena = world->arena};

    assert_true(kind->verbs->refresh(&world->session, (struct hl_object *[]){&object}, 1, &(struct hl_error *){NULL}));
    return object.live;
}

/* Adds an action to the next batch; a NULL body removes. */
static struct hl_op *add_op(struct world *world, const struct hl_kind *kind, const char *name, const char *desired, const char *recorded)
{
    struct hl_op *op = &world->ops[world->count];

    *op = (struct hl_op){
        .session = &world->session,
        .kind = kind,
        .address = hl_arena_printf(world->arena, "%s.%s", kind->name, name),
        .name = name,
        .operation = "op",
        .action = desired == NULL    ? HL_ACTION_DELETE
                  : recorded == NULL ? HL_ACTION_CREATE
                                     : HL_ACTION_UPDATE,
        .id = "",
        .desired = decode(world, kind, name, desired),
        .recorded = decode(world, kind, name, recorded),
        .timeout_ms = 1000,
        .arena = world->arena,
    };
    world->op_pointers[world->count++] = op;
    return op;
}

static void run(struct world *world)
{
    hl_kind_router.verbs->apply_batch(&world->session, world->op_pointers, world->count);
    world->count = 0;
}

static void expect_done(const struct hl_op *op)
{
    hl_auto(heap) char *words = op->error == NULL ? NULL : hl_error_text(op->error);

    if (op->error != NULL)
        fail_msg("%s: %s", op->address, words);
    if (op->desired != NULL)
        assert_true(hl_test_covers(op->result, op->desired));
}

static void expect_failure(struct hl_op *op, enum hl_code code, const char *part)
{
    assert_non_null(op->error);
    hl_auto(heap) char *words = hl_error_text(op->error);

    if (op->error->code != code || strstr(words, part) == NULL)
        fail_msg("%s: %s: %s", op->address, hl_code_name(op->error->code), words);
    hl_error_clear(&op->error);
}

static const char router[] = "rule: Host(`a`)\nservice: {url: 'http://a'}\nmiddlewares: [head]\n";
static const char head[] = "headers: {stsSeconds: 5}\n";

static void make_both(struct world *world)
{
    const struct hl_op *a = add_op(world, &hl_kind_router, "web", router, NULL);
    const struct hl_op *b = add_op(world, &hl_kind_middleware, "head", head, NULL);

    run(world);
    expect_done(a);
    expect_done(b);
}

static void test_life(void **state)
{
    struct world *world = *state;

    assert_int_equal(refresh(world, &hl_kind_router, "web", router, NULL).presence, HL_LIVE_ABSENT);
    make_both(world);
    const struct hl_live live = refresh(world, &hl_kind_router, "web", router, router);

    assert_int_equal(live.presence, HL_LIVE_PRESENT);
    assert_int_equal(live.owner, HL_OWNER_US);
    assert_string_equal(live.id, "web@file");
    assert_true(hl_test_covers(live.values, decode(world, &hl_kind_router, "web", router)));
    struct hl_op *update = add_op(world, &hl_kind_router, "web", "rule: Host(`b`)\nservice: {url: 'http://a'}\n", router);

    run(world);
    expect_done(update);
    assert_string_equal(update->note, "not verified: the provider has no 'api'");
    struct hl_op *remove_router = add_op(world, &hl_kind_router, "web", NULL, router);
    struct hl_op *remove_head = add_op(world, &hl_kind_middleware, "head", NULL, head);

    run(world);
    expect_done(remove_router);
    expect_done(remove_head);
    assert_null(read_text(world, "hlrec-edge.yml"));
    assert_int_equal(refresh(world, &hl_kind_router, "web", NULL, router).presence, HL_LIVE_ABSENT);
    add_op(world, &hl_kind_router, "web", NULL, router);
    run(world);
    expect_done(&world->ops[0]);
}

static void test_mode(void **state)
{
    struct world *world = *state;
    struct hl_value *settings = hl_value_map(world->arena);
    const char *path = hl_path_join(world->arena, world->folder, "hlrec-edge.yml");
    static const char users[] = "basicAuth: {users: ['bob:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/']}\n";
    struct stat about;

    make_both(world);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0644);
    struct hl_op *op = add_op(world, &hl_kind_middleware, "auth", users, NULL);

    run(world);
    expect_done(op);
    assert_non_null(strstr(op->note, "can be read by all"));
    assert_null(strstr(op->note, "apr1"));
    assert_int_equal(chmod(path, 0600), 0);
    op = add_op(world, &hl_kind_middleware, "zip", "compress: {}\n", NULL);
    run(world);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600); /* kept */
    hl_provider_traefik.verbs->close(&world->session);
    hl_value_map_put_text(settings, "mode", "0640");
    open_world(world, settings);
    op = add_op(world, &hl_kind_middleware, "zip2", "compress: {}\n", NULL);
    run(world);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
}

/* Where the folder above is open to others, or the file is a link, the file is made beside it. */
static void test_places(void **state)
{
    struct world *world = *state;
    const char *path = hl_path_join(world->arena, world->folder, "hlrec-edge.yml");
    const char *target = hl_path_join(world->arena, world->folder, "other.yml");
    struct stat about;

    assert_int_equal(chmod(world->root, 0777), 0);
    make_both(world);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chmod(world->root, 0700), 0);
    write_text(world, "other.yml", "");
    assert_int_equal(symlink("other.yml", path), 0);
    make_both(world);
    assert_int_equal(lstat(path, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(stat(target, &about), 0);
    assert_true(about.st_size > 0);
}

static void test_references(void **state)
{
    struct world *world = *state;
    struct hl_op *alone = add_op(world, &hl_kind_router, "web", "rule: Host(`a`)\nservice: nothing\n", NULL);
    struct hl_op *fine = add_op(world, &hl_kind_middleware, "zip", "compress: {}\n", NULL);
    struct hl_op *chain = add_op(world, &hl_kind_middleware, "all", "chain: {middlewares: [zip, lost@file, other@docker]}\n", NULL);
    struct hl_op *second = add_op(world, &hl_kind_middleware, "second", "chain: {middlewares: [all]}\n", NULL);
    struct hl_op *tcp = add_op(world, &hl_kind_router, "tcp", "protocol: tcp\nrule: HostSNI(`*`)\nservice: {address: 'a:1'}\nmiddlewares: [zip]\n", NULL);

    run(world);
    expect_failure(alone, HL_E_SPEC, "there is no service 'nothing'");
    expect_done(fine);
    expect_failure(chain, HL_E_SPEC, "there is no middleware 'lost'");
    expect_failure(second, HL_E_FAILED, "it needs middleware.all, which failed");
    expect_failure(tcp, HL_E_SPEC, "middleware 'zip' is for http, and this router is for tcp");
    assert_null(strstr(read_text(world, "hlrec-edge.yml"), "nothing"));
    /* What is in a file of somebody else is there for Traefik. */
    write_text(world, "other.yml", "http: {services: {nothing: {loadBalancer: {servers: [{url: 'http://x'}]}}}}\n");
    alone = add_op(world, &hl_kind_router, "web", "rule: Host(`a`)\nservice: nothing\n", NULL);
    run(world);
    expect_done(alone);
}

static void test_what_is_used_stays(void **state)
{
    struct world *world = *state;

    make_both(world);
    struct hl_op *op = add_op(world, &hl_kind_middleware, "head", NULL, head);

    run(world);
    expect_failure(op, HL_E_CONFLICT, "router 'web' in");
}

static void test_other_files(void **state)
{
    struct world *world = *state;

    write_text(world, "other.yml", "http: {routers: {web: {rule: Host(`x`)}}, services: {own: {loadBalancer: {servers: [{url: 'http://x'}]}}}}\n");
    const struct hl_live live = refresh(world, &hl_kind_router, "web", router, NULL);

    assert_int_equal(live.presence, HL_LIVE_PRESENT);
    assert_int_equal(live.owner, HL_OWNER_OTHER);
    assert_non_null(strstr(live.owner_text, "other.yml"));
    struct hl_op *op = add_op(world, &hl_kind_router, "web", "rule: Host(`a`)\nservice: {url: 'http://a'}\n", NULL);
    struct hl_op *own = add_op(world, &hl_kind_router, "own", "rule: Host(`a`)\nservice: {url: 'http://a'}\n", NULL);

    run(world);
    expect_failure(op, HL_E_CONFLICT, "'other.yml' has a router of this name too");
    expect_failure(own, HL_E_CONFLICT, "'other.yml' has a service of this name");
    assert_null(read_text(world, "hlrec-edge.yml"));
    struct hl_value *list = hl_value_list(world->arena);

    assert_true(hl_kind_router.verbs->unmanaged(&world->session, &hl_kind_router, world->arena, list, &(struct hl_error *){NULL}));
    assert_int_equal(hl_value_count(list), 1);
    assert_string_equal(hl_value_get_text(hl_value_item(list, 0), "name"), "web");
}

static void test_foreign_file(void **state)
{
    struct world *world = *state;

    write_text(world, "hlrec-edge.yml", "http: {routers: {web: {rule: Host(`x`), service: a@docker}}}\n");
    assert_int_equal(refresh(world, &hl_kind_router, "web", router, NULL).owner, HL_OWNER_NONE);
    struct hl_op *op = add_op(world, &hl_kind_middleware, "head", head, NULL);

    run(world);
    expect_failure(op, HL_E_CONFLICT, "has no head of hlrec");
    op = add_op(world, &hl_kind_router, "web", "rule: Host(`x`)\nservice: a@docker\n", NULL);
    op->action = HL_ACTION_ADOPT;
    run(world);
    expect_done(op);
    assert_int_equal(refresh(world, &hl_kind_router, "web", router, NULL).owner, HL_OWNER_US);
    write_text(world, "hlrec-edge.yml", "# hlrec: 1 stack=edge state=another\nhttp: {routers: {web: {rule: Host(`x`), service: a@docker}}}\n");
    op = add_op(world, &hl_kind_router, "web", "rule: Host(`y`)\nservice: a@docker\n", "rule: Host(`x`)\nservice: a@docker\n");
    run(world);
    expect_failure(op, HL_E_CONFLICT, "belongs to stack 'edge' (state another)");
}

/* A person broke the file: nothing of the stack gets lost, and neither does their text. */
static void test_broken_file(void **state)
{
    struct world *world = *state;

    make_both(world);
    const char *broken = hl_arena_printf(world->arena, "%s  - : broken [\n", read_text(world, "hlrec-edge.yml"));

    write_text(world, "hlrec-edge.yml", broken);
    struct hl_live live = refresh(world, &hl_kind_router, "web", router, router);

    refresh(world, &hl_kind_middleware, "head", head, head);
    assert_int_equal(live.presence, HL_LIVE_PRESENT);
    assert_int_equal(live.owner, HL_OWNER_US);
    assert_int_equal(hl_value_count(live.values), 0);
    assert_non_null(strstr(live.note, "cannot be read as YAML"));
    struct hl_op *op = add_op(world, &hl_kind_router, "web", router, router);

    run(world);
    expect_done(op);
    assert_string_equal(read_text(world, "hlrec-edge.yml.broken"), broken);
    live = refresh(world, &hl_kind_middleware, "head", head, head);
    assert_int_equal(live.presence, HL_LIVE_PRESENT);
    assert_true(hl_test_covers(live.values, decode(world, &hl_kind_middleware, "head", head)));
}

/* Refresh gives an object no values when what was added to it by hand may keep Traefik from taking the file. */
static void test_strange_additions_go(void **state)
{
    struct world *world = *state;

    make_both(world);
    char *text = hl_arena_strdup(world->arena, read_text(world, "hlrec-edge.yml"));
    const char *rule = strstr(text, "      rule:");

    write_text(world, "hlrec-edge.yml", hl_arena_printf(world->arena, "%.*s      future: 1\n%s", (int)(rule - text), text, rule));
    struct hl_op *op = add_op(world, &hl_kind_router, "web", router, router);

    op->live = decode(world, &hl_kind_router, "web", router);
    run(world);
    expect_done(op);
    assert_non_null(strstr(read_text(world, "hlrec-edge.yml"), "future: 1"));
    op = add_op(world, &hl_kind_router, "web", router, router);
    op->live = hl_value_map(world->arena);
    run(world);
    expect_done(op);
    assert_null(strstr(read_text(world, "hlrec-edge.yml"), "future"));
}

static void test_names_change_hands(void **state)
{
    struct world *world = *state;
    static const char own[] = "rule: Host(`a`)\nservice: {url: 'http://a'}\n";
    static const char named[] = "rule: Host(`a`)\nservice: web\n";
    static const char service[] = "loadBalancer: {servers: [{url: 'http://b'}]}\n";

    expect_done((add_op(world, &hl_kind_router, "web", own, NULL), run(world), &world->ops[0]));
    struct hl_op *a = add_op(world, &hl_kind_router, "web", named, own);
    struct hl_op *b = add_op(world, &hl_kind_service, "web", service, NULL);

    run(world);
    expect_done(a);
    expect_done(b);
    assert_int_equal(refresh(world, &hl_kind_service, "web", NULL, service).presence, HL_LIVE_PRESENT);
    a = add_op(world, &hl_kind_router, "web", own, named);
    b = add_op(world, &hl_kind_service, "web", NULL, service);
    run(world);
    expect_done(a);
    expect_done(b);
    assert_int_equal(refresh(world, &hl_kind_service, "web", NULL, service).presence, HL_LIVE_ABSENT);
    /* Both at once is a mistake of the spec. */
    refresh(world, &hl_kind_router, "web", own, own);
    b = add_op(world, &hl_kind_service, "web", service, NULL);
    run(world);
    expect_failure(b, HL_E_SPEC, "router.web has a service of its own");
}

static void test_protocol_changes(void **state)
{
    struct world *world = *state;
    static const char http[] = "loadBalancer: {servers: [{url: 'http://b'}]}\n";
    static const char tcp[] = "protocol: tcp\nloadBalancer: {servers: [{address: 'b:1'}]}\n";

    expect_done((add_op(world, &hl_kind_service, "web", http, NULL), run(world), &world->ops[0]));
    expect_done((add_op(world, &hl_kind_service, "web", tcp, http), run(world), &world->ops[0]));
    const char *text = read_text(world, "hlrec-edge.yml");

    assert_non_null(strstr(text, "\ntcp:\n  services:\n    web:\n"));
    assert_null(strstr(text, "http://b"));
}

static enum hl_recovered recover(struct world *world, const char *action, const char *desired, const char *recorded)
{
    struct hl_recorded record = {.name = "web", .desired = (struct hl_value *)decode(world, &hl_kind_router, "web", recorded)};
    struct hl_recovery recovery = {.session = &world->session,
                                   .kind = &hl_kind_router,
                                   .address = "router.web",
                                   .name = "web",
                                   .operation = "op",
                                   .action = action,
                                   .id = "",
                                   .desired = decode(world, &hl_kind_router, "web", desired),
                                   .recorded = recorded == NULL ? NULL : &record,
                                   .arena = world->arena};

    assert_true(hl_kind_router.verbs->recover(&recovery, &(struct hl_error *){NULL}));
    if (recovery.outcome == HL_RECOVERED_EXISTS)
        assert_true(hl_test_covers(recovery.result, recovery.desired));
    return recovery.outcome;
}

static void test_recovery(void **state)
{
    struct world *world = *state;
    static const char changed[] = "rule: Host(`b`)\nservice: {url: 'http://a'}\nmiddlewares: [head]\n";

    assert_int_equal(recover(world, "create", router, NULL), HL_RECOVERED_NOTHING);
    assert_int_equal(recover(world, "delete", NULL, router), HL_RECOVERED_GONE);
    make_both(world);
    assert_int_equal(recover(world, "create", router, NULL), HL_RECOVERED_EXISTS);
    assert_int_equal(recover(world, "update", changed, router), HL_RECOVERED_NOTHING);
    assert_int_equal(recover(world, "update", router, changed), HL_RECOVERED_EXISTS);
    assert_int_equal(recover(world, "delete", NULL, router), HL_RECOVERED_NOTHING);
}

static void test_folder(void **state)
{
    struct world *world = *state;
    struct hl_error *error = NULL;

    assert_true(hl_provider_traefik.verbs->ready(&world->session, NULL, &error));
    assert_int_equal(rmdir(world->folder), 0);
    assert_false(hl_provider_traefik.verbs->ready(&world->session, NULL, &error));
    assert_int_equal(error->code, HL_E_UNREACHABLE);
    assert_non_null(strstr(error->hint, "mkdir -p"));
    hl_error_clear(&error);
    struct hl_op *op = add_op(world, &hl_kind_middleware, "head", head, NULL);

    run(world);
    expect_failure(op, HL_E_UNREACHABLE, "Traefik's folder");
    assert_int_equal(mkdir(world->folder, 0755), 0);
}

static void test_versions(void **state)
{
    struct world *world = *state;
    static const struct {
        const struct hl_kind *kind;
        const char *body;
        struct hl_traefik_version version;
        const char *part; /* NULL: fine */
    } rows[] = {
        {&hl_kind_service,
         "loadBalancer: {servers: [{url: 'http://a', preservePath: true}]}\n",
         {"3.1.4", 3, 1, 4},
         "'loadBalancer.servers.*.preservePath' needs Traefik 3.2.0"},
        {&hl_kind_service, "loadBalancer: {servers: [{url: 'http://a', preservePath: true}]}\n", {"3.2.0", 3, 2, 0}, NULL},
        {&hl_kind_service, "loadBalancer: {servers: [{url: 'http://a'}], strategy: p2c}\n", {"3.4.0", 3, 4, 0}, NULL},
        {&hl_kind_service, "loadBalancer: {servers: [{url: 'http://a'}], strategy: hrw}\n", {"3.5.0", 3, 5, 0}, "needs Traefik 3.6.0, and here runs 3.5.0"},
        {&hl_kind_router, "rule: Host(`a`)\nservice: {url: 'http://a', strategy: p2c}\n", {"3.3.0", 3, 3, 0}, "'service.strategy' needs"},
        {&hl_kind_router, "rule: Host(`*.a`)\nservice: x\n", {"3.6.0", 3, 6, 0}, "needs Traefik 3.7"},
        {&hl_kind_router, "rule: Host(`*.a`)\nservice: x\n", {"3.7.0", 3, 7, 0}, NULL},
        {&hl_kind_router, "rule: Host(`*.a`)\nservice: x\n", {"dev", 0, 0, 0}, NULL},
        {&hl_kind_middleware, "forwardAuth: {address: 'http://a', maxResponseBodySize: 5, trustForwardHeader: true}\n", {"3.6.8", 3, 6, 8}, "3.6.9"},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct hl_value *body = decode(world, rows[i].kind, "web", rows[i].body);
        const char *problem = hl_version_problem(world->arena, hl_traefik_kind_of(rows[i].kind), "http", body, &rows[i].version);

        if ((problem == NULL) != (rows[i].part == NULL) || (problem != NULL && strstr(problem, rows[i].part) == NULL))
            fail_msg("%s: %s", rows[i].body, problem == NULL ? "fine" : problem);
    }
}

static void test_status_of_split_routers(void **state)
{
    struct world *world = *state;
    static const char yaml[] = "routers:\n"
                               "  web-a@file: {entryPoints: [web], status: enabled}\n"
                               "  sec-a@file: {entryPoints: [sec], status: disabled, error: [one, one, two]}\n"
                               "  web-b@file: {entryPoints: [other], status: enabled}\n"
                               "  web-c@file: {entryPoints: [web], status: disabled}\n"
                               "  sec-c@file: {entryPoints: [sec], status: disabled}\n";
    struct hl_diags diags;
    struct hl_traefik_api_status status;

    hl_diags_init(&diags, world->arena, "x");
    struct hl_value *raw = hl_value_map(world->arena);
    const struct hl_node *node = hl_reader_parse(world->arena, yaml, strlen(yaml), &diags);
    struct hl_check check = {.arena = world->arena, .diags = &diags};
    static const struct hl_field field = {.name = "routers", .type = HL_F_ANY};

    hl_value_map_put(raw, "routers", hl_decode_field(&check, hl_node_find(node, "routers"), &field, NULL));
    hl_traefik_api_find(raw, world->arena, HL_TRAEFIK_ROUTER, "http", "a", &status);
    assert_string_equal(status.status, "warning"); /* one of two works */
    assert_string_equal(status.words, "one; two");
    hl_traefik_api_find(raw, world->arena, HL_TRAEFIK_ROUTER, "http", "c", &status);
    assert_true(hl_traefik_api_is_disabled(&status));
    hl_traefik_api_find(raw, world->arena, HL_TRAEFIK_ROUTER, "http", "b", &status);
    assert_null(status.object); /* that is the router web-b */
    hl_traefik_api_find(raw, world->arena, HL_TRAEFIK_ROUTER, "http", "web-b", &status);
    assert_string_equal(status.status, "enabled");
}

int hl_test_provider(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_references, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_used_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strange_additions_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_change_hands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_protocol_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recovery, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_of_split_routers, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
