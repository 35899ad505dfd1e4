/* The commands, each in its own file. */
#ifndef HL_RECONCILE_CLI_COMMANDS_H
#define HL_RECONCILE_CLI_COMMANDS_H

#include "reconcile/cli/command.h"

extern const struct hl_command hl_command_init, hl_command_validate, hl_command_plan, hl_command_apply, hl_command_destroy, hl_command_drift;
extern const struct hl_command hl_command_import, hl_command_unmanaged, hl_command_adopt, hl_command_output;
extern const struct hl_command hl_command_secret_show, hl_command_secret_rotate;
extern const struct hl_command hl_command_state_list, hl_command_state_show, hl_command_state_mv, hl_command_state_rm, hl_command_state_history;
extern const struct hl_command hl_command_state_backup, hl_command_state_check, hl_command_state_rekey;
extern const struct hl_command hl_command_graph, hl_command_schema, hl_command_explain, hl_command_doctor, hl_command_completion;
extern const struct hl_command hl_command_version, hl_command_help;
extern const struct hl_command hl_command_suspend, hl_command_resume, hl_command_history, hl_command_status, hl_command_report;

#endif
