#include "config.h"

#include "reconcile/cli/habits.h"

#include "schema/base/macros.h"

#include <stddef.h>
#include <string.h>

struct habit {
    const char *word, *hint;
};

static const struct habit commands[] = {
    {"build", "images are built before, and named in a container's `image`"},
    {"check", "`hlrec validate` checks the spec, `hlrec state check` the state"},
    {"config", "`hlrec validate` checks the spec, `hlrec plan` shows what it comes to"},
    {"deploy", "it is `hlrec apply` here"},
    {"diff", "it is `hlrec plan` here; `hlrec drift` for what was changed outside hlrec"},
    {"down", "it is `hlrec destroy` here"},
    {"exec", "it is `docker exec`: hlrec has none of its own"},
    {"force-unlock", "not needed: the lock of a process that is gone is taken over"},
    {"lint", "it is `hlrec validate` here"},
    {"list", "it is `hlrec status` here, or `hlrec state list`"},
    {"logs", "it is `docker logs`: hlrec has none of its own"},
    {"ls", "it is `hlrec status` here, or `hlrec state list`"},
    {"ps", "it is `hlrec status` here; `docker ps` tells what runs"},
    {"pull", "write `pull_policy: always` in the container; `hlrec plan` then shows a tag that moved"},
    {"refresh", "it is `hlrec apply --refresh-only` here"},
    {"restart", "it is `docker restart`; `hlrec apply --replace container.NAME` makes it anew"},
    {"rm", "what is taken out of the spec is deleted by `hlrec apply`; `hlrec state rm ADDRESS` only forgets it"},
    {"show", "it is `hlrec state show ADDRESS` here, or `hlrec status`"},
    {"start", "`hlrec apply` starts what should run"},
    {"stop", "it is `docker stop`; `hlrec suspend` keeps hlrec from starting it again"},
    {"sync", "it is `hlrec apply` here"},
    {"taint", "it is `hlrec apply --replace ADDRESS` here"},
    {"up", "it is `hlrec apply` here"},
};

static const struct habit options[] = {
    {"auto-approve", "it is '--yes' here"},
    {"d", "not needed: `hlrec apply` ends when all is in place"},
    {"detach", "not needed: `hlrec apply` ends when all is in place"},
    {"dry-run", "`hlrec plan` shows what would be done"},
    {"force-recreate", "it is '--replace ADDRESS' here"},
    {"json", "it is '--format json' here"},
    {"no-color", "it is '--color never' here"},
    {"parallelism", "it is '--parallel N' here"},
    {"refresh", "it is '--no-refresh' here for `-refresh=false`; '--refresh-only' is the same"},
    {"remove-orphans", "not needed: what is taken out of the spec is deleted"},
};

static const char *find(const struct habit *habits, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(habits[i].word, word) == 0)
            return habits[i].hint;
    }
    return NULL;
}

const char *hl_habit_command(const char *word)
{
    return find(commands, HL_COUNT(commands), word);
}

const char *hl_habit_option(const char *name)
{
    return find(options, HL_COUNT(options), name);
}
