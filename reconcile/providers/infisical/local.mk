reconcile_providers_libhlproviders_a_SOURCES += \
	%reldir%/client.c %reldir%/folder.c %reldir%/infisical.h %reldir%/login.c %reldir%/place.c %reldir%/project.c %reldir%/provider.c \
	%reldir%/secret.c %reldir%/session.h %reldir%/value.c
