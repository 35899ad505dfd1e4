check_PROGRAMS += %reldir%/docker_test
TESTS += %reldir%/docker_test

%canon_reldir%_docker_test_SOURCES = \
	%reldir%/main.c %reldir%/tests.h %reldir%/world.c %reldir%/world.h \
	%reldir%/body_test.c %reldir%/endpoint_test.c %reldir%/fields_test.c %reldir%/files_test.c %reldir%/image_test.c \
	%reldir%/live_test.c %reldir%/live_network_test.c %reldir%/mark_test.c %reldir%/network_test.c %reldir%/short_test.c
%canon_reldir%_docker_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_docker_test_LDADD = reconcile/providers/libhlproviders.a reconcile/transport/libhltransport.a schema/libhlschema.a \
	schema/base/libhlbase.a $(CURL_LIBS) $(YAML_LIBS) $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
