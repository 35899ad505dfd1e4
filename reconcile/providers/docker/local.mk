reconcile_providers_libhlproviders_a_SOURCES += \
	%reldir%/client.c %reldir%/client.h %reldir%/endpoint.c %reldir%/endpoint.h \
	%reldir%/image.c %reldir%/image.h %reldir%/image_name.c %reldir%/image_name.h \
	%reldir%/keep.c %reldir%/keep.h %reldir%/kinds.h %reldir%/login.c %reldir%/login.h \
	%reldir%/mark.c %reldir%/mark.h %reldir%/network.c %reldir%/network.h %reldir%/network_replace.c \
	%reldir%/provider.c %reldir%/pull.c %reldir%/pull.h %reldir%/rows.c %reldir%/rows.h %reldir%/volume.c \
	%reldir%/container/apply.c %reldir%/container/call.c %reldir%/container/check.c \
	%reldir%/container/complete.c %reldir%/container/container.h %reldir%/container/env_file.c \
	%reldir%/container/fields.c %reldir%/container/fields.h %reldir%/container/files.c \
	%reldir%/container/kind.c %reldir%/container/live.c %reldir%/container/live.h \
	%reldir%/container/live_mounts.c %reldir%/container/live_network.c %reldir%/container/logs.c \
	%reldir%/container/make.c %reldir%/container/normal.c %reldir%/container/plain.c \
	%reldir%/container/plain.h %reldir%/container/read.c %reldir%/container/recover.c \
	%reldir%/container/replace.c %reldir%/container/replaced.h %reldir%/container/same.c \
	%reldir%/container/short.c %reldir%/container/spec.c %reldir%/container/spec.h \
	%reldir%/container/state.c %reldir%/container/unmanaged.c %reldir%/container/wait.c
