reconcile_providers_libhlproviders_a_SOURCES += \
	%reldir%/command.c %reldir%/destination.c %reldir%/destination.h %reldir%/destination_dotenv.c %reldir%/destination_file.c \
	%reldir%/destination_infisical.c %reldir%/destination_openbao.c %reldir%/source_store.c \
	%reldir%/dotenv.c %reldir%/dotenv.h %reldir%/generate.c %reldir%/local.h %reldir%/provider.c %reldir%/read_ahead.c %reldir%/secret.c %reldir%/secret_read.c \
	%reldir%/sops.c %reldir%/sops.h %reldir%/source.c
