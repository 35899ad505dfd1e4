# By name: of a folder, make dist would also take what was built in it.
EXTRA_DIST += \
	%reldir%/bifrost_api_test.py \
	%reldir%/bifrost_kill_test.py \
	%reldir%/bifrost_life.py \
	%reldir%/disk.py \
	%reldir%/kill_test.py \
	%reldir%/netbird_test.py \
	%reldir%/soak_test.py \
	%reldir%/state_test.py

# Loaded into hlrec by the tests. A program to automake, since nothing else here is a shared object; -shared comes last, and undoes -pie.
check_PROGRAMS += %reldir%/preload.so
%canon_reldir%_preload_so_SOURCES = %reldir%/preload.c
%canon_reldir%_preload_so_CFLAGS = $(AM_CFLAGS) -fPIC
%canon_reldir%_preload_so_LDFLAGS = -shared
