/* ackermann.c - examples/clif/ackermann.clif in C. */
#include <stdint.h>

static int32_t ackermann(int32_t m, int32_t n)
{
    while (m) {
        n = n ? ackermann(m, n - 1) : 1;
        m--;
    }
    return n + 1;
}

int32_t kernel(void)
{
    return ackermann(2, 300);
}
