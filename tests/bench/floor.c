/* The floor: only what must be done, by the same libraries, so that hlrec can be measured against it.
 *
 *   floor events SPEC                 the events of a YAML file
 *   floor plan SPEC STATE REQUESTS    these, one read of the state's rows, and the answers to the requests, fetched and parsed; prints their bytes.
 *                                     REQUESTS has lines "BASE<tab>PATH<tab>HEADER"; BASE is unix:///socket or a URL, HEADER may be empty
 *   floor commits STATE COUNT         so many transactions of one row, each synced */
#include "config.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { THREADS = 16, FAILED = 1, MISUSED = 3, MOST_REQUESTS = 1000000 };

static _Noreturn void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("floor: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(FAILED);
}

static void *grow(void *memory, size_t size)
{
    void *larger = realloc(memory, size);

    if (larger == NULL)
        die("out of memory");
    return larger;
}

/* ---- the spec ---- */

static void read_events(const char *path)
{
    FILE *file = fopen(path, "rb");
    yaml_parser_t parser;
    yaml_event_t event;
    bool more = true;

    if (file == NULL || !yaml_parser_initialize(&parser))
        die("cannot read %s", path);
    yaml_parser_set_input_file(&parser, file);
    while (more) {
        if (!yaml_parser_parse(&parser, &event))
            die("%s: %s", path, parser.problem);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    fclose(file);
}

/* ---- the state ---- */

static size_t read_table(sqlite3 *db, const char *select)
{
    sqlite3_stmt *statement = NULL;
    size_t bytes = 0;

    if (sqlite3_prepare_v2(db, select, -1, &statement, NULL) != SQLITE_OK)
        die("%s", sqlite3_errmsg(db));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            (void)sqlite3_column_blob(statement, i);
            bytes += (size_t)sqlite3_column_bytes(statement, i);
        }
    }
    sqlite3_finalize(statement);
    return bytes;
}

static size_t read_state(const char *path)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        die("cannot open %s", path);

    const size_t bytes = read_table(db, "SELECT * FROM resources") + read_table(db, "SELECT * FROM secrets");

    sqlite3_close(db);
    return bytes;
}

static void execute(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die("%s: %s", sql, sqlite3_errmsg(db));
}

static void commit_rows(const char *path, long count)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;

    if (sqlite3_open(path, &db) != SQLITE_OK)
        die("cannot open %s", path);
    execute(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE resources (address TEXT PRIMARY KEY, desired TEXT)");
    if (sqlite3_prepare_v2(db, "INSERT INTO resources VALUES ('secret.KEY_' || ?1, printf('%.200c', 'x'))", -1, &insert, NULL) != SQLITE_OK)
        die("%s", sqlite3_errmsg(db));
    for (long i = 0; i < count; i++) {
        sqlite3_bind_int64(insert, 1, i);
        if (sqlite3_step(insert) != SQLITE_DONE)
            die("%s", sqlite3_errmsg(db));
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    sqlite3_close(db);
}

/* ---- the answers ---- */

struct request {
    char *base, *path, *header;
};

struct fetch {
    struct request *requests;
    size_t count, next, bytes;
    pthread_mutex_t lock;
};

struct body {
    char *data;
    size_t length, capacity;
};

static size_t take_bytes(char *data, size_t size, size_t count, void *context)
{
    struct body *body = context;
    const size_t length = size * count;

    if (body->length + length > body->capacity) {
        body->capacity = 2 * (body->length + length);
        body->data = grow(body->data, body->capacity);
    }
    memcpy(body->data + body->length, data, length);
    body->length += length;
    return length;
}

static const char *parse_one(const char *at, const char *end)
{
    const char *stop = at;
    cJSON *item = cJSON_ParseWithLengthOpts(at, (size_t)(end - at), &stop, false);

    if (item == NULL)
        die("an answer is not JSON");
    cJSON_Delete(item);
    return stop;
}

/* A list element by element: a tree of all of it is several times slower. */
static void parse(const struct body *body)
{
    const char *at = body->data, *end = body->data + body->length;

    if (body->length == 0)
        return;
    if (*at != '[') {
        (void)parse_one(at, end);
        return;
    }
    for (at++; at < end && *at != ']';)
        at = *at == ',' || *at == ' ' || *at == '\n' ? at + 1 : parse_one(at, end);
}

static void fetch_one(CURL *curl, const struct request *request, struct body *body)
{
    struct curl_slist *headers = *request->header == '\0' ? NULL : curl_slist_append(NULL, request->header);
    const bool is_socket = strncmp(request->base, "unix://", 7) == 0;
    char url[2048];

    snprintf(url, sizeof url, "%s%s", is_socket ? "http://localhost" : request->base, request->path);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, is_socket ? request->base + 7 : NULL);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);

    const CURLcode code = curl_easy_perform(curl);

    if (code != CURLE_OK)
        die("%s: %s", url, curl_easy_strerror(code));
    curl_slist_free_all(headers);
}

static const struct request *next_request(struct fetch *fetch, size_t bytes)
{
    pthread_mutex_lock(&fetch->lock);

    const struct request *request = fetch->next < fetch->count ? &fetch->requests[fetch->next++] : NULL;

    fetch->bytes += bytes;
    pthread_mutex_unlock(&fetch->lock);
    return request;
}

static void *work(void *context)
{
    struct body body = {0};
    CURL *curl = curl_easy_init();

    if (curl == NULL)
        die("libcurl does not start");
    for (const struct request *request = next_request(context, 0); request != NULL; request = next_request(context, body.length)) {
        body.length = 0;
        fetch_one(curl, request, &body);
        parse(&body);
    }
    curl_easy_cleanup(curl);
    free(body.data);
    return NULL;
}

static void read_requests(struct fetch *fetch, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0;

    if (file == NULL)
        die("cannot read %s", path);
    while (getline(&line, &capacity, file) > 0 && fetch->count < MOST_REQUESTS) {
        char *rest = line;
        char *base = strsep(&rest, "\t\n"), *request_path = strsep(&rest, "\t\n"), *header = strsep(&rest, "\t\n");

        if (header == NULL)
            die("%s: not 'BASE<tab>PATH<tab>HEADER'", path);
        fetch->requests = grow(fetch->requests, (fetch->count + 1) * sizeof(struct request));
        fetch->requests[fetch->count++] = (struct request){.base = strdup(base), .path = strdup(request_path), .header = strdup(header)};
    }
    free(line);
    fclose(file);
}

static size_t fetch_all(const char *path)
{
    struct fetch fetch = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS];

    read_requests(&fetch, path);
    curl_global_init(CURL_GLOBAL_ALL);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, &fetch) != 0)
            die("no threads");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return fetch.bytes;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";

    if (strcmp(mode, "events") == 0 && argc == 3) {
        read_events(argv[2]);
    } else if (strcmp(mode, "plan") == 0 && argc == 5) {
        read_events(argv[2]);
        printf("state %zu\n", read_state(argv[3]));
        printf("answers %zu\n", fetch_all(argv[4]));
    } else if (strcmp(mode, "commits") == 0 && argc == 4) {
        commit_rows(argv[2], strtol(argv[3], NULL, 10));
    } else {
        fputs("usage: floor events SPEC | plan SPEC STATE REQUESTS | commits STATE COUNT\n", stderr);
        return MISUSED;
    }
    return 0;
}
