noinst_PROGRAMS += %reldir%/hlrec-lab
lab_tests = %reldir%/lab_test.sh %reldir%/netbird_test.sh %reldir%/authentik_test.sh %reldir%/infisical_test.sh %reldir%/openbao_test.sh %reldir%/forge_test.sh
TESTS += $(lab_tests)
EXTRA_DIST += $(lab_tests) %reldir%/lib.sh %reldir%/lib_ask.sh %reldir%/lib_curl.sh %reldir%/ask.py %reldir%/look.py

%canon_reldir%_hlrec_lab_SOURCES = \
	%reldir%/authentik/applications.c \
	%reldir%/authentik/authentik.c %reldir%/authentik/authentik.h \
	%reldir%/authentik/oauth2.c \
	%reldir%/authentik/rest.c \
	%reldir%/authentik/tables.c \
	%reldir%/authentik/tokens.c \
	%reldir%/authentik/users.c \
	%reldir%/authentik/validate.c \
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
	%reldir%/forge/comment.c \
	%reldir%/forge/forge.c %reldir%/forge/forge.h \
	%reldir%/forge/status.c \
	%reldir%/forge/switch.c \
	%reldir%/http.c \
	%reldir%/infisical/answer.c \
	%reldir%/infisical/auth.c \
	%reldir%/infisical/batch.c \
	%reldir%/infisical/check.c \
	%reldir%/infisical/folder.c \
	%reldir%/infisical/infisical.c %reldir%/infisical/infisical.h \
	%reldir%/infisical/project.c \
	%reldir%/infisical/secret.c \
	%reldir%/infisical/store.c \
	%reldir%/infisical/switch.c \
	%reldir%/infisical/target.c \
	%reldir%/infisical/value.c \
	%reldir%/keep.c \
	%reldir%/lab.h \
	%reldir%/log.c %reldir%/log.h \
	%reldir%/main.c \
	%reldir%/netbird/address.c \
	%reldir%/netbird/answer.c \
	%reldir%/netbird/auth.c \
	%reldir%/netbird/behind.c \
	%reldir%/netbird/body.c \
	%reldir%/netbird/dns.c \
	%reldir%/netbird/domain.c \
	%reldir%/netbird/enrol.c \
	%reldir%/netbird/group.c \
	%reldir%/netbird/identity_provider.c \
	%reldir%/netbird/instance.c \
	%reldir%/netbird/netbird.c %reldir%/netbird/netbird.h \
	%reldir%/netbird/network.c \
	%reldir%/netbird/oidc.c \
	%reldir%/netbird/peer.c \
	%reldir%/netbird/policy.c \
	%reldir%/netbird/proxy_token.c \
	%reldir%/netbird/resource.c \
	%reldir%/netbird/route.c \
	%reldir%/netbird/router.c \
	%reldir%/netbird/secret.c \
	%reldir%/netbird/setup_key.c \
	%reldir%/netbird/token.c \
	%reldir%/netbird/user.c \
	%reldir%/netbird/world.c \
	%reldir%/netbird/zone.c \
	%reldir%/openbao/acl.c \
	%reldir%/openbao/answer.c \
	%reldir%/openbao/approle.c \
	%reldir%/openbao/fields.c \
	%reldir%/openbao/kv1.c \
	%reldir%/openbao/kv2.c \
	%reldir%/openbao/metadata.c \
	%reldir%/openbao/mounts.c \
	%reldir%/openbao/openbao.c %reldir%/openbao/openbao.h \
	%reldir%/openbao/request.c \
	%reldir%/openbao/token.c \
	%reldir%/server.c %reldir%/server.h
%canon_reldir%_hlrec_lab_LDADD = schema/base/libhlbase.a $(CJSON_LIBS) $(SODIUM_LIBS) -lpthread
