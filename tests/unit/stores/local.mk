check_PROGRAMS += %reldir%/stores_test
TESTS += %reldir%/stores_test

%canon_reldir%_stores_test_SOURCES = \
	%reldir%/main.c %reldir%/tests.h %reldir%/server.c %reldir%/server.h %reldir%/stores.c %reldir%/stores.h \
	%reldir%/infisical_world.c %reldir%/infisical_world.h %reldir%/openbao_world.c %reldir%/openbao_world.h \
	%reldir%/value_test.c %reldir%/spec_test.c %reldir%/infisical_test.c %reldir%/infisical_secret_test.c %reldir%/openbao_test.c \
	%reldir%/openbao_secret_test.c tests/unit/local/world.c tests/unit/local/world.h
%canon_reldir%_stores_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_stores_test_LDADD = reconcile/providers/libhlproviders.a reconcile/transport/libhltransport.a schema/libhlschema.a \
	schema/base/libhlbase.a $(CURL_LIBS) $(YAML_LIBS) $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
