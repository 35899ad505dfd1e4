noinst_LIBRARIES += %reldir%/libhltransport.a
%canon_reldir%_libhltransport_a_SOURCES = \
	%reldir%/files.c %reldir%/files.h \
	%reldir%/http.c %reldir%/http.h \
	%reldir%/http_answer.c \
	%reldir%/http_client.c \
	%reldir%/http_failure.c \
	%reldir%/http_internal.h \
	%reldir%/parallel.c \
	%reldir%/process.c %reldir%/process.h
