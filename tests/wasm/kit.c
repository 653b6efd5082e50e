/* kit.c - builds modules byte by byte for tests of the decoder, and counts the memory it takes. */
#include "tests/wasm/kit.h"
#include "gw_mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wasm_put(wasm_bytes *b, const void *bytes, size_t n)
{
    if (b->n + n > b->capacity) {
        b->capacity = 2 * (b->n + n) + 64;
        b->at = realloc(b->at, b->capacity);
        if (!b->at)
            abort();
    }
    if (n > 0)
        memcpy(b->at + b->n, bytes, n);
    b->n += n;
}

void wasm_byte(wasm_bytes *b, unsigned byte)
{
    uint8_t x = (uint8_t)byte;

    wasm_put(b, &x, 1);
}

void wasm_repeat(wasm_bytes *b, unsigned byte, size_t n)
{
    for (; n > 0; n--)
        wasm_byte(b, byte);
}

void wasm_u32(wasm_bytes *b, uint32_t x)
{
    for (; x >= 0x80; x >>= 7)
        wasm_byte(b, (x & 0x7f) | 0x80);
    wasm_byte(b, x);
}

wasm_bytes wasm_begin(void)
{
    wasm_bytes b = { NULL, 0, 0, { 0 }, 0 };

    wasm_put(&b, "\0asm\1\0\0\0", 8);
    return b;
}

void wasm_open(wasm_bytes *b)
{
    assert(b->nopen < 4);
    b->open[b->nopen++] = b->n;
}

void wasm_close(wasm_bytes *b)
{
    size_t begin = b->open[--b->nopen], n = b->n - begin;
    uint8_t *inside = malloc(n + 1);

    if (!inside)
        abort();
    memcpy(inside, b->at + begin, n);
    b->n = begin;
    wasm_u32(b, (uint32_t)n);
    wasm_put(b, inside, n);
    free(inside);
}

void wasm_section(wasm_bytes *b, unsigned id)
{
    wasm_byte(b, id);
    wasm_open(b);
}

void wasm_free(wasm_bytes *b)
{
    free(b->at);
    memset(b, 0, sizeof *b);
}

void wasm_begin_function(wasm_bytes *b, const void *locals, size_t n)
{
    WASM_PUT(b, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0);
    wasm_section(b, 10);
    wasm_byte(b, 1);
    wasm_open(b);
    wasm_put(b, locals, n);
}

void wasm_end_function(wasm_bytes *b)
{
    wasm_byte(b, 0x0b);
    wasm_close(b);
    wasm_close(b);
}

gw_status wasm_decode(const void *bytes, size_t n, gw_error *e)
{
    uint8_t *copy = malloc(n ? n : 1);
    gw_module *m;
    gw_status status;

    if (!copy)
        abort();
    if (n > 0)
        memcpy(copy, bytes, n);
    status = gw_module_decode(copy, n, true, &m, e);
    if ((status == GW_OK) != (m != NULL) || status != e->status)
        abort();
    gw_module_free(m);
    free(copy);
    return status;
}

/* ---- memory ---- */

wasm_memory wasm_counted;

/* Each piece has its size before it. */
static void *counting(void *old, size_t size)
{
    size_t *head = old ? (size_t *)old - 2 : NULL, *fresh;
    size_t before = head ? *head : 0;

    if (size == 0) {
        wasm_counted.live -= before;
        free(head);
        return NULL;
    }
    if (++wasm_counted.requests == wasm_counted.fail_at)
        return NULL;
    fresh = realloc(head, size + 2 * sizeof *fresh);
    if (!fresh)
        return NULL;
    *fresh = size;
    wasm_counted.live += size - before;
    if (wasm_counted.live > wasm_counted.peak)
        wasm_counted.peak = wasm_counted.live;
    return fresh + 2;
}

void wasm_count_memory(size_t fail_at)
{
    memset(&wasm_counted, 0, sizeof wasm_counted);
    wasm_counted.fail_at = fail_at;
    gw_mem_set_source(counting);
}

void wasm_count_no_more(void)
{
    gw_mem_set_source(NULL);
}

uint8_t *wasm_read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(1 << 16);

    *n = f && bytes ? fread(bytes, 1, 1 << 16, f) : 0;
    if (f)
        fclose(f);
    if (*n > 0)
        return bytes;
    free(bytes);
    return NULL;
}
