check_PROGRAMS += %reldir%/local_test
TESTS += %reldir%/local_test
EXTRA_DIST += %reldir%/fake-sops

%canon_reldir%_local_test_SOURCES = \
	%reldir%/main.c %reldir%/tests.h %reldir%/world.c %reldir%/world.h %reldir%/readers.c %reldir%/readers.h \
	%reldir%/dotenv_test.c %reldir%/generate_test.c %reldir%/refresh_test.c %reldir%/sops_test.c %reldir%/spec_test.c %reldir%/verbs_test.c
%canon_reldir%_local_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_local_test_LDADD = reconcile/providers/libhlproviders.a reconcile/transport/libhltransport.a schema/libhlschema.a \
	schema/base/libhlbase.a $(CURL_LIBS) $(YAML_LIBS) $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
