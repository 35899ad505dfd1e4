/* What an apply is doing. On a terminal the running actions stand at the bottom with a spinner and their time, redrawn by a thread of its own, since the
 * engine's thread sleeps while it waits; what is finished scrolls above. Elsewhere each event is a line, so that a log of cron reads well. */
#include "config.h"

#include "reconcile/render/layout.h"
#include "reconcile/render/render.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TICK_MS = 100, ROWS_SHOWN = 12, WORD_WIDTH = 10, ADDRESS_WIDTH = 32 };

struct running {
    char *address, *message;
    enum hl_action action;
    int64_t started_ms;
    struct running *next;
};

struct hl_progress {
    const struct hl_sink *sink;
    bool quiet;
    bool live;             /* a terminal that can be drawn on */
    pthread_mutex_t mutex; /* guards all below, and the terminal */
    pthread_cond_t wake;
    pthread_t thread;
    bool stopping;
    int paused;
    struct running *first; /* in the order of their start */
    size_t lines;          /* of the live part now on the terminal */
    size_t finished, total;
    unsigned turn; /* of the spinner */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the live part ---- */

static void erase(struct hl_progress *progress, struct hl_text *out)
{
    for (size_t i = 0; i < progress->lines; i++)
        hl_text_puts(out, "\033[1A\033[2K");
    progress->lines = 0;
}

/* Cuts the line that begins at `from`: one that wraps could not be erased. */
static void cut_line(struct hl_text *out, size_t from, size_t width)
{
    size_t length = out->length;

    while (width > 0 && length > from && hl_width(out->data + from, length - from) >= width) {
        do
            length--;
        while (length > from && ((unsigned char)out->data[length] & 0xc0) == 0x80);
    }
    out->length = length;
    out->data[length] = '\0';
}

static void put_elapsed(struct hl_text *out, int64_t ms)
{
    if (ms < 10000)
        hl_text_printf(out, "%.1f s", (double)ms / 1000.0);
    else if (ms < 120000)
        hl_text_printf(out, "%d s", (int)(ms / 1000));
    else
        hl_text_printf(out, "%d min %d s", (int)(ms / 60000), (int)(ms / 1000 % 60));
}

static void put_running(struct hl_progress *progress, struct hl_text *out, const struct running *row)
{
    static const char spinner[] = "|/-\\";
    size_t from = out->length;

    hl_text_printf(out, "%c ", spinner[progress->turn % 4]);
    hl_put_safe(out, row->address);
    hl_pad(out, from, ADDRESS_WIDTH);
    hl_text_printf(out, "  %s  ", hl_action_info(row->action)->doing);
    put_elapsed(out, now_ms() - row->started_ms);
    if (row->message != NULL) {
        hl_text_puts(out, "  ");
        hl_put_safe(out, row->message);
    }
    cut_line(out, from, (size_t)progress->sink->width);
    hl_text_putc(out, '\n');
    progress->lines++;
}

static void draw(struct hl_progress *progress, struct hl_text *out)
{
    size_t running = 0;

    if (!progress->live || progress->paused > 0)
        return;
    for (const struct running *row = progress->first; row != NULL; row = row->next) {
        if (running++ < ROWS_SHOWN)
            put_running(progress, out, row);
    }
    if (running > ROWS_SHOWN) {
        hl_text_printf(out, "  ... and %zu more\n", running - ROWS_SHOWN);
        progress->lines++;
    }
    if (running > 0 && progress->total > 0) {
        hl_text_printf(out, "  %zu of %zu done\n", progress->finished, progress->total);
        progress->lines++;
    }
}

static void show(struct hl_progress *progress, const struct hl_text *out)
{
    hl_sink_text(progress->sink, out);
    (void)fflush(progress->sink->stream);
}

static void redraw(struct hl_progress *progress)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    if (progress->first == NULL && progress->lines == 0)
        return;
    erase(progress, &out);
    draw(progress, &out);
    show(progress, &out);
}

static void *tick(void *context)
{
    struct hl_progress *progress = context;

    pthread_mutex_lock(&progress->mutex);
    while (!progress->stopping) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&progress->wake, &progress->mutex, &until);
        progress->turn++;
        if (progress->paused == 0 && !progress->stopping)
            redraw(progress);
    }
    pthread_mutex_unlock(&progress->mutex);
    return NULL;
}

/* Signals stay with the thread that has to be interrupted by them. */
static bool start_thread(struct hl_progress *progress)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);

    const bool started = pthread_create(&progress->thread, NULL, tick, progress) == 0;

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

struct hl_progress *hl_progress_new(const struct hl_sink *sink, bool quiet)
{
    struct hl_progress *progress = hl_alloc(sizeof(*progress));
    pthread_condattr_t attributes;

    progress->sink = sink;
    progress->quiet = quiet;
    pthread_mutex_init(&progress->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    progress->live = sink->width > 0 && !quiet && start_thread(progress);
    return progress;
}

static void free_running(struct running *row)
{
    free(row->address);
    free(row->message);
    free(row);
}

void hl_progress_free(struct hl_progress *progress)
{
    if (progress == NULL)
        return;
    if (progress->live) {
        hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

        pthread_mutex_lock(&progress->mutex);
        progress->stopping = true;
        erase(progress, &out);
        show(progress, &out);
        pthread_cond_signal(&progress->wake);
        pthread_mutex_unlock(&progress->mutex);
        pthread_join(progress->thread, NULL);
    }
    while (progress->first != NULL) {
        struct running *row = progress->first;

        progress->first = row->next;
        free_running(row);
    }
    pthread_cond_destroy(&progress->wake);
    pthread_mutex_destroy(&progress->mutex);
    free(progress);
}

void hl_progress_pause(struct hl_progress *progress)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    pthread_mutex_lock(&progress->mutex);
    progress->paused++;
    erase(progress, &out);
    show(progress, &out);
    pthread_mutex_unlock(&progress->mutex);
}

void hl_progress_resume(struct hl_progress *progress)
{
    pthread_mutex_lock(&progress->mutex);
    progress->paused--;
    pthread_mutex_unlock(&progress->mutex);
}

/* ---- events ---- */

static struct running *find_running(struct hl_progress *progress, const char *address)
{
    for (struct running *row = progress->first; row != NULL; row = row->next) {
        if (address != NULL && strcmp(row->address, address) == 0)
            return row;
    }
    return NULL;
}

static void add_running(struct hl_progress *progress, const struct hl_event *event)
{
    struct running **end = &progress->first;
    struct running *row = hl_alloc(sizeof(*row));

    while (*end != NULL)
        end = &(*end)->next;
    row->address = hl_strdup(event->address != NULL ? event->address : "");
    row->action = event->action;
    row->started_ms = now_ms() - event->elapsed_ms;
    *end = row;
}

static void remove_running(struct hl_progress *progress, const char *address)
{
    for (struct running **at = &progress->first; address != NULL && *at != NULL; at = &(*at)->next) {
        if (strcmp((*at)->address, address) == 0) {
            struct running *row = *at;

            *at = row->next;
            free_running(row);
            return;
        }
    }
}

/* False when the message says nothing new. */
static bool set_message(struct hl_progress *progress, const struct hl_event *event)
{
    struct running *row = find_running(progress, event->address);

    if (event->message == NULL)
        return false;
    if (row == NULL)
        return true;
    if (row->message != NULL && strcmp(row->message, event->message) == 0)
        return false;
    free(row->message);
    row->message = hl_strdup(event->message);
    return true;
}

static void put_line(struct hl_progress *progress, struct hl_text *out, enum hl_paint paint, const char *word, const struct hl_event *event, bool timed)
{
    size_t from = out->length;

    hl_paint(out, progress->sink->color, paint, word);
    hl_pad(out, from, WORD_WIDTH);
    from = out->length;
    hl_put_safe(out, event->address);
    if (timed || event->message != NULL)
        hl_pad(out, from, ADDRESS_WIDTH);
    if (timed) {
        hl_text_puts(out, "  ");
        put_elapsed(out, event->elapsed_ms);
    }
    if (event->message != NULL && event->message[0] != '\0') {
        hl_text_puts(out, "  ");
        hl_put_safe(out, event->message);
    }
    hl_text_putc(out, '\n');
}

static enum hl_paint paint_of(enum hl_action action)
{
    switch (action) {
    case HL_ACTION_CREATE:
    case HL_ACTION_ADOPT:
        return HL_PAINT_GREEN;
    case HL_ACTION_UPDATE:
        return HL_PAINT_YELLOW;
    case HL_ACTION_REPLACE:
    case HL_ACTION_DELETE:
    case HL_ACTION_REFUSE:
        return HL_PAINT_RED;
    case HL_ACTION_DEFER:
        return HL_PAINT_BLUE;
    case HL_ACTION_NONE:
    case HL_ACTION_FORGET:
    case HL_ACTIONS:
        break;
    }
    return HL_PAINT_NONE;
}

static void put_event(struct hl_progress *progress, struct hl_text *out, const struct hl_event *event)
{
    const struct hl_look look = {.color = progress->sink->color};

    switch (event->type) {
    case HL_EVENT_NOTE:
        if (!progress->quiet)
            put_line(progress, out, HL_PAINT_DIM, "note", event, false);
        return;
    case HL_EVENT_START:
        add_running(progress, event);
        if (!progress->live && !progress->quiet)
            put_line(progress, out, HL_PAINT_NONE, hl_action_info(event->action)->doing, event, false);
        return;
    case HL_EVENT_PROGRESS:
        if (set_message(progress, event) && !progress->live && !progress->quiet)
            put_line(progress, out, HL_PAINT_DIM, "...", event, false);
        return;
    case HL_EVENT_DONE:
        put_line(progress, out, paint_of(event->action), hl_action_info(event->action)->done, event, true);
        break;
    case HL_EVENT_FAILED:
        put_line(progress, out, HL_PAINT_RED, "failed", event, true);
        if (event->error != NULL)
            hl_render_error(out, event->error, look);
        break;
    case HL_EVENT_DEFERRED:
        if (!progress->quiet)
            put_line(progress, out, HL_PAINT_BLUE, "deferred", event, false);
        break;
    case HL_EVENT_SKIPPED:
        put_line(progress, out, HL_PAINT_YELLOW, "skipped", event, false);
        if (event->error != NULL)
            hl_render_error(out, event->error, look);
        break;
    case HL_EVENTS:
        break;
    }
    remove_running(progress, event->address);
}

void hl_progress_event(struct hl_progress *progress, const struct hl_event *event)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(HL_MAX_RENDER);

    pthread_mutex_lock(&progress->mutex);
    if (event->total > 0)
        progress->total = event->total;
    if (event->type == HL_EVENT_DONE || event->type == HL_EVENT_FAILED || event->type == HL_EVENT_DEFERRED || event->type == HL_EVENT_SKIPPED)
        progress->finished++;
    erase(progress, &out);
    put_event(progress, &out, event);
    draw(progress, &out);
    show(progress, &out);
    pthread_mutex_unlock(&progress->mutex);
}
