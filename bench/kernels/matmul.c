/* matmul.c - examples/clif/matmul.clif in C. */
#include <stdint.h>

static void multiply(const double *a, const double *b, double *c, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t j = 0; j < n; j++) {
            double sum = 0;

            for (uint64_t k = 0; k < n; k++)
                sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }
}

static void fill(double *a, double *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t j = 0; j < n; j++) {
            a[i * n + j] = (double)((i * n + j) % 7) + -3.0;
            b[i * n + j] = (double)((3 * i + 5 * j) % 11) * 0.25;
        }
}

static double product(uint64_t n)
{
    double a[4096], b[4096], c[4096], s = 0;

    fill(a, b, n);
    multiply(a, b, c, n);
    for (uint64_t i = 0; i < n * n; i++)
        s = s * 0.5 + c[i];
    return s;
}

double kernel(void)
{
    return product(64);
}
