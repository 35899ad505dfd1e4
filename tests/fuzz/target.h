/* What a fuzz target is: a function of bytes that must not crash, hang, leak or break a law (assert). The same source is linked with libFuzzer
 * (--enable-fuzzing) and with replay.c, which runs files: the corpus in `make check`. */
#ifndef HL_TESTS_FUZZ_TARGET_H
#define HL_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
