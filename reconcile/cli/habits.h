#ifndef HL_RECONCILE_CLI_HABITS_H
#define HL_RECONCILE_CLI_HABITS_H

/* Words that people of docker compose and Terraform type by habit, and what does the same here. docs/switching.md has the whole of it; here stands what hlrec
 * has under another name, or does not need, so that the answer comes where the question was asked. */

/* The hint for a command of another tool, or NULL. A static text. */
const char *hl_habit_command(const char *word);

/* The hint for an option of another tool, named without its dashes, or NULL. A static text. */
const char *hl_habit_option(const char *name);

#endif
