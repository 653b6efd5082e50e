/* lz4.c - examples/clif/lz4.clif in C. */
#include <stdint.h>
#include <string.h>

typedef struct result {
    uint64_t size, hash;
} result;

static uint64_t decompress(const uint8_t *from, uint64_t size, uint8_t *to)
{
    const uint8_t *end = from + size;
    uint8_t *start = to;

    for (;;) {
        uint64_t token = *from++, n = token >> 4, byte;
        uint16_t distance;

        if (n == 15)
            do {
                byte = *from++;
                n += byte;
            } while (byte == 255);
        for (const uint8_t *stop = from + n; from < stop;)
            *to++ = *from++;
        if (from >= end)
            return (uint64_t)(to - start);
        memcpy(&distance, from, 2);
        from += 2;
        n = token & 15;
        if (n == 15)
            do {
                byte = *from++;
                n += byte;
            } while (byte == 255);
        for (uint8_t *stop = to + n + 4; to < stop; to++)
            *to = to[-(int64_t)distance];
    }
}

static uint8_t *put_rest(uint8_t *to, uint64_t n)
{
    if (n < 15)
        return to;
    for (n -= 15;; n -= 255) {
        *to++ = (uint8_t)(n < 255 ? n : 255);
        if (n < 255)
            return to;
    }
}

static uint8_t *put_literals(uint8_t *to, const uint8_t *from, uint64_t n, uint64_t code)
{
    *to++ = (uint8_t)((n < 15 ? n : 15) << 4 | (code < 15 ? code : 15));
    to = put_rest(to, n);
    for (const uint8_t *end = from + n; from < end;)
        *to++ = *from++;
    return to;
}

static uint32_t word_at(const uint8_t *p)
{
    uint32_t x;

    memcpy(&x, p, 4);
    return x;
}

static uint64_t compress(const uint8_t *from, uint64_t size, uint8_t *to)
{
    uint32_t seen[4096] = { 0 }; /* for each hash: 1 + the last position, 0: none */
    uint64_t i = 0, anchor = 0, last = size - 5;
    uint8_t *start = to;

    while ((int64_t)i < (int64_t)(size - 12)) {
        uint32_t *place = &seen[word_at(from + i) * 2654435761u >> 20];
        uint64_t before = *place, n = 4;
        uint16_t distance;

        *place = (uint32_t)(i + 1);
        if (!before-- || word_at(from + i) != word_at(from + before)) {
            i++;
            continue;
        }
        while (i + n < last && from[i + n] == from[before + n])
            n++;
        to = put_literals(to, from + anchor, i - anchor, n - 4);
        distance = (uint16_t)(i - before);
        memcpy(to, &distance, 2);
        to = put_rest(to + 2, n - 4);
        i += n;
        anchor = i;
    }
    return (uint64_t)(put_literals(to, from + anchor, size - anchor, 0) - start);
}

static void make_text(uint8_t *text, uint64_t size)
{
    uint32_t x = 7;

    for (uint64_t i = 0; i < size;) {
        x = x * 1664525u + 1013904223u;
        if (i > 64 && x >> 28 < 11) {
            uint64_t back = (x >> 8 & 63) + 1, end = i + (x >> 16 & 15) + 4;

            end = end < size ? end : size;
            do
                text[i] = text[i - back];
            while (++i < end);
        } else {
            text[i++] = (uint8_t)((x >> 20 & 15) + 'a');
        }
    }
}

static uint64_t hash(const uint8_t *at, uint64_t size)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (const uint8_t *end = at + size; at < end; at++)
        h = (h ^ *at) * 0x100000001b3u;
    return h;
}

static result round_trip(uint64_t size, uint32_t rounds)
{
    uint8_t text[32768], packed[33792], again[32768];
    result r;

    make_text(text, size);
    r.size = compress(text, size, packed);
    do
        if (decompress(packed, r.size, again) != size)
            __builtin_trap();
    while (--rounds);
    r.hash = hash(text, size);
    if (hash(again, size) != r.hash)
        __builtin_trap();
    return r;
}

result kernel(void)
{
    return round_trip(32768, 6);
}
