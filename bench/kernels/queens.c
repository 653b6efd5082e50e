/* queens.c - examples/clif/queens.clif in C. */
#include <stdint.h>

static uint32_t place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    uint32_t count = 0;

    if (columns == all)
        return 1;
    for (uint32_t free = all & ~(columns | left | right); free;) {
        uint32_t bit = free & -free;

        free ^= bit;
        count += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

uint32_t kernel(void)
{
    return place((1u << 11) - 1, 0, 0, 0);
}
