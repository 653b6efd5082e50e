/* Emission for AArch64: the listing shows what was put. */
#include "backends/aarch64/a64_emit.h"
#include "tests/support/fault_alloc.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef struct rig {
    fault_alloc host;
    fail_ctx fail;
    arena mem;
    jit_func *f;
    jit_settings settings;
    abi_sig abi;
    lower l;
    frame frame;
    mbuf buf;
    mlabel blocks[4];
    strbuf listing;
    emit e;
    mcode code;
    const fixup_kind *fixups;
    void (*body)(struct rig *r);
} rig;

static void run_body(void *arg)
{
    rig *r = arg;

    jit_mbuf_init(&r->buf, &r->mem, r->fixups, NULL, 0, 0);
    r->buf.skip = jit_target_aarch64.skip;
    r->buf.skip_bytes = jit_target_aarch64.skip_bytes;
    for (unsigned k = 0; k < 4; k++)
        r->blocks[k] = jit_mbuf_label(&r->buf);
    r->e.buf = &r->buf;
    r->e.l = &r->l;
    r->e.frame = &r->frame;
    r->e.block_label = r->blocks;
    r->e.next_block = UINT32_MAX;
    r->e.listing = &r->listing;
    r->e.own_place = true;
    r->body(r);
}

static rig *rig_new(void)
{
    rig *r = calloc(1, sizeof *r);

    cr_assert_not_null(r);
    fault_alloc_init(&r->host, 0);
    jit_arena_init(&r->mem, &r->host.host, &r->fail);
    jit_strbuf_init(&r->listing, &r->host.host);
    r->f = calloc(1, sizeof *r->f);
    cr_assert_not_null(r->f);
    r->l.f = r->f;
    r->l.target = &jit_target_aarch64;
    r->l.fail = &r->fail;
    r->l.tmp = &r->mem;
    r->l.settings = &r->settings;
    r->l.abi = &r->abi;
    r->frame.entry_above = 16;
    r->fixups = jit_target_aarch64.fixups;
    return r;
}

static jit_status rig_run(rig *r, void (*body)(rig *r))
{
    r->body = body;
    return jit_guard(&r->fail, run_body, r);
}

static void rig_free(rig *r)
{
    jit_strbuf_free(&r->listing);
    jit_arena_free(&r->mem);
    cr_expect_eq(r->host.live, 0);
    free(r->f);
    free(r);
}

static minst row(unsigned op, unsigned size, unsigned size2)
{
    minst i = { 0 };

    i.op = (uint16_t)op;
    i.size = (uint8_t)size;
    i.size2 = (uint8_t)size2;
    return i;
}

/* Stands for an operand that is not there: the zero register. */
#define ZR 0x7fffffff

/* Emits a row whose operands are at locs, in the shape's order, those of an address behind. */
static void put(rig *r, const minst *i, const ra_loc *locs, unsigned n)
{
    const a64_shape *s = a64_shape_of(i->op);
    ra_operand ops[8];

    memset(ops, 0, sizeof ops);
    for (unsigned k = 0; k < n; k++) {
        const a64_role *role = &jit_a64_roles[s->role[k < s->n ? k : 0]];
        ops[k].vreg = locs[k] == ZR ? RA_NO_VREG : k;
        ops[k].loc = locs[k] == ZR ? LOC_NONE : locs[k];
        unsigned kind = role->kind, constraint = role->constraint;
        ops[k].kind = kind & 7;
        ops[k].constraint = constraint & 7;
        ops[k].fixed = role->fixed;
    }
    jit_emit_inst(&r->e, i, ops, n);
}
#define PUT(r, i, ...)                                     \
    put((r), (i), (const ra_loc[]){ __VA_ARGS__ },         \
        sizeof((const ra_loc[]){ __VA_ARGS__ }) / sizeof(ra_loc))

static void expect_listing(void (*body)(rig *r), const char *text)
{
    rig *r = rig_new();

    r->frame.total = 48;
    r->frame.size = 32;
    r->frame.spill_bytes = 32;
    jit_frame_settle(&r->frame);
    cr_expect_eq(rig_run(r, body), JIT_OK, "%s", r->fail.message);
    cr_expect_str_eq(r->listing.at ? r->listing.at : "", text);
    rig_free(r);
}

static void expect_refused(void (*body)(rig *r), const char *part)
{
    rig *r = rig_new();

    cr_expect_eq(rig_run(r, body), JIT_ERR_INTERNAL);
    cr_expect(strstr(r->fail.message, part) != NULL, "%s", r->fail.message);
    rig_free(r);
}

/* ---- Constants ---- */

static uint64_t value_of(const a64_step *s, unsigned n, unsigned size)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < n; k++) {
        switch (s[k].op) {
        case A64_movz: v = s[k].imm << s[k].shift; break;
        case A64_movn: v = ~(s[k].imm << s[k].shift); break;
        case A64_movk: v = (v & ~((uint64_t)0xffff << s[k].shift)) | s[k].imm << s[k].shift; break;
        default: v = s[k].imm;
        }
    }
    return size == 4 ? (uint32_t)v : v;
}

Test(a64_emit, constants_are_made_by_as_few_instructions_as_they_take)
{
    static const struct { uint64_t bits; unsigned size, n; } cases[] = {
        { 0, 8, 1 }, { 1, 4, 1 }, { 0xffff, 4, 1 }, { 0x10000, 8, 1 }, { UINT64_MAX, 8, 1 },
        { UINT32_MAX, 4, 1 }, { UINT32_MAX, 8, 1 }, { 0xffff0000, 4, 1 }, { 0xfffe1234, 4, 2 },
        { 0x12345678, 4, 2 }, { 0x5555555555555555, 8, 1 }, { 0x00ff00ff, 4, 1 },
        { 0x0000ffff00000000, 8, 1 }, { 0xffff1234ffffffff, 8, 1 }, { 0x123456789abc, 8, 3 },
        { 0x123456789abcdef0, 8, 4 }, { 0xffffffff12345678, 8, 2 }, { 0x5555555555551234, 8, 2 },
        { 0x8000000000000000, 8, 1 }, { 0x7ff0000000000000, 8, 1 }, { 0xfffffffffffff001, 8, 1 },
    };

    for (unsigned k = 0; k < sizeof cases / sizeof *cases; k++) {
        a64_step steps[4];
        unsigned n = jit_a64_imm_steps(cases[k].bits, cases[k].size, steps);
        cr_expect_eq(n, cases[k].n, "%llx: %u", (unsigned long long)cases[k].bits, n);
        cr_expect_eq(value_of(steps, n, cases[k].size), cases[k].bits);
    }
}

Test(a64_emit, every_constant_of_few_distinct_halves_is_made_right)
{
    static const uint16_t halves[] = { 0, 0xffff, 0x00ff, 0x5555, 0x1234, 0x8000, 0x0001, 0xfffe };

    for (unsigned k = 0; k < 8 * 8 * 8 * 8; k++) {
        uint64_t bits = 0;
        a64_step steps[4];
        for (unsigned h = 0; h < 4; h++)
            bits |= (uint64_t)halves[k >> 3 * h & 7] << 16 * h;
        unsigned n = jit_a64_imm_steps(bits, 8, steps);
        cr_assert(n >= 1 && n <= 4 && value_of(steps, n, 8) == bits);
        n = jit_a64_imm_steps(bits, 4, steps);
        cr_assert(n >= 1 && n <= 2 && value_of(steps, n, 4) == (uint32_t)bits);
    }
}

Test(a64_emit, bit_masks_are_told_from_other_numbers)
{
    uint32_t field;
    unsigned n = 0;

    for (uint32_t v = 1; v < UINT32_MAX - 0xffff; v += 0xffff) { /* against the definition */
        bool is = false;
        for (unsigned e = 2; e <= 32 && !is; e *= 2)
            for (unsigned ones = 1; ones < e && !is; ones++)
                for (unsigned by = 0; by < e && !is; by++) {
                    uint64_t run = ((uint64_t)1 << ones) - 1;
                    uint64_t x = (run << by | run >> (e - by)) & (((uint64_t)1 << e) - 1);
                    for (unsigned w = e; w < 32; w *= 2)
                        x |= x << w;
                    is = (uint32_t)x == v;
                }
        cr_assert_eq(jit_a64_logical_imm(v, 4, &field), is, "%x", v);
        n += is;
    }
    cr_expect(n > 0);
    cr_expect(!jit_a64_logical_imm(0, 8, NULL) && !jit_a64_logical_imm(UINT64_MAX, 8, NULL));
    cr_expect(!jit_a64_logical_imm(UINT32_MAX, 4, NULL));
    cr_expect(jit_a64_logical_imm(UINT32_MAX, 8, NULL));
}

Test(a64_emit, immediate_floats_are_those_of_the_manual)
{
    uint8_t imm8;

    cr_expect(jit_a64_fmov_imm(0x3ff0000000000000, 8, &imm8) && imm8 == 0x70); /* 1.0 */
    cr_expect(jit_a64_fmov_imm(0x3f800000, 4, &imm8) && imm8 == 0x70);
    cr_expect(jit_a64_fmov_imm(0xc03f000000000000, 8, &imm8) && imm8 == 0xbf); /* -31.0 */
    cr_expect(jit_a64_fmov_imm(0x3fc0000000000000, 8, &imm8) && imm8 == 0x40); /* 0.125 */
    cr_expect(!jit_a64_fmov_imm(0, 8, NULL));
    cr_expect(!jit_a64_fmov_imm(0x4040000000000000, 8, NULL)); /* 32.0 */
    cr_expect(!jit_a64_fmov_imm(0x3ff0800000000000, 8, NULL)); /* 1 + 1/32 */
    cr_expect(!jit_a64_fmov_imm(0x7ff0000000000000, 8, NULL));
}

/* ---- Memory operands ---- */

static void at_base(rig *r, unsigned size, int32_t disp)
{
    minst i = row(A64_ldr, size, 0);

    i.am = MEM_BASE;
    i.disp = disp;
    PUT(r, &i, A64_X0, A64_X1);
}

static void displacements(rig *r)
{
    at_base(r, 8, 0);
    at_base(r, 8, 32760);
    at_base(r, 8, 255);
    at_base(r, 8, -256);
    at_base(r, 8, 32768);
    at_base(r, 4, 0x123450);
    at_base(r, 8, 257);
    at_base(r, 1, 4096);
    at_base(r, 2, -257);
    at_base(r, 8, INT32_MIN);
    at_base(r, 8, INT32_MAX);
}

Test(a64_emit, displacements_take_the_shortest_address)
{
    expect_listing(displacements,
                   "    ldr x0, [x1]\n"
                   "    ldr x0, [x1, #32760]\n"
                   "    ldur x0, [x1, #255]\n"
                   "    ldur x0, [x1, #-256]\n"
                   "    add x16, x1, #8, lsl #12\n    ldr x0, [x16]\n"
                   "    add x16, x1, #291, lsl #12\n    ldr w0, [x16, #1104]\n"
                   "    mov x16, #257\n    ldr x0, [x1, x16]\n"
                   "    add x16, x1, #1, lsl #12\n    ldrb w0, [x16]\n"
                   "    mov x16, #-257\n    ldrh w0, [x1, x16]\n"
                   "    orr x16, xzr, #0xffffffff80000000\n    ldr x0, [x1, x16]\n"
                   "    orr x16, xzr, #0x7fffffff\n    ldr x0, [x1, x16]\n");
}

static void at_index(rig *r, unsigned op, unsigned ext, unsigned shift, int32_t disp)
{
    minst i = row(op, op == A64_ldrs ? 8 : 4, op == A64_ldrs ? 2 : 0);

    i.am = MEM_INDEX;
    i.cc = (uint8_t)ext;
    i.shift = (uint8_t)shift;
    i.disp = disp;
    if (op == A64_lea)
        i.size = 8;
    PUT(r, &i, op == A64_fstr ? A64_V(0) : A64_X0, A64_X1, A64_X2);
}

static void indices(rig *r)
{
    at_index(r, A64_ldr, A64_UXTX, 0, 0);
    at_index(r, A64_ldr, A64_UXTX, 2, 0);
    at_index(r, A64_ldrs, A64_SXTW, 1, 0);
    at_index(r, A64_fstr, A64_UXTW, 2, 0);
    at_index(r, A64_str, A64_UXTX, 3, 0);
    at_index(r, A64_ldr, A64_UXTW, 2, 8);
    at_index(r, A64_lea, A64_UXTX, 3, 0);
    at_index(r, A64_lea, A64_SXTW, 1, -20);
}

Test(a64_emit, indices_are_scaled_by_what_is_accessed_or_added_first)
{
    expect_listing(indices,
                   "    ldr w0, [x1, x2]\n"
                   "    ldr w0, [x1, x2, lsl #2]\n"
                   "    ldrsh x0, [x1, w2, sxtw #1]\n"
                   "    str s0, [x1, w2, uxtw #2]\n"
                   "    add x16, x1, x2, uxtx #3\n    str w0, [x16]\n"
                   "    add x16, x1, w2, uxtw #2\n    ldr w0, [x16, #8]\n"
                   "    add x0, x1, x2, uxtx #3\n"
                   "    add x16, x1, w2, sxtw #1\n    sub x0, x16, #20\n");
}

static void pairs_of(rig *r, int32_t disp)
{
    minst i = row(A64_stp, 8, 0);

    i.am = MEM_BASE;
    i.disp = disp;
    i.trap = 7;
    PUT(r, &i, A64_X2, ZR, A64_X1);
}

static void pairs(rig *r)
{
    pairs_of(r, -512);
    pairs_of(r, 504);
    pairs_of(r, 512);
    jit_mbuf_finish(&r->buf, &r->mem, &r->code);
    cr_assert_eq(r->code.ntraps, 3);
    cr_expect(r->code.traps[0].offset == 0 && r->code.traps[2].offset == 12);
}

Test(a64_emit, a_trap_is_noted_at_the_access_itself)
{
    expect_listing(pairs, "    stp x2, xzr, [x1, #-512]\n"
                          "    stp x2, xzr, [x1, #504]\n"
                          "    add x16, x1, #512\n    stp x2, xzr, [x16]\n");
}

/* ---- What is refused ---- */

static void virtual_operand(rig *r)
{
    minst i = row(A64_madd, 4, 0);
    PUT(r, &i, A64_X0, A64_X1, LOC_NONE, A64_X2);
}

static void broken_tie(rig *r)
{
    minst i = row(A64_bfm, 4, 0);
    PUT(r, &i, A64_X0, A64_X1, A64_X2);
}

static void wrong_class(rig *r)
{
    minst i = row(A64_fmul, 4, 0);
    PUT(r, &i, A64_V(0), A64_V(1), A64_X2);
}

static void slot_for_a_register(rig *r)
{
    minst i = row(A64_eor, 8, 0);
    PUT(r, &i, A64_X0, LOC_SLOT(0), A64_X2);
}

static void stack_pointer(rig *r)
{
    minst i = row(A64_add_i, 8, 0);
    PUT(r, &i, A64_X0, ZR);
}

static void missing_size(rig *r)
{
    minst i = row(A64_csel, 1, 0);
    PUT(r, &i, A64_X0, A64_X1, A64_X2);
}

static void large_immediate(rig *r)
{
    minst i = row(A64_add_i, 8, 0);
    i.imm = 0x1001;
    PUT(r, &i, A64_X0, A64_X1);
}

static void no_mask(rig *r)
{
    minst i = row(A64_and_i, 8, 0);
    i.imm = 5;
    PUT(r, &i, A64_X0, A64_X1);
}

static void virtual_address(rig *r)
{
    minst i = row(A64_ldr, 8, 0);
    i.am = MEM_BASE;
    PUT(r, &i, A64_X0, LOC_NONE);
}

static void no_register_to_test(rig *r)
{
    minst i = row(MI_BRANCH, 8, 0);
    i.cc = A64_CBZ;
    i.ref = 1;
    jit_emit_inst(&r->e, &i, NULL, 0);
}

Test(a64_emit, what_breaks_its_row_is_an_internal_error_that_names_it)
{
    expect_refused(virtual_operand, "madd: operand left virtual");
    expect_refused(broken_tie, "bfm: operand in another register");
    expect_refused(wrong_class, "fmul: operand in the wrong place");
    expect_refused(slot_for_a_register, "eor: operand in the wrong place");
    expect_refused(stack_pointer, "add: the zero register, where it is the stack pointer");
    expect_refused(missing_size, "no such size");
    expect_refused(large_immediate, "add (size 8): immediate out of range");
    expect_refused(no_mask, "and (size 8): not a bit mask");
    expect_refused(virtual_address, "ldr#: address without a register");
    expect_refused(no_register_to_test, "a condition without its operand");
}

/* ---- Moves ---- */

static void all_moves(rig *r)
{
    jit_emit_move(&r->e, A64_X0, A64_X8, 4);
    jit_emit_move(&r->e, A64_X0, A64_X0, 8);
    jit_emit_move(&r->e, A64_X0, A64_V(31), 8);
    jit_emit_move(&r->e, A64_V(31), A64_X0, 4);
    jit_emit_move(&r->e, A64_V(1), A64_V(9), 4);
    jit_emit_move(&r->e, A64_V(9), A64_V(1), 16);
    jit_emit_move(&r->e, A64_X0, LOC_SLOT(3), 8);
    jit_emit_move(&r->e, LOC_SLOT(3), A64_X0, 4);
    jit_emit_move(&r->e, A64_V(1), LOC_SLOT(3), 4);
    jit_emit_move(&r->e, LOC_SLOT(0), A64_V(1), 8);
    jit_emit_move(&r->e, LOC_SLOT(0), A64_V(1), 16);
}

Test(a64_emit, moves_go_between_all_places)
{
    expect_listing(all_moves,
                   "    mov w8, w0\n"
                   "    fmov d31, x0\n"
                   "    fmov w0, s31\n"
                   "    fmov s9, s1\n"
                   "    mov v1.16b, v9.16b\n"
                   "    str x0, [sp]\n"
                   "    ldr w0, [sp]\n"
                   "    str s1, [sp]\n"
                   "    ldr d1, [sp, #24]\n"
                   "    ldr q1, [sp, #16]\n");
}

static void far_spills(rig *r)
{
    r->frame.size = r->frame.spill_bytes = 20 << 20;
    r->frame.total = r->frame.size + 16;
    jit_frame_settle(&r->frame);
    jit_emit_move(&r->e, A64_X0, LOC_SLOT(0), 8);
    jit_emit_move(&r->e, LOC_SLOT((1u << 20) + 5), A64_V(2), 4);
    jit_emit_move(&r->e, LOC_SLOT(2610000), A64_X3, 8);
}

Test(a64_emit, spill_slots_of_large_frames_are_reached)
{
    expect_listing(far_spills,
                   "    mov x16, #65528\n    movk x16, #319, lsl #16\n    str x0, [sp, x16]\n"
                   "    add x16, sp, #3071, lsl #12\n    ldr s2, [x16, #4048]\n"
                   "    add x16, sp, #22, lsl #12\n    ldr x3, [x16, #1400]\n");
}

static void slot_to_slot(rig *r) { jit_emit_move(&r->e, LOC_SLOT(0), LOC_SLOT(1), 8); }
static void from_nowhere(rig *r) { jit_emit_move(&r->e, LOC_NONE, A64_X0, 8); }
static void from_zr(rig *r) { jit_emit_move(&r->e, A64_R31, A64_X0, 16); }

Test(a64_emit, impossible_moves_are_refused)
{
    expect_refused(slot_to_slot, "a move between slots");
    expect_refused(from_nowhere, "a move from nowhere");
    expect_refused(from_zr, "a move from nowhere");
}

/* ---- Branches ---- */

static void branch(rig *r, unsigned cc, uint32_t yes, uint32_t no, uint32_t next)
{
    minst i = row(MI_BRANCH, 8, 0);
    ra_operand o = { 0 };

    i.cc = (uint8_t)cc;
    i.ref = yes;
    i.imm = no;
    i.shift = cc >= A64_TBZ ? 33 : 0;
    o.loc = A64_X7;
    r->e.next_block = next;
    jit_emit_inst(&r->e, &i, &o, cc >= A64_CBZ);
}

static void branches(rig *r)
{
    branch(r, A64_LT, 1, 2, 2);
    branch(r, A64_LT, 1, 2, 1);
    branch(r, A64_LT, 1, 2, 3);
    branch(r, A64_UEQ, 1, 2, 2);
    branch(r, A64_UEQ, 1, 2, 1);
    branch(r, A64_CBZ, 1, 2, 2);
    branch(r, A64_CBZ, 1, 2, 1);
    branch(r, A64_TBNZ, 1, 2, 1);
}

Test(a64_emit, branches_fall_through_and_invert)
{
    expect_listing(branches,
                   "    b.lt block1\n"
                   "    b.ge block2\n"
                   "    b.lt block1\n    b block2\n"
                   "    b.eq block1\n    b.vs block1\n"
                   "    b.mi block2\n    b.gt block2\n"
                   "    cbz x7, block1\n"
                   "    cbnz x7, block2\n"
                   "    tbz x7, #33, block2\n");
}

static void traps(rig *r)
{
    minst i = row(A64_trap_if, 8, 0);

    i.cc = A64_LO;
    i.trap = 5;
    i.ir = 1;
    jit_emit_inst(&r->e, &i, NULL, 0);
    i.cc = A64_ONE; /* the same trap of the same instruction */
    jit_emit_inst(&r->e, &i, NULL, 0);
    i = row(A64_trap_if_r, 4, 0);
    i.cc = A64_CBNZ;
    i.trap = 5;
    i.ir = 2;
    PUT(r, &i, A64_X3);
    i.cc = A64_TBZ;
    i.shift = 31;
    PUT(r, &i, A64_X3);
    minst ret = row(MI_RETURN, 0, 0);
    r->frame.total = 0;
    jit_emit_inst(&r->e, &ret, NULL, 0);
    jit_emit_finish(&r->e);
    jit_mbuf_finish(&r->buf, &r->mem, &r->code);
    cr_expect_eq(r->code.ntraps, 2);
    cr_expect(r->code.traps[0].offset == 24 && r->code.traps[1].offset == 28);
    cr_expect_eq(get_le32(r->code.bytes), 0x540000c3); /* b.lo .+24 */
    cr_expect_eq(get_le32(r->code.bytes + 16), 0x36f80063); /* tbz w3, #31, .+12 */
}

Test(a64_emit, traps_stand_behind_the_body_and_are_shared_within_an_instruction)
{
    expect_listing(traps,
                   "    b.lo trap4\n"
                   "    b.mi trap4\n    b.gt trap4\n"
                   "    cbnz w3, trap5\n"
                   "    tbz w3, #31, trap5\n"
                   "    ret\n"
                   "trap4:\n    udf #5\n"
                   "trap5:\n    udf #5\n");
}

/* ---- Islands ---- */

/* Where control comes to from `at`, over jumps alone. */
static uint32_t over_hops(const mcode *c, uint32_t at)
{
    uint32_t word;

    while ((word = get_le32(c->bytes + at)) >> 26 == 5)
        at += 4 * (uint32_t)((int32_t)(word << 6) >> 6);
    return at;
}

/* Where the conditional branch at `at` leads in the end. */
static uint32_t led_to(const mcode *c, uint32_t at)
{
    uint32_t word = get_le32(c->bytes + at);
    bool of_a_bit = (word >> 24 & 0x7e) == 0x36;
    int32_t words = (int32_t)(word << (of_a_bit ? 13 : 8)) >> (of_a_bit ? 18 : 13);

    return over_hops(c, at + 4 * (uint32_t)words);
}

static unsigned filled; /* moves between the branches, in all */
static const uint64_t pool[2] = { 0x123456789abcdef0, 0xfedcba9876543210 };

static void forty(rig *r, uint32_t *tests, uint32_t *loads)
{
    minst load = row(A64_fldr, 8, 0);

    load.am = MEM_CONST;
    for (unsigned k = 0; k < 2; k++)
        load.ref = jit_lower_add_const(&r->l, &pool[k], 8, 8);
    jit_mbuf_bind(&r->buf, r->blocks[1]);
    for (unsigned k = 0; k < 40; k++) {
        branch(r, k & 1 ? A64_TBZ : A64_CBZ, k & 2 ? 1 : 2, 3, 3);
        tests[k] = r->buf.len - 4;
        load.ref = k & 1;
        PUT(r, &load, A64_V(1));
        loads[k] = r->buf.len - 4;
        for (unsigned n = 0; n < filled / 40; n++)
            jit_emit_move(&r->e, A64_X1, A64_X2, 8);
    }
    jit_mbuf_bind(&r->buf, r->blocks[2]);
    jit_mbuf_bind(&r->buf, r->blocks[3]);
    minst ret = row(MI_RETURN, 0, 0);
    r->frame.total = 0;
    jit_emit_inst(&r->e, &ret, NULL, 0);
    jit_emit_finish(&r->e);
    jit_mbuf_finish(&r->buf, &r->mem, &r->code);
}

static void islands(rig *r)
{
    uint32_t tests[40], loads[40], moves = 0, at = 0;

    forty(r, tests, loads);
    const uint32_t *label = r->code.label_offsets;
    for (unsigned k = 0; k < 40; k++) {
        uint32_t to = label[r->blocks[k & 2 ? 1 : 2].id - 1];
        cr_expect_eq(led_to(&r->code, tests[k]), over_hops(&r->code, to));
        int32_t words = (int32_t)(get_le32(r->code.bytes + loads[k]) << 8) >> 13;
        cr_expect(memcmp(r->code.bytes + loads[k] + 4 * words, &pool[k & 1], 8) == 0);
    }
    /* Executed from the front, with no branch taken, each move is met. */
    while (get_le32(r->code.bytes + at) != 0xd65f03c0) {
        uint32_t word = get_le32(r->code.bytes + at);
        moves += word == 0xaa0103e2;
        at = word >> 26 == 5 ? at + 4 * (uint32_t)((int32_t)(word << 6) >> 6) : at + 4;
        cr_assert(at < r->code.code_size);
    }
    cr_expect_eq(moves, filled);
}

Test(a64_emit, branches_and_literals_reach_over_islands_whatever_their_reach)
{
    filled = 400;
    for (int64_t reach = 96; reach <= 4096; reach += 52) {
        rig *r = rig_new();
        fixup_kind kinds[A64_FIX_TABLE32 + 1];
        memcpy(kinds, jit_target_aarch64.fixups, sizeof kinds);
        for (unsigned k = A64_FIX_B19; k <= A64_FIX_LITERAL; k++) {
            kinds[k].min = -reach;
            kinds[k].max = reach - 4;
        }
        r->fixups = kinds;
        cr_expect_eq(rig_run(r, islands), JIT_OK, "reach %d: %s", (int)reach, r->fail.message);
        rig_free(r);
    }
}

Test(a64_emit, branches_and_literals_reach_in_a_function_of_four_mebibytes)
{
    rig *r = rig_new();

    filled = 1 << 20;
    filled -= filled % 40;
    cr_expect_eq(rig_run(r, islands), JIT_OK, "%s", r->fail.message);
    cr_expect(r->code.size > 4u << 20);
    rig_free(r);
}

static void table(rig *r)
{
    static uint32_t to[] = { 1, 2, 1 };
    vcode_jump_table t = { to, 3 };
    minst i = row(A64_table, 8, 0);

    vec_push(&r->mem, &r->l.jump_tables, t);
    PUT(r, &i, A64_X5);
    jit_mbuf_bind(&r->buf, r->blocks[1]);
    jit_emit_move(&r->e, A64_X0, A64_X1, 8);
    jit_mbuf_bind(&r->buf, r->blocks[2]);
    jit_mbuf_finish(&r->buf, &r->mem, &r->code);
    cr_expect_eq(get_le32(r->code.bytes), 0x10000090); /* adr x16, .+16 */
    cr_expect(get_le32(r->code.bytes + 16) == 12 && get_le32(r->code.bytes + 20) == 16
              && get_le32(r->code.bytes + 24) == 12);
}

Test(a64_emit, a_jump_table_stands_behind_its_jump)
{
    expect_listing(table, "    adr x16, #16\n    ldrsw x17, [x16, x5, lsl #2]\n"
                          "    add x16, x16, x17\n    br x16\n"
                          "    .word block1 - table\n    .word block2 - table\n"
                          "    .word block1 - table\n    mov x1, x0\n");
}

/* ---- Frames ---- */

static void prologue(rig *r)
{
    jit_a64_prologue(&r->e);
    jit_a64_epilogue(&r->e);
}

static void expect_frame(void (*set)(rig *r), const char *text)
{
    rig *r = rig_new();

    set(r);
    jit_frame_finish(&r->frame, &r->fail);
    cr_expect_eq(rig_run(r, prologue), JIT_OK, "%s", r->fail.message);
    cr_expect_str_eq(r->listing.at, text);
    rig_free(r);
}

static void leaf(rig *r) { r->frame.leaf = true; }
static void calls(rig *r) { r->frame.leaf = false; }

static void saves_in_a_leaf(rig *r)
{
    r->frame.leaf = true;
    r->frame.saved = REG_BIT(A64_X19) | REG_BIT(A64_X20);
    r->frame.nsaved = 2;
}

static void saves(rig *r)
{
    r->frame.saved = REG_BIT(A64_X19) | REG_BIT(A64_X20) | REG_BIT(A64_X21) | REG_BIT(A64_V(8))
                     | REG_BIT(A64_V(9));
    r->frame.nsaved = 5;
    r->frame.spill_bytes = 8;
}

static void saves_both_classes(rig *r)
{
    r->frame.saved = REG_BIT(A64_X19) | REG_BIT(A64_X20) | REG_BIT(A64_V(8)) | REG_BIT(A64_V(9));
    r->frame.nsaved = 4;
}

static void saves_with_fp(rig *r)
{
    saves(r);
    r->frame.fp = true;
}

static void grows(rig *r)
{
    r->frame.fp = r->frame.fp_based = true;
    r->frame.spill_bytes = 32;
    r->frame.callee_pops = 16;
    r->frame.saved = REG_BIT(A64_X19) | REG_BIT(A64_X20);
    r->frame.nsaved = 2;
}

static void probed(rig *r) { r->frame.slot_bytes = 10000; }
static void probed_in_a_loop(rig *r) { r->frame.slot_bytes = 100000; }

static void huge(rig *r)
{
    r->settings.no_probestack = true;
    r->frame.slot_bytes = 20 << 20;
}

Test(a64_emit, frames_are_as_small_as_they_can_be)
{
    expect_frame(leaf, "    ret\n");
    expect_frame(calls, "    str x30, [sp, #-16]!\n    ldr x30, [sp], #16\n    ret\n");
    expect_frame(saves_in_a_leaf,
                 "    stp x20, x19, [sp, #-16]!\n    sub sp, sp, #16\n    add sp, sp, #16\n"
                 "    ldp x20, x19, [sp], #16\n    ret\n");
    expect_frame(saves, "    stp x19, x30, [sp, #-16]!\n    stp x21, x20, [sp, #-16]!\n"
                        "    stp d9, d8, [sp, #-16]!\n    sub sp, sp, #16\n"
                        "    add sp, sp, #16\n    ldp d9, d8, [sp], #16\n"
                        "    ldp x21, x20, [sp], #16\n    ldp x19, x30, [sp], #16\n    ret\n");
    expect_frame(saves_both_classes,
                 "    stp x19, x30, [sp, #-16]!\n    str d8, [sp, #-16]!\n    str x20, [sp, #8]\n"
                 "    str d9, [sp, #-16]!\n    ldr d9, [sp], #16\n    ldr x20, [sp, #8]\n"
                 "    ldr d8, [sp], #16\n    ldp x19, x30, [sp], #16\n    ret\n");
    expect_frame(saves_with_fp,
                 "    stp x29, x30, [sp, #-16]!\n    mov x29, sp\n"
                 "    stp x20, x19, [sp, #-16]!\n    str d8, [sp, #-16]!\n    str x21, [sp, #8]\n"
                 "    str d9, [sp, #-16]!\n    sub sp, sp, #16\n    add sp, sp, #16\n"
                 "    ldr d9, [sp], #16\n    ldr x21, [sp, #8]\n    ldr d8, [sp], #16\n"
                 "    ldp x20, x19, [sp], #16\n    ldp x29, x30, [sp], #16\n    ret\n");
    expect_frame(grows, "    stp x29, x30, [sp, #-16]!\n    mov x29, sp\n"
                        "    stp x20, x19, [sp, #-16]!\n    sub sp, sp, #32\n"
                        "    sub sp, x29, #16\n    ldp x20, x19, [sp], #16\n"
                        "    ldp x29, x30, [sp], #16\n    add sp, sp, #16\n    ret\n");
    expect_frame(probed, "    str x30, [sp, #-16]!\n    sub sp, sp, #1, lsl #12\n"
                         "    ldr xzr, [sp]\n    sub sp, sp, #1, lsl #12\n    ldr xzr, [sp]\n"
                         "    sub sp, sp, #1808\n    add sp, sp, #2, lsl #12\n"
                         "    add sp, sp, #1808\n    ldr x30, [sp], #16\n    ret\n");
    expect_frame(probed_in_a_loop,
                 "    str x30, [sp, #-16]!\n    sub x16, sp, #24, lsl #12\n"
                 "    sub sp, sp, #1, lsl #12\n    ldr xzr, [sp]\n    cmp sp, x16, uxtx\n"
                 "    b.ne #-12\n    sub sp, sp, #1696\n    add sp, sp, #24, lsl #12\n"
                 "    add sp, sp, #1696\n    ldr x30, [sp], #16\n    ret\n");
    expect_frame(huge,
                 "    str x30, [sp, #-16]!\n    mov x17, #20971520\n    sub sp, sp, x17, uxtx\n"
                 "    mov x17, #20971520\n    add sp, sp, x17, uxtx\n    ldr x30, [sp], #16\n"
                 "    ret\n");
}

/* vmctx -> load +8 -> load +16 is the limit; the vmctx parameter is in x0. */
static void set_limit(rig *r, unsigned loads)
{
    static jit_abi_param param = JIT_I64 | JIT_VMCTX;
    static abi_loc arg = { ABI_REG, A64_X0, JIT_I64, 0, 0, 0 };
    jit_mem mem = { JIT_MEM_NOTRAP, 0, { 0 } }, may_trap = { 0, 0, { 0 } };
    ir_gv gv = { 0 };

    r->f->sig.nparams = 1;
    r->f->sig.params = &param;
    r->abi.args = &arg;
    r->abi.nargs = 1;
    vec_push(&r->mem, &r->f->mems, may_trap);
    vec_push(&r->mem, &r->f->mems, mem);
    gv.kind = GV_VMCTX;
    vec_push(&r->mem, &r->f->gvs, gv);
    for (unsigned k = 0; k < loads; k++) {
        gv.kind = GV_LOAD;
        gv.type = JIT_I64;
        gv.base = jit_gv_at(k);
        gv.offset = 8 * ((int64_t)k + 1);
        gv.mem = k == 0;
        vec_push(&r->mem, &r->f->gvs, gv);
    }
    r->f->stack_limit = jit_gv_at(loads);
    r->frame.leaf = true;
}

static void limited(rig *r)
{
    set_limit(r, 2);
    r->frame.slot_bytes = 32;
}

static void limited_and_large(rig *r)
{
    set_limit(r, 1);
    r->settings.no_probestack = true;
    r->frame.slot_bytes = 65536;
}

Test(a64_emit, the_stack_limit_is_held_before_anything_is_pushed)
{
    expect_frame(limited, "    ldr x16, [x0, #8]\n    ldr x16, [x16, #16]\n    sub x17, sp, #48\n"
                          "    cmp x17, x16, uxtx\n    b.hs #8\n    udf #251\n"
                          "    sub sp, sp, #48\n    add sp, sp, #48\n    ret\n");
    expect_frame(limited_and_large,
                 "    ldr x16, [x0, #8]\n    mov x17, #16\n    movk x17, #1, lsl #16\n"
                 "    subs x17, sp, x17, uxtx\n    b.hs #8\n    udf #251\n"
                 "    cmp x17, x16, uxtx\n    b.hs #8\n    udf #251\n"
                 "    sub sp, sp, #16, lsl #12\n    sub sp, sp, #16\n"
                 "    add sp, sp, #16, lsl #12\n    add sp, sp, #16\n    ret\n");
}

Test(a64_emit, a_stack_limit_of_too_many_steps_is_a_limit)
{
    rig *r = rig_new();

    set_limit(r, 40);
    r->frame.total = 16;
    cr_expect_eq(rig_run(r, prologue), JIT_ERR_LIMIT);
    rig_free(r);
}

static void unwound(rig *r)
{
    prologue(r);
    jit_mbuf_finish(&r->buf, &r->mem, &r->code);
}

static void expect_rows(rig *r, const mbuf_unwind *expected, uint32_t n)
{
    cr_assert_eq(rig_run(r, unwound), JIT_OK);
    cr_assert(r->code.nunwind >= n);
    for (uint32_t k = 0; k < n; k++) {
        const mbuf_unwind *u = &r->code.unwind[k], *x = &expected[k];
        cr_expect(u->offset == x->offset && u->kind == x->kind && u->reg == x->reg
                      && u->value == x->value,
                  "row %u: %u %u %u %d", k, u->offset, u->kind, u->reg, u->value);
    }
}

Test(a64_emit, unwind_rows_follow_each_push)
{
    static const mbuf_unwind expected[] = {
        { 4, UNWIND_DEF_CFA_OFFSET, 0, 16 }, /* stp x19, x30 */
        { 4, UNWIND_SAVE, 19, -16 },
        { 4, UNWIND_SAVE, 30, -8 },
        { 8, UNWIND_DEF_CFA_OFFSET, 0, 32 }, /* str d8 */
        { 8, UNWIND_SAVE, 72, -32 },
        { 12, UNWIND_SAVE, 20, -24 },        /* str x20 */
    };
    rig *r = rig_new();

    saves_both_classes(r);
    jit_frame_finish(&r->frame, &r->fail);
    expect_rows(r, expected, sizeof expected / sizeof *expected);
    rig_free(r);
}

static void signed_frame(rig *r)
{
    r->e.features = JIT_A64_SIGN;
    r->frame.fp = true;
    r->frame.total = 16;
}

Test(a64_emit, unwind_rows_tell_where_the_return_address_is_signed)
{
    static const mbuf_unwind expected[] = {
        { 4, UNWIND_NEGATE_RA, 0, 0 },       /* paciasp */
        { 8, UNWIND_DEF_CFA_OFFSET, 0, 16 }, /* stp x29, x30 */
        { 8, UNWIND_SAVE, 29, -16 },
        { 8, UNWIND_SAVE, 30, -8 },
        { 12, UNWIND_DEF_CFA_REG, 29, 0 },   /* mov x29, sp */
        { 12, UNWIND_REMEMBER_STATE, 0, 0 },
        { 16, UNWIND_DEF_CFA_REG, 31, 0 },   /* ldp x29, x30 */
        { 16, UNWIND_DEF_CFA_OFFSET, 0, 0 },
        { 20, UNWIND_NEGATE_RA, 0, 0 },      /* autiasp */
        { 24, UNWIND_RESTORE_STATE, 0, 0 },  /* ret */
    };
    static const mbuf_unwind leaf[] = {
        { 4, UNWIND_NEGATE_RA, 0, 0 },
        { 4, UNWIND_REMEMBER_STATE, 0, 0 },
        { 8, UNWIND_NEGATE_RA, 0, 0 },
        { 12, UNWIND_RESTORE_STATE, 0, 0 },
    };
    rig *r = rig_new();

    signed_frame(r);
    expect_rows(r, expected, sizeof expected / sizeof *expected);
    rig_free(r);
    r = rig_new();
    r->e.features = JIT_A64_SIGN_ALL;
    r->frame.leaf = true;
    expect_rows(r, leaf, sizeof leaf / sizeof *leaf);
    rig_free(r);
}

Test(a64_emit, call_frame_information_names_key_and_signatures)
{
    static const mbuf_unwind rows[] = { { 4, UNWIND_NEGATE_RA, 0, 0 } };
    uint8_t bytes[64] = { 0 };
    cfi_writer w = { bytes, 0 };

    jit_cfi_cie(&w, &jit_target_aarch64.cfi, CFI_OBJECT, true);
    cr_expect_eq(memcmp(bytes + 9, "zRB", 4), 0); /* behind length, id and version */
    size_t cie = w.len;
    jit_cfi_fde(&w, &jit_target_aarch64.cfi, CFI_OBJECT, 0, rows, 1, 8);
    /* ... length, CIE, address, size, no augmentation data */
    cr_expect_eq(bytes[cie + 17], 0x41); /* DW_CFA_advance_loc by one instruction */
    cr_expect_eq(bytes[cie + 18], 0x2d); /* DW_CFA_AARCH64_negate_ra_state */
    w.len = 0;
    jit_cfi_cie(&w, &jit_target_aarch64.cfi, CFI_OBJECT, false);
    cr_expect_eq(memcmp(bytes + 9, "zR", 3), 0);
}

/* ---- Linking ---- */

Test(a64_emit, relocations_reach_what_their_fields_hold_and_no_more)
{
    bool (*apply)(unsigned, uint8_t *, uint64_t, uint64_t, int64_t)
        = jit_target_aarch64.reloc_apply;
    const uint64_t place = 0x7f0000001004, mib = 1 << 20;
    uint8_t field[8];

    put_le32(field, 0x94000000);
    cr_expect(apply(A64_RELOC_CALL26, field, place, place + 128 * mib - 4, 0));
    cr_expect_eq(get_le32(field), 0x95ffffff);
    cr_expect(apply(A64_RELOC_CALL26, field, place, place - 128 * mib, 0));
    cr_expect_eq(get_le32(field), 0x96000000);
    cr_expect(!apply(A64_RELOC_CALL26, field, place, place + 128 * mib, 0));
    cr_expect(!apply(A64_RELOC_CALL26, field, place, place + 2, 0));
    put_le32(field, 0x90000010); /* adrp x16 */
    cr_expect(apply(A64_RELOC_PAGE, field, place, 0x7f0000003ff8, 0));
    cr_expect_eq(get_le32(field), 0xd0000010);
    cr_expect(apply(A64_RELOC_CELL_PAGE, field, place, place - 4096 * mib, 0));
    cr_expect_eq(get_le32(field), 0x90800010);
    cr_expect(!apply(A64_RELOC_PAGE, field, place, place + 4096 * mib, 0));
    put_le32(field, 0x91000210); /* add x16, x16 */
    cr_expect(apply(A64_RELOC_LOW12, field, place, 0x7f0000003ff8, 0));
    cr_expect_eq(get_le32(field), 0x913fe210);
    put_le32(field, 0xf9400210); /* ldr x16, [x16] */
    cr_expect(apply(A64_RELOC_CELL_LOW12, field, place, 0x7f0000003ff8, 0));
    cr_expect_eq(get_le32(field), 0xf947fe10);
    cr_expect(!apply(A64_RELOC_CELL_LOW12, field, place, 0x7f0000003ffc, 0));
    cr_expect(!apply(A64_RELOC_COUNT, field, place, place, 0));
}

Test(a64_emit, a_thunk_jumps_through_its_cell_near_and_far)
{
    uint8_t out[32];

    cr_expect_eq(jit_target_aarch64.thunk(out, 0x10000, 0x12348), 12);
    cr_expect_eq(get_le32(out), 0xd0000010);     /* adrp x16, .+0x2000 */
    cr_expect_eq(get_le32(out + 4), 0xf941a610); /* ldr x16, [x16, #0x348] */
    cr_expect_eq(get_le32(out + 8), 0xd61f0200); /* br x16 */
    cr_expect_eq(jit_target_aarch64.thunk(out, 0x10000, 0x7f0000012348), 20);
    cr_expect_eq(get_le32(out), 0x58000070);     /* ldr x16, .+12 */
    cr_expect_eq(get_le32(out + 4), 0xf9400210); /* ldr x16, [x16] */
    cr_expect_eq(get_le32(out + 12), 0x12348);
    cr_expect_eq(get_le32(out + 16), 0x7f00);
}

/* ---- Registers ---- */

Test(a64_emit, the_platform_register_is_in_no_set)
{
    const abi_rules *r = jit_target_aarch64.abi;
    regset x18 = REG_BIT(A64_X18);

    cr_expect_eq((r->all | r->saved | r->tail_saved | r->assignable) & x18, 0);
    cr_expect_eq(jit_target_aarch64.places & x18, 0);
    cr_expect_eq(r->assignable & (REG_BIT(A64_X16) | REG_BIT(A64_X17) | REG_BIT(A64_LR)), 0);
}
