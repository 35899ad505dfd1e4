check_PROGRAMS += %reldir%/state_test
TESTS += %reldir%/state_test

%canon_reldir%_state_test_SOURCES = \
	%reldir%/main.c %reldir%/testing.c %reldir%/testing.h \
	%reldir%/backup_test.c \
	%reldir%/check_test.c \
	%reldir%/codec_test.c \
	%reldir%/connect_test.c \
	%reldir%/history_test.c \
	%reldir%/journal_test.c \
	%reldir%/kept_test.c \
	%reldir%/key_test.c \
	%reldir%/lock_test.c \
	%reldir%/migrate_test.c \
	%reldir%/query_test.c \
	%reldir%/record_test.c \
	%reldir%/rekey_test.c \
	%reldir%/seal_test.c \
	%reldir%/store_test.c
%canon_reldir%_state_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_state_test_LDADD = state/libhlstate.a schema/base/libhlbase.a \
	$(SQLITE_LIBS) $(SODIUM_LIBS) $(CJSON_LIBS) $(CMOCKA_LIBS) -lpthread
