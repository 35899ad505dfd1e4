/* Equality and replacement, where they depend on more than the values' bytes. */
#include "config.h"

#include "reconcile/providers/docker/container/fields.h"

#include "reconcile/providers/docker/image_name.h"

#include <string.h>

bool hl_same_image(const struct hl_value *desired, const struct hl_value *live)
{
    if (!hl_value_is(desired, HL_TEXT) || !hl_value_is(live, HL_TEXT))
        return hl_value_equal(desired, live);
    return hl_image_name_equal(desired->text.data, live->text.data);
}

static bool is_up(const struct hl_value *state)
{
    return hl_value_is(state, HL_TEXT) && (strcmp(state->text.data, "running") == 0 || strcmp(state->text.data, "completed") == 0);
}

/* A job that has ended well is as it should be. */
bool hl_same_state(const struct hl_value *desired, const struct hl_value *live)
{
    return hl_value_equal(desired, live) || (is_up(desired) && is_up(live));
}

/* The engine's update call changes limits and cannot take them away. */
bool hl_removal_replaces(const struct hl_value *desired, const struct hl_value *live)
{
    return hl_value_is_null(desired) && !hl_value_is_null(live);
}
