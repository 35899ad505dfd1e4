transport_tests = %reldir%/answer_test %reldir%/files_test %reldir%/git_hosts_test %reldir%/git_path_test %reldir%/git_ref_test \
	%reldir%/git_url_test %reldir%/http_test %reldir%/process_test
transport_cppflags = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
transport_libs = reconcile/transport/libhltransport.a schema/base/libhlbase.a \
	$(CURL_LIBS) $(CJSON_LIBS) $(SODIUM_LIBS) $(CMOCKA_LIBS) -lpthread
transport_git_libs = $(transport_libs) $(GIT2_LIBS)

check_PROGRAMS += $(transport_tests)
TESTS += $(transport_tests)

%canon_reldir%_files_test_SOURCES = %reldir%/files_test.c %reldir%/testing.h
%canon_reldir%_files_test_CPPFLAGS = $(transport_cppflags)
%canon_reldir%_files_test_LDADD = $(transport_libs)

%canon_reldir%_http_test_SOURCES = %reldir%/http_test.c %reldir%/canned.c %reldir%/canned.h %reldir%/testing.h
%canon_reldir%_http_test_CPPFLAGS = $(transport_cppflags)
%canon_reldir%_http_test_LDADD = $(transport_libs)

%canon_reldir%_process_test_SOURCES = %reldir%/process_test.c %reldir%/testing.h
%canon_reldir%_process_test_CPPFLAGS = $(transport_cppflags)
%canon_reldir%_process_test_LDADD = $(transport_libs)

%canon_reldir%_answer_test_SOURCES = %reldir%/answer_test.c %reldir%/testing.h
%canon_reldir%_answer_test_CPPFLAGS = $(transport_cppflags)
%canon_reldir%_answer_test_LDADD = $(transport_libs)

%canon_reldir%_git_hosts_test_SOURCES = %reldir%/git_hosts_test.c %reldir%/testing.h
%canon_reldir%_git_hosts_test_CPPFLAGS = $(transport_cppflags)
%canon_reldir%_git_hosts_test_LDADD = $(transport_git_libs)

%canon_reldir%_git_path_test_SOURCES = %reldir%/git_path_test.c %reldir%/testing.h
%canon_reldir%_git_path_test_CPPFLAGS = $(transport_cppflags)
%canon_reldir%_git_path_test_LDADD = $(transport_git_libs)

%canon_reldir%_git_ref_test_SOURCES = %reldir%/git_ref_test.c %reldir%/testing.h
%canon_reldir%_git_ref_test_CPPFLAGS = $(transport_cppflags)
%canon_reldir%_git_ref_test_LDADD = $(transport_git_libs)

%canon_reldir%_git_url_test_SOURCES = %reldir%/git_url_test.c %reldir%/testing.h
%canon_reldir%_git_url_test_CPPFLAGS = $(transport_cppflags)
%canon_reldir%_git_url_test_LDADD = $(transport_git_libs)
