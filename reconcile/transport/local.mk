noinst_LIBRARIES += %reldir%/libhltransport.a
%canon_reldir%_libhltransport_a_SOURCES = \
	%reldir%/files.c %reldir%/files.h \
	%reldir%/http.c %reldir%/http.h \
	%reldir%/http_answer.c \
	%reldir%/parallel.c \
	%reldir%/process.c %reldir%/process.h
