# Golden cases: a folder each, found by run.py; adding one touches no file here.
check_PROGRAMS += %reldir%/plan_case
TESTS += %reldir%/validate.sh %reldir%/plan.sh %reldir%/cli.sh
EXTRA_DIST += %reldir%/run.py %reldir%/validate.sh %reldir%/plan.sh %reldir%/cli.sh %reldir%/validate %reldir%/plan %reldir%/cli

%canon_reldir%_plan_case_SOURCES = %reldir%/plan_case.c %reldir%/world.c %reldir%/world.h
%canon_reldir%_plan_case_LDADD = reconcile/render/libhlrender.a reconcile/plan/libhlplan.a reconcile/providers/libhlproviders.a \
	reconcile/transport/libhltransport.a schema/libhlschema.a schema/base/libhlbase.a $(HL_LIBS)

# make accept CASES=plan/x: rewrites the expectation of the cases named.
.PHONY: accept check-valgrind
accept: all $(check_PROGRAMS)
	HLREC_BUILD='$(abs_top_builddir)' python3 -B $(srcdir)/%reldir%/run.py --accept $(CASES)

check-valgrind: all $(check_PROGRAMS)
	HLREC_BUILD='$(abs_top_builddir)' python3 -B $(srcdir)/%reldir%/run.py --valgrind validate plan cli
