/* Small models of the programs that read dotenv files, written from their sources' rules and apart from the editor's own table, so that the two check each
 * other. `sh` is not modelled: the test asks real ones. */
#ifndef HL_TESTS_UNIT_LOCAL_READERS_H
#define HL_TESTS_UNIT_LOCAL_READERS_H

#include "schema/base/text.h"

/* Each gives what the program would take for the variable in `file`; false when it would not have it, or fail. */
bool model_docker(const char *file, size_t length, const char *key, struct hl_text *out);
bool model_compose(const char *file, size_t length, const char *key, struct hl_text *out);
bool model_systemd(const char *file, size_t length, const char *key, struct hl_text *out);

#endif
