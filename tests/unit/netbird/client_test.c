#include "config.h"

#include "tests/unit/netbird/fake.h"
#include "tests/unit/netbird/tests.h"

#include <string.h>

/* What becomes of an answer: the code of the error, HL_E_CODES for success. */
static void answers_are_judged(void **state)
{
    static const struct {
        const char *label, *method;
        struct fake_answer answer;
        enum hl_code code;
    } rows[] = {
        {"an object", "GET", {"GET /api/x", 200, "{\"id\":\"a\"}\n"}, HL_E_CODES},
        {"nothing", "DELETE", {"DELETE /api/x", 200, ""}, HL_E_CODES},
        {"gone", "GET", {"GET /api/x", 404, "{\"message\":\"setup key: x not found\",\"code\":404}"}, HL_E_NOT_FOUND},
        {"the token is gone", "GET", {"GET /api/x", 404, "{\"message\":\"invalid token: pat: abc not found\",\"code\":404}"}, HL_E_AUTH},
        {"no such path", "GET", {"GET /api/x", 404, "404 page not found\n"}, HL_E_UNREACHABLE},
        {"the dashboard's page", "GET", {"GET /api/x", 200, "<html>NetBird</html>"}, HL_E_UNREACHABLE},
        {"a proxy's page", "GET", {"GET /api/x", 502, "<html>Bad Gateway</html>"}, HL_E_UNREACHABLE},
        {"a sign-in in front", "GET", {"GET /api/x", 302, ""}, HL_E_UNREACHABLE},
        {"the token is bad", "GET", {"GET /api/x", 401, "{\"message\":\"token invalid\",\"code\":401}"}, HL_E_AUTH},
        {"the role is weak", "POST", {"POST /api/x", 403, "{\"message\":\"permission denied\",\"code\":403}"}, HL_E_AUTH},
        {"wrong", "POST", {"POST /api/x", 422, "{\"message\":\"metric should be between 1 and 9999\",\"code\":422}"}, HL_E_REJECTED},
        {"there is one", "POST", {"POST /api/x", 409, "{\"message\":\"group with name x already exists\",\"code\":409}"}, HL_E_CONFLICT},
        {"there is one, said otherwise", "POST", {"POST /api/x", 422, "{\"message\":\"resource with name x already exists\",\"code\":422}"}, HL_E_CONFLICT},
        {"a group that is gone", "DELETE", {"DELETE /api/x", 400, "{\"message\":\"group: x not found\",\"code\":400}"}, HL_E_NOT_FOUND},
        {"a group in use",
         "DELETE",
         {"DELETE /api/x", 400, "{\"message\":\"group has been linked to route: this was not found\",\"code\":400}"},
         HL_E_REJECTED},
        {"the server fails", "POST", {"POST /api/x", 500, "{\"message\":\"internal server error\",\"code\":500}"}, HL_E_UNREACHABLE},
        {"cut", "POST", {"POST /api/x", 0, NULL}, HL_E_UNREACHABLE},
        {"half an answer", "POST", {"POST /api/x", 200, "{\"id\":"}, HL_E_UNREACHABLE},
    };

    (void)state;
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        const struct fake_answer answers[] = {rows[i].answer, {NULL, 0, NULL}};
        struct hl_error *err = NULL;
        struct hl_value *answer = NULL;
        struct fake fake;
        fake_open(&fake, answers);
        const bool ok = hl_netbird_call(&fake.session, fake.arena, rows[i].method, "/api/x", NULL, &answer, &err);
        const enum hl_code code = ok ? HL_E_CODES : err->code;
        if (code != rows[i].code)
            fail_msg("%s: %s", rows[i].label, ok ? "success" : fake_error(&fake, &err));
        hl_error_clear(&err);
        fake_close(&fake);
    }
}

static void a_post_goes_out_once(void **state)
{
    static const struct fake_answer answers[] = {{"POST /api/x", 503, "{\"message\":\"later\",\"code\":503}"}, {NULL, 0, NULL}};
    struct hl_error *err = NULL;
    struct hl_value *answer = NULL;
    struct fake fake;

    (void)state;
    fake_open(&fake, answers);
    struct hl_value *body = fake_json(&fake, "{\"name\":\"a\"}");
    assert_false(hl_netbird_call(&fake.session, fake.arena, "POST", "/api/x", body, &answer, &err));
    assert_string_equal(fake_writes(&fake), "POST /api/x {\"name\":\"a\"}\n");
    hl_error_clear(&err);
    fake_close(&fake);
}

static void ids_are_escaped(void **state)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();

    (void)state;
    assert_string_equal(hl_netbird_path(arena, "/api/users", "Ci+Q/x="), "/api/users/Ci%2BQ%2Fx%3D");
}

int hl_test_client(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(a_post_goes_out_once),
        cmocka_unit_test(ids_are_escaped),
    };

    return cmocka_run_group_tests_name("netbird/client", tests, NULL, NULL);
}
