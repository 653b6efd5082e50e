/* hashtable.c - examples/clif/hashtable.clif in C. */
#include <stdint.h>

enum { PLACES = 8192 };

typedef struct place {
    uint64_t key, value; /* key 0: free */
} place;

typedef struct result {
    uint64_t keys, hash;
} result;

static place *find(place *table, uint64_t key)
{
    uint64_t at = key * 0x9e3779b97f4a7c15u >> 51;

    for (;; at++) {
        place *p = &table[at %= PLACES];

        if (p->key == key || !p->key)
            return p;
    }
}

static uint64_t add(place *table, uint64_t key, uint64_t amount)
{
    place *p = find(table, key);
    uint64_t before = p->key;

    p->key = key;
    p->value += amount;
    return before == 0;
}

static result exercise(uint64_t count, uint64_t seed)
{
    place table[PLACES];
    result r = { 0, 0 };

    for (int i = 0; i < PLACES; i++)
        table[i] = (place){ 0, 0 };
    for (uint64_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        r.keys += add(table, (seed >> 40 & 0xfff) + 1, i);
    }
    for (uint64_t key = 1; key <= 5000; key++) {
        place *p = find(table, key);

        if (p->key)
            r.hash = r.hash * 31 + p->value;
    }
    return r;
}

result kernel(void)
{
    return exercise(40000, 12345);
}
