check_PROGRAMS += %reldir%/render_test
TESTS += %reldir%/render_test

%canon_reldir%_render_test_SOURCES = \
	%reldir%/main.c %reldir%/tests.h \
	%reldir%/plans.c %reldir%/plans.h \
	%reldir%/change_test.c \
	%reldir%/error_text_test.c \
	%reldir%/human_test.c \
	%reldir%/layout_test.c \
	%reldir%/markdown_test.c \
	%reldir%/markdown_text_test.c \
	%reldir%/unified_test.c
%canon_reldir%_render_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_render_test_LDADD = \
	reconcile/render/libhlrender.a reconcile/plan/libhlplan.a schema/libhlschema.a schema/base/libhlbase.a $(HL_LIBS) $(CMOCKA_LIBS)

TESTS += %reldir%/manual_is_current.sh
EXTRA_DIST += %reldir%/manual_is_current.sh
