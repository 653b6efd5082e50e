/* Variables: random programs, built with every way of sealing, run as their plan says. */
#include "gantry/jit_interp.h"
#include "ir/analysis.h"
#include "tests/support/graph.h"

#include <signal.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { BLOCKS = 12, VARS = 5, OPS = 4, ROUNDS = 40 };

/* What a block does: var = var + k for each op, then a branch by the low bits of a variable. The
 * first variable counts blocks; when it is above ROUNDS, control goes to the last block, which
 * returns a mixture of all variables. */
typedef struct plan_block {
    struct { uint32_t to, from, k; } op[OPS];
    uint32_t nops, by, target[3];
    int kind; /* 0: br_table, 1: brif, 2: jump; the latter two go forward only */
} plan_block;

typedef struct plan {
    uint32_t nblocks;
    plan_block at[BLOCKS];
} plan;

static void make_plan(plan *p, uint64_t *seed)
{
    p->nblocks = test_random(seed) % (BLOCKS - 2) + 3;
    for (uint32_t k = 0; k < p->nblocks; k++) {
        plan_block *x = &p->at[k];
        x->nops = test_random(seed) % (OPS + 1);
        for (uint32_t o = 0; o < x->nops; o++) {
            x->op[o].to = test_random(seed) % (VARS - 1) + 1;
            x->op[o].from = test_random(seed) % VARS;
            x->op[o].k = test_random(seed) % 3 == 0 ? 0 : test_random(seed) % 100;
        }
        x->by = test_random(seed) % VARS;
        x->kind = k + 1 < p->nblocks ? (int)(test_random(seed) % 3) : 0;
        for (int t = 0; t < 3; t++)
            x->target[t] = x->kind == 0 ? test_random(seed) % (p->nblocks - 1) + 1
                                        : k + 1 + test_random(seed) % (p->nblocks - 1 - k);
    }
}

static uint32_t mix(const uint32_t *var)
{
    uint32_t r = 0;

    for (uint32_t v = 0; v < VARS; v++)
        r = r * 31 + var[v];
    return r;
}

static uint32_t run_plan(const plan *p, uint32_t first)
{
    uint32_t var[VARS] = { 0 }, at = 0;

    var[1] = first;
    while (at + 1 < p->nblocks) {
        const plan_block *x = &p->at[at];
        var[0]++;
        for (uint32_t o = 0; o < x->nops; o++)
            var[x->op[o].to] = var[x->op[o].from] + x->op[o].k;
        if (x->kind == 2)
            at = x->target[0];
        else if (x->kind == 1)
            at = x->target[var[x->by] != 0 ? 0 : 1];
        else
            at = var[0] > ROUNDS || var[x->by] % 4 == 3 ? p->nblocks - 1
                                                        : x->target[var[x->by] % 4];
    }
    return mix(var);
}

static void build_block(jit_builder *b, const plan *p, uint32_t k, const jit_block *block,
                        const jit_var *var)
{
    const plan_block *x = &p->at[k];
    jit_value v;

    if (k + 1 == p->nblocks) {
        v = jit_iconst(b, JIT_I32, 0);
        for (uint32_t i = 0; i < VARS; i++)
            v = jit_iadd(b, jit_imul(b, v, jit_iconst(b, JIT_I32, 31)), jit_var_get(b, var[i]));
        jit_return(b, v);
        return;
    }
    jit_var_set(b, var[0], jit_iadd(b, jit_var_get(b, var[0]), jit_iconst(b, JIT_I32, 1)));
    for (uint32_t o = 0; o < x->nops; o++) {
        v = jit_var_get(b, var[x->op[o].from]);
        if (x->op[o].k != 0)
            v = jit_iadd(b, v, jit_iconst(b, JIT_I32, x->op[o].k));
        jit_var_set(b, var[x->op[o].to], v);
    }
    if (x->kind == 2) {
        jit_jump(b, block[x->target[0]]);
        return;
    }
    v = jit_var_get(b, var[x->by]);
    if (x->kind == 1) {
        jit_brif(b, v, block[x->target[0]], block[x->target[1]]);
        return;
    }
    v = jit_band(b, v, jit_iconst(b, JIT_I32, 3));
    v = jit_select(b, jit_icmp(b, JIT_UGT, jit_var_get(b, var[0]), jit_iconst(b, JIT_I32, ROUNDS)),
                   jit_iconst(b, JIT_I32, 3), v);
    jit_br_table(b, v, block[p->nblocks - 1], 3,
                 (jit_block[]){ block[x->target[0]], block[x->target[1]], block[x->target[2]] });
}

/* Whether block k may be sealed: all that branch to it are filled. */
static bool may_seal(const plan *p, uint32_t k, const bool *filled)
{
    for (uint32_t i = 0; i + 1 < p->nblocks; i++) {
        const plan_block *x = &p->at[i];
        bool to = x->kind == 0 && k + 1 == p->nblocks;
        for (int t = 0; t < (x->kind == 0 ? 3 : x->kind == 1 ? 2 : 1); t++)
            to = to || x->target[t] == k;
        if (to && !filled[i])
            return false;
    }
    return true;
}

/* Variables that nobody uses: the others get distant numbers, and blocks know of different ones. */
static void make_others(jit_builder *b, uint32_t n)
{
    while (n-- > 0)
        jit_var_new(b, JIT_I8);
}

/* Fills the blocks in any order and seals each at any time that is allowed. */
static void build_plan(jit_func *f, const plan *p, uint64_t *seed)
{
    jit_builder *b = jit_build(f);
    jit_block block[BLOCKS] = { { 1 } };
    jit_var var[VARS];
    bool filled[BLOCKS] = { false };
    uint32_t order[BLOCKS];
    bool in_order = test_random(seed) % 2;
    uint32_t apart = test_random(seed) % 2 ? 1 : test_random(seed) % 40 + 1;

    for (uint32_t v = 0; v < VARS; v++) {
        var[v] = jit_var_new(b, JIT_I32);
        make_others(b, apart - 1);
    }
    for (uint32_t k = 1; k < p->nblocks; k++)
        block[k] = jit_block_new(b);
    for (uint32_t k = 0; k < p->nblocks; k++)
        order[k] = k;
    for (uint32_t k = 1; !in_order && k < p->nblocks; k++) {
        uint32_t with = k + test_random(seed) % (p->nblocks - k), t = order[k];
        order[k] = order[with];
        order[with] = t;
    }
    jit_var_set(b, var[1], jit_param(b, 0));
    for (uint32_t k = 0; k < p->nblocks; k++) {
        if (k > 0)
            jit_block_start(b, block[order[k]]);
        if (k > 0 && test_random(seed) % 4 == 0 && may_seal(p, order[k], filled))
            jit_block_seal(b, block[order[k]]);
        make_others(b, test_random(seed) % 3 ? 0 : 16);
        build_block(b, p, order[k], block, var);
        filled[order[k]] = true;
        for (uint32_t i = 1; i < p->nblocks; i++)
            if (test_random(seed) % 2 && may_seal(p, i, filled))
                jit_block_seal(b, block[i]);
    }
    jit_build_end(b);
}

static void print_fault(void *user, const jit_diagnostic *d)
{
    (void)user;
    fprintf(stderr, "%s: %s: %s\n", d->function, d->instruction ? d->instruction : "", d->text);
}

static void count_needless(void *arg)
{
    jit_func *f = ((void **)arg)[0];
    arena *tmp = ((void **)arg)[1];
    ir_cfg c;

    jit_cfg_compute(&c, f, tmp);
    for (uint32_t n = 1; n < c.nrpo; n++) {
        uint32_t block = c.rpo[n];
        const ir_block *x = &f->blocks.at[block];
        for (uint32_t p = 0; p < x->nparams; p++) {
            uint32_t self = f->pool.at[x->params + p], same = 0;
            bool several = false;
            for (uint32_t e = c.pred_first[block]; e < c.pred_first[block + 1]; e++) {
                const ir_inst *i = inst_at(f, f->blocks.at[c.pred[e]].end - 1);
                for (uint32_t t = 0; t < jit_inst_target_count(f, i); t++) {
                    ir_target to = block_call(f, jit_inst_target(f, i, t));
                    uint32_t a = to.block == block ? to.args[p] : self;
                    if (a != self) {
                        several = several || (same != 0 && same != a);
                        same = a;
                    }
                }
            }
            cr_assert(several, "a parameter of block%u always has one value", block);
        }
    }
}

/* No parameter is left whose arguments are all one value. */
static void check_minimal(jit_func *f)
{
    fail_ctx fc = { 0 };
    arena tmp;
    void *both[2] = { f, &tmp };

    jit_arena_init(&tmp, &jit_libc_allocator, &fc);
    cr_assert_eq(jit_guard(&fc, count_needless, both), JIT_OK);
    jit_arena_free(&tmp);
}

Test(builder_ssa, random_programs_compute_what_their_plan_says)
{
    uint64_t seed = 3;
    jit_interp *in = jit_interp_new(NULL, NULL);

    cr_assert_not_null(in);
    for (int round = 0; round < 3000; round++) {
        jit_func *f = jit_func_new(NULL, "f", JIT_SIG(JIT_I32, JIT_I32));
        const char *message;
        plan p;

        make_plan(&p, &seed);
        build_plan(f, &p, &seed);
        cr_assert_eq(jit_func_error(f, &message), JIT_OK, "%s", message);
        cr_assert_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
        check_minimal(f);
        for (uint32_t arg = 0; arg < 3; arg++) {
            jit_bits args[1], results[1];
            uint32_t got;
            memset(args, 0, sizeof args);
            memcpy(args[0].at, &arg, sizeof arg);
            cr_assert_eq(jit_interp_run(in, f, args, results, 100000).outcome, JIT_RETURNED);
            memcpy(&got, results[0].at, sizeof got);
            cr_assert_eq(got, run_plan(&p, arg), "round %d", round);
        }
        jit_func_free(f);
    }
    jit_interp_free(in);
}

Test(builder_ssa, a_loop_gets_parameters_only_for_what_it_changes)
{
    jit_func *f = jit_func_new(NULL, "f", JIT_SIG(JIT_I64, JIT_I64));
    jit_builder *b = jit_build(f);
    jit_block head = jit_block_new(b), body = jit_block_new(b), done = jit_block_new(b);
    jit_var i = jit_var_new(b, JIT_I64), n = jit_var_new(b, JIT_I64);

    jit_var_set(b, n, jit_param(b, 0));
    jit_var_set(b, i, jit_iconst(b, JIT_I64, 0));
    jit_jump(b, head);
    jit_block_start(b, head);
    jit_brif(b, jit_icmp(b, JIT_SLT, jit_var_get(b, i), jit_var_get(b, n)), body, done);
    jit_block_start(b, body);
    jit_var_set(b, i, jit_iadd(b, jit_var_get(b, i), jit_iconst(b, JIT_I64, 1)));
    jit_jump(b, head);
    jit_block_start(b, done);
    jit_return(b, jit_var_get(b, n));
    jit_build_end(b);
    cr_expect_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
    cr_expect_eq(f->blocks.at[1].nparams, 1);
    cr_expect_eq(f->blocks.at[2].nparams, 0);
    cr_expect_eq(f->blocks.at[3].nparams, 0);
    jit_func_free(f);
}

Test(builder_ssa, unset_variables_of_every_type_read_zero)
{
    static const jit_type types[] = { JIT_I8, JIT_I64, JIT_I128, JIT_F16, JIT_F32, JIT_F64,
                                      JIT_F128, JIT_I32X4, JIT_VEC(JIT_I8, 3) };
    jit_func *f = jit_func_new(NULL, "f", JIT_SIG(JIT_VOID));
    jit_builder *b = jit_build(f);
    jit_block next = jit_block_new(b);

    jit_source_position(b, 5);
    jit_jump(b, next);
    jit_block_start(b, next);
    jit_value where = jit_iconst(b, JIT_I64, 64);
    for (unsigned k = 0; k < sizeof types / sizeof types[0]; k++) {
        jit_value v = jit_var_get(b, jit_var_new(b, types[k]));
        cr_expect_eq(jit_builder_type(b, v), types[k]);
        jit_store(b, (jit_mem){ 0 }, v, where, 0);
        cr_expect_eq(jit_var_get(b, jit_var_new(b, types[k])).id != 0, true);
    }
    jit_return_void(b);
    jit_build_end(b);
    cr_expect_eq(jit_func_error(f, NULL), JIT_OK);
    cr_expect_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
    cr_expect_eq(f->blocks.at[0].end, 11); /* nine zeros, one of two instructions, and the jump */
    cr_expect_eq(f->srcpos.at[10], 5);
    cr_expect_eq(f->srcpos.at[0], ~0u);
    jit_func_free(f);
}

Test(builder_ssa, a_circle_of_blocks_that_nothing_reaches_reads_zero)
{
    jit_func *f = jit_func_new(NULL, "f", JIT_SIG(JIT_I32));
    jit_builder *b = jit_build(f);
    jit_var v = jit_var_new(b, JIT_I32);
    jit_block x = jit_block_new(b), y = jit_block_new(b);

    jit_return(b, jit_var_get(b, v));
    jit_block_start(b, x);
    jit_jump(b, y);
    jit_block_seal(b, y);
    jit_block_start(b, y);
    jit_brif(b, jit_iconst(b, JIT_I8, 1), x, x);
    jit_block_seal(b, x);
    jit_block z = jit_block_new(b), w = jit_block_new(b);
    jit_block_start(b, z);
    jit_jump(b, w);
    jit_block_start(b, w);
    jit_jump(b, z);
    jit_block_seal(b, z);
    jit_block_seal(b, w);
    jit_block q = jit_block_new(b);
    jit_block_seal(b, q);
    jit_block_start(b, q);
    jit_return(b, jit_var_get(b, v));
    jit_build_end(b);
    cr_expect_eq(jit_func_error(f, NULL), JIT_OK);
    cr_expect_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
    jit_func_free(f);
}

Test(builder_ssa, variables_and_parameters_of_the_host_share_a_block)
{
    jit_func *f = jit_func_new(NULL, "f", JIT_SIG(JIT_I32, JIT_I32));
    jit_builder *b = jit_build(f);
    jit_block head = jit_block_new(b), done = jit_block_new(b);
    jit_value p = jit_block_param(b, head, JIT_I32), arg = jit_param(b, 0);
    jit_var v = jit_var_new(b, JIT_I32);

    jit_var_set(b, v, arg);
    jit_jump_args(b, head, 1, &arg);
    jit_block_start(b, head);
    jit_var_set(b, v, jit_iadd(b, jit_var_get(b, v), p));
    arg = jit_isub(b, p, jit_iconst(b, JIT_I32, 1));
    jit_brif_args(b, arg, head, 1, &arg, done, 0, NULL);
    jit_block_start(b, done);
    jit_return(b, jit_var_get(b, v));
    jit_build_end(b);
    cr_expect_eq(jit_func_error(f, NULL), JIT_OK);
    cr_expect_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
    cr_expect_eq(f->blocks.at[1].nparams, 2);
    jit_func_free(f);
}

/* Depth and width on which recursion would overflow the stack, or a square be noticed. */
Test(builder_ssa, a_variable_is_found_through_very_many_blocks)
{
    enum { MANY = 200000 };
    jit_func *f = jit_func_new(NULL, "f", JIT_SIG(JIT_I32, JIT_I32));
    jit_builder *b = jit_build(f);
    jit_var v = jit_var_new(b, JIT_I32), w = jit_var_new(b, JIT_I32);

    jit_var_set(b, v, jit_param(b, 0));
    for (int k = 0; k < MANY; k++) { /* diamonds that set nothing, sealed or not */
        jit_block x = jit_block_new(b), y = jit_block_new(b), z = jit_block_new(b);
        jit_brif(b, jit_param(b, 0), x, y);
        jit_block_start(b, x);
        if (k % 1000 == 0)
            jit_var_set(b, w, jit_param(b, 0));
        jit_jump(b, z);
        jit_block_start(b, y);
        jit_jump(b, z);
        if (k % 2) {
            jit_block_seal(b, x);
            jit_block_seal(b, y);
            jit_block_seal(b, z);
        }
        jit_block_start(b, z);
    }
    jit_return(b, jit_iadd(b, jit_var_get(b, v), jit_var_get(b, w)));
    jit_build_end(b);
    cr_expect_eq(jit_func_error(f, NULL), JIT_OK);
    cr_expect_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
    uint32_t nparams = 0;
    for (uint32_t k = 1; k < f->blocks.len; k++)
        nparams += f->blocks.at[k].nparams;
    cr_expect_eq(nparams, MANY / 1000);
    jit_func_free(f);
}
