#include "config.h"

#include "tests/unit/stores/tests.h"

#include "reconcile/providers/infisical/session.h"
#include "reconcile/providers/openbao/session.h"

#include <string.h>

static void knows_what_infisical_keeps(void **state)
{
    static const struct {
        const char *value;
        bool kept;
    } rows[] = {
        {"", true},
        {"a", true},
        {"a b", true},
        {"a\n", true},
        {"a\nb\n", true},
        {"\n", true},
        {"a\n\n", false},
        {"a \n", false},
        {"a ", false},
        {" a", false},
        {"\na", false},
        {"  a \n\n", false},
        {"a\t", false},
        {"a\r\n", false},
        {"a\r", false},
        {" ", false},
        {"\n\n", false},
        {" \n", false},
        {"a\xc2\xa0", false}, /* no-break space */
        {"\xe3\x80\x80"
         "a",
         false},                  /* ideographic space */
        {"a\xe2\x80\xa8", false}, /* line separator */
        {"\xef\xbb\xbf"
         "a",
         false},                 /* byte order mark */
        {"a\xe2\x80\x8b", true}, /* zero width space: none for JavaScript */
        {"\xc3\xa4", true},
        {"-----BEGIN X-----\nQQ==\n-----END X-----\n", true},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        if (hl_infisical_keeps(rows[i].value, strlen(rows[i].value)) != rows[i].kept)
            fail_msg("row %zu: '%s'", i, rows[i].value);
    }
}

static void knows_references(void **state)
{
    static const struct {
        const char *value;
        bool reference;
    } rows[] = {
        {"", false},   {"${", false},  {"${}", false},   {"${A}", true}, {"x${prod.a.B}y", true}, {"$${A}", true},
        {"$A", false}, {"{A}", false}, {"$ {A}", false}, {"${A", false}, {"a}${", false},         {"${}${A}", true},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        if (hl_infisical_has_reference(rows[i].value, strlen(rows[i].value)) != rows[i].reference)
            fail_msg("row %zu: '%s'", i, rows[i].value);
    }
}

/* Answers of all the versions that were read. */
static void tells_answers_apart(void **state)
{
    static const struct {
        long status;
        const char *body;
        enum hl_infisical_outcome outcome;
    } rows[] = {
        {200, "{\"secret\":{}}", HL_INFISICAL_FINE},
        {200, "{\"approval\":{\"id\":\"x\"}}", HL_INFISICAL_PENDING},
        {404, "{\"reqId\":\"r\",\"statusCode\":404,\"message\":\"Folder with path '/x' in environment with slug 'prod' not found\",\"error\":\"CreateSecret\"}",
         HL_INFISICAL_NO_FOLDER},
        {404, "{\"reqId\":\"r\",\"statusCode\":404,\"message\":\"Nothing there\",\"error\":\"SecretPathNotFound\"}", HL_INFISICAL_NO_FOLDER},
        {400, "{\"statusCode\":400,\"message\":\"Folder not found\",\"error\":\"BadRequest\"}", HL_INFISICAL_NO_FOLDER},
        {404, "{\"reqId\":\"r\",\"message\":\"Secret with name 'X' not found\",\"error\":\"NotFound\"}", HL_INFISICAL_NO_SECRET},
        {400, "{\"message\":\"Secret not found\",\"error\":\"BadRequest\"}", HL_INFISICAL_NO_SECRET},
        {400, "{\"message\":\"Secret already exist\",\"error\":\"BadRequest\"}", HL_INFISICAL_EXISTS},
        {404, "{\"reqId\":\"r\",\"message\":\"Project with ID 'x' not found\",\"error\":\"NotFound\"}", HL_INFISICAL_REJECTED},
        {404, "{\"reqId\":\"r\",\"message\":\"Environment with slug 'x' not found\",\"error\":\"NotFound\"}", HL_INFISICAL_REJECTED},
        {404, "{\"message\":\"Route GET:/api/v4/secrets not found\",\"error\":\"Not Found\",\"statusCode\":404}", HL_INFISICAL_REJECTED},
        {404, "<html>not found</html>", HL_INFISICAL_REJECTED},
        {404, "", HL_INFISICAL_REJECTED},
        {400, "{\"message\":\"Cannot update rotated secret\"}", HL_INFISICAL_REJECTED},
        {403, "{\"message\":\"Secret not found\"}", HL_INFISICAL_REJECTED},
        {422, "{\"message\":[{\"message\":\"Required\"}]}", HL_INFISICAL_REJECTED},
        {500, "{\"message\":\"Something went wrong\"}", HL_INFISICAL_REJECTED},
        {404, "[1]", HL_INFISICAL_REJECTED},
        {404, "{\"message\":null}", HL_INFISICAL_REJECTED},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_http_response response = {.status = rows[i].status, .body = HL_TEXT_INIT(10000), .headers = HL_TEXT_INIT(10)};
        hl_text_puts(&response.body, rows[i].body);
        if (hl_infisical_outcome_of(&response) != rows[i].outcome)
            fail_msg("row %zu: %s", i, rows[i].body);
        hl_http_response_clear(&response);
    }
}

static void normalises_paths(void **state)
{
    static const struct {
        const char *text, *infisical, *openbao;
    } rows[] = {
        {"/", "/", ""},         {"", "/", ""}, {"netbird", "/netbird", "netbird"}, {"/netbird/", "/netbird", "netbird"}, {"//a//b/", "/a/b", "a/b"},
        {"a/b", "/a/b", "a/b"},
    };
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_value *value = hl_value_text(arena, rows[i].text);
        assert_string_equal(hl_infisical_place_fields[0].normalise(arena, value)->text.data, rows[i].infisical);
        assert_string_equal(hl_openbao_place_fields[0].normalise(arena, value)->text.data, rows[i].openbao);
    }
    assert_string_equal(hl_openbao_escape_path(arena, "a b/c%/\xc3\xa4"), "a%20b/c%25/%C3%A4");
}

int hl_test_value(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_infisical_keeps),
        cmocka_unit_test(knows_references),
        cmocka_unit_test(tells_answers_apart),
        cmocka_unit_test(normalises_paths),
    };

    return cmocka_run_group_tests_name("stores: value", tests, NULL, NULL);
}
