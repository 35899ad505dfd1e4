check_PROGRAMS += %reldir%/traefik_test
TESTS += %reldir%/traefik_test

%canon_reldir%_traefik_test_SOURCES = \
	%reldir%/main.c %reldir%/tests.h \
	%reldir%/document_test.c \
	%reldir%/kinds_test.c \
	%reldir%/provider_test.c \
	%reldir%/regexp_test.c \
	%reldir%/rule_test.c
%canon_reldir%_traefik_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_traefik_test_LDADD = reconcile/providers/libhlproviders.a reconcile/transport/libhltransport.a schema/libhlschema.a \
	schema/base/libhlbase.a $(CURL_LIBS) $(YAML_LIBS) $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
