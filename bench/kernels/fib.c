/* fib.c - examples/clif/fib.clif in C. */
#include <stdint.h>

static int64_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int64_t kernel(void)
{
    return fib(25);
}
