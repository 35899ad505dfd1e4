/* What the unit tests of the state share: a folder of their own for each test, short ways to open a store, and the groups. */
#ifndef HL_TESTS_UNIT_STATE_TESTING_H
#define HL_TESTS_UNIT_STATE_TESTING_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/internal.h"

#include <string.h>

/* A private folder with the place of a state in it; made and removed around each test. */
struct sandbox {
    char folder[64];
    char path[128]; /* <folder>/.hlrec/lab.db: neither exists */
    struct hl_arena *arena;
    const char *environment[3];
};

int make_sandbox(void **state);
int remove_sandbox(void **state);

#define IN_SANDBOX(test) cmocka_unit_test_setup_teardown(test, make_sandbox, remove_sandbox)

/* The sandbox's state; the test fails when it does not open. */
struct hl_store *open_store(const struct sandbox *box, enum hl_store_mode mode);
/* Expects a failure of `code` whose whole text, hint included, has `part`. */
void open_must_fail(const struct sandbox *box, enum hl_store_mode mode, enum hl_code code, const char *part);
void assert_failure(struct hl_error **err, enum hl_code code, const char *part);
/* For what must succeed: shows the error's text. */
void assert_done(bool done, struct hl_error **err);
void assert_contains(const char *text, const char *part);

/* <path><suffix>, in the arena of the sandbox. */
const char *beside(const struct sandbox *box, const char *suffix);
bool exists(const char *path);
unsigned mode_of(const char *path);
/* Whether the bytes stand in any file below the folder. */
bool folder_holds(const char *folder, const char *data, size_t length);
size_t count_files(const char *folder);
const char *read_whole(const struct sandbox *box, const char *path, size_t *length);
void write_whole(const char *path, const void *data, size_t length);

/* As a person with the sqlite3 shell would. */
void run_sql(const char *path, const char *sql);
int64_t query_int(const char *path, const char *sql);
const char *query_text(const struct sandbox *box, const char *path, const char *sql);

struct hl_value *from_json(struct hl_arena *arena, const char *json);
void assert_values_equal(const struct hl_value *a, const struct hl_value *b);
struct hl_value *sensitive(struct hl_arena *arena, const char *text);
/* Records `address` with a sensitive text at /password of `desired`, in a transaction of its own. */
void record_secret(struct hl_store *store, const char *address, const char *secret);
const struct hl_record *find_record(struct hl_store *store, struct hl_arena *arena, const char *address);

/* Runs `body` in a child process and gives its wait status. The child ends by child_must(), a signal, or status 0. */
int run_child(void (*body)(const struct sandbox *box), const struct sandbox *box);
void child_must(bool condition);
struct hl_store *child_open(const struct sandbox *box, enum hl_store_mode mode);

int hl_test_backup(void);
int hl_test_check(void);
int hl_test_codec(void);
int hl_test_connect(void);
int hl_test_history(void);
int hl_test_journal(void);
int hl_test_kept(void);
int hl_test_key(void);
int hl_test_lock(void);
int hl_test_migrate(void);
int hl_test_query(void);
int hl_test_record(void);
int hl_test_rekey(void);
int hl_test_seal(void);
int hl_test_store(void);

#endif
