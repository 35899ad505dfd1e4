#include "config.h"

#include "reconcile/cli/command.h"

int main(int argc, char **argv)
{
    return hl_cli_main(argc > 0 ? argc - 1 : 0, argv + 1);
}
