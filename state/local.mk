# What was done: the SQLite store.
noinst_LIBRARIES += %reldir%/libhlstate.a
%canon_reldir%_libhlstate_a_SOURCES = \
	%reldir%/state.h \
	%reldir%/internal.h \
	%reldir%/seal.h \
	%reldir%/backup.c \
	%reldir%/check.c \
	%reldir%/codec.c \
	%reldir%/connect.c \
	%reldir%/files.c \
	%reldir%/history.c \
	%reldir%/journal.c \
	%reldir%/kept.c \
	%reldir%/key.c \
	%reldir%/key.h \
	%reldir%/keyring.c \
	%reldir%/lock.c \
	%reldir%/migrate.c \
	%reldir%/query.c \
	%reldir%/record.c \
	%reldir%/rekey.c \
	%reldir%/seal.c \
	%reldir%/secret.c \
	%reldir%/store.c
