/* quicksort.c - examples/clif/quicksort.clif in C. */
#include <stdint.h>

static void quicksort(int32_t *low, int32_t *high)
{
    while (low < high) {
        int32_t pivot = low[(high - low) / 2], *i = low, *j = high;

        do {
            int32_t t;

            while (*i < pivot)
                i++;
            while (*j > pivot)
                j--;
            if (i > j)
                break;
            t = *i;
            *i++ = *j;
            *j-- = t;
        } while (i <= j);
        if (j - low < high - i) {
            quicksort(low, j);
            low = i;
        } else {
            quicksort(i, high);
            high = j;
        }
    }
}

static uint32_t sort_random(uint32_t count, uint32_t seed)
{
    int32_t at[8192], last = INT32_MIN;
    uint32_t hash = 0;

    for (uint32_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        at[i] = (int32_t)seed;
    }
    quicksort(at, at + count - 1);
    for (uint32_t i = 0; i < count; i++) {
        if (at[i] < last)
            return 0;
        last = at[i];
        hash = hash * 31 + (uint32_t)at[i];
    }
    return hash;
}

uint32_t kernel(void)
{
    return sort_random(8192, 12345);
}
