/* Every answer of every API: each provider is used as a stack's life uses it (world.h), and a forge is posted to (post.h), while the input answers (answers.h).
 */
#include "config.h"

#include "tests/fuzz/answers.h"
#include "tests/fuzz/post.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *name = answers_begin(data, size);
    const struct world_options options = {.name = name, .interrupts = &answers_interrupts, .file = answers_file};

    if (!post_run(name, &answers_interrupts))
        (void)world_run(&options);
    answers_end();
    return 0;
}
