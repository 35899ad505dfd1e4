#include "config.h"

#include "reconcile/providers/local/local.h"

#include <string.h>

enum {
    DEFAULT_BYTES = 32,
    LEAST_BITS = 128, /* what nobody can try out */
    MOST_BYTES = 1024,
};

static const char *const encodings[] = {"base64", "base64url", "hex", NULL};

const struct hl_field hl_generate_fields[] = {
    {.name = "bytes",
     .type = HL_F_INT,
     .minimum = 1,
     .maximum = MOST_BYTES,
     .doc = "that many random bytes, encoded; 32 when nothing else is asked for",
     .example = "32"},
    {.name = "encoding",
     .type = HL_F_STRING,
     .allowed = encodings,
     .fallback = "base64",
     .doc = "how bytes are written: base64 with padding, base64url without, or lower-case hex"},
    {.name = "length", .type = HL_F_INT, .minimum = 1, .maximum = MOST_BYTES, .doc = "that many characters of the alphabet, instead of bytes", .example = "40"},
    {.name = "alphabet",
     .type = HL_F_STRING,
     .fallback = "alnum",
     .doc = "of `length`: alnum, letters, digits, hex, or the characters themselves, each once",
     .example = "alnum"},
    {.name = "uuid", .type = HL_F_BOOL, .doc = "a random UUID (version 4, 122 random bits), instead of bytes"},
    {.name = "allow_weak", .type = HL_F_BOOL, .doc = "allow less than 128 random bits"},
    {.name = NULL},
};

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const struct {
    const char *name, *characters;
} alphabets[] = {
    {"alnum", UPPER LOWER DIGITS},
    {"letters", UPPER LOWER},
    {"digits", DIGITS},
    {"hex", DIGITS "abcdef"},
};

static const struct {
    const char *name, *characters;
    enum hl_base64 form;
} byte_encodings[] = {
    {"base64", UPPER LOWER DIGITS "+/=", HL_BASE64},
    {"base64url", UPPER LOWER DIGITS "-_", HL_BASE64_URL_NOPAD},
    {"hex", DIGITS "abcdef", HL_BASE64},
};

enum shape { SHAPE_BYTES, SHAPE_LENGTH, SHAPE_UUID };

static enum shape shape_of(const struct hl_value *generate)
{
    if (hl_value_get_bool(generate, "uuid", false))
        return SHAPE_UUID;
    return hl_value_is(hl_value_get(generate, "length"), HL_INT) ? SHAPE_LENGTH : SHAPE_BYTES;
}

static size_t bytes_of(const struct hl_value *generate)
{
    return (size_t)hl_value_get_int(generate, "bytes", DEFAULT_BYTES);
}

static const char *alphabet_of(const struct hl_value *generate)
{
    const char *name = hl_value_get_text(generate, "alphabet");

    if (name == NULL)
        name = alphabets[0].name;
    for (size_t i = 0; i < HL_COUNT(alphabets); i++) {
        if (strcmp(name, alphabets[i].name) == 0)
            return alphabets[i].characters;
    }
    return name;
}

/* Index into byte_encodings. */
static size_t encoding_of(const struct hl_value *generate)
{
    const char *name = hl_value_get_text(generate, "encoding");

    for (size_t i = 0; name != NULL && i < HL_COUNT(byte_encodings); i++) {
        if (strcmp(name, byte_encodings[i].name) == 0)
            return i;
    }
    return 0;
}

const char *hl_generate_characters(const struct hl_value *generate)
{
    switch (shape_of(generate)) {
    case SHAPE_UUID:
        return DIGITS "abcdef-";
    case SHAPE_LENGTH:
        return alphabet_of(generate);
    case SHAPE_BYTES:
        break;
    }
    return byte_encodings[encoding_of(generate)].characters;
}

/* ---- findings ---- */

/* log2 in thousandths, rounded down, by squaring: good for alphabets, and needs no libm. */
static int64_t milli_log2(size_t number)
{
    double rest = (double)number;
    double log = 0;
    double bit = 1;

    while (rest >= 2) {
        rest /= 2;
        log += 1;
    }
    for (int i = 0; i < 20; i++) {
        rest *= rest;
        bit /= 2;
        if (rest >= 2) {
            rest /= 2;
            log += bit;
        }
    }
    return (int64_t)(log * 1000);
}

/* How many characters of the alphabet are strong enough. */
static int least_length(const char *alphabet)
{
    const int64_t each = milli_log2(strlen(alphabet));

    return each == 0 ? MOST_BYTES : (int)((LEAST_BITS * 1000 + each - 1) / each);
}

static void check_strength(struct hl_check *check, const struct hl_value *generate)
{
    int64_t bits = LEAST_BITS;

    if (shape_of(generate) == SHAPE_BYTES)
        bits = (int64_t)bytes_of(generate) * 8;
    else if (shape_of(generate) == SHAPE_LENGTH)
        bits = hl_value_get_int(generate, "length", 0) * milli_log2(strlen(alphabet_of(generate))) / 1000;
    if (bits >= LEAST_BITS || hl_value_get_bool(generate, "allow_weak", false))
        return;
    struct hl_diag *diag = hl_diag_error(check->diags, generate->at, "a generated secret of %lld random bits can be guessed; at least %d are asked for",
                                         (long long)bits, LEAST_BITS);
    if (shape_of(generate) == SHAPE_BYTES)
        hl_diag_hint(check->diags, diag, "write `bytes: %d` or more, or `allow_weak: true`", LEAST_BITS / 8);
    else
        hl_diag_hint(check->diags, diag, "write `length: %d` or more, or `allow_weak: true`", least_length(alphabet_of(generate)));
}

static void check_alphabet(struct hl_check *check, const struct hl_value *alphabet)
{
    const char *characters = alphabet->text.data;
    bool twice = false;

    for (size_t i = 0; i < alphabet->text.length; i++) {
        if (characters[i] < '!' || characters[i] > '~') {
            hl_diag_error(check->diags, alphabet->at, "an alphabet is made of printable ASCII characters without blanks");
            return;
        }
        twice = twice || strchr(characters + i + 1, characters[i]) != NULL;
    }
    for (size_t i = 0; i < HL_COUNT(alphabets); i++) {
        if (strcmp(characters, alphabets[i].name) == 0)
            return;
    }
    if (twice || alphabet->text.length < 2) {
        struct hl_diag *diag = hl_diag_error(check->diags, alphabet->at, "an alphabet has at least two characters, each of them once");
        const char *names[HL_COUNT(alphabets)];
        for (size_t i = 0; i < HL_COUNT(alphabets); i++)
            names[i] = alphabets[i].name;
        hl_diag_suggest(check->diags, diag, characters, names, HL_COUNT(alphabets));
        if (diag->hint == NULL)
            hl_diag_hint(check->diags, diag, "named ones are alnum, letters, digits and hex");
    }
}

/* A member that says nothing because another one decides. */
static void check_unused(struct hl_check *check, const struct hl_value *generate, const char *member, const char *owner, bool used)
{
    const struct hl_value *value = hl_value_get(generate, member);

    if (value != NULL && !used)
        hl_diag_error(check->diags, value->at, "'%s' says how %s are made, and none are asked for", member, owner);
}

void hl_generate_check(struct hl_check *check, const struct hl_value *generate)
{
    const struct hl_value *alphabet = hl_value_get(generate, "alphabet");
    const struct hl_value *length = hl_value_get(generate, "length");
    const bool uuid = hl_value_get_bool(generate, "uuid", false);
    const size_t errors = check->diags->errors;

    if (hl_value_find_unknown(generate) != NULL)
        return;
    if ((hl_value_get(generate, "bytes") != NULL) + (length != NULL) + uuid > 1)
        hl_diag_error(check->diags, generate->at, "a secret is generated as 'bytes', by 'length' or as a 'uuid': one of the three");
    check_unused(check, generate, "encoding", "bytes", length == NULL && !uuid);
    check_unused(check, generate, "alphabet", "characters", length != NULL && !uuid);
    if (hl_value_is(alphabet, HL_TEXT))
        check_alphabet(check, alphabet);
    if (check->diags->errors == errors)
        check_strength(check, generate);
}

/* ---- values ---- */

static char *random_bytes(struct hl_arena *arena, const struct hl_value *generate)
{
    unsigned char bytes[MOST_BYTES];
    const size_t count = bytes_of(generate);
    const size_t encoding = encoding_of(generate);
    char *text = NULL;

    hl_random(bytes, count);
    if (strcmp(byte_encodings[encoding].name, "hex") == 0)
        text = hl_hex_encode(arena, bytes, count);
    else
        text = hl_base64_encode(arena, byte_encodings[encoding].form, bytes, count);
    hl_wipe(bytes, sizeof bytes);
    return text;
}

/* Each character drawn uniformly: hl_random_below rejects what would make some likelier than others. */
static char *random_characters(struct hl_arena *arena, const char *alphabet, size_t length)
{
    const size_t count = strlen(alphabet);
    char *text = hl_arena_alloc(arena, length + 1);

    for (size_t i = 0; i < length; i++)
        text[i] = alphabet[hl_random_below((uint32_t)count)];
    return text;
}

static char *random_uuid(struct hl_arena *arena)
{
    char *text = hl_arena_alloc(arena, HL_UUID_TEXT);

    hl_uuid(text);
    return text;
}

struct hl_value *hl_generate(struct hl_arena *arena, const struct hl_value *generate)
{
    const char *text = NULL;

    switch (shape_of(generate)) {
    case SHAPE_BYTES:
        text = random_bytes(arena, generate);
        break;
    case SHAPE_LENGTH:
        text = random_characters(arena, alphabet_of(generate), (size_t)hl_value_get_int(generate, "length", 0));
        break;
    case SHAPE_UUID:
        text = random_uuid(arena);
        break;
    }
    return hl_value_mark_sensitive(hl_value_text(arena, text));
}

static bool fits_bytes(const struct hl_value *generate, const struct hl_value *value)
{
    hl_auto(arena) struct hl_arena *arena = hl_arena_new();
    const size_t count = bytes_of(generate);
    const size_t encoding = encoding_of(generate);
    size_t length = 0;

    if (strcmp(byte_encodings[encoding].name, "hex") == 0)
        return value->text.length == 2 * count && strspn(value->text.data, byte_encodings[encoding].characters) == 2 * count;
    return hl_base64_decode(arena, byte_encodings[encoding].form, value->text.data, value->text.length, &length) != NULL && length == count;
}

static bool fits_uuid(const struct hl_value *value)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (value->text.length != sizeof form - 1)
        return false;
    for (size_t i = 0; i < value->text.length; i++) {
        const char *allowed = form[i] == '-' ? "-" : DIGITS "abcdefABCDEF";
        if (strchr(allowed, value->text.data[i]) == NULL)
            return false;
    }
    return true;
}

bool hl_generate_fits(const struct hl_value *generate, const struct hl_value *value)
{
    if (!hl_value_is(value, HL_TEXT) || hl_value_find_unknown(generate) != NULL)
        return true;
    switch (shape_of(generate)) {
    case SHAPE_UUID:
        return fits_uuid(value);
    case SHAPE_LENGTH:
        return value->text.length == (size_t)hl_value_get_int(generate, "length", 0) && strspn(value->text.data, alphabet_of(generate)) == value->text.length;
    case SHAPE_BYTES:
        break;
    }
    return fits_bytes(generate, value);
}
