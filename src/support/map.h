/* map.h - an open-addressing hash map from 64-bit keys or from strings to 32-bit values, in an
 * arena. */
#ifndef JIT_SUPPORT_MAP_H
#define JIT_SUPPORT_MAP_H

#include "support/arena.h"

/* value 0: empty */
typedef struct map { uint64_t *keys; uint32_t *values; uint32_t len, cap; } map;

/* The value stored under key, or 0. */
uint32_t jit_map_get(const map *m, uint64_t key);
/* Stores value (not 0); an earlier one is replaced. */
void jit_map_put(arena *a, map *m, uint64_t key, uint32_t value);
bool jit_map_try_put(arena *a, map *m, uint64_t key, uint32_t value); /* false: no memory */

/* A well-mixing hash of n bytes (not keyed: callers bound their probe lengths). */
uint64_t jit_hash_bytes(const void *p, size_t n);
static inline uint64_t hash_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x;
}

#endif
