check_PROGRAMS += %reldir%/base_test
TESTS += %reldir%/base_test

%canon_reldir%_base_test_SOURCES = \
	%reldir%/main.c %reldir%/tests.h \
	%reldir%/arena_test.c \
	%reldir%/crypto_test.c \
	%reldir%/error_test.c \
	%reldir%/json_test.c \
	%reldir%/map_test.c \
	%reldir%/parallel_test.c \
	%reldir%/redact_test.c \
	%reldir%/text_test.c \
	%reldir%/value_test.c
%canon_reldir%_base_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_base_test_LDADD = schema/base/libhlbase.a $(SODIUM_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS) -lpthread
