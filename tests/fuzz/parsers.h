/* The parsers that fuzz_parsers chooses from. Each takes the input without its first byte, NUL-terminated in `arena`. */
#ifndef HL_TESTS_FUZZ_PARSERS_H
#define HL_TESTS_FUZZ_PARSERS_H

#include "schema/base/arena.h"

typedef void fuzz_parser(struct hl_arena *arena, const char *text, size_t length);

/* parsers_files.c: what is read from files */
fuzz_parser fuzz_planfile, fuzz_traefik_file, fuzz_sops, fuzz_event, fuzz_docker_config;
/* parsers_git.c */
fuzz_parser fuzz_git_url, fuzz_git_ref, fuzz_git_heads, fuzz_git_path, fuzz_git_refusal, fuzz_known_hosts, fuzz_private_key;
/* parsers_words.c: what is a line or a word, from a command line, a server or a page */
fuzz_parser fuzz_refusal, fuzz_moment, fuzz_page, fuzz_authentik_words, fuzz_netbird_address, fuzz_comment_mark, fuzz_pull_stream;
/* parsers_shown.c: what people are shown */
fuzz_parser fuzz_redactor, fuzz_markdown, fuzz_diff;

#endif
