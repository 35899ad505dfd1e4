check_PROGRAMS += %reldir%/forge_test
TESTS += %reldir%/forge_test

%canon_reldir%_forge_test_SOURCES = %reldir%/mark_test.c
%canon_reldir%_forge_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%canon_reldir%_forge_test_LDADD = reconcile/forge/libhlforge.a reconcile/transport/libhltransport.a schema/base/libhlbase.a \
	$(CURL_LIBS) $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
