/* The whole stack as a page: gathers what the renderer shows, and puts the page where it is wanted. */
#include "config.h"

#include "reconcile/cli/commands.h"
#include "reconcile/cli/suspend.h"
#include "reconcile/render/html.h"
#include "reconcile/transport/files.h"

#include <string.h>
#include <unistd.h>

enum {
    RUNS_SHOWN = 50,
    RUNS_TOLD = 15,   /* of them: with what they did, one by one */
    FILE_MODE = 0600, /* of a new file: the page is a map of the home */
    HOST_MAXIMUM = 256,
};

static int fail_usage(struct hl_context *context)
{
    struct hl_error *err = NULL;

    hl_fail(&err, HL_E_SPEC, "`hlrec report` needs to know where the page goes: --html FILE");
    hl_error_hint(&err, "`--html -` prints it; `hlrec status`, `hlrec drift` and `hlrec history` tell the same as text");
    return hl_context_fail(context, err);
}

/* ---- what the state tells ---- */

static bool load_unfinished(struct hl_context *context, struct hl_html_view *view, struct hl_error **err)
{
    struct hl_map *map = hl_arena_alloc(context->arena, sizeof(*map));
    struct hl_intent *intents = NULL;
    size_t count = 0;

    hl_map_init(map, context->arena);
    view->unfinished = map;
    /* While another run is at work, what it has begun is nothing unfinished. */
    if (view->plan.other_run != NULL)
        return true;
    if (!hl_store_open_intents(hl_engine_store(context->engine), context->arena, &intents, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        hl_map_put(map, intents[i].address, NULL);
    return true;
}

static bool load_runs(struct hl_context *context, struct hl_html_view *view, struct hl_error **err)
{
    struct hl_store *store = hl_engine_store(context->engine);
    struct hl_run_row *rows = NULL;
    size_t count = 0;

    if (!hl_store_runs(store, context->arena, hl_option_int(&context->options, HL_OPT_LIMIT, RUNS_SHOWN), &rows, &count, err))
        return false;

    struct hl_html_run *runs = hl_arena_alloc(context->arena, (count + 1) * sizeof(*runs));

    for (size_t i = 0; i < count; i++) {
        struct hl_event_row *events = NULL;

        runs[i].row = &rows[i];
        if (i < RUNS_TOLD && !hl_store_events(store, context->arena, rows[i].id, &events, &runs[i].events_count, err))
            return false;
        runs[i].events = events;
    }
    view->runs = runs;
    view->runs_count = count;
    return true;
}

static bool load_state(struct hl_context *context, struct hl_html_view *view, struct hl_error **err)
{
    struct hl_store *store = hl_engine_store(context->engine);
    const struct hl_suspension *suspension = NULL;
    struct hl_map *records = NULL;

    if (!hl_store_records(store, context->arena, NULL, &records, err) || !load_unfinished(context, view, err) || !load_runs(context, view, err) ||
        !hl_suspension_load(store, context->arena, &suspension, err))
        return false;
    view->records = records;
    view->suspended = suspension != NULL ? hl_suspension_text(context->arena, suspension) : NULL;
    return true;
}

/* ---- the page ---- */

static int write_page(struct hl_context *context, const struct hl_text *page)
{
    const char *path = hl_option_text(&context->options, HL_OPT_HTML);
    const struct hl_file_write write = {.path = path, .data = hl_text_get(page), .length = page->length, .mode = FILE_MODE, .keep_mode = true};
    struct hl_error *err = NULL;

    if (strcmp(path, "-") == 0) {
        hl_sink_text(&context->out, page);
        return HL_EXIT_OK;
    }
    if (hl_file_write(&write, &err))
        return HL_EXIT_OK;
    hl_wrap(&err, "writing the page");
    return hl_context_fail(context, err);
}

static int make_page(struct hl_context *context, struct hl_html_view *view)
{
    hl_auto(text) struct hl_text page = HL_TEXT_INIT(HL_MAX_RENDER);
    char host[HOST_MAXIMUM] = "";
    struct hl_error *err = NULL;

    if (!load_state(context, view, &err))
        return hl_context_fail(context, err);
    if (gethostname(host, sizeof(host) - 1) == 0)
        view->host = host;
    hl_render_html(&page, view, context->redactor);
    return write_page(context, &page);
}

/* What an apply would refuse stands on the page, and is no failure to make it. */
static int exit_code(const struct hl_html_view *view)
{
    const enum hl_exit planned = hl_exit_of_plan(view->plan.plan, view->plan.stats, view->plan.stats_count);

    return (int)(planned == HL_EXIT_UNREACHABLE ? planned : HL_EXIT_OK);
}

static int run(struct hl_context *context)
{
    struct hl_html_view view = {.version = PACKAGE_VERSION, .asked = !hl_option_given(&context->options, HL_OPT_NO_REFRESH)};
    struct hl_plan_options options;
    struct hl_plan *plan = NULL;
    int code;

    if (!hl_option_given(&context->options, HL_OPT_HTML))
        return fail_usage(context);
    hl_context_plan_options(context, &options);
    code = hl_context_plan(context, &options, &plan);
    if (code != HL_EXIT_OK)
        return code;
    hl_context_diags(context, &plan->diags);
    if (plan->diags.errors > 0)
        return HL_EXIT_SPEC;
    hl_context_view(context, plan, &view.plan);
    view.spec = context->spec;
    view.now_ms = hl_wall_ms();
    code = make_page(context, &view);
    return code == HL_EXIT_OK ? exit_code(&view) : code;
}

const struct hl_command hl_command_report = {
    .name = "report",
    .summary = "the stack as a page for a browser",
    .usage = "--html FILE [options]",
    .groups = HL_GROUP_SPEC | HL_GROUP_STATE | HL_GROUP_RUN | HL_GROUP_LIMIT | HL_GROUP_PAGE | HL_GROUP_HISTORY,
    .run = run,
    .help =
        "Writes one page with how the stack stands: what drifted, what the next apply would do, the graph, what ends when, each resource, and the former "
        "runs.\n"
        "The page needs nothing but itself: it has no script and loads nothing. Secrets are masked as everywhere. Nothing is changed and no lock is taken.\n\n"
        "The file is written whole or not at all. A new one can be read by its owner alone, since the page is a map of the home; one that is there keeps its\n"
        "mode, owner and group. With --no-refresh no system is asked. Exits with 7 when a system could not be read: the page tells which.\n\n"
        "  install -m 0640 -g www-data /dev/null /var/www/html/home.html     # once: who may read it\n"
        "  hlrec report --html /var/www/html/home.html",
};
