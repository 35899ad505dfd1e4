check_PROGRAMS += %reldir%/authentik_test
TESTS += %reldir%/authentik_test

%canon_reldir%_authentik_test_SOURCES = \
	%reldir%/live_test.c %reldir%/main.c %reldir%/mark_test.c %reldir%/tests.h %reldir%/words_test.c
%canon_reldir%_authentik_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_authentik_test_LDADD = reconcile/providers/libhlproviders.a reconcile/transport/libhltransport.a schema/libhlschema.a \
	schema/base/libhlbase.a $(CURL_LIBS) $(YAML_LIBS) $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
