/* names.c - names of functions and symbols: "%sum", "u0:12", libcalls. */
#include "ir/func.h"

#include <stdio.h>
#include <string.h>

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* A decimal number of 32 bits at *p, which moves behind it. */
static bool scan_u32(const char **p, uint32_t *out)
{
    const char *at = *p;
    uint64_t x = 0;

    if (*at < '0' || *at > '9')
        return false;
    while (*at >= '0' && *at <= '9') {
        x = x * 10 + (uint64_t)(*at++ - '0');
        if (x > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)x;
    *p = at;
    return true;
}

static bool scan_user(const char *text, ir_name *out)
{
    const char *p = text + 1;

    return text[0] == 'u' && scan_u32(&p, &out->space) && *p++ == ':' && scan_u32(&p, &out->index)
           && *p == 0;
}

bool jit_name_scan(const char *text, ir_name *out)
{
    const char *p;

    memset(out, 0, sizeof *out);
    if (scan_user(text, out)) {
        out->kind = NAME_USER;
        return true;
    }
    out->space = out->index = 0;
    text += text[0] == '%';
    for (p = text; is_name_char(*p); p++)
        continue;
    if (p == text || *p != 0)
        return false;
    for (unsigned k = 0; *text <= 'Z' && k < LIBCALL_COUNT; k++) /* each begins with a capital */
        if (strcmp(text, jit_libcall_name(k)) == 0) {
            out->kind = NAME_LIBCALL;
            out->index = k;
            return true;
        }
    out->kind = NAME_TEXT;
    out->text = text;
    return true;
}

bool jit_name_equal(const ir_name *a, const ir_name *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == NAME_TEXT)
        return strcmp(a->text, b->text) == 0;
    return a->space == b->space && a->index == b->index;
}

uint64_t jit_name_hash(const ir_name *n)
{
    if (n->kind == NAME_TEXT)
        return jit_hash_bytes(n->text, strlen(n->text));
    return hash_mix(((uint64_t)n->space << 32 | n->index) + ((uint64_t)n->kind << 61));
}

size_t jit_name_print(const ir_name *n, char *buffer, size_t size)
{
    int length = 0;

    switch (n->kind) {
    case NAME_TEXT:
        length = snprintf(buffer, size, "%%%s", n->text);
        break;
    case NAME_USER:
        length = snprintf(buffer, size, "u%u:%u", n->space, n->index);
        break;
    case NAME_LIBCALL:
        length = snprintf(buffer, size, "%%%s", jit_libcall_name(n->index));
        break;
    default:
        length = snprintf(buffer, size, "%%none");
    }
    return length < 0 ? 0 : (size_t)length;
}
