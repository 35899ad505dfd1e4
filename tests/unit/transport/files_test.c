#include "config.h"

#include "reconcile/transport/files.h"
#include "tests/unit/transport/testing.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each test works in a folder of its own, which is the current one. */
static char folder[] = "/tmp/hlrec-files-XXXXXX";

static int enter(void **state HL_UNUSED)
{
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int delete_one(const char *path, const struct stat *about HL_UNUSED, int type HL_UNUSED, struct FTW *walk HL_UNUSED)
{
    return remove(path);
}

static int leave(void **state HL_UNUSED)
{
    return chdir("/") != 0 || nftw(folder, delete_one, 8, FTW_DEPTH | FTW_PHYS) != 0 ? -1 : 0;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *text)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    const char *data = NULL;
    size_t length = 0;

    assert_true(hl_file_read(arena, path, 1000, &data, &length, &err));
    assert_string_equal(data, text);
    assert_int_equal(length, strlen(text));
}

static mode_t mode_of(const char *path)
{
    struct stat about;

    assert_int_equal(lstat(path, &about), 0);
    return about.st_mode & 07777;
}

static size_t files_here(const char *path)
{
    DIR *listing = opendir(path);
    size_t count = 0;

    assert_non_null(listing);
    while (readdir(listing) != NULL)
        count++;
    closedir(listing);
    return count - 2;
}

static bool write_text(const char *path, const char *text, struct hl_error **err)
{
    return hl_file_write(&(struct hl_file_write){.path = path, .data = text, .length = strlen(text), .mode = 0640}, err);
}

static void reading_has_limits(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *path;
        size_t maximum;
        enum hl_code code;
        const char *part;
    } rows[] = {
        {"absent", "absent", 10, HL_E_NOT_FOUND, "'absent' does not exist"},
        {"below a file", "ten/x", 10, HL_E_NOT_FOUND, "'ten/x' does not exist"},
        {"folder", ".", 10, HL_E_FAILED, "'.' is a folder, not a file"},
        {"pipe", "pipe", 10, HL_E_FAILED, "'pipe' is special, not a file"},
        {"device", "/dev/zero", 10, HL_E_FAILED, "'/dev/zero' is special, not a file"},
        {"too long", "ten", 9, HL_E_FAILED, "'ten' is longer than 9 bytes"},
        {"too long, without a size", "/proc/self/status", 9, HL_E_FAILED, "is longer than 9 bytes"},
    };

    put("ten", "0123456789");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        hl_auto(error) struct hl_error *err = NULL;
        const char *data = NULL;
        size_t length = 0;

        if (hl_file_read(arena, rows[i].path, rows[i].maximum, &data, &length, &err))
            fail_msg("%s: was read", rows[i].label);
        assert_failure(&err, rows[i].code, rows[i].part);
    }
}

static void whole_files_are_read(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    const char *data = NULL;
    size_t length = 0;

    put("ten", "0123456789");
    assert_int_equal(symlink("ten", "link"), 0);
    assert_true(hl_file_read(arena, "link", 10, &data, &length, &err));
    assert_int_equal(length, 10);
    assert_string_equal(data, "0123456789");
    put("empty", "");
    assert_true(hl_file_read(arena, "empty", 0, &data, &length, &err));
    assert_int_equal(length, 0);
    assert_string_equal(data, "");
    assert_true(hl_file_read(arena, "/proc/self/status", 100000, &data, &length, &err));
    assert_contains(data, "Threads:");
}

static void new_file_gets_its_mode(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    mode_t mask = umask(077);

    assert_true(write_text("new", "text", &err));
    umask(mask);
    assert_file("new", "text");
    assert_int_equal(mode_of("new"), 0640);
    assert_int_equal(files_here("."), 1);
}

static void existing_file_keeps_its_mode_when_asked(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_file_write write = {.path = "old", .data = "new", .length = 3, .mode = 0600, .keep_mode = true};

    put("old", "old");
    assert_int_equal(chmod("old", 0604), 0);
    assert_true(hl_file_write(&write, &err));
    assert_file("old", "new");
    assert_int_equal(mode_of("old"), 0604);
    write.keep_mode = false;
    assert_true(hl_file_write(&write, &err));
    assert_int_equal(mode_of("old"), 0600);
}

static void owner_is_kept(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_file_write write = {.path = "old", .data = "new", .length = 3, .mode = 0600, .keep_mode = true};
    struct stat about;

    if (geteuid() != 0)
        skip();
    put("old", "old");
    assert_int_equal(chown("old", 12345, 23456), 0);
    assert_true(hl_file_write(&write, &err));
    assert_int_equal(stat("old", &about), 0);
    assert_int_equal(about.st_uid, 12345);
    assert_int_equal(about.st_gid, 23456);
}

static void links_stay_links(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct stat about;

    assert_int_equal(mkdir("real", 0700), 0);
    put("real/file", "old");
    assert_int_equal(symlink("real/file", "one"), 0);
    assert_int_equal(symlink("one", "two"), 0);
    assert_true(write_text("two", "new", &err));
    assert_file("real/file", "new");
    assert_int_equal(lstat("two", &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    /* One that points to nothing yet. */
    assert_int_equal(symlink("later", "real/dangling"), 0);
    assert_true(write_text("real/dangling", "there", &err));
    assert_file("real/later", "there");
    assert_int_equal(files_here("real"), 3);
    assert_int_equal(symlink("circle", "circle"), 0);
    assert_false(write_text("circle", "text", &err));
    assert_failure(&err, HL_E_FAILED, "cannot write 'circle'");
}

/* Only root can make what belongs to others. */
static void links_of_others_lead_to_what_is_theirs(void **state HL_UNUSED)
{
    enum { THEIRS = 4711 };
    hl_auto(error) struct hl_error *err = NULL;
    const struct hl_file_write write = {.path = "link", .data = "new", .length = 3, .mode = 0600};

    if (geteuid() != 0)
        skip();
    put("ours", "old");
    assert_int_equal(symlink("ours", "link"), 0);
    assert_true(hl_file_write(&write, &err));
    assert_file("ours", "new");
    assert_int_equal(lchown("link", THEIRS, THEIRS), 0);
    assert_false(hl_file_write(&write, &err));
    assert_int_equal(err->code, HL_E_REFUSED);
    assert_non_null(strstr(err->message, "user 4711"));
    assert_file("ours", "new");
    hl_error_clear(&err);
    /* To a file that is not there yet. */
    assert_int_equal(unlink("ours"), 0);
    assert_false(hl_file_write(&write, &err));
    assert_int_equal(access("ours", F_OK), -1);
    hl_error_clear(&err);
    put("ours", "theirs");
    assert_int_equal(chown("ours", THEIRS, THEIRS), 0);
    assert_true(hl_file_write(&write, &err));
    assert_file("ours", "new");
}

static void reader_sees_the_old_or_the_new_file(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    char text[4] = "";

    put("file", "old");

    FILE *reader = fopen("file", "r");

    assert_non_null(reader);
    assert_true(write_text("file", "new and longer", &err));
    assert_int_equal(fread(text, 1, 3, reader), 3);
    assert_string_equal(text, "old");
    fclose(reader);
}

static void leftover_of_a_dead_run_is_replaced(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    put("elsewhere", "precious");
    assert_int_equal(symlink("elsewhere", "file.tmp"), 0);
    assert_true(write_text("file", "text", &err));
    assert_file("file", "text");
    assert_file("elsewhere", "precious");
    assert_int_equal(files_here("."), 2);
}

static void folders_are_made_when_asked(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_file_write write = {.path = "a/b/file", .data = "x", .length = 1, .mode = 0644};
    mode_t mask = umask(022);

    assert_false(hl_file_write(&write, &err));
    assert_failure(&err, HL_E_FAILED, "No such file");
    write.make_folder = true;
    assert_true(hl_file_write(&write, &err));
    assert_int_equal(mode_of("a/b"), 0755);
    write.path = "secret/deep/file";
    write.mode = 0600;
    assert_true(hl_file_write(&write, &err));
    assert_int_equal(mode_of("secret"), 0700);
    umask(mask);
}

static void failure_leaves_nothing_behind(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;

    assert_int_equal(mkdir("folder", 0700), 0);
    assert_false(write_text("folder", "text", &err));
    assert_failure(&err, HL_E_FAILED, "cannot write 'folder': a folder stands there");
    put("file", "text");
    assert_false(write_text("file/below", "text", &err));
    assert_failure(&err, HL_E_FAILED, "cannot write 'file/below'");
    assert_int_equal(files_here("."), 2);
}

static void paths_are_joined(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    assert_string_equal(hl_path_join(arena, "/base", "a/b"), "/base/a/b");
    assert_string_equal(hl_path_join(arena, "/base/", "a"), "/base/a");
    assert_string_equal(hl_path_join(arena, "/base", "/a"), "/a");
    assert_string_equal(hl_path_join(arena, "", "a"), "a");
}

static void folder_gives_its_files(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_files files = hl_files_of_folder(folder);
    const char *text = NULL;
    size_t length = 0;

    put("file", "text");
    assert_true(files.read(files.context, arena, "file", &text, &length, &err));
    assert_string_equal(text, "text");
    assert_false(files.read(files.context, arena, "none", &text, &length, &err));
    assert_failure(&err, HL_E_NOT_FOUND, "/none' does not exist");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reading_has_limits, enter, leave),
        cmocka_unit_test_setup_teardown(whole_files_are_read, enter, leave),
        cmocka_unit_test_setup_teardown(new_file_gets_its_mode, enter, leave),
        cmocka_unit_test_setup_teardown(existing_file_keeps_its_mode_when_asked, enter, leave),
        cmocka_unit_test_setup_teardown(owner_is_kept, enter, leave),
        cmocka_unit_test_setup_teardown(links_stay_links, enter, leave),
        cmocka_unit_test_setup_teardown(links_of_others_lead_to_what_is_theirs, enter, leave),
        cmocka_unit_test_setup_teardown(reader_sees_the_old_or_the_new_file, enter, leave),
        cmocka_unit_test_setup_teardown(leftover_of_a_dead_run_is_replaced, enter, leave),
        cmocka_unit_test_setup_teardown(folders_are_made_when_asked, enter, leave),
        cmocka_unit_test_setup_teardown(failure_leaves_nothing_behind, enter, leave),
        cmocka_unit_test(paths_are_joined),
        cmocka_unit_test_setup_teardown(folder_gives_its_files, enter, leave),
    };

    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
