# Built by `make check`, and by the phase that runs tests/integration/*.py.
check_PROGRAMS += %reldir%/git_tool
%canon_reldir%_git_tool_SOURCES = %reldir%/git_tool.c
%canon_reldir%_git_tool_LDADD = reconcile/transport/libhltransport.a schema/libhlschema.a schema/base/libhlbase.a $(HL_LIBS)

check_PROGRAMS += %reldir%/forge_tool
%canon_reldir%_forge_tool_SOURCES = %reldir%/forge_tool.c
%canon_reldir%_forge_tool_LDADD = reconcile/forge/libhlforge.a reconcile/transport/libhltransport.a schema/libhlschema.a schema/base/libhlbase.a $(HL_LIBS)
