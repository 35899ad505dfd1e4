/* The list of commands, in the order of the help. */
#include "config.h"

#include "reconcile/cli/commands.h"

#include <stddef.h>

const struct hl_command *const hl_commands[] = {
    /* clang-format off */
    &hl_command_init,
    &hl_command_validate,
    &hl_command_plan,
    &hl_command_apply,
    &hl_command_destroy,
    &hl_command_drift,
    &hl_command_status,
    &hl_command_history,
    &hl_command_report,
    &hl_command_suspend,
    &hl_command_resume,
    &hl_command_import,
    &hl_command_unmanaged,
    &hl_command_adopt,
    &hl_command_output,
    &hl_command_secret_show,
    &hl_command_secret_rotate,
    &hl_command_state_list,
    &hl_command_state_show,
    &hl_command_state_mv,
    &hl_command_state_rm,
    &hl_command_state_history,
    &hl_command_state_check,
    &hl_command_state_backup,
    &hl_command_state_rekey,
    &hl_command_graph,
    &hl_command_schema,
    &hl_command_explain,
    &hl_command_doctor,
    &hl_command_completion,
    &hl_command_version,
    &hl_command_help,
    NULL,
    /* clang-format on */
};
