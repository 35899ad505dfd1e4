#include "config.h"

#include "reconcile/transport/http.h"
#include "tests/unit/transport/testing.h"

static void refusal_has_the_words_of_the_api(void **state HL_UNUSED)
{
    static const struct {
        long status;
        const char *type, *body;
        enum hl_code code;
        const char *message;
    } rows[] = {
        {409, "application/json", "{\"message\":\"The name \\\"/x\\\" is\\n in use\"}\n", HL_E_CONFLICT, "the API answered 409: The name \"/x\" is in use"},
        {400, "application/json", "{\"code\":7,\"error\":{\"message\":\"deep\"}}", HL_E_REJECTED, "the API answered 400: deep"},
        {403, "application/json", "{\"errors\":[\"permission denied\"]}", HL_E_AUTH, "the API answered 403: permission denied"},
        {401, "application/json", "{\"detail\":\"no token\"}", HL_E_AUTH, "the API answered 401: no token"},
        {400, "application/json", "{\"name\":[\"is required\"]}", HL_E_REJECTED, "the API answered 400: name: is required"},
        {404, "text/plain", "  not here\r\n", HL_E_NOT_FOUND, "the API answered 404: not here"},
        {404, "text/plain", "", HL_E_NOT_FOUND, "the API answered 404"},
        {422, "application/json", "{\"x\":1}", HL_E_REJECTED, "the API answered 422"},
        {500, "application/json", "{\"broken", HL_E_UNREACHABLE, "the API answered 500: {\"broken"},
        {502, "text/html", "<html>no</html>", HL_E_UNREACHABLE, "the API answered 502: an HTML page instead of the API's answer"},
        {400, "text/plain", "red \033[31m", HL_E_REJECTED, "the API answered 400: red \\x1b[31m"},
        {400, "text/plain", "password hunter2-long is bad", HL_E_REJECTED, "the API answered 400: password (sensitive) is bad"},
    };
    struct hl_redactor *redactor = hl_redactor_new();

    hl_redactor_add(redactor, "hunter2-long", 12);
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(error) struct hl_error *err = NULL;
        struct hl_http_response response = {.method = "GET", .url = hl_strdup("http://h/p"), .status = rows[i].status};

        hl_text_init(&response.body, 1000);
        hl_text_init(&response.headers, 1000);
        hl_text_puts(&response.body, rows[i].body);
        hl_text_printf(&response.headers, "HTTP/1.1 %ld x\r\nContent-Type: %s\r\n\r\n", rows[i].status, rows[i].type);
        assert_false(hl_http_rejected(&response, redactor, &err));
        assert_string_equal(err->message, rows[i].message);
        assert_int_equal(err->code, rows[i].code);
        assert_contains(err->http, "GET http://h/p -> ");
        hl_http_response_clear(&response);
    }
    hl_redactor_free(redactor);
}

static void long_refusal_is_cut_between_characters(void **state HL_UNUSED)
{
    hl_auto(error) struct hl_error *err = NULL;
    struct hl_http_response response = {.method = "GET", .url = hl_strdup("http://h/p"), .status = 400};

    hl_text_init(&response.body, 10000);
    hl_text_init(&response.headers, 1000);
    hl_text_putc(&response.body, '!');
    for (int i = 0; i < 1000; i++)
        hl_text_puts(&response.body, "\xc3\xa4");
    assert_false(hl_http_rejected(&response, NULL, &err));
    assert_int_equal(strlen(err->message), strlen("the API answered 400: ") + 399 + strlen("..."));
    hl_http_response_clear(&response);
}

static void escaping(void **state HL_UNUSED)
{
    hl_auto(text) struct hl_text out = HL_TEXT_INIT(1000);

    hl_http_escape(&out, "aZ09-._~");
    hl_http_escape(&out, "/ ?&=%\xc3\xa4\x01+");
    assert_string_equal(hl_text_get(&out), "aZ09-._~%2F%20%3F%26%3D%25%C3%A4%01%2B");
    hl_text_reset(&out);
    hl_http_escape(&out, ".");
    hl_http_escape(&out, "..");
    hl_http_escape(&out, "...");
    assert_string_equal(hl_text_get(&out), "%2E%2E%2E..."); /* a part of a path that leads nowhere else */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusal_has_the_words_of_the_api),
        cmocka_unit_test(long_refusal_is_cut_between_characters),
        cmocka_unit_test(escaping),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
