# Laws on random specs; the random seed of a run is in the log.
TESTS += %reldir%/run.py
EXTRA_DIST += %reldir%/run.py %reldir%/generate.py

# Comments of random plans before an independent parser.
check_PROGRAMS += %reldir%/markdown_plan
TESTS += %reldir%/markdown.py
EXTRA_DIST += %reldir%/markdown.py
%canon_reldir%_markdown_plan_SOURCES = %reldir%/markdown_plan.c
%canon_reldir%_markdown_plan_LDADD = reconcile/render/libhlrender.a reconcile/plan/libhlplan.a schema/libhlschema.a schema/base/libhlbase.a $(HL_LIBS)
