/* map.c - open addressing with linear probing, at most half full, doubling. */
#include "support/map.h"

#include <string.h>

enum { LEAST = 16 };

/* The place of key, or the empty place where it belongs. The map is never full. */
static uint32_t place(const uint64_t *keys, const uint32_t *values, uint32_t cap, uint64_t key)
{
    uint32_t k = (uint32_t)hash_mix(key) & (cap - 1);

    while (values[k] != 0 && keys[k] != key)
        k = (k + 1) & (cap - 1);
    return k;
}

uint32_t jit_map_get(const map *m, uint64_t key)
{
    return m->cap == 0 ? 0 : m->values[place(m->keys, m->values, m->cap, key)];
}

/* Doubles the table. The map is unchanged when there is no memory. */
static bool grow(arena *a, map *m, bool fails)
{
    uint32_t cap = m->cap == 0 ? LEAST : m->cap * 2;
    uint64_t *keys;
    uint32_t *values;

    if (m->cap >= 1u << 31) {
        if (fails)
            jit_fail(a->fail, JIT_ERR_LIMIT, "more than 2^30 entries in a map");
        return false;
    }
    keys = arena_take(a, cap * sizeof *keys, fails);
    values = keys ? arena_take(a, cap * sizeof *values, fails) : NULL;
    if (!values)
        return false;
    memset(values, 0, cap * sizeof *values);
    for (uint32_t k = 0; k < m->cap; k++)
        if (m->values[k] != 0) {
            uint32_t to = place(keys, values, cap, m->keys[k]);
            keys[to] = m->keys[k];
            values[to] = m->values[k];
        }
    m->keys = keys;
    m->values = values;
    m->cap = cap;
    return true;
}

static bool put(arena *a, map *m, uint64_t key, uint32_t value, bool fails)
{
    uint32_t k;

    if (m->len >= m->cap / 2 && !grow(a, m, fails))
        return false;
    k = place(m->keys, m->values, m->cap, key);
    m->len += m->values[k] == 0;
    m->keys[k] = key;
    m->values[k] = value;
    return true;
}

void jit_map_put(arena *a, map *m, uint64_t key, uint32_t value)
{
    put(a, m, key, value, true);
}

bool jit_map_try_put(arena *a, map *m, uint64_t key, uint32_t value)
{
    return put(a, m, key, value, false);
}

uint64_t jit_hash_bytes(const void *p, size_t n)
{
    const unsigned char *at = p;
    uint64_t h = 0x9e3779b97f4a7c15u ^ n, word;

    for (; n >= sizeof word; at += sizeof word, n -= sizeof word) {
        memcpy(&word, at, sizeof word);
        h = hash_mix(h ^ word) + 0x9e3779b97f4a7c15u;
    }
    word = 0;
    for (size_t k = 0; k < n; k++)
        word |= (uint64_t)at[k] << 8 * k;
    return hash_mix(hash_mix(h ^ word));
}
