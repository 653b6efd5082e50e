/* spectralnorm.c - examples/clif/spectralnorm.clif in C. */
#include <math.h>
#include <stdint.h>

static double element(uint32_t i, uint32_t j)
{
    return 1.0 / (double)(((i + j) * (i + j + 1) >> 1) + i + 1);
}

static void multiply(const double *from, double *to, uint32_t n, int transposed)
{
    for (uint32_t i = 0; i < n; i++) {
        double sum = 0;

        for (uint32_t j = 0; j < n; j++)
            sum += (transposed ? element(j, i) : element(i, j)) * from[j];
        to[i] = sum;
    }
}

static double norm(uint32_t n, uint32_t rounds)
{
    double u[128], v[128], t[128], uv = 0, vv = 0;

    for (uint32_t i = 0; i < n; i++)
        u[i] = 1.0;
    do {
        multiply(u, t, n, 0);
        multiply(t, v, n, 1);
        multiply(v, t, n, 0);
        multiply(t, u, n, 1);
    } while (--rounds);
    for (uint32_t i = 0; i < n; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    return sqrt(uv / vv);
}

double kernel(void)
{
    return norm(100, 2);
}
