#include "config.h"

#include "tests/unit/state/testing.h"

#include <unistd.h>
#include <utime.h>

static struct hl_store_options options_of(const struct sandbox *box)
{
    return (struct hl_store_options){.path = box->path, .stack = "lab", .environment = box->environment};
}

static struct hl_store_findings check(const struct sandbox *box)
{
    const struct hl_store_options options = options_of(box);
    struct hl_store_findings found;

    hl_store_check(&options, box->arena, &found);
    return found;
}

/* Two records, of which one needs the other and one that is not there; and an intent that is open. */
static void fill(const struct sandbox *box)
{
    struct hl_store *store = open_store(box, HL_STORE_WRITE);
    const struct hl_record record = {.address = "router.web", .kind = "router", .needs = (const char *const[]){"secret.a", "secret.gone", NULL}};
    struct hl_intent intent = {.address = "secret.b", .action = "create", .desired = sensitive(box->arena, "correct horse")};
    struct hl_error *err = NULL;

    record_secret(store, "secret.a", "correct horse");
    assert_done(hl_store_record(store, &record, &err), &err);
    assert_done(hl_store_intent(store, &intent, &err), &err);
    assert_done(hl_store_backup(store, beside(box, ".bak"), &err), &err);
    hl_store_close(store);
}

static void all_of_a_sound_state_is_read(void **state)
{
    const struct sandbox *box = *state;

    fill(box);

    struct hl_store_findings found = check(box);

    assert_null(found.problem);
    assert_int_equal(found.records->count, 2);
    assert_int_equal(found.intents_count, 1);
    assert_string_equal(found.intents[0].address, "secret.b");
    assert_int_equal(found.dangling_count, 1);
    assert_string_equal(found.dangling[0].address, "router.web");
    assert_string_equal(found.dangling[0].need, "secret.gone");
    assert_int_equal(found.copies_count, 1);
    assert_null(found.copies[0].problem);
    assert_int_equal(found.copies[0].serial, hl_store_serial(found.store));
    hl_store_findings_clear(&found);
}

static void what_does_not_open_is_told_with_the_way_back(void **state)
{
    static const struct {
        const char *sql, *part;
    } rows[] = {
        {"UPDATE secrets SET sealed = x'00' WHERE resource IS NOT NULL", "does not open"},
        {"UPDATE secrets SET sealed = x'00' WHERE intent IS NOT NULL", "does not open"},
        {"INSERT INTO secrets(resource, slot, path, sealed, sealed_at) VALUES ('secret.a', 'live', '/nobody/asks', x'00', '')", "does not open"},
        {"PRAGMA foreign_keys=OFF; DELETE FROM journal", "1 rows"},
        {"INSERT INTO meta VALUES ('kept.netbird', 'rubbish')", "does not open"},
    };
    const struct sandbox *box = *state;

    fill(box);
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        size_t length = 0;
        const char *copy = read_whole(box, beside(box, ".bak"), &length);

        write_whole(box->path, copy, length);
        run_sql(box->path, rows[i].sql);

        struct hl_store_findings found = check(box);
        struct hl_error *problem = found.problem;

        found.problem = NULL;
        assert_failure(&problem, HL_E_FAILED, rows[i].part);
        hl_store_findings_clear(&found);
    }
}

static void a_damaged_copy_is_no_way_back(void **state)
{
    const struct sandbox *box = *state;
    const struct utimbuf long_ago = {.actime = 1, .modtime = 1};
    size_t length = 0;

    fill(box);

    const char *copy = read_whole(box, beside(box, ".bak"), &length);

    write_whole(beside(box, ".2026-08-01T12:00:00.000Z.bak"), copy, length);
    assert_int_equal(utime(beside(box, ".2026-08-01T12:00:00.000Z.bak"), &long_ago), 0);
    write_whole(beside(box, ".bak"), copy, length / 2);
    write_whole(box->path, copy, length / 2);

    struct hl_store_findings found = check(box);

    assert_null(found.store);
    assert_contains(found.problem->hint != NULL ? found.problem->hint : found.problem->cause->hint, "damaged as well");
    assert_int_equal(found.copies_count, 2);
    assert_non_null(found.copies[0].problem);
    assert_null(found.copies[1].problem);
    hl_store_findings_clear(&found);
}

static void a_state_that_is_gone_is_told_with_its_copy(void **state)
{
    const struct sandbox *box = *state;
    struct hl_store_findings found = check(box);

    assert_int_equal(found.problem->code, HL_E_NOT_FOUND);
    assert_contains(found.problem->hint, "hlrec apply");
    hl_store_findings_clear(&found);
    fill(box);
    assert_int_equal(unlink(box->path), 0);
    found = check(box);
    assert_int_equal(found.problem->code, HL_E_NOT_FOUND);
    assert_contains(found.problem->hint, "cp -p");
    assert_int_equal(found.copies_count, 1);
    hl_store_findings_clear(&found);
    assert_false(exists(box->path));
}

int hl_test_check(void)
{
    static const struct CMUnitTest tests[] = {
        IN_SANDBOX(all_of_a_sound_state_is_read),
        IN_SANDBOX(what_does_not_open_is_told_with_the_way_back),
        IN_SANDBOX(a_damaged_copy_is_no_way_back),
        IN_SANDBOX(a_state_that_is_gone_is_told_with_its_copy),
    };

    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
