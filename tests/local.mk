if HAVE_CMOCKA
include %reldir%/unit/base/local.mk
include %reldir%/unit/schema/local.mk
include %reldir%/unit/state/local.mk
include %reldir%/unit/transport/local.mk
include %reldir%/unit/docker/local.mk
include %reldir%/unit/traefik/local.mk
include %reldir%/unit/local/local.mk
include %reldir%/unit/render/local.mk
endif
include %reldir%/lab/local.mk
