noinst_LIBRARIES += %reldir%/libhltransport.a
%canon_reldir%_libhltransport_a_SOURCES = \
	%reldir%/files.c %reldir%/files.h \
	%reldir%/git.c %reldir%/git.h \
	%reldir%/git_cache.c \
	%reldir%/git_child.c \
	%reldir%/git_fetch.c \
	%reldir%/git_history.c \
	%reldir%/git_hosts.c \
	%reldir%/git_http.c \
	%reldir%/git_http_failure.c \
	%reldir%/git_internal.h \
	%reldir%/git_key.c \
	%reldir%/git_merge.c \
	%reldir%/git_path.c \
	%reldir%/git_ref.c \
	%reldir%/git_sha1.c \
	%reldir%/git_ssh.c \
	%reldir%/git_tree.c \
	%reldir%/git_trust.c \
	%reldir%/git_url.c \
	%reldir%/http.c %reldir%/http.h \
	%reldir%/http_answer.c \
	%reldir%/http_client.c \
	%reldir%/http_failure.c \
	%reldir%/http_internal.h \
	%reldir%/process.c %reldir%/process.h
