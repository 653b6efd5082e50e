/* sieve.c - examples/clif/sieve.clif in C. */
#include <stdint.h>

typedef struct sums {
    int64_t count, sum;
} sums;

static sums primes(uint64_t limit)
{
    _Alignas(8) uint8_t struck[262144];
    sums s = { 0, 0 };

    for (uint64_t i = 0; i <= limit; i += 8)
        *(uint64_t *)(void *)(struck + i) = 0;
    for (uint64_t p = 2; p <= limit; p++)
        if (!struck[p]) {
            s.count++;
            s.sum += (int64_t)p;
            for (uint64_t q = p * p; q <= limit; q += p)
                struck[q] = 1;
        }
    return s;
}

sums kernel(void)
{
    return primes(200000);
}
