check_PROGRAMS += %reldir%/netbird_test
TESTS += %reldir%/netbird_test

%canon_reldir%_netbird_test_SOURCES = \
	%reldir%/main.c %reldir%/tests.h %reldir%/fake.c %reldir%/fake.h \
	%reldir%/address_test.c %reldir%/client_test.c %reldir%/mesh_test.c %reldir%/names_test.c %reldir%/object_test.c \
	%reldir%/recover_test.c %reldir%/refresh_test.c %reldir%/renewal_test.c
%canon_reldir%_netbird_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_netbird_test_LDADD = reconcile/providers/libhlproviders.a reconcile/transport/libhltransport.a schema/libhlschema.a \
	schema/base/libhlbase.a $(CURL_LIBS) $(YAML_LIBS) $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
