# What is not built but belongs to the tests; then each kind of test in its own folder.
EXTRA_DIST += %reldir%/unit/tap %reldir%/run %reldir%/phases.py %reldir%/lint/run build-aux/prepare build-aux/build .ci/run

.PHONY: lint format
lint: all
	HLREC_BUILD='$(abs_top_builddir)' $(srcdir)/%reldir%/lint/run

format:
	cd $(srcdir) && find schema state reconcile tests \( -name '*.c' -o -name '*.h' \) -exec clang-format -i {} +

if HAVE_CMOCKA
include %reldir%/unit/base/local.mk
include %reldir%/unit/schema/local.mk
include %reldir%/unit/state/local.mk
include %reldir%/unit/transport/local.mk
include %reldir%/unit/authentik/local.mk
include %reldir%/unit/docker/local.mk
include %reldir%/unit/engine/local.mk
include %reldir%/unit/forge/local.mk
include %reldir%/unit/netbird/local.mk
include %reldir%/unit/traefik/local.mk
include %reldir%/unit/local/local.mk
include %reldir%/unit/stores/local.mk
include %reldir%/unit/render/local.mk
endif
include %reldir%/cases/local.mk
include %reldir%/property/local.mk
include %reldir%/fuzz/local.mk
include %reldir%/lab/local.mk
include %reldir%/integration/local.mk
include %reldir%/fault/local.mk
include %reldir%/bench/local.mk
