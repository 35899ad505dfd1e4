/* Plans to be rendered, made by hand. */
#ifndef HL_TESTS_UNIT_RENDER_PLANS_H
#define HL_TESTS_UNIT_RENDER_PLANS_H

#include "reconcile/render/render.h"
#include "tests/unit/render/tests.h"

/* A step with nothing but an address, an action and a reason. */
struct hl_step *hl_test_step(struct hl_arena *arena, const char *address, enum hl_action action);
struct hl_plan *hl_test_plan(struct hl_arena *arena, struct hl_step **steps, size_t count);

#endif
