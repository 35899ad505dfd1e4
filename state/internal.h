/* Private to state/: what a store is made of, and the small helpers that its files share.
 *
 *   files.c    paths, modes, atomic files          connect.c  SQLite connections: writer, reader, snapshot
 *   query.c    prepared statements, error texts    migrate.c  the tables, version by version
 *   seal.c     the AEAD                            codec.c    values to JSON with {"$secret": path} and back
 *   key.h      the sealing key, rekey              secret.c   rows of table `secrets`
 *   lock.c     one writer                          store.c    open, close, transactions, named texts
 *   record.c journal.c history.c backup.c check.c  what state.h says
 *
 * The database file is never opened here but by SQLite: closing a descriptor of one's own would drop SQLite's POSIX locks on it. */
#ifndef HL_STATE_INTERNAL_H
#define HL_STATE_INTERNAL_H

#include "schema/base/text.h"
#include "state/state.h"

#include <sqlite3.h>

enum {
    HL_STATE_APPLICATION = 0x686c7263, /* "hlrc": PRAGMA application_id */
    HL_STATE_BUSY_MS = 10000,          /* how long SQLite and the creation of a file wait for another program */
    HL_STATE_CLOCK_TEXT = 32,
    HL_STATE_STATEMENTS = 64,
};

/* Where the sealing key was found. */
enum hl_key_kind { HL_KEY_NONE, HL_KEY_ENVIRONMENT, HL_KEY_FILE, HL_KEY_CREDENTIAL, HL_KEY_BESIDE };

/* In memory of libsodium: locked, not in a core dump, wiped when freed. */
struct hl_keys {
    unsigned char wrapping[HL_KEY_BYTES]; /* the user's key; it seals the two below */
    unsigned char data[HL_KEY_BYTES];     /* seals the values; changed by rekey */
    unsigned char root[HL_KEY_BYTES];     /* of hl_store_subkey(); stays, or all keyed hashes would differ after a rekey */
};

struct hl_store {
    char *path;   /* as given: for messages */
    char *key_of; /* of a copy: the state beside which its key is; else NULL */
    char *file;   /* without symbolic links: two names of one state share lock, copy and key */
    enum hl_store_mode mode;
    bool missing;  /* a reader of a file that does not exist: an empty database in memory */
    bool snapshot; /* a reader that works on a copy in memory */
    sqlite3 *db;
    struct {
        const char *sql; /* compared by address: each statement is one constant */
        sqlite3_stmt *stmt;
    } statements[HL_STATE_STATEMENTS];
    size_t statement_count;

    char id[HL_UUID_TEXT];
    int64_t serial;
    bool changed;  /* resources, within the open transaction */
    bool broken;   /* a statement of the open transaction failed: it is not committed */
    bool copy_due; /* the last-good copy is to be made once nothing is open */
    int64_t run;   /* of hl_store_run_begin, else 0 */
    int64_t run_serial;
    int lock_fd; /* -1: not held */
    bool lock_row;

    struct hl_keys *keys;
    enum hl_key_kind key_kind;
    bool key_pending; /* the key is in <state>.key.new: a rekey died before it gave the file its name */
    char *key_check;  /* as read at opening; another value means that another run changed the key */
};

/* ---- query.c ---- */

struct hl_query {
    struct hl_store *store;
    sqlite3_stmt *stmt;
    int bound;
    int rc; /* the first failure; sticky, told by the next step */
};

/* `sql` is a constant: its address is the key of the cache. What is bound must live until the query is closed. */
struct hl_query hl_query_open(struct hl_store *store, const char *sql);
void hl_query_close(struct hl_query *query);
static inline void hl_cleanup_query(struct hl_query *query)
{
    hl_query_close(query);
}
/* Parameters in the order of their numbers. */
void hl_query_put_text(struct hl_query *query, const char *text); /* NULL is NULL */
void hl_query_put_int(struct hl_query *query, int64_t number);
void hl_query_put_blob(struct hl_query *query, const void *data, size_t length);
void hl_query_put_time(struct hl_query *query, char buffer[HL_STATE_CLOCK_TEXT], int64_t ms); /* 0 is NULL */
bool hl_query_next(struct hl_query *query, bool *row, struct hl_error **err) HL_MUST_CHECK;
/* For statements without rows. */
bool hl_query_run(struct hl_query *query, struct hl_error **err) HL_MUST_CHECK;
/* Columns of the row, copied into the arena; NULL reads as "". */
const char *hl_query_text(const struct hl_query *query, struct hl_arena *arena, int column);
const char *hl_query_peek(const struct hl_query *query, int column); /* borrowed until the next step */
int64_t hl_query_int(const struct hl_query *query, int column);
int64_t hl_query_time(const struct hl_query *query, int column);
const void *hl_query_blob(const struct hl_query *query, int column, size_t *length); /* borrowed until the next step */

bool hl_sql_exec(struct hl_store *store, const char *sql, struct hl_error **err) HL_MUST_CHECK;
/* The first column of the first row; 0 without rows. */
bool hl_sql_int(struct hl_store *store, const char *sql, int64_t *out, struct hl_error **err) HL_MUST_CHECK;
/* Fails with SQLite's words of just now and what to do about it. */
bool hl_sql_fail(struct hl_store *store, int rc, struct hl_error **err);
/* Adds the way back from a damaged file as a hint; returns false. */
bool hl_sql_way_back(struct hl_store *store, struct hl_error **err);

int64_t hl_state_now_ms(void);
/* "2026-08-01T12:34:56.789Z": sorts as text, reads without a converter. */
void hl_state_time_format(int64_t ms, char out[HL_STATE_CLOCK_TEXT]);
int64_t hl_state_time_parse(const char *text); /* 0 for what hl_state_time_format did not write */

/* ---- files.c; paths that come back are malloc'ed ---- */

/* Follows symbolic links. With `make`, missing folders are made, 0700. `exists` tells of the file itself. */
bool hl_state_file_resolve(const char *path, bool make, char **out, bool *exists, struct hl_error **err) HL_MUST_CHECK;
bool hl_state_file_check(const char *path, enum hl_store_mode mode, struct hl_error **err) HL_MUST_CHECK;
char *hl_state_file_beside(const char *path, const char *suffix);
bool hl_state_file_exists(const char *path);
bool hl_state_file_is_empty(const char *path); /* or absent */
/* An empty file (0600) under a name of its own in the folder of `path`. */
bool hl_state_file_temporary(const char *path, char **out, struct hl_error **err) HL_MUST_CHECK;
/* Why no file can be made beside `path`: an errno, 0 when one can. */
int hl_state_file_probe(const char *path);
/* Removes what killed runs left of their temporary files for the state at `path`: sealed copies that a rekey would not reach. For the holder of the lock. */
void hl_state_file_tidy(const char *path);
/* Syncs `temporary` and gives it the name `path`. *taken instead of an error when that exists and `taken` is not NULL; without `taken`
 * it is replaced. `like` (or NULL) is a file whose owner it gets, when root works on the state of somebody else. */
bool hl_state_file_publish(const char *temporary, const char *path, const char *like, bool *taken, struct hl_error **err) HL_MUST_CHECK;
bool hl_state_file_save(const char *path, const char *text, const char *like, bool *taken, struct hl_error **err) HL_MUST_CHECK;
/* Paths of the files "NAME.*bak" beside the state `path`, as a list of texts in `arena`. */
struct hl_value *hl_state_file_copies(const char *path, struct hl_arena *arena);
/* When it was last written; 0 when it is not there. */
int64_t hl_state_file_written_ms(const char *path);
void hl_state_file_own_like(int fd, const char *like);

/* ---- connect.c ---- */

/* hl_store_use_wal() comes when the file is known to be ours. */
bool hl_store_connect_writer(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_use_wal(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_connect_reader(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_connect_memory(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;
/* A new file, while nobody else knows it: fast and unsynced. */
bool hl_store_connect_new(struct hl_store *store, const char *file, struct hl_error **err) HL_MUST_CHECK;
/* Replaces the connection by a copy of the database in memory. */
bool hl_store_connect_copy(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;
void hl_store_disconnect(struct hl_store *store);

/* ---- migrate.c ---- */

struct hl_migration {
    const char *sql;                                            /* or NULL */
    bool (*run)(struct hl_store *store, struct hl_error **err); /* or NULL */
};

extern const struct hl_migration hl_migrations[HL_STATE_VERSION]; /* [n] leads from version n to n + 1 */

/* Refuses what is not a state of ours or is newer than `known`. */
bool hl_migrate_check(struct hl_store *store, int64_t known, int64_t *version, struct hl_error **err) HL_MUST_CHECK;
/* Whether all rows refer to what is there. */
bool hl_migrate_check_references(struct hl_store *store, struct hl_error **err) HL_MUST_CHECK;
/* Each step in one transaction. */
bool hl_migrate_run(struct hl_store *store, const struct hl_migration *steps, int64_t known, struct hl_error **err) HL_MUST_CHECK;
/* Takes the lock, keeps a copy, then runs the steps; nothing when the file is up to date. */
bool hl_migrate_file(struct hl_store *store, const struct hl_migration *steps, int64_t known, struct hl_error **err) HL_MUST_CHECK;

/* ---- store.c ---- */

/* Whether the file is a state of ours that SQLite finds undamaged; its key is not asked for. */
bool hl_store_is_whole(const char *file);
/* Begins a transaction unless one is open; *own tells hl_store_leave() whether to end it. Fails for a reader. */
bool hl_store_enter(struct hl_store *store, bool *own, struct hl_error **err) HL_MUST_CHECK;
/* Commits when `ok`, else rolls back; returns ok and committed. */
bool hl_store_leave(struct hl_store *store, bool own, bool ok, struct hl_error **err);
/* Rows of `meta`; *out is NULL when absent. */
bool hl_store_meta_get(struct hl_store *store, struct hl_arena *arena, const char *name, const char **out, struct hl_error **err) HL_MUST_CHECK;
bool hl_store_meta_put(struct hl_store *store, const char *name, const char *value, struct hl_error **err) HL_MUST_CHECK;

/* ---- lock.c ---- */

bool hl_lock_take(struct hl_store *store, int64_t wait_ms, struct hl_error **err) HL_MUST_CHECK;
void hl_lock_drop(struct hl_store *store);
const char *hl_lock_user(struct hl_arena *arena);
const char *hl_lock_host(struct hl_arena *arena);

/* ---- keyring.c; what lies below it is in key.h ---- */

/* For a new state: finds or makes the key, writes `key.*` into meta. Called within the creation. */
bool hl_key_create(struct hl_store *store, const char *const *environment, struct hl_error **err) HL_MUST_CHECK;
/* For an existing one: finds the key, checks it, opens the data key. */
bool hl_key_unlock(struct hl_store *store, const char *const *environment, struct hl_error **err) HL_MUST_CHECK;
/* For a state that does not exist yet: zeros. */
void hl_key_zero(struct hl_store *store);
void hl_key_free(struct hl_store *store);

/* ---- codec.c ---- */

struct hl_codec_secret {
    const char *path; /* JSON pointer (RFC 6901); "" is the value itself */
    const struct hl_value *value;
};

struct hl_codec_secrets {
    struct hl_codec_secret *items;
    size_t count, capacity;
};

/* JSON of `value`, each sensitive part replaced by its placeholder and collected in `secrets`; unknown parts become null. */
const char *hl_codec_encode(struct hl_arena *arena, const struct hl_value *value, struct hl_codec_secrets *secrets);
typedef bool hl_codec_open_fn(void *context, const char *path, struct hl_value **out, struct hl_error **err);
bool hl_codec_decode(struct hl_arena *arena, const char *json, hl_codec_open_fn *open, void *context, struct hl_value **out,
                     struct hl_error **err) HL_MUST_CHECK;
/* Whether nothing in it is sealed: decoding it calls nobody. */
bool hl_codec_is_plain(const char *json);
/* The bytes that are sealed for one value, and back. */
char *hl_codec_pack(struct hl_arena *arena, const struct hl_value *value, size_t *length);
bool hl_codec_unpack(struct hl_arena *arena, const char *data, size_t length, struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* Addresses, NULL-terminated, as a JSON list and back. */
const char *hl_codec_encode_list(struct hl_arena *arena, const char *const *list);
bool hl_codec_decode_list(struct hl_arena *arena, const char *json, const char *const **out, struct hl_error **err) HL_MUST_CHECK;

/* ---- secret.c ---- */

/* Whose secrets: a resource's (intent 0) or an intent's. */
struct hl_secret_owner {
    const char *address;
    int64_t intent;
};

/* Replaces the sealed values of one column of the owner's row, which must exist. */
bool hl_secret_save(struct hl_store *store, const struct hl_secret_owner *owner, const char *slot, const struct hl_codec_secrets *secrets,
                    struct hl_error **err) HL_MUST_CHECK;
/* Decodes a column and opens what is sealed in it. "" gives NULL. */
bool hl_secret_load(struct hl_store *store, struct hl_arena *arena, const struct hl_secret_owner *owner, const char *slot, const char *json,
                    struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* After a resource's row has its new address. */
bool hl_secret_move(struct hl_store *store, const char *from, const char *to, struct hl_error **err) HL_MUST_CHECK;
/* Opens all with the present data key and seals them with `key`. */
bool hl_secret_reseal(struct hl_store *store, const unsigned char key[HL_KEY_BYTES], struct hl_error **err) HL_MUST_CHECK;

/* ---- kept.c ---- */

bool hl_kept_reseal(struct hl_store *store, const unsigned char key[HL_KEY_BYTES], struct hl_error **err) HL_MUST_CHECK;
/* Calls take() for each value that is kept. */
bool hl_kept_collect(struct hl_store *store, struct hl_arena *arena, void (*take)(struct hl_arena *arena, const struct hl_value *value, struct hl_value *list),
                     struct hl_value *list, struct hl_error **err) HL_MUST_CHECK;

/* ---- backup.c ---- */

/* The last-good copy `<state>.bak`; a failure is noted among the run's events and else ignored. */
void hl_backup_keep(struct hl_store *store);
/* A copy under a name that does not exist. */
bool hl_backup_copy(struct hl_store *store, const char *path, struct hl_error **err) HL_MUST_CHECK;

#endif
