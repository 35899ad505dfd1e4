# Speed in ratios; `make bench` prints the whole table.
check_PROGRAMS += %reldir%/floor %reldir%/hello %reldir%/stopwatch
EXTRA_DIST += %reldir%/run %reldir%/stacks.py

%canon_reldir%_floor_SOURCES = %reldir%/floor.c
%canon_reldir%_floor_LDADD = $(HL_LIBS)
%canon_reldir%_hello_SOURCES = %reldir%/hello.c
%canon_reldir%_hello_LDADD = $(HL_LIBS)
%canon_reldir%_stopwatch_SOURCES = %reldir%/stopwatch.c

.PHONY: bench
bench: all $(check_PROGRAMS)
	HLREC_BUILD='$(abs_top_builddir)' $(srcdir)/%reldir%/run $(BENCH_OPTIONS)
