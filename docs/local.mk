EXTRA_DIST += %reldir%/architecture.md %reldir%/cli.md %reldir%/faults.md %reldir%/git.md %reldir%/performance.md %reldir%/reference.md %reldir%/switching.md
dist_man_MANS += %reldir%/hlrec.1
