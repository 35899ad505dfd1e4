# By name: of a folder, make dist would also take what was built in it.
EXTRA_DIST += \
	%reldir%/authentik_test.py \
	%reldir%/bifrost_test.py \
	%reldir%/bifrost_world.py \
	%reldir%/browser.py \
	%reldir%/ci_test.py \
	%reldir%/crowd_test.py \
	%reldir%/docker_test.py \
	%reldir%/examples_test.py \
	%reldir%/forge_test.py \
	%reldir%/forge_world.py \
	%reldir%/git_apply_test.py \
	%reldir%/git_cache_test.py \
	%reldir%/git_https_test.py \
	%reldir%/git_server.py \
	%reldir%/git_ssh_test.py \
	%reldir%/git_test.py \
	%reldir%/git_world.py \
	%reldir%/lab_test.py \
	%reldir%/lib.py \
	%reldir%/netbird_mesh_test.py \
	%reldir%/netbird_signin_test.py \
	%reldir%/netbird_test.py \
	%reldir%/openbao_test.py \
	%reldir%/preview_test.py \
	%reldir%/report_test.py \
	%reldir%/schema_test.py \
	%reldir%/stores_test.py \
	%reldir%/traefik_test.py \
	%reldir%/unattended_test.py

# Built by `make check`, and by the phase that runs tests/integration/*.py.
check_PROGRAMS += %reldir%/git_tool
%canon_reldir%_git_tool_SOURCES = %reldir%/git_tool.c
%canon_reldir%_git_tool_LDADD = reconcile/transport/libhltransport.a schema/libhlschema.a schema/base/libhlbase.a $(HL_LIBS)

check_PROGRAMS += %reldir%/forge_tool
%canon_reldir%_forge_tool_SOURCES = %reldir%/forge_tool.c
%canon_reldir%_forge_tool_LDADD = reconcile/forge/libhlforge.a reconcile/transport/libhltransport.a schema/libhlschema.a schema/base/libhlbase.a $(HL_LIBS)
