noinst_LIBRARIES += %reldir%/libhlengine.a
%canon_reldir%_libhlengine_a_SOURCES = \
	%reldir%/engine.h %reldir%/internal.h %reldir%/engine.c %reldir%/session.c %reldir%/refresh.c %reldir%/record.c %reldir%/recover.c %reldir%/inspect.c \
	%reldir%/apply.h %reldir%/apply.c %reldir%/walk.c %reldir%/task.c %reldir%/ready.c %reldir%/advance.c %reldir%/opening.c %reldir%/start.c \
	%reldir%/perform.c %reldir%/settle.c %reldir%/pool.h %reldir%/pool.c
