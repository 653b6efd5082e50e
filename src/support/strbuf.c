/* strbuf.c - appending to a string in host memory; after a failure the rest is dropped. */
#include "support/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LEAST = 256 };

void jit_strbuf_init(strbuf *s, const jit_allocator *host)
{
    memset(s, 0, sizeof *s);
    s->host = host;
}

void jit_strbuf_free(strbuf *s)
{
    if (s->at)
        s->host->free(s->host->user, s->at, s->cap);
    jit_strbuf_init(s, s->host);
}

/* Room for n more bytes and the terminator. */
static bool reserve(strbuf *s, size_t n)
{
    size_t need = s->len + n + 1, cap = s->cap < LEAST ? LEAST : s->cap;
    char *p;

    if (s->failed || need <= n) {
        s->failed = true;
        return false;
    }
    if (need <= s->cap)
        return true;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    p = s->host->alloc(s->host->user, cap);
    if (!p) {
        s->failed = true;
        return false;
    }
    if (s->at) {
        memcpy(p, s->at, s->len);
        s->host->free(s->host->user, s->at, s->cap);
    }
    s->at = p;
    s->cap = cap;
    return true;
}

void jit_strbuf_put(strbuf *s, const char *text, size_t n)
{
    if (!reserve(s, n))
        return;
    memcpy(s->at + s->len, text, n);
    s->len += n;
    s->at[s->len] = 0;
}

void jit_strbuf_puts(strbuf *s, const char *text)
{
    jit_strbuf_put(s, text, strlen(text));
}

void jit_strbuf_putc(strbuf *s, char c)
{
    jit_strbuf_put(s, &c, 1);
}

void jit_strbuf_printf(strbuf *s, const char *format, ...)
{
    va_list args;
    int n;

    if (!reserve(s, 64))
        return;
    va_start(args, format);
    n = vsnprintf(s->at + s->len, s->cap - s->len, format, args);
    va_end(args);
    if (n > 0 && (size_t)n >= s->cap - s->len) {
        if (!reserve(s, (size_t)n)) {
            s->at[s->len] = 0;
            return;
        }
        va_start(args, format);
        n = vsnprintf(s->at + s->len, s->cap - s->len, format, args);
        va_end(args);
    }
    if (n > 0)
        s->len += (size_t)n;
}

static void reverse(char *s, size_t n)
{
    for (size_t k = 0; k < n / 2; k++) {
        char c = s[k];
        s[k] = s[n - 1 - k];
        s[n - 1 - k] = c;
    }
}

void jit_strbuf_cut(strbuf *s, size_t at)
{
    if (at < s->len) {
        s->len = at;
        s->at[at] = 0;
    }
}

void jit_strbuf_rotate(strbuf *s, size_t at)
{
    if (!s->at || at > s->len)
        return;
    reverse(s->at, at);
    reverse(s->at + at, s->len - at);
    reverse(s->at, s->len);
}

void jit_strbuf_u64(strbuf *s, uint64_t x)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + x % 10);
        x /= 10;
    } while (x != 0);
    jit_strbuf_put(s, digits + at, sizeof digits - at);
}

void jit_strbuf_i64(strbuf *s, int64_t x)
{
    if (x < 0)
        jit_strbuf_putc(s, '-');
    jit_strbuf_u64(s, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
}
