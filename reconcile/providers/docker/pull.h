/* Pulling: a stream of JSON objects, in which errors stand although the status was 200. */
#ifndef HL_DOCKER_PULL_H
#define HL_DOCKER_PULL_H

#include "reconcile/providers/docker/client.h"

/* Pulls one tag or digest with the credentials of its registry. Interrupting closes the connection, which cancels the pull. `op` (may be NULL) hears of it. */
bool hl_image_pull(struct hl_docker *docker, struct hl_op *op, const char *reference, const char *platform, struct hl_error **err) HL_MUST_CHECK;

/* The reader of the stream, apart for its tests. Objects may be cut anywhere between two pieces. */
struct hl_pull_stream {
    struct hl_text line;
    struct hl_map *layers; /* id -> struct layer * */
    struct hl_arena *arena;
    char *problem; /* the first error of the stream; in the arena */
    char *status;  /* the last line that told of no layer */
    struct hl_op *op;
    int percent; /* last told */
};

void hl_pull_stream_init(struct hl_pull_stream *stream, struct hl_arena *arena, struct hl_op *op);
void hl_pull_stream_feed(struct hl_pull_stream *stream, const char *data, size_t length);
void hl_pull_stream_clear(struct hl_pull_stream *stream);

#endif
