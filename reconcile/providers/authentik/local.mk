reconcile_providers_libhlproviders_a_SOURCES += \
	%reldir%/application.c %reldir%/application.h \
	%reldir%/application_parts.c \
	%reldir%/application_read.c \
	%reldir%/application_write.c \
	%reldir%/authentik.h \
	%reldir%/client.c \
	%reldir%/kinds.h \
	%reldir%/mark.c \
	%reldir%/names.c \
	%reldir%/provider.c \
	%reldir%/token.c %reldir%/token.h \
	%reldir%/token_key.c \
	%reldir%/token_read.c \
	%reldir%/words.c
