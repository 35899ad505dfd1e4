noinst_LIBRARIES += %reldir%/libhlplan.a
%canon_reldir%_libhlplan_a_SOURCES = \
	%reldir%/plan.h %reldir%/plan.c %reldir%/decide.h %reldir%/decide.c %reldir%/diff.h %reldir%/diff.c \
	%reldir%/select.h %reldir%/select.c %reldir%/guard.h %reldir%/guard.c %reldir%/digest.c \
	%reldir%/claims.h %reldir%/claims.c
