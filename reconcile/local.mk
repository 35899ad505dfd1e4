include %reldir%/transport/local.mk
include %reldir%/forge/local.mk
include %reldir%/plan/local.mk
include %reldir%/preview/local.mk
include %reldir%/providers/local.mk
include %reldir%/engine/local.mk
include %reldir%/render/local.mk
include %reldir%/cli/local.mk
