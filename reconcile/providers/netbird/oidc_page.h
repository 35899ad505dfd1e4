/* What a sign-in page asks for. Lenient, as browsers are: only tags and attributes are looked at, whatever is around them. */
#ifndef HL_RECONCILE_PROVIDERS_NETBIRD_OIDC_PAGE_H
#define HL_RECONCILE_PROVIDERS_NETBIRD_OIDC_PAGE_H

#include "schema/base/value.h"

struct hl_page_input {
    const char *name;  /* "" when it has none */
    const char *type;  /* lower case; "text" when it is not said */
    const char *value; /* "" when it has none */
};

struct hl_page_form {
    const char *action; /* entities decoded; NULL: the page's own address */
    bool posts;         /* else it is a GET */
    struct hl_page_input *inputs;
    size_t inputs_count, inputs_capacity;
};

struct hl_page {
    struct hl_page_form *forms;
    size_t forms_count, forms_capacity;
    const char **links; /* href of each <a> */
    size_t links_count, links_capacity;
    const char *text; /* what stands there to be read, on one line, at most 300 bytes */
};

/* All strings are in `arena`. */
struct hl_page hl_page_read(struct hl_arena *arena, const char *html, size_t length);
/* The first input of this type, or NULL. */
const struct hl_page_input *hl_page_find_type(const struct hl_page_form *form, const char *type);
/* The first input of this name, or NULL. */
const struct hl_page_input *hl_page_find_name(const struct hl_page_form *form, const char *name);

#endif
