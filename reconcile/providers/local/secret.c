#include "config.h"

#include "reconcile/providers/infisical/infisical.h"
#include "reconcile/providers/local/local.h"
#include "reconcile/providers/openbao/openbao.h"

#include <string.h>

/* ---- the fields ---- */

static void check_rotate(struct hl_check *check, const struct hl_value *value)
{
    int64_t period_ms = 0;

    if (strcmp(value->text.data, "never") == 0 || strcmp(value->text.data, "on-request") == 0)
        return;
    if (hl_parse_duration(value->text.data, &period_ms) && period_ms >= 60 * 1000)
        return;
    struct hl_diag *diag = hl_diag_error(check->diags, value->at, "'rotate' is never, on-request, or how long a value lives, a minute at least");
    hl_diag_hint(check->diags, diag, "for instance `rotate: 180d`");
}

static struct hl_value *normalise_rotate(struct hl_arena *arena, struct hl_value *value)
{
    int64_t period_ms = 0;
    char text[32];

    if (!hl_value_is(value, HL_TEXT) || !hl_parse_duration(value->text.data, &period_ms))
        return value;
    hl_format_duration(period_ms, text);
    struct hl_value *normal = hl_value_text(arena, text);
    normal->at = value->at;
    return normal;
}

static const struct hl_field sops_fields[] = {
    {.name = "file", .type = HL_F_STRING, .required = true, .doc = "the encrypted file, relative to the spec", .example = "secrets/bootstrap.sops.yaml"},
    {.name = "key", .type = HL_F_STRING, .doc = "where in it: a key, a.dotted.path or [\"a\"][\"b\"][0]; the secret's name when not said"},
    {.name = NULL},
};

static const struct hl_field fields[] = {
    {.name = "generate",
     .type = HL_F_OBJECT,
     .fields = hl_generate_fields,
     .forms = HL_FORM_TRUE,
     .local = true,
     .doc = "source: made once by hlrec and kept, sealed, in the state",
     .example = "{bytes: 32, encoding: base64}"},
    {.name = "env",
     .type = HL_F_STRING,
     .local = true,
     .example = "NB_API_TOKEN",
     .doc = "source: a variable of hlrec's environment; empty counts as not set, and then what was given before is kept"},
    {.name = "file",
     .type = HL_F_STRING,
     .local = true,
     .example = "/run/credentials/token",
     .doc = "source: a file, relative to the spec; of a single line, the line end is dropped"},
    {.name = "sops",
     .type = HL_F_OBJECT,
     .fields = sops_fields,
     .local = true,
     .doc = "source: a value in a file encrypted with sops, read through the `sops` program",
     .example = "{file: secrets/bootstrap.sops.yaml, key: TOKEN}"},
    {.name = "command",
     .type = HL_F_LIST,
     .item = HL_F_STRING,
     .local = true,
     .doc = "source: what a program prints, without line ends at its end; no shell, run in the spec's folder",
     .example = "[pass, show, homelab/token]"},
    {.name = "command_timeout", .type = HL_F_DURATION, .fallback = "30s", .local = true, .doc = "how long the command may take"},
    {.name = "infisical",
     .type = HL_F_OBJECT,
     .fields = hl_infisical_place_fields,
     .uses = "infisical",
     .forms = HL_FORM_TRUE,
     .local = true,
     .doc = "source: a secret of Infisical",
     .example = "{path: /netbird, key: TOKEN}"},
    {.name = "openbao",
     .type = HL_F_OBJECT,
     .fields = hl_openbao_place_fields,
     .uses = "openbao",
     .local = true,
     .doc = "source: a key of OpenBao or Vault (KV version 2)",
     .example = "{path: netbird, key: TOKEN}"},
    {.name = "value",
     .type = HL_F_STRING,
     .sensitive = true,
     .keep_null = true,
     .doc = "source: what another resource gives, or a text made of such; as an output: the value",
     .example = "\"${setup_key.k8s-routing-peer.key}\""},
    {.name = "optional", .type = HL_F_BOOL, .fallback = "false", .local = true, .doc = "a source without a value is no error: the secret is null"},
    {.name = "rotate",
     .type = HL_F_STRING,
     .fallback = "on-request",
     .check = check_rotate,
     .normalise = normalise_rotate,
     .local = true,
     .doc = "never (neither made anew nor deleted while anything refers to it), on-request (`hlrec secret rotate`), or after a time such as 180d",
     .example = "180d"},
    {.name = "write",
     .type = HL_F_LIST,
     .item = HL_F_OBJECT,
     .fields = hl_destination_fields,
     .key = "destination",
     .forms = HL_FORM_SINGLE,
     .doc = "where the value is written as well; each place is compared on its own",
     .example = "[{dotenv: /etc/bifrost/.secrets.env, as: TOKEN}]"},
    {.name = "created_at", .type = HL_F_INT, .computed = true, .doc = "when the value was first seen or made, in milliseconds since 1970"},
    {.name = NULL},
};

/* ---- findings ---- */

static const char source_words[] = "generate, env, file, sops, command, infisical, openbao or value";

static void check_source(struct hl_check *check, const struct hl_value *body)
{
    size_t count = 0;
    const struct hl_source_type *first = hl_source_find(body, &count);

    if (count == 0) {
        struct hl_diag *diag = hl_diag_error(check->diags, body->at, "secret '%s' does not say where its value comes from", check->name);
        hl_diag_hint(check->diags, diag, "give it one of %s", source_words);
    }
    for (const struct hl_source_type *type = first; count > 1 && type->name != NULL; type++) {
        const struct hl_value *value = hl_value_get(body, type->name);
        if (type != first && value != NULL)
            hl_diag_error(check->diags, value->at, "secret '%s' has its value from '%s' already; it has one source", check->name, first->name);
    }
}

static void check_flags(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *rotate = hl_value_get(body, "rotate");
    const struct hl_value *optional = hl_value_get(body, "optional");
    const struct hl_value *timeout = hl_value_get(body, "command_timeout");
    const bool generated = hl_value_get(body, "generate") != NULL;

    if (hl_value_is(rotate, HL_TEXT) && strcmp(rotate->text.data, "never") != 0 && !generated) {
        struct hl_diag *diag = hl_diag_error(check->diags, rotate->at, "only a generated secret can be rotated by hlrec");
        hl_diag_hint(check->diags, diag, "change the value at its source; `rotate: never` is for every source and keeps it from changing");
    }
    if (hl_value_get_bool(body, "optional", false) && generated)
        hl_diag_error(check->diags, optional->at, "a generated secret always has a value: 'optional' says nothing");
    if (timeout != NULL && hl_value_get(body, "command") == NULL)
        hl_diag_error(check->diags, timeout->at, "'command_timeout' is for secrets from a 'command'");
}

/* A list of programs can be read by everybody on the machine, arguments included. */
static void check_command(struct hl_check *check, const struct hl_value *command)
{
    if (command != NULL && command->type == HL_LIST && hl_value_count(command) == 0)
        hl_diag_error(check->diags, command->at, "a command is a list: the program and its arguments");
    for (size_t i = 0; i < hl_value_count(command); i++) {
        const struct hl_value *item = hl_value_item(command, i);
        if (item->sensitive)
            hl_diag_error(check->diags, item->at, "a secret in a command's arguments can be seen by everybody on the machine");
    }
}

static void secret_check(struct hl_check *check, const struct hl_value *body)
{
    const struct hl_value *generate = hl_value_get(body, "generate");

    check_source(check, body);
    check_flags(check, body);
    check_command(check, hl_value_get(body, "command"));
    if (hl_value_is(hl_value_get(body, "infisical"), HL_MAP))
        hl_infisical_check(check, hl_value_get(body, "infisical"), hl_value_get(body, "infisical")->at);
    if (hl_value_is(generate, HL_MAP))
        hl_generate_check(check, generate);
    hl_destination_check(check, hl_value_get(body, "write"), generate);
}

/* Names the destinations; what a reference gives is their content at once, what a source gives comes with refresh. */
static void secret_complete(struct hl_check *check, struct hl_value *body)
{
    struct hl_value *write = hl_value_get(body, "write");
    const struct hl_value *given = hl_value_get(body, "value");

    hl_destination_complete(check->name, check->arena, write);
    if (given == NULL)
        return;
    /* A copy: what a reference gives belongs to the one that was referred to. */
    struct hl_value *value = hl_value_mark_sensitive(hl_value_copy(check->arena, given));
    hl_value_map_put(body, "value", value);
    hl_value_map_put(body, "write", hl_secret_fill(check->arena, write, value));
}

static bool is_data(const struct hl_value *desired)
{
    const char *rotate = hl_value_get_text(desired, "rotate");

    return rotate != NULL && strcmp(rotate, "never") == 0;
}

/* ---- claims ---- */

/* One place has several spellings: "./a" and ".//a" are "a". Those by way of a symbolic link or of "..", nobody can tell by looking at the text. */
static const char *plain_place(struct hl_arena *arena, const char *destination)
{
    hl_auto(text) struct hl_text plain = HL_TEXT_INIT(HL_MAX_OUTPUT);
    const char *path = destination + strcspn(destination, ":") + 1; /* behind the type */
    size_t length = 0;

    hl_text_append(&plain, destination, (size_t)(path - destination));
    for (const char *part = path; *part != '\0'; part += length) {
        length = strcspn(part, "/");
        length += part[length] == '/';
        if ((*part == '/' && part > path) || hl_starts_with(part, "./"))
            continue;
        hl_text_append(&plain, part, length);
    }
    return hl_arena_strdup(arena, hl_text_get(&plain));
}

/* Whoever writes a place keeps what stands there as its own value. */
static void claim_destinations(struct hl_arena *arena, const char *name, const struct hl_value *body, struct hl_value *list)
{
    const struct hl_value *write = hl_value_get(body, "write");

    (void)name;
    for (size_t i = 0; i < hl_value_count(write); i++) {
        const char *destination = hl_value_get_text(hl_value_item(write, i), "destination");
        if (destination != NULL)
            hl_value_list_add(arena, list, hl_value_text(arena, plain_place(arena, destination)));
    }
}

/* ---- verbs ---- */

static struct hl_destination destination_of(const struct hl_op *op, const struct hl_value *item)
{
    return (struct hl_destination){
        .session = op->session, .run = op->session->run, .local = hl_local_get(op->session), .arena = op->arena, .name = op->name, .item = item};
}

/* The value before this action, or NULL. */
static struct hl_value *former_value(const struct hl_op *op)
{
    const struct hl_value *value = hl_value_get(op->recorded_live, "value");

    if (!hl_value_is(value, HL_TEXT))
        value = hl_value_get(op->recorded, "value");
    return hl_value_is(value, HL_TEXT) ? hl_value_mark_sensitive(hl_value_copy(op->arena, value)) : NULL;
}

/* Whether a generated secret gets a new value: there was none, or the plan said that the value will only be known afterwards. A value that merely was not
 * handed on is not a reason. */
static bool must_generate(const struct hl_op *op, const struct hl_value *value, const struct hl_value *former)
{
    if (hl_value_get(op->desired, "generate") == NULL || hl_value_is(value, HL_TEXT))
        return false;
    if (former == NULL || hl_value_is(value, HL_UNKNOWN))
        return true;
    const struct hl_change *change = hl_op_changed(op, "value");
    return change != NULL && change->unknown != NULL;
}

/* A new value, sealed in the journal before anybody else hears of it. */
static bool make_value(struct hl_op *op, int64_t created_at, struct hl_value **value, struct hl_error **err)
{
    struct hl_value *checkpoint = hl_value_map(op->arena);

    *value = hl_generate(op->arena, hl_value_get(op->desired, "generate"));
    hl_redactor_add_value(op->session->run->redactor, *value);
    hl_value_map_put(checkpoint, "value", *value);
    hl_value_map_put_int(checkpoint, "created_at", created_at);
    return hl_op_checkpoint(op, checkpoint, err) || hl_wrap(err, "keeping the new value safe");
}

/* What the source says had something unknown in it when the plan was made, or the plan was made without reading: it is read now. */
static bool read_value(struct hl_op *op, const struct hl_source_type *type, const struct hl_value *former, struct hl_value **value, struct hl_error **err)
{
    struct hl_source source = {
        .session = op->session, .run = op->session->run, .local = hl_local_get(op->session), .arena = op->arena, .name = op->name, .desired = op->desired};

    if (!type->read(&source, value, err))
        return false;
    if (*value == NULL && type->stays && former != NULL)
        *value = hl_value_copy(op->arena, former);
    if (*value != NULL || hl_value_get_bool(op->desired, "optional", false))
        return true;
    hl_fail(err, HL_E_NOT_FOUND, "no value: %s", source.missing);
    return hl_error_hint(err, "%s; or write `optional: true` if it may be absent", source.hint);
}

/* The value to be; NULL when there is none. */
static bool choose_value(struct hl_op *op, const struct hl_value *former, int64_t created_at, struct hl_value **value, struct hl_error **err)
{
    const struct hl_value *known = hl_value_get(op->desired, "value");
    const struct hl_source_type *type = hl_source_find(op->desired, NULL);

    *value = NULL;
    if (must_generate(op, known, former))
        return make_value(op, created_at, value, err);
    if (type != NULL && type->read != NULL && (known == NULL || known->type == HL_UNKNOWN))
        return read_value(op, type, former, value, err);
    if (known == NULL && hl_value_get(op->desired, "generate") != NULL)
        known = former;
    if (!hl_value_is(known, HL_TEXT) || known->text.length == 0)
        return true;
    *value = hl_value_mark_sensitive(hl_value_copy(op->arena, known));
    hl_redactor_add_value(op->session->run->redactor, *value);
    return true;
}

/* What refresh refuses for values that are read; what a reference gives is known only here. */
static bool check_never(const struct hl_op *op, const struct hl_value *former, const struct hl_value *value, struct hl_error **err)
{
    if (!is_data(op->desired) || former == NULL || value == NULL || hl_secret_same(former, value))
        return true;
    hl_fail(err, HL_E_REFUSED, "another value than the one recorded, and `rotate: never` says that it does not change");
    return hl_error_hint(err, "if the change is meant, take `rotate: never` out");
}

static void add_note(struct hl_op *op, const char *note)
{
    op->note = op->note == NULL ? note : hl_arena_printf(op->arena, "%s; %s", op->note, note);
}

static bool is_kept(const struct hl_op *op, const struct hl_value *item)
{
    const char *destination = hl_value_get_text(item, "destination");
    const char *place = destination != NULL ? plain_place(op->arena, destination) : "";

    for (size_t i = 0; i < hl_value_count(op->kept); i++) {
        if (strcmp(hl_value_item(op->kept, i)->text.data, place) == 0)
            return true;
    }
    return false;
}

static bool remove_from(struct hl_op *op, const struct hl_value *item, const struct hl_value *former, struct hl_error **err)
{
    const struct hl_destination destination = destination_of(op, item);
    bool left = false;

    if (!hl_destination_is_known(item) || is_kept(op, item))
        return true;
    if (!hl_destination_remove(&destination, former, &left, err))
        return false;
    if (left)
        add_note(op, hl_arena_printf(op->arena, "left at %s: %s", hl_destination_place(&destination),
                                     hl_destination_is_reachable(&destination) ? "it holds another value now" : "its provider is not in the spec any more"));
    return true;
}

/* Takes the former value away where it is no longer wanted. Before anything is written: two spellings of one path are one place. */
static bool remove_dropped(struct hl_op *op, const struct hl_value *former, bool all, struct hl_error **err)
{
    const struct hl_value *recorded = hl_value_get(op->recorded, "write");
    const struct hl_value *desired = hl_value_get(op->desired, "write");

    for (size_t i = 0; i < hl_value_count(recorded); i++) {
        const struct hl_value *item = hl_value_item(recorded, i);
        if ((all || hl_secret_find_item(desired, item) == NULL) && !remove_from(op, item, former, err))
            return false;
    }
    return true;
}

/* A mode that the spec said and says no more goes back to the default. */
static const struct hl_value *with_former_mode(struct hl_op *op, const struct hl_value *item)
{
    const struct hl_value *recorded = hl_secret_find_item(hl_value_get(op->recorded, "write"), item);

    if (hl_value_get(item, "mode") != NULL || hl_value_get(recorded, "mode") == NULL)
        return item;
    struct hl_value *copy = hl_value_copy(op->arena, item);
    hl_value_map_put_text(copy, "mode", "0600");
    return copy;
}

static bool write_all(struct hl_op *op, const struct hl_value *value, struct hl_error **err)
{
    const struct hl_value *write = hl_value_get(op->desired, "write");

    for (size_t i = 0; i < hl_value_count(write); i++) {
        const struct hl_destination destination = destination_of(op, with_former_mode(op, hl_value_item(write, i)));
        if (!hl_destination_write(&destination, value, err))
            return false;
    }
    return true;
}

static bool secret_apply(struct hl_op *op, struct hl_error **err)
{
    struct hl_value *former = former_value(op);
    struct hl_value *value = NULL;
    int64_t created_at = op->session->run->now_ms;

    if (!choose_value(op, former, created_at, &value, err) || !check_never(op, former, value, err))
        return false;
    if (former != NULL && hl_secret_same(value, former))
        created_at = hl_value_get_int(op->recorded_live, "created_at", created_at);
    if (!remove_dropped(op, former, value == NULL, err) || (value != NULL && !write_all(op, value, err)))
        return false;
    struct hl_secret_view view = {
        .session = op->session,
        .arena = op->arena,
        .name = op->name,
        .desired = hl_value_get(op->desired, "write"),
        .value = value,
        .created_at = value != NULL ? created_at : 0,
    };
    op->result_id = op->name;
    return hl_secret_look(&view, &op->result, err);
}

static bool secret_remove(struct hl_op *op, struct hl_error **err)
{
    return remove_dropped(op, former_value(op), true, err);
}

/* ---- after a crash ---- */

/* The destinations of the intent, and those of the record that it was about to clean: the next plan finds what is left of them. */
static struct hl_value *all_destinations(const struct hl_recovery *recovery, const struct hl_value *value)
{
    const struct hl_value *recorded = recovery->recorded != NULL ? hl_value_get(recovery->recorded->desired, "write") : NULL;
    struct hl_value *list = hl_secret_fill(recovery->arena, hl_value_get(recovery->desired, "write"), value);

    for (size_t i = 0; i < hl_value_count(recorded); i++) {
        const struct hl_value *item = hl_value_item(recorded, i);
        if (hl_secret_find_item(list, item) != NULL)
            continue;
        list = list != NULL ? list : hl_value_list(recovery->arena);
        struct hl_value *copy = hl_value_copy(recovery->arena, item);
        const struct hl_value *former = hl_value_get(recovery->recorded->live, "value");
        if (hl_value_is(former, HL_TEXT)) /* what stands there, if it is ours */
            hl_value_map_put(copy, "content", hl_value_mark_sensitive(hl_value_copy(recovery->arena, former)));
        hl_value_list_add(recovery->arena, list, copy);
    }
    return list;
}

static bool some_hold(const struct hl_value *live, const struct hl_value *value)
{
    const struct hl_value *write = hl_value_get(live, "write");

    for (size_t i = 0; i < hl_value_count(write); i++) {
        if (hl_secret_same(hl_value_get(hl_value_item(write, i), "content"), value))
            return true;
    }
    return false;
}

static bool look_back(const struct hl_recovery *recovery, const struct hl_value *write, struct hl_value *value, int64_t created_at, struct hl_value **live,
                      struct hl_error **err)
{
    struct hl_secret_view view = {
        .session = recovery->session,
        .arena = recovery->arena,
        .name = recovery->name,
        .desired = write,
        .value = value,
        .created_at = created_at,
        .lenient = value != NULL, /* a value that was made or told once is recorded, whoever is not there to hold it */
    };
    return hl_secret_look(&view, live, err);
}

/* A deletion is done when no destination holds the value any more; else, or when one cannot be asked now, the record stands, and the next plan deletes
 * again. */
static bool recover_deletion(struct hl_recovery *recovery, struct hl_error **err)
{
    const struct hl_value *recorded = recovery->recorded != NULL ? recovery->recorded->live : NULL;
    const struct hl_value *write = recovery->recorded != NULL ? hl_value_get(recovery->recorded->desired, "write") : NULL;
    struct hl_value *live = NULL;

    recovery->outcome = HL_RECOVERED_NOTHING;
    if (!look_back(recovery, write, NULL, 0, &live, err)) {
        if (!hl_local_is_away(*err))
            return false;
        hl_error_clear(err);
        return true;
    }
    recovery->outcome = some_hold(live, hl_value_get(recorded, "value")) ? HL_RECOVERED_NOTHING : HL_RECOVERED_GONE;
    return true;
}

/* A value that was made is in the checkpoint and is never made twice; one that was read is in the intent. What has not reached its destinations yet is
 * drift for the next plan. Without either, nothing had happened. */
static bool secret_recover(struct hl_recovery *recovery, struct hl_error **err)
{
    const struct hl_value *made = hl_value_get(recovery->checkpoint, "value");
    const struct hl_value *kept = made != NULL ? made : hl_value_get(recovery->desired, "value");
    int64_t created_at = hl_value_get_int(recovery->checkpoint, "created_at", 0);

    if (strcmp(recovery->action, "delete") == 0)
        return recover_deletion(recovery, err);
    recovery->outcome = HL_RECOVERED_NOTHING;
    if (!hl_value_is(kept, HL_TEXT))
        return true;
    struct hl_value *value = hl_value_mark_sensitive(hl_value_copy(recovery->arena, kept));
    struct hl_value *write = all_destinations(recovery, value);
    const struct hl_value *recorded = recovery->recorded != NULL ? recovery->recorded->live : NULL;
    if (created_at == 0)
        created_at = hl_secret_same(hl_value_get(recorded, "value"), value) ? hl_value_get_int(recorded, "created_at", 0) : recovery->session->run->now_ms;
    if (!look_back(recovery, write, value, created_at, &recovery->result, err))
        return false;
    if (made == NULL && !some_hold(recovery->result, value)) {
        recovery->result = NULL;
        return true;
    }
    struct hl_value *desired = hl_value_copy(recovery->arena, recovery->desired);
    hl_value_map_put(desired, "value", value);
    hl_value_map_put(desired, "write", write);
    recovery->outcome = HL_RECOVERED_EXISTS;
    recovery->result_id = recovery->name;
    recovery->result_desired = desired;
    return true;
}

static const struct hl_verbs verbs = {
    .refresh = hl_secret_refresh,
    .create = secret_apply,
    .update = secret_apply,
    .remove = secret_remove,
    .recover = secret_recover,
};

const struct hl_kind hl_kind_secret = {
    .name = "secret",
    .section = "secrets",
    .provider = "local",
    .doc = "a value that is kept sealed, given to other resources and written where programs need it",
    .example = "generate: {bytes: 32, encoding: base64}\nrotate: 180d\nwrite: [{dotenv: /etc/bifrost/.secrets.env}]",
    .fields = fields,
    .output = "value",
    .is_data = is_data,
    .name_free = true,
    .check = secret_check,
    .complete = secret_complete,
    .claims = claim_destinations,
    .verbs = &verbs,
};
