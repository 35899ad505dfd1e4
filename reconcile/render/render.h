/* Plans, events and errors as text. Everything that leaves hlrec goes through a sink, and every sink through the redactor. Nothing below this floor prints.
 *
 * The renderers append to a text and never look at the terminal themselves: colour and width come with `struct hl_look`, so that the same plan gives the same
 * bytes in a test. Whatever comes from outside (names, values, reasons, errors of an API) is escaped here, for a terminal, for Markdown or for JSON. */
#ifndef HL_RECONCILE_RENDER_RENDER_H
#define HL_RECONCILE_RENDER_RENDER_H

#include "reconcile/engine/engine.h"
#include "reconcile/preview/preview.h"

#include <stdio.h>

enum hl_format { HL_FORMAT_HUMAN, HL_FORMAT_JSON, HL_FORMAT_MARKDOWN };

/* Where text goes: redacts, then writes. Width and colour tell what the stream is fit for. */
struct hl_sink {
    FILE *stream;
    const struct hl_redactor *redactor;
    bool color;
    int width;    /* of the terminal; 0: not a terminal */
    bool journal; /* lines begin with their priority */
};
/* Lines as systemd's journal takes them: "<3>error: ...". */
void hl_journal_lines(struct hl_text *out, const char *text, size_t length);
void hl_sink_put(const struct hl_sink *sink, const char *text, size_t length);
void hl_sink_puts(const struct hl_sink *sink, const char *text);
void hl_sink_printf(const struct hl_sink *sink, const char *format, ...) HL_PRINTF(2, 3);
void hl_sink_text(const struct hl_sink *sink, const struct hl_text *text);
/* Writes out what is buffered; false when the stream has failed (a full disk, a closed pipe). */
bool hl_sink_flush(const struct hl_sink *sink);

/* How text for people is to look. All zero: plain, unwrapped. */
struct hl_look {
    bool color;
    int width; /* 0: lines are not wrapped */
    bool verbose;
};

struct hl_plan_view {
    const struct hl_plan *plan;
    const char *file;   /* as messages name the spec */
    const char *source; /* git URL and ref, or NULL */
    const char *commit; /* NULL */
    const char *signer; /* who signed it, where that was asked for; NULL */
    const char *stack;
    int64_t serial;
    int64_t read_ms;
    const struct hl_read_stats *stats;
    size_t stats_count;
    const char *other_run;                  /* NULL */
    const struct hl_preview_facts *preview; /* of an untrusted spec; else NULL */
};
void hl_render_plan_human(struct hl_text *out, const struct hl_plan_view *view, struct hl_look look);
/* design: one object, format_version 1; sensitive before/after are null. */
void hl_render_plan_json(struct hl_text *out, const struct hl_plan_view *view);
/* One step as a block of its own, for a question about it. Only view->file is used. */
void hl_render_step_human(struct hl_text *out, const struct hl_plan_view *view, const struct hl_step *step, struct hl_look look);
/* hl_render_plan_json's object as a value, to be put into another document. */
struct hl_value *hl_render_plan_value(struct hl_arena *arena, const struct hl_plan_view *view);
/* "Plan: 1 to create, ... 18 unchanged. Data loss: none." */
void hl_render_summary(struct hl_text *out, const struct hl_plan *plan);
/* "bifrost.yaml @ 3f9c1ab   state #41   read in 0.12 s: docker 9 calls" behind "hlrec `command`", then warnings about what could not be read. */
void hl_render_head(struct hl_text *out, const struct hl_plan_view *view, const char *command, struct hl_look look);
/* The live-against-recorded differences alone. */
void hl_render_drift_human(struct hl_text *out, const struct hl_plan_view *view, struct hl_look look);
void hl_render_drift_json(struct hl_text *out, const struct hl_plan_view *view);

/* The chain as lines: "error: creating container 'web': ..." with place, HTTP call and hint. */
void hl_render_error(struct hl_text *out, const struct hl_error *error, struct hl_look look);
struct hl_value *hl_render_error_json(struct hl_arena *arena, const struct hl_error *error);
/* All findings with their lines, then "2 errors, 1 warning". `source` is the text of `file`. */
void hl_render_diags(struct hl_text *out, struct hl_diags *diags, const char *file, const char *source, struct hl_look look);
struct hl_value *hl_render_diags_json(struct hl_arena *arena, const struct hl_diags *diags);

/* A deep copy fit to be shown: what is sensitive became null (JSON) or "(sensitive)", what is unknown null or "(known after apply: ...)". */
struct hl_value *hl_render_mask(struct hl_arena *arena, const struct hl_value *value, bool for_people);
/* "2026-01-31T12:00:00.123Z" and "2026-01-31 12:00:00", both UTC. */
enum { HL_TIME_TEXT = 32 };
void hl_render_time(int64_t ms, char out[HL_TIME_TEXT]);
void hl_render_time_short(int64_t ms, char out[HL_TIME_TEXT]);
/* The long form, as a member of a map for JSON. */
void hl_render_put_time(struct hl_value *map, const char *name, int64_t ms);

/* Progress of an apply: a live display on a terminal, a line an event elsewhere. The live part is redrawn by a thread of its own; all
 * functions may be called from the thread that got it. */
struct hl_progress;
struct hl_progress *hl_progress_new(const struct hl_sink *sink, bool quiet);
void hl_progress_event(struct hl_progress *progress, const struct hl_event *event);
/* Takes the live part off the terminal while somebody else writes to it (a question), and puts it back. */
void hl_progress_pause(struct hl_progress *progress);
void hl_progress_resume(struct hl_progress *progress);
void hl_progress_free(struct hl_progress *progress); /* clears the live part; NULL is fine */
/* One JSON line {"time","event",...}, with its end. */
void hl_render_event_json(struct hl_text *out, const struct hl_event *event, int64_t now_ms);
const char *hl_event_name(enum hl_event_type type);
/* "Applied in 3.2 s: 1 created, 2 updated. 1 failed, 3 skipped." */
void hl_render_apply_summary(struct hl_text *out, const struct hl_apply_result *result, int64_t elapsed_ms, struct hl_look look);
struct hl_value *hl_render_apply_value(struct hl_arena *arena, const struct hl_apply_result *result, int64_t elapsed_ms);

/* What a former run did: "1 created, 2 failed"; "" when nothing. */
void hl_render_run(struct hl_text *out, const struct hl_run_row *row);

enum hl_graph_format { HL_GRAPH_DOT, HL_GRAPH_MERMAID, HL_GRAPH_SVG, HL_GRAPHS };
/* The spec's resources and edges; layered by rank in SVG (own layout, no graphviz). */
void hl_render_graph(struct hl_text *out, const struct hl_spec *spec, enum hl_graph_format format);

#endif
