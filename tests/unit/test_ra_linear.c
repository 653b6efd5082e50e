/* test_ra_linear.c - what linear scan makes of small functions: how often it touches the frame. */
#include "regalloc/regalloc.h"

#include <criterion/criterion.h>
#include <string.h>

/* A function in the making: three registers, of which calls keep none. */
typedef struct {
    ra_func f;
    ra_env env;
    ra_inst insts[32];
    ra_operand ops[64];
    ra_vreg vregs[16];
    ra_block blocks[8];
    uint32_t lists[32], nlists;
    regset clobbers[2];
    fail_ctx fail;
    arena tmp;
} sketch;

static sketch s;

static void open_sketch(void)
{
    memset(&s, 0, sizeof s);
    memset(s.env.order, 0xff, sizeof s.env.order);
    jit_arena_init(&s.tmp, &jit_libc_allocator, &s.fail);
    for (uint8_t r = 0; r < 3; r++)
        s.env.order[RC_INT][r] = r;
    s.env.allocatable = s.clobbers[1] = 7;
    s.env.scratch = RA_INT(11);
    s.env.int_scratch = RA_NO_REG;
    s.f.env = &s.env;
    s.f.insts = s.insts;
    s.f.ops = s.ops;
    s.f.vregs = s.vregs;
    s.f.blocks = s.blocks;
    s.f.lists = s.lists;
    s.f.clobbers = s.clobbers;
    for (int v = 0; v < 16; v++) {
        ra_vreg vreg = { RC_INT, 8, VREG_GLOBAL, 0xff };
        s.vregs[v] = vreg;
    }
    s.f.nvregs = 16;
}

static void close_sketch(void)
{
    jit_arena_free(&s.tmp);
}

TestSuite(ra_linear, .init = open_sketch, .fini = close_sketch);

static void block(float freq)
{
    ra_block b = { .first = s.f.ninsts, .end = s.f.ninsts, .freq = freq };

    s.blocks[s.f.nblocks++] = b;
}

/* An instruction of the last block; its operands follow. */
static void inst(unsigned flags)
{
    ra_inst i = { .ops = s.f.nops, .flags = (uint8_t)flags, .clobber = (flags & RA_CALL) != 0 };

    s.insts[s.f.ninsts++] = i;
    s.blocks[s.f.nblocks - 1].end = s.f.ninsts;
}

static ra_operand *operand(unsigned kind, uint32_t vreg, unsigned constraint, unsigned reg)
{
    ra_operand op = { .vreg = vreg, .kind = kind & 7u, .constraint = constraint & 7u,
                      .fixed = (uint8_t)reg, .width = 8, .nonzero = 8, .loc = LOC_NONE };

    s.ops[s.f.nops] = op;
    s.insts[s.f.ninsts - 1].nops++;
    return &s.ops[s.f.nops++];
}

/* Ends the last block, which goes to these. */
static void leads_to(uint32_t n, uint32_t a, uint32_t b)
{
    ra_block *last = &s.blocks[s.f.nblocks - 1];

    inst(RA_TERM);
    last->succs = s.nlists;
    last->nsuccs = n;
    s.lists[s.nlists++] = a;
    s.lists[s.nlists++] = b;
}

static void comes_from(uint32_t n, uint32_t a, uint32_t b)
{
    ra_block *last = &s.blocks[s.f.nblocks - 1];

    last->preds = s.nlists;
    last->npreds = n;
    s.lists[s.nlists++] = a;
    s.lists[s.nlists++] = b;
}

static void allocate(void *unused)
{
    const char *why;

    (void)unused;
    jit_ra_linear(&s.f, &s.tmp);
    why = jit_ra_check(&s.f, &s.tmp);
    cr_assert_null(why, "%s", why ? why : "");
}

/* Loads in [from, to) of the instructions. */
static unsigned loads(uint32_t from, uint32_t to)
{
    unsigned n = 0;

    for (uint32_t k = 0; k < s.f.moves.len; k++) {
        const ra_move *m = &s.f.moves.at[k];
        n += loc_is_slot(m->from) && m->pos / 2 >= from && m->pos / 2 < to;
    }
    return n;
}

Test(ra_linear, a_call_that_gets_a_value_twice_loads_it_once)
{
    block(1);
    inst(0);
    operand(RA_DEF, 0, RA_REG, 0);
    inst(RA_CALL);
    inst(RA_CALL);
    operand(RA_USE, 0, RA_FIXED, 1);
    operand(RA_USE, 0, RA_FIXED, 2);
    leads_to(0, 0, 0);
    cr_assert_eq(jit_guard(&s.fail, allocate, NULL), JIT_OK, "%s", s.fail.message);
    cr_assert_eq(loads(0, s.f.ninsts), 1);
    cr_assert_eq(s.f.moves.len, 3);
}

Test(ra_linear, a_spilled_argument_is_read_where_it_arrived_until_a_call)
{
    ra_operand *any;

    block(1);
    inst(0);
    operand(RA_DEF, 0, RA_FIXED, 1);
    inst(0);
    operand(RA_DEF, 1, RA_REG, 0);
    any = operand(RA_USE, 0, RA_ANY, 0);
    inst(RA_CALL);
    operand(RA_USE, 1, RA_FIXED, 0);
    inst(0);
    operand(RA_USE, 0, RA_ANY, 0);
    leads_to(0, 0, 0);
    cr_assert_eq(jit_guard(&s.fail, allocate, NULL), JIT_OK, "%s", s.fail.message);
    cr_assert(loc_is_reg(any->loc));
    cr_assert_eq(loads(0, s.f.ninsts), 0);
}

/* A diamond in which one arm or both end with a call; what follows it reads v0 twice. */
static void diamond(bool both)
{
    block(1);
    inst(0);
    operand(RA_DEF, 0, RA_REG, 0);
    inst(0);
    operand(RA_USE, 0, RA_REG, 0);
    leads_to(2, 1, 2);
    for (uint32_t k = 0; k < 2; k++) {
        block(0.5f);
        comes_from(1, 0, 0);
        inst(k == 0 || both ? RA_CALL : 0);
        leads_to(1, 3, 0);
    }
    block(1);
    comes_from(2, 1, 2);
    for (int k = 0; k < 2; k++) {
        inst(0);
        operand(RA_USE, 0, RA_REG, 0);
    }
    leads_to(0, 0, 0);
}

Test(ra_linear, a_value_is_loaded_once_behind_a_join)
{
    diamond(true);
    cr_assert_eq(jit_guard(&s.fail, allocate, NULL), JIT_OK, "%s", s.fail.message);
    cr_assert_eq(loads(0, s.f.ninsts), 1);
}

Test(ra_linear, only_the_arm_with_a_call_loads_before_a_join)
{
    diamond(false);
    cr_assert_eq(jit_guard(&s.fail, allocate, NULL), JIT_OK, "%s", s.fail.message);
    cr_assert_eq(loads(0, s.f.ninsts), 1);
    cr_assert_eq(loads(s.blocks[1].first, s.blocks[1].end), 1);
}

Test(ra_linear, along_a_branch_registers_hold_what_they_held)
{
    block(1);
    inst(0);
    operand(RA_DEF, 0, RA_FIXED, 1);
    leads_to(2, 1, 2);
    for (uint32_t k = 0; k < 2; k++) {
        block(0.5f);
        comes_from(1, 0, 0);
        inst(RA_CALL);
        operand(RA_USE, 0, RA_FIXED, 0);
        inst(0);
        operand(RA_USE, 0, RA_ANY, 0);
        leads_to(0, 0, 0);
    }
    cr_assert_eq(jit_guard(&s.fail, allocate, NULL), JIT_OK, "%s", s.fail.message);
    cr_assert_eq(loads(0, s.f.ninsts), 0);
}

Test(ra_linear, an_argument_is_made_where_its_parameter_can_stay)
{
    block(1);
    inst(0);
    operand(RA_DEF, 0, RA_REG, 0);
    leads_to(1, 1, 0);
    s.blocks[0].args = s.nlists;
    s.lists[s.nlists++] = 0;
    block(1);
    comes_from(1, 0, 0);
    s.blocks[1].params = s.nlists;
    s.blocks[1].nparams = 1;
    s.lists[s.nlists++] = 1;
    inst(0);
    operand(RA_DEF, 2, RA_FIXED, 0);
    inst(0);
    operand(RA_USE, 2, RA_FIXED, 0);
    operand(RA_USE, 1, RA_REG, 0);
    leads_to(0, 0, 0);
    cr_assert_eq(jit_guard(&s.fail, allocate, NULL), JIT_OK, "%s", s.fail.message);
    cr_assert_eq(s.f.moves.len, 0);
}
