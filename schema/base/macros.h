/* Attributes and the block-scope clean-up that all of hlrec uses.
 *
 *   hl_auto(text) struct hl_text body = HL_TEXT_INIT(limit);
 *
 * calls hl_cleanup_text(&body) when the block is left, however it is left. A type takes part by defining
 * `static inline void hl_cleanup_NAME(T *object)`. A variable declared with hl_auto is initialised on the same line. */
#ifndef HL_SCHEMA_BASE_MACROS_H
#define HL_SCHEMA_BASE_MACROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HL_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#define HL_MUST_CHECK __attribute__((warn_unused_result))
#define HL_UNUSED __attribute__((unused))
#define HL_NORETURN __attribute__((noreturn))

#define hl_auto(name) __attribute__((cleanup(hl_cleanup_##name)))

#define HL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
