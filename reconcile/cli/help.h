/* Help, manual page and completions, all from the tables of commands and options. */
#ifndef HL_RECONCILE_CLI_HELP_H
#define HL_RECONCILE_CLI_HELP_H

#include "schema/base/text.h"

/* NULL: the overview; "state": a family; else a command. False when there is no such topic. */
bool hl_help_topic(struct hl_text *out, const char *topic);
/* Whether `word` is the first of commands with two words. */
bool hl_command_is_family(const char *word);
/* docs/hlrec.1 */
void hl_help_manual(struct hl_text *out);

#endif
