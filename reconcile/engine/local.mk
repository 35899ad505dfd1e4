noinst_LIBRARIES += %reldir%/libhlengine.a
%canon_reldir%_libhlengine_a_SOURCES = \
	%reldir%/engine.h %reldir%/internal.h %reldir%/engine.c %reldir%/session.c %reldir%/refresh.c %reldir%/pool.c \
	%reldir%/apply.c %reldir%/ready.c %reldir%/perform.c %reldir%/settle.c %reldir%/recover.c %reldir%/inspect.c
