/* strbuf.h - a string that grows in host memory; what printers write to. */
#ifndef JIT_SUPPORT_STRBUF_H
#define JIT_SUPPORT_STRBUF_H

#include "support/arena.h"

typedef struct strbuf {
    char *at;      /* terminated when not NULL */
    size_t len, cap;
    const jit_allocator *host;
    bool failed;   /* no memory: what was printed is cut off */
} strbuf;

void jit_strbuf_init(strbuf *s, const jit_allocator *host);
void jit_strbuf_free(strbuf *s);
void jit_strbuf_put(strbuf *s, const char *text, size_t n);
void jit_strbuf_puts(strbuf *s, const char *text);
void jit_strbuf_putc(strbuf *s, char c);
void jit_strbuf_printf(strbuf *s, const char *format, ...) JIT_PRINTF(2, 3);
/* What stands from `at` on comes first, then what stood before it. */
void jit_strbuf_rotate(strbuf *s, size_t at);
void jit_strbuf_cut(strbuf *s, size_t at); /* drops what stands from `at` on */
void jit_strbuf_u64(strbuf *s, uint64_t x); /* decimal, fast */
void jit_strbuf_i64(strbuf *s, int64_t x);

#endif
