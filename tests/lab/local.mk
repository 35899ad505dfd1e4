noinst_PROGRAMS += %reldir%/hlrec-lab
TESTS += %reldir%/lab_test.sh
EXTRA_DIST += %reldir%/lab_test.sh

%canon_reldir%_hlrec_lab_SOURCES = \
	%reldir%/docker/archive.c \
	%reldir%/docker/checks.c \
	%reldir%/docker/container.c \
	%reldir%/docker/create.c \
	%reldir%/docker/docker.c %reldir%/docker/docker.h \
	%reldir%/docker/endpoint.c \
	%reldir%/docker/events.c \
	%reldir%/docker/exec.c \
	%reldir%/docker/fields.c \
	%reldir%/docker/image.c \
	%reldir%/docker/inspect.c \
	%reldir%/docker/lifecycle.c \
	%reldir%/docker/list.c \
	%reldir%/docker/merge.c \
	%reldir%/docker/mounts.c \
	%reldir%/docker/network.c \
	%reldir%/docker/pull.c \
	%reldir%/docker/reference.c \
	%reldir%/docker/tar.c \
	%reldir%/docker/volume.c \
	%reldir%/fault.c %reldir%/fault.h \
	%reldir%/http.c \
	%reldir%/lab.h \
	%reldir%/log.c %reldir%/log.h \
	%reldir%/main.c \
	%reldir%/server.c %reldir%/server.h
%canon_reldir%_hlrec_lab_LDADD = schema/base/libhlbase.a $(CJSON_LIBS) $(SODIUM_LIBS) -lpthread
