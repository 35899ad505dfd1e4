/* The records of the state, for commands that work on them. */
#ifndef HL_RECONCILE_CLI_RECORDS_H
#define HL_RECONCILE_CLI_RECORDS_H

#include "reconcile/cli/context.h"

/* Finds and opens the state and reads all records; gives an exit code. */
int hl_records_open(struct hl_context *context, bool lock);
/* Address -> struct hl_record *. */
const struct hl_map *hl_records(const struct hl_context *context);
/* The same for a command about one record, which must be there; else it says what comes close. */
int hl_record_open(struct hl_context *context, bool lock, const char *address, const struct hl_record **out);
/* All that is known about one, masked. */
void hl_put_record(struct hl_context *context, struct hl_text *out, const struct hl_record *record);
struct hl_value *hl_record_json(struct hl_context *context, const struct hl_record *record);
/* All that the history has about a run. */
struct hl_value *hl_run_json(struct hl_context *context, const struct hl_run_row *row);

#endif
