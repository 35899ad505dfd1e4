#include "config.h"

#include "tests/lab/fault.h"

#include "schema/base/text.h"

#include <fnmatch.h>
#include <string.h>

struct rule {
    const char *method, *glob, *how;
    int64_t nth; /* 0: each */
    int64_t seen;
    struct lab_fault_hit hit;
};

struct lab_faults {
    struct hl_arena *arena;
    struct rule **rules;
    size_t count, capacity;
};

struct lab_faults *lab_faults_new(struct hl_arena *arena)
{
    struct lab_faults *faults = hl_arena_alloc(arena, sizeof(*faults));

    faults->arena = arena;
    return faults;
}

void lab_faults_clear(struct lab_faults *faults)
{
    faults->count = 0;
}

static bool decode_how(const char *how, struct lab_fault_hit *hit)
{
    int64_t status = 0;

    hit->how = how;
    if (hl_starts_with(how, "after-")) {
        hit->after = true;
        how += strlen("after-");
    }
    if (strcmp(how, "reset") == 0)
        hit->fault = FAULT_RESET;
    else if (strcmp(how, "hang") == 0)
        hit->fault = FAULT_HANG;
    else if (strcmp(how, "truncate") == 0 && !hit->after)
        hit->fault = FAULT_TRUNCATE;
    else if (hl_parse_int(how, 100, 599, &status))
        hit->fault = FAULT_STATUS;
    hit->status = (int)status;
    return hit->fault != FAULT_NONE;
}

bool lab_faults_add(struct lab_faults *faults, const char *text)
{
    char *copy = hl_arena_strdup(faults->arena, text);
    char *rest = NULL;
    const char *words[5] = {NULL};
    size_t count = 0;

    for (char *word = strtok_r(copy, " ", &rest); word != NULL && count < HL_COUNT(words); word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    if (count != 4)
        return false;

    struct rule *rule = hl_arena_alloc(faults->arena, sizeof(*rule));

    rule->method = words[0];
    rule->glob = words[1];
    if (strcmp(words[2], "*") != 0 && !hl_parse_int(words[2], 1, INT64_MAX, &rule->nth))
        return false;
    if (!decode_how(words[3], &rule->hit))
        return false;
    if (faults->count == faults->capacity) {
        struct rule **rules = faults->rules;

        faults->capacity = faults->capacity * 2 + 4;
        faults->rules = hl_arena_alloc(faults->arena, faults->capacity * sizeof(struct rule *));
        if (faults->count > 0)
            memcpy(faults->rules, rules, faults->count * sizeof(struct rule *));
    }
    faults->rules[faults->count++] = rule;
    return true;
}

/* What stands behind a leading "/v1.41". */
static const char *without_version(const char *path)
{
    size_t length = hl_starts_with(path, "/v") ? strspn(path + 2, "0123456789.") : 0;

    return length > 0 && path[2 + length] == '/' ? path + 2 + length : path;
}

static bool matches(const struct rule *rule, const char *method, const char *path)
{
    if (strcmp(rule->method, "*") != 0 && strcmp(rule->method, method) != 0)
        return false;
    return fnmatch(rule->glob, path, 0) == 0 || fnmatch(rule->glob, without_version(path), 0) == 0;
}

struct lab_fault_hit lab_faults_take(struct lab_faults *faults, const char *method, const char *path)
{
    struct lab_fault_hit hit = {.fault = FAULT_NONE};

    for (size_t i = 0; i < faults->count; i++) {
        struct rule *rule = faults->rules[i];

        if (!matches(rule, method, path))
            continue;
        rule->seen++;
        if (hit.fault == FAULT_NONE && (rule->nth == 0 || rule->nth == rule->seen))
            hit = rule->hit;
    }
    return hit;
}
