noinst_LIBRARIES += %reldir%/libhlproviders.a
%canon_reldir%_libhlproviders_a_SOURCES = %reldir%/registry.c %reldir%/provider.c reconcile/provider.h \
	%reldir%/shared/place.c %reldir%/shared/place.h %reldir%/shared/web.c %reldir%/shared/web.h
include %reldir%/local/local.mk
include %reldir%/docker/local.mk
include %reldir%/netbird/local.mk
include %reldir%/traefik/local.mk
include %reldir%/authentik/local.mk
include %reldir%/infisical/local.mk
include %reldir%/openbao/local.mk
