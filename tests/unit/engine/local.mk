check_PROGRAMS += %reldir%/engine_test
TESTS += %reldir%/engine_test

%canon_reldir%_engine_test_SOURCES = %reldir%/pool_test.c
%canon_reldir%_engine_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_engine_test_LDADD = reconcile/engine/libhlengine.a schema/base/libhlbase.a $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
