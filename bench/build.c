/* build.c - ns an instruction through the builder API, variables and SSA construction included. */
#include "common/util.h"

#include <stdlib.h>

enum { REPS = 5, FUNCTIONS = 2000 };

/* Straight code as a front end makes it: constants, arithmetic, memory. */
static void build_straight(jit_builder *b)
{
    jit_value x = jit_param(b, 0), y = jit_param(b, 1);
    jit_mem flags = { .bits = JIT_MEM_NOTRAP };

    for (int k = 0; k < 40; k++) {
        jit_value c = jit_iconst(b, JIT_I64, k), t = jit_iadd(b, x, c);

        y = jit_bxor(b, jit_imul(b, t, y), jit_load(b, JIT_I64, flags, x, 8 * k));
        jit_store(b, flags, y, x, 8 * k);
    }
    jit_return(b, y);
}

enum { VARS = 8 };

/* x = mem[x] op y and the like: what a front end makes of a statement or two. */
static void statement(jit_builder *b, const jit_var *at, int k)
{
    jit_mem flags = { .bits = JIT_MEM_NOTRAP };
    jit_value x = jit_var_get(b, at[k % VARS]), y = jit_var_get(b, at[(k + 3) % VARS]);
    jit_value base = jit_param(b, 0), t;

    t = jit_iadd(b, x, jit_imul(b, y, jit_iconst(b, JIT_I64, k + 1)));
    t = jit_bxor(b, t, jit_load(b, JIT_I64, flags, base, 8 * k));
    jit_store(b, flags, t, base, 8 * k);
    jit_var_set(b, at[(k + 1) % VARS], t);
}

/* Loops around diamonds, one after another; all values flow through eight variables. */
static void build_variables(jit_builder *b)
{
    jit_var at[VARS];
    jit_value one = jit_iconst(b, JIT_I64, 1);

    for (int k = 0; k < VARS; k++) {
        at[k] = jit_var_new(b, JIT_I64);
        jit_var_set(b, at[k], jit_param(b, k & 1));
    }
    for (int k = 0; k < VARS; k++) {
        jit_block loop = jit_block_new(b), then = jit_block_new(b), otherwise = jit_block_new(b);
        jit_block join = jit_block_new(b), next = jit_block_new(b);
        jit_value x;

        jit_jump(b, loop);
        jit_block_start(b, loop);
        statement(b, at, k);
        x = jit_var_get(b, at[k]);
        jit_brif(b, jit_icmp(b, JIT_ULT, x, jit_var_get(b, at[(k + 1) % VARS])), then, otherwise);
        jit_block_seal(b, then);
        jit_block_seal(b, otherwise);
        jit_block_start(b, then);
        statement(b, at, k + 2);
        jit_jump(b, join);
        jit_block_start(b, otherwise);
        jit_var_set(b, at[k], jit_isub(b, x, one));
        jit_jump(b, join);
        jit_block_seal(b, join);
        jit_block_start(b, join);
        statement(b, at, k + 4);
        jit_brif(b, jit_band(b, jit_var_get(b, at[k]), one), loop, next);
        jit_block_seal(b, loop);
        jit_block_seal(b, next);
        jit_block_start(b, next);
    }
    jit_return(b, jit_var_get(b, at[VARS - 1]));
}

/* Median ns an instruction over FUNCTIONS functions; making and freeing them is part of it. */
static double measure(jit_engine *e, void (*build)(jit_builder *b), size_t *insts)
{
    uint64_t at[REPS];

    for (unsigned r = 0; r <= REPS; r++) { /* the first one warms up */
        uint64_t start = bench_now();

        for (unsigned k = 0; k < FUNCTIONS; k++) {
            jit_func *f = jit_func_new(e, "f", JIT_SIG(JIT_I64, JIT_I64, JIT_I64));
            jit_builder *b = jit_build(f);
            const char *message;

            build(b);
            jit_build_end(b);
            if (jit_func_error(f, &message) != JIT_OK)
                bench_die("%s", message);
            *insts = jit_func_inst_count(f);
            jit_func_free(f);
        }
        if (r > 0)
            at[r - 1] = bench_now() - start;
    }
    return (double)bench_median(at, REPS) / ((double)FUNCTIONS * (double)*insts);
}

/* Cranelift's figures for the same functions, 0 without clpeer. */
static void peer_figures(double *ns, size_t n)
{
    char *peer = bench_clpeer(), *command, *text, *at;
    size_t size;

    if (!peer)
        return;
    command = bench_quote(bench_quote(NULL, peer), "build");
    at = text = bench_output(command, &size);
    for (size_t k = 0; at && k < n; k++)
        ns[k] = strtod(at, &at);
    free(text);
    free(command);
    free(peer);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*build)(jit_builder *b);
    } cases[] = { { "straight code", build_straight },
                  { "variables, loops and diamonds", build_variables } };
    enum { CASES = sizeof cases / sizeof *cases };
    jit_engine *e = jit_engine_new(NULL);
    double peer[CASES] = { 0 };

    if (!e || argc > 1)
        bench_die(e ? "usage: build" : "no engine");
    bench_set_program(argv[0]);
    peer_figures(peer, CASES);
    printf("%-32s%10s%10s%12s   ns an instruction\n", "", "insts", "gantry", "cranelift");
    for (size_t k = 0; k < CASES; k++) {
        size_t insts;
        double ns = measure(e, cases[k].build, &insts);

        printf("%-32s%10zu%10.1f%12.1f\n", cases[k].name, insts, ns, peer[k]);
    }
    jit_engine_free(e);
    return 0;
}
