check_PROGRAMS += %reldir%/schema_test
TESTS += %reldir%/schema_test

%canon_reldir%_schema_test_SOURCES = \
	%reldir%/main.c %reldir%/tests.h \
	%reldir%/kinds.c %reldir%/kinds.h \
	%reldir%/world.c %reldir%/world.h \
	%reldir%/decode_test.c \
	%reldir%/diag_test.c \
	%reldir%/emit_test.c \
	%reldir%/field_format_test.c \
	%reldir%/graph_test.c \
	%reldir%/later_test.c \
	%reldir%/providers_test.c \
	%reldir%/reader_test.c \
	%reldir%/reference_test.c \
	%reldir%/spec_test.c \
	%reldir%/variables_test.c \
	%reldir%/words_test.c
%canon_reldir%_schema_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_schema_test_LDADD = schema/libhlschema.a schema/base/libhlbase.a $(YAML_LIBS) $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
