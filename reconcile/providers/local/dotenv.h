/* dotenv files (KEY=value lines) that several programs read, each by rules of its own.
 *
 * `docker run --env-file` takes everything behind '=' as it stands, quotes too; docker compose, systemd's EnvironmentFile= and a shell's `.` remove quotes
 * and disagree about '$', backslashes, '#' and blanks. So a value is written only in a form that all declared readers turn into the same bytes: bare where
 * it can be, else in single quotes, else not at all, and then the error names the reader that would differ. One table of rules serves both directions.
 *
 * The editor changes the lines of one key and keeps every other byte of the file: order, comments, blank lines, line ends. Pure: text in, text out. */
#ifndef HL_RECONCILE_PROVIDERS_LOCAL_DOTENV_H
#define HL_RECONCILE_PROVIDERS_LOCAL_DOTENV_H

#include "schema/base/text.h"

enum hl_dotenv_reader {
    HL_DOTENV_DOCKER = 1,  /* docker run --env-file; compose's `format: raw` */
    HL_DOTENV_COMPOSE = 2, /* docker compose's env_file and --env-file */
    HL_DOTENV_SYSTEMD = 4, /* EnvironmentFile= */
    HL_DOTENV_SH = 8,      /* `. file` in a POSIX shell, with `set -a` or not */
    HL_DOTENV_ALL = 15,
};

/* The words for them in a spec, NULL-terminated, in the order of the bits. */
extern const char *const hl_dotenv_reader_names[];
/* The bit of a word; 0 when there is none. */
unsigned hl_dotenv_reader_find(const char *name);

/* Why a value cannot be written: what the reader does with the bare form, and what one does with quotes. */
struct hl_dotenv_problem {
    const char *bare_reader, *bare;     /* "docker compose", "expands '$'" */
    const char *quoted_reader, *quoted; /* "docker --env-file", "keeps the quotes as a part of the value" */
};

/* [A-Za-z_][A-Za-z0-9_]*: what every reader takes for a name. */
bool hl_dotenv_is_key(const char *name);
/* Appends the value as it stands behind '='. False with `problem` filled when `readers` would not all read these bytes. */
bool hl_dotenv_encode(struct hl_text *out, unsigned readers, const char *value, size_t length, struct hl_dotenv_problem *problem);

/* What stands behind '=' in the last line of the key (the last one counts for all readers); borrowed from `file`. */
struct hl_dotenv_found {
    const char *written;
    size_t length;
    size_t times; /* how often the key stands in the file; 0: not at all */
};
struct hl_dotenv_found hl_dotenv_find(const char *file, size_t length, unsigned readers, const char *key);
/* The bytes that all `readers` see in a written form; false when they do not agree, or when one of them would not take it. */
bool hl_dotenv_decode(struct hl_text *out, unsigned readers, const char *written, size_t length);
/* What a person meant by a written form: quotes removed, blanks around it too. For taking over a value that somebody wrote. */
void hl_dotenv_guess(struct hl_text *out, const char *written, size_t length);

/* Appends the file with the key's line holding `written`: in its place (further lines of the key go), else at the end. A file that was empty gets a
 * first line that says whose it is. */
void hl_dotenv_set(struct hl_text *out, const char *file, size_t length, unsigned readers, const char *key, const char *written);
/* Appends the file without the key's lines. */
void hl_dotenv_remove(struct hl_text *out, const char *file, size_t length, unsigned readers, const char *key);
/* Whether nothing is left but the first line that hl_dotenv_set wrote. */
bool hl_dotenv_is_left_empty(const char *file, size_t length);

#endif
