reconcile_providers_libhlproviders_a_SOURCES += \
	%reldir%/client.c %reldir%/kv.c %reldir%/login.c %reldir%/mount.c %reldir%/openbao.h %reldir%/place.c %reldir%/provider.c %reldir%/session.h
