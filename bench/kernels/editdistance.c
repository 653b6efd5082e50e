/* editdistance.c - examples/clif/editdistance.clif in C. */
#include <stdint.h>

static uint16_t least(uint16_t x, uint16_t y)
{
    return x < y ? x : y;
}

static uint16_t distance(const uint8_t *a, uint64_t m, const uint8_t *b, uint64_t n, uint16_t *row)
{
    for (uint64_t j = 0; j <= n; j++)
        row[j] = (uint16_t)j;
    for (uint64_t i = 0; i < m; i++) {
        uint16_t diagonal = row[0], left = (uint16_t)(i + 1);

        row[0] = left;
        for (uint64_t j = 0; j < n; j++) {
            uint16_t change = (uint16_t)(diagonal + (a[i] != b[j]));

            diagonal = row[j + 1];
            left = least(least((uint16_t)(diagonal + 1), (uint16_t)(left + 1)), change);
            row[j + 1] = left;
        }
    }
    return row[n];
}

static void letters(uint8_t *to, uint64_t n, uint32_t seed)
{
    for (uint8_t *end = to + n; to < end; to++) {
        seed = (seed * 1103515245u + 12345u) & 0x7fffffff;
        *to = seed >> 16 & 3;
    }
}

uint16_t kernel(void)
{
    uint8_t a[1000], b[1000];
    uint16_t row[1001];

    letters(a, 600, 1);
    letters(b, 600, 2);
    return distance(a, 600, b, 600, row);
}
