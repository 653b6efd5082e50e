/* kit.h - builds modules byte by byte for tests of the decoder, and counts the memory it takes. */
#ifndef TESTS_WASM_KIT_H
#define TESTS_WASM_KIT_H

#include "module.h"

/* A growing string of bytes; sections and bodies get their sizes when they end. */
typedef struct wasm_bytes {
    uint8_t *at;
    size_t n, capacity;
    size_t open[4]; /* where what is not ended begins */
    unsigned nopen;
} wasm_bytes;

wasm_bytes wasm_begin(void); /* with magic number and version */
void wasm_put(wasm_bytes *b, const void *bytes, size_t n);
void wasm_byte(wasm_bytes *b, unsigned byte);
void wasm_repeat(wasm_bytes *b, unsigned byte, size_t n);
void wasm_u32(wasm_bytes *b, uint32_t x);
void wasm_open(wasm_bytes *b); /* what follows is preceded by its size */
void wasm_close(wasm_bytes *b);
void wasm_section(wasm_bytes *b, unsigned id); /* up to wasm_close() */
void wasm_free(wasm_bytes *b);

#define WASM_PUT(b, ...) \
    wasm_put(b, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* One function of type [] -> [] up to its code, which is to follow, and its end after it. */
void wasm_begin_function(wasm_bytes *b, const void *locals, size_t n);
void wasm_end_function(wasm_bytes *b);

/* Decodes a copy of exactly these bytes. The module is freed at once. */
gw_status wasm_decode(const void *bytes, size_t n, gw_error *e);

/* The engine's memory, counted from here on; fail_at: the request that is refused, from 1. */
typedef struct wasm_memory {
    size_t requests, fail_at, live, peak;
} wasm_memory;
extern wasm_memory wasm_counted;
void wasm_count_memory(size_t fail_at);
void wasm_count_no_more(void);

/* A file of the corpus, from the root of the source tree; NULL: there is none so. */
uint8_t *wasm_read_file(const char *path, size_t *n);

#endif
