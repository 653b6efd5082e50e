/* crc32.c - examples/clif/crc32.clif in C. */
#include <stdint.h>

static void make_table(uint32_t *table)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t x = i;

        for (int k = 0; k < 8; k++)
            x = x & 1 ? x >> 1 ^ 0xedb88320 : x >> 1;
        table[i] = x;
    }
}

static uint32_t crc32(const uint32_t *table, const uint8_t *data, uint64_t length)
{
    uint32_t crc = UINT32_MAX;

    for (const uint8_t *end = data + length; data < end; data++)
        crc = crc >> 8 ^ table[(crc ^ *data) & 255];
    return ~crc;
}

static uint32_t crc_of_words(uint32_t count)
{
    uint32_t table[256], words[16384];

    make_table(table);
    for (uint32_t i = 0; i < count; i++)
        words[i] = i * 2654435761u;
    return crc32(table, (const uint8_t *)words, (uint64_t)count * 4);
}

uint32_t kernel(void)
{
    uint32_t all = 0;

    for (int pass = 8; pass > 0; pass--)
        all = (all << pass | all >> (32 - pass)) ^ crc_of_words(16384);
    return all;
}
