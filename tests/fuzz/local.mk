# Targets for libFuzzer (--enable-fuzzing, with clang) and for replaying the corpus (else). Each has its folder in corpus/.
fuzz_targets = %reldir%/fuzz_api %reldir%/fuzz_json %reldir%/fuzz_parsers %reldir%/fuzz_spec %reldir%/fuzz_state \
	%reldir%/fuzz_template
fuzz_base_libs = schema/libhlschema.a schema/base/libhlbase.a $(HL_LIBS)
fuzz_all_libs = reconcile/render/libhlrender.a reconcile/plan/libhlplan.a reconcile/forge/libhlforge.a reconcile/providers/libhlproviders.a \
	reconcile/transport/libhltransport.a $(fuzz_base_libs)

check_PROGRAMS += $(fuzz_targets)
TESTS += %reldir%/replay.sh
EXTRA_DIST += %reldir%/replay.sh %reldir%/run %reldir%/corpus %reldir%/worlds

# What takes JSON is given changed JSON besides changed bytes.
if ENABLE_FUZZING
fuzz_main =
fuzz_json_main = %reldir%/mutate.c
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_main = %reldir%/replay.c
fuzz_json_main = %reldir%/replay.c
fuzz_ldflags = $(AM_LDFLAGS)
endif

%canon_reldir%_fuzz_json_SOURCES = %reldir%/fuzz_json.c %reldir%/target.h $(fuzz_json_main)
%canon_reldir%_fuzz_json_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_json_LDADD = $(fuzz_base_libs)

%canon_reldir%_fuzz_template_SOURCES = %reldir%/fuzz_template.c %reldir%/target.h $(fuzz_main)
%canon_reldir%_fuzz_template_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_template_LDADD = $(fuzz_base_libs)

%canon_reldir%_fuzz_spec_SOURCES = %reldir%/fuzz_spec.c %reldir%/target.h $(fuzz_main)
%canon_reldir%_fuzz_spec_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_spec_LDADD = $(fuzz_all_libs)

%canon_reldir%_fuzz_parsers_SOURCES = %reldir%/fuzz_parsers.c %reldir%/parsers.h %reldir%/parsers_files.c %reldir%/parsers_git.c %reldir%/parsers_shown.c \
	%reldir%/parsers_words.c %reldir%/target.h reconcile/cli/moment.c reconcile/cli/planfile_parse.c $(fuzz_main)
%canon_reldir%_fuzz_parsers_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_parsers_LDADD = $(fuzz_all_libs)

%canon_reldir%_fuzz_state_SOURCES = %reldir%/fuzz_state.c %reldir%/target.h $(fuzz_main)
%canon_reldir%_fuzz_state_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_state_LDADD = state/libhlstate.a $(fuzz_base_libs)

# Its transport is answers.c, and nobody in it waits.
%canon_reldir%_fuzz_api_SOURCES = %reldir%/fuzz_api.c %reldir%/answers.c %reldir%/answers.h %reldir%/post.c %reldir%/post.h %reldir%/world.c %reldir%/world.h %reldir%/target.h $(fuzz_json_main)
%canon_reldir%_fuzz_api_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_WORLDS='"$(abs_srcdir)/%reldir%/worlds"'
%canon_reldir%_fuzz_api_LDFLAGS = $(fuzz_ldflags) -Wl,--wrap=nanosleep -Wl,--wrap=fsync
%canon_reldir%_fuzz_api_LDADD = $(fuzz_all_libs)

# make tests/fuzz/record: writes inputs of fuzz_api, see there.
EXTRA_PROGRAMS = %reldir%/record
%canon_reldir%_record_SOURCES = %reldir%/record.c %reldir%/post.c %reldir%/post.h %reldir%/world.c %reldir%/world.h
%canon_reldir%_record_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_WORLDS='"$(abs_srcdir)/%reldir%/worlds"'
%canon_reldir%_record_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=hl_http_new -Wl,--wrap=hl_http_perform
%canon_reldir%_record_LDADD = $(fuzz_all_libs)

# make fuzz: each target for FUZZ_SECONDS.
FUZZ_SECONDS = 60
.PHONY: fuzz
if ENABLE_FUZZING
fuzz: $(fuzz_targets)
	@HLREC_BUILD=$(abs_builddir) HLREC_SOURCE=$(abs_srcdir) $(srcdir)/%reldir%/run $(FUZZ_SECONDS) $$(ls $(srcdir)/%reldir%/corpus)
else
fuzz:
	@echo 'make fuzz needs: ./configure --enable-fuzzing CC=clang' >&2; exit 1
endif
