/* test_ra_check.c - the checker accepts right results and names what is wrong with others. */
#include "tests/support/ra_gen.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* A function of a few instructions, written down operand by operand, with its result. */
typedef struct {
    ra_func f;
    ra_env env;
    ra_inst insts[16];
    ra_operand ops[32];
    ra_vreg vregs[16];
    ra_block blocks[4];
    uint32_t lists[16];
    regset clobbers[2];
    fail_ctx fail;
    arena tmp;
} fixture;

static fixture *t;

static void open_fixture(void)
{
    static fixture all;

    t = &all;
    memset(t, 0, sizeof *t);
    memset(t->env.order, 0xff, sizeof t->env.order);
    jit_arena_init(&t->tmp, &jit_libc_allocator, &t->fail);
    for (uint8_t k = 0; k < 4; k++) {
        t->env.order[RC_INT][k] = k;
        t->env.order[RC_FLOAT][k] = RA_FLOAT(k);
        t->env.allocatable |= REG_BIT(k) | REG_BIT(RA_FLOAT(k));
    }
    t->env.scratch = RA_INT(11);
    t->env.int_scratch = RA_NO_REG;
    t->clobbers[1] = t->env.allocatable & ~REG_BIT(3);
    for (int k = 0; k < 16; k++) {
        t->vregs[k].cls = RC_INT;
        t->vregs[k].width = 8;
        t->vregs[k].hint = 0xff;
    }
    t->f.env = &t->env;
    t->f.insts = t->insts;
    t->f.ops = t->ops;
    t->f.blocks = t->blocks;
    t->f.nblocks = 1;
    t->f.lists = t->lists;
    t->f.vregs = t->vregs;
    t->f.nvregs = 16;
    t->f.clobbers = t->clobbers;
    t->f.nslots = 4;
    t->f.used = ~(regset)0;
}

static void close_fixture(void)
{
    jit_arena_free(&t->tmp);
}

static void inst(uint8_t flags)
{
    ra_inst i = { t->f.nops, 0, flags, 0, 0 };

    t->insts[t->f.ninsts++] = i;
    t->blocks[0].end = t->f.ninsts;
}

static ra_operand *op(uint32_t vreg, unsigned kind, unsigned constraint, ra_loc loc)
{
    ra_operand o = { .vreg = vreg, .kind = kind & 7u, .constraint = constraint & 7u, .width = 8,
                     .nonzero = 8, .loc = loc };

    t->insts[t->f.ninsts - 1].nops++;
    t->ops[t->f.nops] = o;
    return &t->ops[t->f.nops++];
}

static ra_operand *def(uint32_t vreg, ra_loc loc)
{
    inst(0);
    return op(vreg, RA_DEF, RA_REG, loc);
}

static ra_operand *use(uint32_t vreg, ra_loc loc)
{
    inst(0);
    return op(vreg, RA_USE, RA_ANY, loc);
}

static void move(uint32_t pos, uint32_t vreg, ra_loc from, ra_loc to)
{
    ra_move m = { pos, vreg, from, to, 0 };

    vec_push(&t->tmp, &t->f.moves, m);
}

static const char *checked(void)
{
    inst(RA_TERM);
    return jit_ra_check(&t->f, &t->tmp);
}

static void expect_fault(const char *part)
{
    const char *message = checked();

    cr_expect(message != NULL, "nothing was found: %s", part);
    cr_expect(message == NULL || strstr(message, part) != NULL, "%s instead of %s", message, part);
}

TestSuite(ra_check, .init = open_fixture, .fini = close_fixture);

Test(ra_check, a_value_may_be_spilled_and_brought_back)
{
    def(0, 1);
    move(1, 0, 1, LOC_SLOT(2));
    def(1, 1);
    use(0, LOC_SLOT(2));
    move(6, 0, LOC_SLOT(2), 3);
    use(0, 3);
    cr_expect_null(checked());
}

Test(ra_check, a_register_that_was_overwritten_is_found)
{
    def(0, 1);
    def(1, 1);
    use(0, 1);
    expect_fault("instruction 2, operand 0 (v0): register 1 should hold v0, but instruction 1");
}

Test(ra_check, a_value_that_a_call_destroys_is_found)
{
    def(0, 1);
    inst(RA_CALL);
    t->insts[1].clobber = 1;
    use(0, 1);
    expect_fault("instruction 1 destroys it");
}

Test(ra_check, a_register_that_a_call_keeps_is_accepted)
{
    def(0, 3);
    inst(RA_CALL);
    t->insts[1].clobber = 1;
    use(0, 3);
    cr_expect_null(checked());
}

Test(ra_check, a_use_of_more_bytes_than_were_stored_is_found)
{
    t->vregs[0].width = 4;
    def(0, 1);
    move(1, 0, 1, LOC_SLOT(0));
    move(2, 0, LOC_SLOT(0), 2);
    use(0, 2);
    expect_fault("reads 8 bytes of v0, of which 4 were moved");
}

Test(ra_check, four_bytes_are_all_of_a_value_whose_upper_half_is_zero)
{
    t->vregs[0].width = 4;
    def(0, 1)->nonzero = 4;
    move(1, 0, 1, LOC_SLOT(0));
    move(2, 0, LOC_SLOT(0), 2);
    use(0, 2)->nonzero = 4;
    cr_expect_null(checked());
}

Test(ra_check, a_slot_of_four_bytes_cannot_be_read_as_eight)
{
    t->vregs[0].width = 4;
    def(0, 1)->nonzero = 4;
    move(1, 0, 1, LOC_SLOT(0));
    use(0, LOC_SLOT(0));
    expect_fault("reads 8 bytes of v0, of which 4 were stored");
}

Test(ra_check, zeros_that_nobody_promised_are_found)
{
    def(0, 1);
    use(0, 1)->nonzero = 4;
    expect_fault("needs zeros above byte 4 of v0");
}

Test(ra_check, a_move_of_four_bytes_makes_zeros)
{
    t->vregs[0].width = 4;
    def(0, 1);
    move(2, 0, 1, 2);
    inst(0);
    op(0, RA_USE, RA_REG, 2)->nonzero = 4;
    t->ops[1].width = 4;
    cr_expect_null(checked());
}

Test(ra_check, a_fixed_operand_elsewhere_is_found)
{
    def(0, 1);
    inst(0);
    op(0, RA_USE, RA_FIXED, 1)->fixed = 2;
    expect_fault("must be in register 2");
}

Test(ra_check, a_tied_operand_elsewhere_is_found)
{
    def(0, 1);
    inst(0);
    op(1, RA_DEF, RA_TIED, 2)->fixed = 1;
    op(0, RA_USE, RA_REG, 1);
    expect_fault("the use it is tied to is in register 1");
}

Test(ra_check, an_early_definition_in_the_register_of_a_use_is_found)
{
    def(0, 1);
    inst(0);
    op(1, RA_DEF_EARLY, RA_REG, 1);
    op(0, RA_USE, RA_REG, 1);
    expect_fault("writes register 1 before it is read");
}

Test(ra_check, a_temporary_in_the_register_of_a_use_is_found)
{
    def(0, 1);
    inst(0);
    op(1, RA_TEMP, RA_REG, 1);
    op(0, RA_USE, RA_REG, 1);
    expect_fault("writes register 1 before it is read");
}

Test(ra_check, a_definition_in_the_register_of_a_late_use_is_found)
{
    def(0, 1);
    inst(0);
    op(1, RA_DEF, RA_REG, 1);
    op(0, RA_USE_LATE, RA_REG, 1);
    expect_fault("writes register 1 before it is read");
}

Test(ra_check, two_definitions_in_one_register_are_found)
{
    inst(0);
    op(0, RA_DEF, RA_REG, 1);
    op(1, RA_DEF, RA_REG, 1);
    expect_fault("as another operand does");
}

Test(ra_check, the_scratch_register_is_not_for_operands)
{
    def(0, 11);
    expect_fault("not for allocation");
}

Test(ra_check, a_value_does_not_stay_in_the_scratch_register)
{
    def(0, 1);
    move(1, 0, 1, 11);
    move(4, 0, 11, 2);
    def(1, 1);
    use(0, 2);
    expect_fault("stays in register 11");
}

Test(ra_check, a_register_of_another_class_is_found)
{
    t->vregs[0].cls = RC_FLOAT;
    def(0, 1);
    expect_fault("not of its class");
}

Test(ra_check, a_slot_outside_the_frame_is_found)
{
    def(0, 1);
    move(1, 0, 1, LOC_SLOT(4));
    expect_fault("not in the frame");
}

Test(ra_check, a_wide_slot_that_is_half_overwritten_is_found)
{
    t->vregs[0].cls = RC_FLOAT;
    t->vregs[0].width = 16;
    def(0, 33);
    move(1, 0, 33, LOC_SLOT(2));
    def(1, 1);
    move(3, 1, 1, LOC_SLOT(3));
    inst(0);
    op(0, RA_USE, RA_ANY, LOC_SLOT(2))->nonzero = 16;
    expect_fault("partly overwritten");
}

Test(ra_check, moves_out_of_order_are_found)
{
    def(0, 1);
    move(2, 0, 1, 2);
    move(1, 0, 1, 3);
    use(0, 2);
    expect_fault("not in order");
}

Test(ra_check, repeating_an_instruction_that_must_not_be_is_found)
{
    ra_move m = { 2, 0, LOC_NONE, 2, 1 };

    def(0, 1);
    vec_push(&t->tmp, &t->f.moves, m);
    use(0, 2);
    expect_fault("repeats an instruction that does not make v0");
}

Test(ra_check, repeating_a_constant_is_accepted)
{
    ra_move m = { 2, 0, LOC_NONE, 2, 1 };

    def(0, 1);
    t->insts[0].flags = RA_REMAT;
    vec_push(&t->tmp, &t->f.moves, m);
    use(0, 2);
    cr_expect_null(checked());
}

/* entry -> loop(p) -> loop or exit; the loop is split as critical edges are: block 1 is the header
 * with parameter v1, block 2 passes v2 back, block 3 is the exit and uses v1. */
static void loop(ra_loc entry_arg, ra_loc back_arg)
{
    static const uint32_t lists[] = { 1, 2, 3, 0, 2, 1, 1, 0, 2 };

    memcpy(t->lists, lists, sizeof lists);
    def(0, entry_arg);
    inst(RA_TERM);
    inst(0);
    op(1, RA_USE, RA_REG, 1);
    op(2, RA_DEF, RA_REG, back_arg);
    inst(RA_TERM);
    inst(RA_TERM);
    inst(0);
    op(1, RA_USE, RA_REG, 1);
    t->f.nblocks = 4;
    t->blocks[0] = (ra_block){ .first = 0, .end = 2, .succs = 0, .nsuccs = 1, .args = 7 };
    t->blocks[1] = (ra_block){ .first = 2, .end = 4, .succs = 1, .nsuccs = 2, .preds = 3,
                               .npreds = 2,
                               .params = 0, .nparams = 1 };
    t->blocks[2] = (ra_block){ .first = 4, .end = 5, .succs = 0, .nsuccs = 1, .preds = 5,
                               .npreds = 1,
                               .args = 8 };
    t->blocks[3] = (ra_block){ .first = 5, .end = 7, .preds = 6, .npreds = 1 };
}

static const char *checked_loop(void)
{
    inst(RA_TERM);
    t->blocks[0].end = 2; /* inst() counts on the one block of the other tests */
    return jit_ra_check(&t->f, &t->tmp);
}

Test(ra_check, arguments_become_parameters_where_both_edges_agree)
{
    loop(1, 2);
    move(8, 2, 2, 1);
    cr_expect_null(checked_loop());
}

Test(ra_check, an_argument_missing_on_the_back_edge_is_found)
{
    const char *message;

    loop(1, 2);
    message = checked_loop();
    cr_expect(message != NULL && strstr(message, "register 1 should hold v2") != NULL, "%s",
              message);
}
