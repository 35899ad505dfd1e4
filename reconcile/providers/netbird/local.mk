reconcile_providers_libhlproviders_a_SOURCES += \
	%reldir%/access.c %reldir%/address.c %reldir%/address.h %reldir%/client.c %reldir%/group.c \
	%reldir%/identity_provider.c %reldir%/proxy_token.c \
	%reldir%/kinds.h %reldir%/mesh_network.c %reldir%/mesh_part.c %reldir%/mesh_part.h \
	%reldir%/mesh_resource.c %reldir%/mesh_router.c %reldir%/names.c %reldir%/nameserver.c \
	%reldir%/netbird.h %reldir%/netbird_session.h %reldir%/object.c \
	%reldir%/oidc.c %reldir%/oidc_page.c %reldir%/oidc_page.h %reldir%/parts.c %reldir%/parts.h \
	%reldir%/peer.c %reldir%/peer.h %reldir%/policy.c %reldir%/policy_rule.c %reldir%/policy_rule.h \
	%reldir%/provider.c %reldir%/recover.c %reldir%/refresh.c %reldir%/renewal.c \
	%reldir%/route.c %reldir%/setup.c %reldir%/setup_key.c %reldir%/token.c %reldir%/token.h %reldir%/token_read.c \
	%reldir%/user.c %reldir%/world.c
