/* A heap: a walk over all tasks at each turn would make an apply quadratic. */
#include "config.h"

#include "reconcile/engine/apply.h"

#include <stdlib.h>

static bool is_before(const struct task_queue *queue, size_t a, size_t b)
{
    return queue->tasks[a]->number < queue->tasks[b]->number;
}

static void swap(struct task_queue *queue, size_t a, size_t b)
{
    struct task *task = queue->tasks[a];

    queue->tasks[a] = queue->tasks[b];
    queue->tasks[b] = task;
}

void task_queue_add(struct task_queue *queue, struct task *task)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        queue->tasks = hl_realloc(queue->tasks, queue->capacity * sizeof(struct task *));
    }
    queue->tasks[queue->count] = task;
    for (size_t at = queue->count++; at > 0 && is_before(queue, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(queue, at, (at - 1) / 2);
}

static void sift_down(struct task_queue *queue)
{
    for (size_t at = 0;;) {
        size_t first = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < queue->count; child++)
            first = is_before(queue, child, first) ? child : first;
        if (first == at)
            return;
        swap(queue, at, first);
        at = first;
    }
}

struct task *task_queue_take(struct task_queue *queue)
{
    if (queue->count == 0)
        return NULL;

    struct task *task = queue->tasks[0];

    queue->tasks[0] = queue->tasks[--queue->count];
    sift_down(queue);
    return task;
}

void task_queue_move(struct task_queue *from, struct task_queue *to)
{
    for (size_t i = 0; i < from->count; i++)
        task_queue_add(to, from->tasks[i]);
    from->count = 0;
}

void task_queue_free(struct task_queue *queue)
{
    free(queue->tasks);
    *queue = (struct task_queue){.tasks = NULL};
}
