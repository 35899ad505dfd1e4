noinst_LIBRARIES += %reldir%/libhlbase.a

%canon_reldir%_libhlbase_a_SOURCES = \
	%reldir%/arena.c %reldir%/arena.h \
	%reldir%/crypto.c %reldir%/crypto.h \
	%reldir%/error.c %reldir%/error.h \
	%reldir%/json.c %reldir%/json.h \
	%reldir%/macros.h \
	%reldir%/map.c %reldir%/map.h \
	%reldir%/parallel.c %reldir%/parallel.h \
	%reldir%/redact.c %reldir%/redact.h \
	%reldir%/text.c %reldir%/text.h \
	%reldir%/value.c %reldir%/value.h
