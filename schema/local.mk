noinst_LIBRARIES += %reldir%/libhlschema.a

%canon_reldir%_libhlschema_a_SOURCES = \
	%reldir%/decode.c %reldir%/decode.h \
	%reldir%/decode_many.c \
	%reldir%/decode_problem.c \
	%reldir%/decode_scalar.c \
	%reldir%/decoding.h \
	%reldir%/diag.c %reldir%/diag.h \
	%reldir%/diag_format.c \
	%reldir%/emit_explain.c \
	%reldir%/emit_reference.c \
	%reldir%/emit_schema.c \
	%reldir%/emit_words.c %reldir%/emitting.h \
	%reldir%/extras.c \
	%reldir%/field_format.c \
	%reldir%/graph.c \
	%reldir%/kind.c %reldir%/kind.h \
	%reldir%/load.h \
	%reldir%/node.c \
	%reldir%/providers.c \
	%reldir%/reader.c %reldir%/reader.h \
	%reldir%/reader_keys.c %reldir%/reader_keys.h \
	%reldir%/reader_problem.c %reldir%/reader_problem.h \
	%reldir%/reference.c %reldir%/reference.h \
	%reldir%/resources.c \
	%reldir%/undeclared.c \
	%reldir%/schema.h \
	%reldir%/scope.c \
	%reldir%/sections.c %reldir%/sections.h \
	%reldir%/spec.c \
	%reldir%/variables.c \
	%reldir%/window.c %reldir%/window.h \
	%reldir%/words.c %reldir%/words.h
