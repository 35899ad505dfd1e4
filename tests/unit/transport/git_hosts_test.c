#include "config.h"

#include "reconcile/transport/git_internal.h"
#include "schema/base/crypto.h"
#include "tests/unit/transport/testing.h"

/* Two ed25519 keys and one of ecdsa, as ssh-keygen wrote them. */
#define ONE "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAzcMC1xLBUsyCyrF+Hgpn2BlqXUiEDaRtbkBntXbdbn"
#define TWO "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOn9NsDZcwr5Ay+g4TpEOtcfseoyhbeUkARjNDAk8+nr"
#define ECDSA                                                                                                                                                  \
    "ecdsa-sha2-nistp256 "                                                                                                                                     \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEfxWMKKZKdq6Hdin4RSLSqVsDKREvGOfvB1RvjqvwB+GiIvtDzqGFbzPMpK/TFne6TBQshEl++kTHH6gpMZ2TE="
/* git.example.org, and the same with port 2222, as `ssh-keygen -H` hashed them. */
#define HASHED "|1|QBn/+pkQ7NR7BZF6Bfj9493AWHs=|/e40Av2JD5m6htMZFlvPB05onT4= "
#define HASHED_2222 "|1|F1iFY2aWA7kbWFAluVnHfjal9Z0=|yaMWx2Dr7OEhdmq6mMxMzpEvF0Y= "

static struct hl_git_host_search search(struct hl_arena *arena, const char *text, int port, const char *shown)
{
    struct hl_git_host_search result = {.host = "git.example.org", .port = port};
    const char *key = strchr(shown, ' ') + 1;

    result.key = (const unsigned char *)hl_base64_decode(arena, HL_BASE64, key, strlen(key), &result.key_length);
    assert_non_null(result.key);
    hl_git_hosts_search(arena, text, strlen(text), &result);
    return result;
}

/* The host shows the key ONE. */
static void verdicts(void **state HL_UNUSED)
{
    static const struct {
        const char *label, *text;
        int port;
        enum hl_git_known verdict;
        unsigned line;
    } rows[] = {
        {"empty", "", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"plain", "git.example.org " ONE "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"no line end", "git.example.org " ONE, 22, HL_GIT_HOST_KNOWN, 1},
        {"a comment behind", "git.example.org " ONE " me@there\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"windows line ends", "# x\r\ngit.example.org " ONE "\r\n", 22, HL_GIT_HOST_KNOWN, 2},
        {"tabs", "git.example.org\t" ONE "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"capitals", "GIT.Example.ORG " ONE "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"among others", "a.example.org,git.example.org,10.0.0.1 " ONE "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"another host", "hub.example.org " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"a longer host", "git.example.org.evil.test " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"a shorter host", "git.example " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"changed", "x " ONE "\n\ngit.example.org " TWO "\n", 22, HL_GIT_HOST_CHANGED, 3},
        {"one of two", "git.example.org " TWO "\ngit.example.org " ONE "\n", 22, HL_GIT_HOST_KNOWN, 2},
        {"another kind", "git.example.org " ECDSA "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"wildcard", "*.example.org " ONE "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"wildcards", "g?t.*.or* " ONE "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"wildcard that does not fit", "git.*.com " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"all but this", "*,!git.example.org " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"all but this, in front", "!git.*,* " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"all but another", "*,!hub.example.org " ONE "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"hashed", HASHED ONE "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"hashed and changed", HASHED TWO "\n", 22, HL_GIT_HOST_CHANGED, 1},
        {"hashed, another port", HASHED_2222 ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"hashed with port", HASHED_2222 ONE "\n", 2222, HL_GIT_HOST_KNOWN, 1},
        {"hashed, broken", "|1|QBn|x= " ONE "\n|1| " ONE "\n|1|a " ONE "\n|2|x|y " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"port", "[git.example.org]:2222 " ONE "\n", 2222, HL_GIT_HOST_KNOWN, 1},
        {"another port", "[git.example.org]:2223 " ONE "\n", 2222, HL_GIT_HOST_UNKNOWN, 0},
        {"changed at the port", "[git.example.org]:2222 " TWO "\n", 2222, HL_GIT_HOST_CHANGED, 1},
        {"without the port", "git.example.org " ONE "\n", 2222, HL_GIT_HOST_KNOWN, 1},
        {"another key without the port says nothing", "git.example.org " TWO "\n", 2222, HL_GIT_HOST_UNKNOWN, 0},
        {"the port outweighs the host", "git.example.org " ONE "\n[git.example.org]:2222 " TWO "\n", 2222, HL_GIT_HOST_KNOWN, 1},
        {"port 22 in brackets", "[git.example.org]:22 " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"revoked", "git.example.org " ONE "\n@revoked * " ONE "\n", 22, HL_GIT_HOST_REVOKED, 2},
        {"revoked first", "@revoked git.example.org " ONE "\ngit.example.org " ONE "\n", 22, HL_GIT_HOST_REVOKED, 1},
        {"another key revoked", "git.example.org " ONE "\n@revoked * " TWO "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"revoked for another host", "git.example.org " ONE "\n@revoked hub.example.org " ONE "\n", 22, HL_GIT_HOST_KNOWN, 1},
        {"an authority is no key", "@cert-authority * " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"rubbish around", "x\ny z\n= = =\ngit.example.org sk-ssh-ed25519@openssh.com ????\ngit.example.org " ONE "\nz", 22, HL_GIT_HOST_KNOWN, 5},
        {"a comment", "#git.example.org " ONE "\n", 22, HL_GIT_HOST_UNKNOWN, 0},
        {"no key", "git.example.org ssh-ed25519\n", 22, HL_GIT_HOST_UNKNOWN, 0},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        struct hl_git_host_search result = search(arena, rows[i].text, rows[i].port, ONE);

        if (result.verdict != rows[i].verdict || result.line != rows[i].line)
            fail_msg("%s: verdict %d in line %u", rows[i].label, (int)result.verdict, result.line);
    }
}

static void kinds_are_collected_over_files(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_git_host_search result = {.host = "git.example.org", .port = 22};
    const char *first = "git.example.org " ECDSA "\n*.example.org ssh-rsa AAAA\n@revoked git.example.org ssh-dss AAAA\n",
               *second = "git.example.org " ONE "\n* " ECDSA "\n";

    hl_git_hosts_search(arena, first, strlen(first), &result);
    assert_string_equal(result.kinds, "ecdsa-sha2-nistp256 ssh-rsa ");
    hl_git_hosts_search(arena, second, strlen(second), &result);
    assert_string_equal(result.kinds, "ecdsa-sha2-nistp256 ssh-rsa ssh-ed25519 ");
    assert_int_equal(result.verdict, HL_GIT_HOST_UNKNOWN);
}

static void a_later_file_does_not_take_back(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    struct hl_git_host_search result = search(arena, "git.example.org " ONE "\n", 22, ONE);
    const char *second = "\ngit.example.org " TWO "\n", *third = "@revoked * " ONE "\n";

    hl_git_hosts_search(arena, second, strlen(second), &result);
    assert_int_equal(result.verdict, HL_GIT_HOST_KNOWN);
    assert_int_equal(result.line, 1);
    hl_git_hosts_search(arena, third, strlen(third), &result);
    assert_int_equal(result.verdict, HL_GIT_HOST_REVOKED);
}

/* RFC 2202, section 3. */
static void hmac_sha1(void **state HL_UNUSED)
{
    unsigned char long_key[80], repeated[50];
    const struct {
        const unsigned char *key;
        size_t key_length;
        const char *text;
        size_t length;
        const char *digest;
    } rows[] = {
        {(const unsigned char *)"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20, "Hi There", 8,
         "b617318655057264e28bc0b6fb378c8ef146be00"},
        {(const unsigned char *)"Jefe", 4, "what do ya want for nothing?", 28, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {long_key, 20, (const char *)repeated, 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
        {long_key, 80, "Test Using Larger Than Block-Size Key - Hash Key First", 54, "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
        {long_key, 80, "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data", 73, "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    };

    memset(long_key, 0xaa, sizeof(long_key));
    memset(repeated, 0xdd, sizeof(repeated));
    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        hl_auto(arena) struct hl_arena *arena = hl_arena_new();
        unsigned char digest[20];

        hl_git_hmac_sha1(rows[i].key, rows[i].key_length, rows[i].text, rows[i].length, digest);
        assert_string_equal(hl_hex_encode(arena, digest, sizeof(digest)), rows[i].digest);
    }
}

/* A key file without the secret half: what is looked at stands in front of it. */
static const char *openssh_key(struct hl_arena *arena, const char *cipher, const char *kind)
{
    hl_auto(text) struct hl_text raw = HL_TEXT_INIT(1024);

    hl_text_append(&raw, "openssh-key-v1\0", 15);
    hl_text_append(&raw, "\0\0\0", 3);
    hl_text_putc(&raw, (char)strlen(cipher));
    hl_text_puts(&raw, cipher);
    hl_text_append(&raw, "\0\0\0\4none\0\0\0\0\0\0\0\1\0\0\0\x33\0\0\0", 23);
    hl_text_putc(&raw, (char)strlen(kind));
    hl_text_puts(&raw, kind);
    hl_text_puts(&raw, "0123456789012345678901234567890123456789");

    const char *text = hl_base64_encode(arena, HL_BASE64, raw.data, raw.length);

    return hl_arena_printf(arena, "-----BEGIN OPENSSH PRIVATE KEY-----\n%.20s\r\n%s\n-----END OPENSSH PRIVATE KEY-----\n", text, text + 20);
}

static void private_keys(void **state HL_UNUSED)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const struct {
        const char *label, *text;
        bool is_key, encrypted, rsa;
    } rows[] = {
        {"ed25519", openssh_key(arena, "none", "ssh-ed25519"), true, false, false},
        {"ed25519 with a passphrase", openssh_key(arena, "aes256-ctr", "ssh-ed25519"), true, true, false},
        {"rsa", openssh_key(arena, "none", "ssh-rsa"), true, false, true},
        {"rsa in PEM", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n", true, false, true},
        {"old encrypted PEM", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE\n-----END RSA PRIVATE KEY-----\n", true, true, true},
        {"PKCS8", "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n", true, false, false},
        {"encrypted PKCS8", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4C\n-----END ENCRYPTED PRIVATE KEY-----\n", true, true, false},
        {"a public key", ONE " me@here\n", false, false, false},
        {"a certificate", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n", false, false, false},
        {"cut off", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE", false, false, false},
        {"broken", "-----BEGIN OPENSSH PRIVATE KEY-----\n!!!!\n-----END OPENSSH PRIVATE KEY-----\n", false, false, false},
        {"something else within", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END OPENSSH PRIVATE KEY-----\n", false,
         false, false},
        {"short", "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n", false, false, false},
        {"empty", "", false, false, false},
    };

    for (size_t i = 0; i < HL_COUNT(rows); i++) {
        struct hl_git_key_facts facts = hl_git_key_look(arena, rows[i].text, strlen(rows[i].text));

        if (facts.is_key != rows[i].is_key || facts.encrypted != rows[i].encrypted || facts.rsa != rows[i].rsa)
            fail_msg("%s: key %d, encrypted %d, rsa %d", rows[i].label, facts.is_key, facts.encrypted, facts.rsa);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(kinds_are_collected_over_files),
        cmocka_unit_test(a_later_file_does_not_take_back),
        cmocka_unit_test(hmac_sha1),
        cmocka_unit_test(private_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
