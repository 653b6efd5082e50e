/* gen.c - prints CLIF of a shape and a size, to see how compile time grows: gen SHAPE N. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One block of n instructions; each value is used within the next four. */
static void gen_block(unsigned n)
{
    static const char *const ops[] = { "iadd", "bxor", "isub", "imul", "band", "iadd", "bor" };

    printf("function %%block(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\n");
    for (unsigned i = 2; i <= n; i++)
        printf("    v%u = %s v%u, v%u\n", i, ops[i % 7], i - 1, i - 2 - (i > 4 ? i % 3 : 0));
    printf("    return v%u\n}\n", n > 1 ? n : 1);
}

static void gen_diamonds(unsigned n)
{
    printf("function %%diamonds(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\n");
    printf("    brif v0, block1, block2\n");
    for (unsigned i = 0; i < n; i++) {
        unsigned b = 3 * i, v = 4 * i; /* blocks b+1 b+2 b+3, values from v+2; v1 enters */
        unsigned in = i ? v + 1 : 1;

        printf("block%u:\n    v%u = iadd v%u, v0\n    jump block%u(v%u)\n", b + 1, v + 2, in,
               b + 3, v + 2);
        printf("block%u:\n    v%u = bxor v%u, v0\n    jump block%u(v%u)\n", b + 2, v + 3, in,
               b + 3, v + 3);
        printf("block%u(v%u: i64):\n", b + 3, v + 5);
        if (i + 1 < n)
            printf("    v%u = icmp ult v%u, v0\n    brif v%u, block%u, block%u\n", v + 4, v + 5,
                   v + 4, b + 4, b + 5);
        else
            printf("    return v%u\n}\n", v + 5);
    }
}

/* n loops, each in the one before, each with a counter of its own. */
static void gen_nested(unsigned n)
{
    printf("function %%nested(i64) -> i64 {\nblock0(v0: i64):\n    v1 = iconst.i64 1\n"
           "    jump block1(v0, v0)\n");
    for (unsigned i = 1; i <= n; i++) { /* header i: counter v(4i), sum v(4i+1) */
        printf("block%u(v%u: i64, v%u: i64):\n    v%u = iadd v%u, v%u\n", i, 4 * i, 4 * i + 1,
               4 * i + 2, 4 * i + 1, 4 * i);
        if (i < n)
            printf("    jump block%u(v0, v%u)\n", i + 1, 4 * i + 2);
        else
            printf("    jump block%u(v%u)\n", n + 1, 4 * i + 2);
    }
    for (unsigned k = 1; k <= n; k++) { /* latch of loop n+1-k: block n+k, its sum v(base) */
        unsigned i = n + 1 - k, base = 4 * (n + 1) + 2 * k;

        printf("block%u(v%u: i64):\n    v%u = isub v%u, v1\n", n + k, base, 4 * i + 3, 4 * i);
        printf("    brif v%u, block%u(v%u, v%u), block%u(v%u)\n", 4 * i + 3, i, 4 * i + 3, base,
               n + k + 1, base);
    }
    printf("block%u(v%u: i64):\n    return v%u\n}\n", 2 * n + 1, 4 * (n + 1) + 2 * n + 2,
           4 * (n + 1) + 2 * n + 2);
}

static void gen_loops(unsigned n)
{
    printf("function %%loops(i64) -> i64 {\nblock0(v0: i64):\n    v1 = iconst.i64 1\n"
           "    jump block1(v0, v0)\n");
    for (unsigned i = 1; i <= n; i++) { /* counter v(4i), sum v(4i+1), their next +2, +3 */
        printf("block%u(v%u: i64, v%u: i64):\n", i, 4 * i, 4 * i + 1);
        printf("    v%u = iadd v%u, v%u\n    v%u = isub v%u, v1\n", 4 * i + 3, 4 * i + 1, 4 * i,
               4 * i + 2, 4 * i);
        printf("    brif v%u, block%u(v%u, v%u), block%u", 4 * i + 2, i, 4 * i + 2, 4 * i + 3,
               i + 1);
        if (i < n)
            printf("(v0, v%u)\n", 4 * i + 3);
        else
            printf("\nblock%u:\n    return v%u\n}\n", i + 1, 4 * i + 3);
    }
}

/* n values, each made from the arguments, all used at the end in the order of their making. */
static void gen_live(unsigned n)
{
    static const char *const ops[] = { "iadd", "bxor", "isub", "imul" };

    printf("function %%live(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\n");
    for (unsigned i = 2; i < n + 2; i++)
        printf("    v%u = %s v%u, v%u\n", i, ops[i % 4], i - 1, i % 2);
    for (unsigned i = 0; i < n; i++)
        printf("    v%u = bxor v%u, v%u\n", n + 2 + i, i ? n + 1 + i : 0, i + 2);
    printf("    return v%u\n}\n", 2 * n + 1);
}

static void gen_table(unsigned n)
{
    printf("function %%table(i32, i64) -> i64 {\nblock0(v0: i32, v1: i64):\n"
           "    br_table v0, block%u(v1), [", n + 1);
    for (unsigned i = 1; i <= n; i++)
        printf("%sblock%u", i > 1 ? ", " : "", i);
    printf("]\n");
    for (unsigned i = 1; i <= n; i++)
        printf("block%u:\n    v%u = iconst.i64 %u\n    v%u = iadd v1, v%u\n    jump block%u(v%u)\n",
               i, 2 * i, 3 * i, 2 * i + 1, 2 * i, n + 1, 2 * i + 1);
    printf("block%u(v%u: i64):\n    return v%u\n}\n", n + 1, 2 * n + 2, 2 * n + 2);
}

static void gen_calls(unsigned n)
{
    printf("function %%callee(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\n"
           "    v2 = iadd v0, v1\n    return v2\n}\n");
    printf("function %%calls(i64, i64) -> i64 {\n    fn0 = %%callee(i64, i64) -> i64\n"
           "block0(v0: i64, v1: i64):\n");
    for (unsigned i = 2; i < n + 2; i++)
        printf("    v%u = call fn0(v%u, v0)\n", i, i - 1);
    printf("    return v%u\n}\n", n + 1);
}

static const struct {
    const char *name;
    void (*gen)(unsigned n);
} shapes[] = {
    { "block", gen_block }, { "diamonds", gen_diamonds }, { "nested", gen_nested },
    { "loops", gen_loops }, { "live", gen_live },         { "table", gen_table },
    { "calls", gen_calls },
};

int main(int argc, char **argv)
{
    unsigned long n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

    for (size_t k = 0; n > 0 && n <= 10000000 && k < sizeof shapes / sizeof *shapes; k++)
        if (strcmp(argv[1], shapes[k].name) == 0) {
            shapes[k].gen((unsigned)n);
            return fflush(stdout) ? 1 : 0;
        }
    fprintf(stderr, "usage: gen SHAPE N, with SHAPE one of");
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        fprintf(stderr, " %s", shapes[k].name);
    fprintf(stderr, " and N from 1 to 10000000\n");
    return 2;
}
