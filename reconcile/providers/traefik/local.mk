reconcile_providers_libhlproviders_a_SOURCES += \
	%reldir%/api.c %reldir%/api.h \
	%reldir%/apply.c \
	%reldir%/batch.h \
	%reldir%/body.c \
	%reldir%/build.c \
	%reldir%/document.c %reldir%/document.h \
	%reldir%/document_text.c \
	%reldir%/emit.c %reldir%/emit.h \
	%reldir%/fields.c %reldir%/fields.h \
	%reldir%/folder.c %reldir%/folder.h \
	%reldir%/load_balancer.c \
	%reldir%/matcher.c %reldir%/matcher.h \
	%reldir%/middleware.c \
	%reldir%/middleware_fields.c \
	%reldir%/object.c %reldir%/object.h \
	%reldir%/preflight.c %reldir%/preflight.h \
	%reldir%/provider.c \
	%reldir%/refresh.c \
	%reldir%/regexp.c %reldir%/regexp.h \
	%reldir%/router.c \
	%reldir%/rule.c %reldir%/rule.h \
	%reldir%/service.c \
	%reldir%/shape.c %reldir%/shape.h \
	%reldir%/traefik.h \
	%reldir%/verify.c \
	%reldir%/write.c
