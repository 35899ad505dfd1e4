/* What libyaml says about a broken file, as a finding at its place, with a hint for the mistakes that people make. */
#ifndef HL_SCHEMA_READER_PROBLEM_H
#define HL_SCHEMA_READER_PROBLEM_H

#include "schema/diag.h"

#include <yaml.h>

/* `text` is what the parser was given. */
void hl_reader_report(struct hl_diags *diags, const yaml_parser_t *parser, const char *text, size_t length);

#endif
