/* mandelbrot.c - examples/clif/mandelbrot.clif in C. */
#include <stdint.h>

typedef struct counts {
    int32_t inside;
    int64_t steps;
} counts;

static uint32_t steps(double cr, double ci, uint32_t limit)
{
    double x = 0, y = 0;
    uint32_t n = 0;

    for (; n < limit; n++) {
        double xx = x * x, yy = y * y;

        if (xx + yy > 4.0)
            break;
        y = (x + x) * y + ci;
        x = xx - yy + cr;
    }
    return n;
}

static counts count(uint32_t width, uint32_t height, uint32_t limit)
{
    counts c = { 0, 0 };

    for (uint32_t j = 0; j < height; j++) {
        double ci = ((double)j + (double)j) / (double)height + -1.0;

        for (uint32_t i = 0; i < width; i++) {
            uint32_t n = steps((double)i * 3.0 / (double)width + -2.0, ci, limit);

            c.inside += n == limit;
            c.steps += n;
        }
    }
    return c;
}

counts kernel(void)
{
    return count(160, 100, 100);
}
