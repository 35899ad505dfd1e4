/* Runs a fuzz target on files, each as a test point: TARGET FILE... */
#include "config.h"

#include "tests/fuzz/target.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_LIMIT = 4 * 1024 * 1024 };

static bool run_file(const char *path, uint8_t *buffer)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return false;
    const size_t size = fread(buffer, 1, FILE_LIMIT, file);
    const bool read = ferror(file) == 0;
    fclose(file);
    if (!read)
        return false;
    /* In memory of exactly this size, so that reading over the end is noticed. */
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL)
        return false;
    for (size_t i = 0; i < size; i++)
        data[i] = buffer[i];
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return true;
}

int main(int count, char **arguments)
{
    uint8_t *buffer = malloc(FILE_LIMIT);
    int failed = 0;

    if (buffer == NULL)
        return 1;
    for (int i = 1; i < count; i++) {
        const bool ok = run_file(arguments[i], buffer);
        printf("%s %d - %s\n", ok ? "ok" : "not ok", i, arguments[i]);
        fflush(stdout);
        failed += !ok;
    }
    free(buffer);
    printf("1..%d\n", count - 1);
    return failed > 0 ? 1 : 0;
}
