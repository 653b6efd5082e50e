/* Emission for x86-64: the listing shows what was put; frames are also run where the host can. */
#define _DEFAULT_SOURCE
#include "backends/x86_64/x64_emit.h"
#include "tests/support/fault_alloc.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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
    void (*body)(struct rig *r);
} rig;

static const fixup_kind *fixups(void) { return jit_target_x86_64.fixups; }

static void run_body(void *arg)
{
    rig *r = arg;

    jit_mbuf_init(&r->buf, &r->mem, fixups(), jit_target_x86_64.shrinks, 0, 0);
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
    r->l.target = &jit_target_x86_64;
    r->l.fail = &r->fail;
    r->l.tmp = &r->mem;
    r->l.settings = &r->settings;
    r->l.abi = &r->abi;
    r->frame.entry_above = 8;
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

static ra_operand at(ra_loc loc, unsigned kind, unsigned constraint, unsigned fixed, unsigned width)
{
    ra_operand o = { 0 };

    o.kind = kind & 7;
    o.constraint = constraint & 7;
    o.fixed = (uint8_t)fixed;
    o.width = (uint8_t)width;
    o.loc = loc;
    return o;
}

static minst row(unsigned op, unsigned size, unsigned size2)
{
    minst i = { 0 };

    i.op = (uint16_t)op;
    i.size = (uint8_t)size;
    i.size2 = (uint8_t)size2;
    return i;
}

/* Emits a row whose operands are at locs, in the shape's order. */
static void put(rig *r, const minst *i, const ra_loc *locs, unsigned n)
{
    const x64_shape *s = x64_shape_of(i->op);
    ra_operand ops[8];

    for (unsigned k = 0; k < n; k++) {
        const x64_role *role = &jit_x64_roles[s->role[k < s->n ? k : 0]];
        ops[k] = at(locs[k], role->kind, role->constraint, role->fixed,
                    role->width == X64_W_SIZE2 ? i->size2 : role->width ? role->width : i->size);
    }
    jit_emit_inst(&r->e, i, ops, n);
}
/* A register, the operand that it is tied to if it is, and the rm operand or an address. */
static void put_plain(rig *r, const minst *i, bool tied, ra_loc reg, const ra_loc *rest)
{
    ra_loc locs[5] = { reg };
    unsigned n = 1;

    if (tied)
        locs[n++] = reg;
    for (unsigned k = 0; k < (i->am == MEM_INDEX ? 2u : 1u); k++)
        locs[n++] = rest[k];
    put(r, i, locs, n);
}
#define PUT(r, i, ...) \
    put((r), (i), (const ra_loc[]){ __VA_ARGS__ },                                                \
        sizeof((const ra_loc[]){ __VA_ARGS__ }) / sizeof(ra_loc))

static void expect_listing(void (*body)(rig *r), uint64_t features, const char *text)
{
    rig *r = rig_new();

    r->e.features = r->l.features = features;
    r->frame.total = 40;
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

/* ---- Operands ---- */

static void add_from_slot(rig *r)
{
    minst i = row(X64_add, 4, 0);
    PUT(r, &i, X64_RAX, X64_RAX, LOC_SLOT(0));
    i = row(X64_movzx, 4, 1);
    PUT(r, &i, X64_RCX, LOC_SLOT(1));
    i = row(X64_adds, 8, 0);
    PUT(r, &i, X64_XMM(3), X64_XMM(3), LOC_SLOT(2));
}

Test(x64_emit, an_rm_operand_is_read_from_its_spill_slot)
{
    expect_listing(add_from_slot, 0,
                   "    add eax, [rsp + 24]\n"
                   "    movzx ecx, byte ptr [rsp + 16]\n"
                   "    addsd xmm3, [rsp + 8]\n");
}

static void memory_operands(rig *r)
{
    minst i = row(X64_mov, 8, 0);
    i.am = MEM_INDEX;
    i.shift = 3;
    i.disp = -8;
    PUT(r, &i, X64_RDX, X64_RBP, X64_R9);
    i = row(X64_mov_mi, 2, 0);
    i.am = MEM_OUT;
    i.disp = 8;
    i.imm = 7;
    jit_emit_inst(&r->e, &i, NULL, 0);
}

Test(x64_emit, address_registers_are_the_last_operands)
{
    expect_listing(memory_operands, 0,
                   "    mov rdx, [rbp + r9*8 - 8]\n"
                   "    mov word ptr [rsp + 8], 7\n");
}

static void virtual_operand(rig *r)
{
    minst i = row(X64_imul, 4, 0);
    PUT(r, &i, X64_RAX, X64_RAX, LOC_NONE);
}

static void broken_tie(rig *r)
{
    minst i = row(X64_sub, 4, 0);
    PUT(r, &i, X64_RAX, X64_RCX, X64_RDX);
}

static void wrong_class(rig *r)
{
    minst i = row(X64_muls, 4, 0);
    PUT(r, &i, X64_XMM(1), X64_XMM(1), X64_RDX);
}

static void slot_for_a_register(rig *r)
{
    minst i = row(X64_xor, 8, 0);
    PUT(r, &i, LOC_SLOT(0), LOC_SLOT(0), X64_RDX);
}

static void wrong_fixed(rig *r)
{
    minst i = row(X64_shl_c, 4, 0);
    PUT(r, &i, X64_RAX, X64_RAX, X64_RDX);
}

static void missing_feature(rig *r)
{
    minst i = row(X64_popcnt, 4, 0);
    PUT(r, &i, X64_RAX, X64_RDX);
}

static void missing_size(rig *r)
{
    minst i = row(X64_cmov, 1, 0);
    PUT(r, &i, X64_RAX, X64_RAX, X64_RDX);
}

static void virtual_address(rig *r)
{
    minst i = row(X64_mov, 8, 0);
    i.am = MEM_BASE;
    PUT(r, &i, X64_RDX, LOC_NONE);
}

static void large_immediate(rig *r)
{
    minst i = row(X64_add_i, 8, 0);
    i.imm = (int64_t)1 << 31;
    PUT(r, &i, X64_RDX, X64_RDX);
}

Test(x64_emit, what_breaks_its_row_is_an_internal_error_that_names_it)
{
    expect_refused(virtual_operand, "imul: operand left virtual");
    expect_refused(broken_tie, "sub: operand in another register");
    expect_refused(wrong_class, "muls*: operand in the wrong place");
    expect_refused(slot_for_a_register, "xor: operand in the wrong place");
    expect_refused(wrong_fixed, "shl: operand in another register");
    expect_refused(missing_feature, "popcnt: not among the target's features");
    expect_refused(missing_size, "no such size");
    expect_refused(virtual_address, "mov: address without a register");
    expect_refused(large_immediate, "add (size 8): immediate exceeds a signed 32-bit number");
}

static void zero_twice(rig *r)
{
    minst i = row(X64_mov_i, 4, 0);
    PUT(r, &i, X64_R9);
    r->e.own_place = false; /* as for one that the allocator repeats */
    PUT(r, &i, X64_R9);
    r->e.own_place = true;
    i.cc = X64_KEEP_FLAGS;
    PUT(r, &i, X64_R9);
}

Test(x64_emit, zero_is_made_by_xor_only_where_the_flags_are_free)
{
    expect_listing(zero_twice, 0,
                   "    xor r9d, r9d\n"
                   "    mov r9d, 0\n"
                   "    mov r9d, 0\n");
}

static void merging(rig *r)
{
    unsigned vex = r->e.features & JIT_X86_AVX ? 1 : 0;
    minst i = row(X64_cvtsi2s + vex, 8, 4);
    PUT(r, &i, X64_XMM(2), X64_RDX);
    i = row(X64_sqrts + vex, 8, 0);
    PUT(r, &i, X64_XMM(2), X64_XMM(2));
    PUT(r, &i, X64_XMM(2), X64_XMM(3));
    PUT(r, &i, X64_XMM(2), LOC_SLOT(0));
}

Test(x64_emit, instructions_that_merge_break_the_dependence_on_their_destination)
{
    expect_listing(merging, 0,
                   "    xorps xmm2, xmm2\n"
                   "    cvtsi2sd xmm2, edx\n"
                   "    sqrtsd xmm2, xmm2\n"
                   "    xorps xmm2, xmm2\n"
                   "    sqrtsd xmm2, xmm3\n"
                   "    xorps xmm2, xmm2\n"
                   "    sqrtsd xmm2, [rsp + 24]\n");
    expect_listing(merging, JIT_X86_AVX,
                   "    vxorps xmm2, xmm2, xmm2\n"
                   "    vcvtsi2sd xmm2, xmm2, edx\n"
                   "    vsqrtsd xmm2, xmm2, xmm2\n"
                   "    vsqrtsd xmm2, xmm3, xmm3\n"
                   "    vxorps xmm2, xmm2, xmm2\n"
                   "    vsqrtsd xmm2, xmm2, [rsp + 24]\n");
}

/* ---- Moves ---- */

static void all_moves(rig *r)
{
    jit_emit_move(&r->e, X64_RAX, X64_R8, 4);
    jit_emit_move(&r->e, X64_RAX, X64_RAX, 8);
    jit_emit_move(&r->e, X64_RAX, X64_XMM(15), 8);
    jit_emit_move(&r->e, X64_XMM(15), X64_RAX, 4);
    jit_emit_move(&r->e, X64_XMM(1), X64_XMM(9), 4);
    jit_emit_move(&r->e, X64_XMM(9), X64_XMM(1), 16);
    jit_emit_move(&r->e, X64_RAX, LOC_SLOT(3), 8);
    jit_emit_move(&r->e, LOC_SLOT(3), X64_RAX, 4);
    jit_emit_move(&r->e, X64_XMM(1), LOC_SLOT(3), 4);
    jit_emit_move(&r->e, LOC_SLOT(0), X64_XMM(1), 8);
    jit_emit_move(&r->e, LOC_SLOT(0), X64_XMM(1), 16);
}

Test(x64_emit, moves_go_between_all_places)
{
    expect_listing(all_moves, 0,
                   "    mov r8d, eax\n"
                   "    movq xmm15, rax\n"
                   "    movd eax, xmm15\n"
                   "    movaps xmm9, xmm1\n"
                   "    movaps xmm1, xmm9\n"
                   "    mov [rsp], rax\n"
                   "    mov eax, [rsp]\n"
                   "    movss [rsp], xmm1\n"
                   "    movsd xmm1, [rsp + 24]\n"
                   "    movups xmm1, [rsp + 16]\n");
    expect_listing(all_moves, JIT_X86_AVX,
                   "    mov r8d, eax\n"
                   "    vmovq xmm15, rax\n"
                   "    vmovd eax, xmm15\n"
                   "    vmovaps xmm9, xmm1\n"
                   "    vmovaps xmm1, xmm9\n"
                   "    mov [rsp], rax\n"
                   "    mov eax, [rsp]\n"
                   "    vmovss [rsp], xmm1\n"
                   "    vmovsd xmm1, [rsp + 24]\n"
                   "    vmovups xmm1, [rsp + 16]\n");
}

/* ---- The short ways: what is not listed is put by them ---- */

static void all_plain(rig *r)
{
    static const int32_t disps[] = { 0, 1, -128, 127, 128, -(1 << 20) };

    for (unsigned op = MI_TARGET; op < X64_END; op++) {
        const x64_info *info = x64_row(op);
        const x64_shape *s = x64_shape_of(op);
        for (unsigned size = 1; info->plain && size <= 8; size *= 2)
            for (unsigned size2 = 0; size2 <= 4; size2 += size2 ? size2 : 1)
                for (unsigned k = 0; k < 16 * 16 * 6; k++) {
                    minst i = row(op, size, size2);
                    ra_loc a = k & 15, b = k >> 4 & 15, rest[] = { b, a, b };
                    if (!(info->sizes & size) || (info->sizes2 ? !(info->sizes2 & size2) : size2))
                        continue;
                    if (s->mem == 1) {
                        ra_loc slot = LOC_SLOT(k >> 4);
                        put_plain(r, &i, s->n == 3, a, &b);
                        put_plain(r, &i, s->n == 3, a, &slot);
                    }
                    i.am = MEM_BASE;
                    i.disp = disps[k >> 8];
                    put_plain(r, &i, s->n == 3, a, rest);
                    if (a == X64_RSP)
                        continue;
                    i.am = MEM_INDEX;
                    i.shift = (uint8_t)(k % 4);
                    put_plain(r, &i, s->n == 3, a, rest);
                }
    }
    for (ra_loc reg = 0; reg < 16; reg++)
        for (uint32_t slot = 0; slot < 40; slot++) {
            jit_emit_move(&r->e, reg, LOC_SLOT(slot), 4 + slot % 2 * 4);
            jit_emit_move(&r->e, LOC_SLOT(slot), reg, 8 - slot % 2 * 4);
            jit_emit_move(&r->e, reg, slot % 16, 8 - slot % 2 * 4);
            jit_emit_move(&r->e, X64_XMM(reg), LOC_SLOT(slot), 4 + slot % 2 * 4);
            jit_emit_move(&r->e, LOC_SLOT(slot), X64_XMM(reg), 8 - slot % 2 * 4);
        }
    for (unsigned k = 0; k < 16 * 64; k++) {
        minst i = row(X64_mov_i, k & 16 ? 8 : 4, 0), load = row(X64_mov, 8, 0);
        i.imm = (int64_t)((UINT64_MAX >> (k >> 4)) ^ k) | 1;
        if (i.size == 4)
            i.imm = (int32_t)i.imm;
        PUT(r, &i, k & 15);
        load.am = k & 16 ? MEM_IN : MEM_OUT;
        load.disp = (int32_t)k - 300;
        PUT(r, &load, k & 15);
    }
}

static void unlisted(rig *r)
{
    r->e.listing = NULL;
    all_plain(r);
}

Test(x64_emit, short_ways_put_what_the_encoder_does)
{
    for (unsigned k = 0; k < 4; k++) {
        rig *listed = rig_new(), *fast = rig_new();

        listed->frame.total = fast->frame.total = 320;
        listed->frame.fp_based = fast->frame.fp_based = k & 1;
        listed->e.features = fast->e.features = k & 2 ? JIT_X86_AVX : 0;
        jit_frame_settle(&listed->frame);
        jit_frame_settle(&fast->frame);
        cr_expect_eq(rig_run(listed, all_plain), JIT_OK, "%s", listed->fail.message);
        cr_expect_eq(rig_run(fast, unlisted), JIT_OK, "%s", fast->fail.message);
        cr_assert(fast->buf.len > 100000 && fast->buf.len == listed->buf.len);
        cr_expect(memcmp(fast->buf.at, listed->buf.at, fast->buf.len) == 0);
        rig_free(listed);
        rig_free(fast);
    }
}

static void slot_to_slot(rig *r) { jit_emit_move(&r->e, LOC_SLOT(0), LOC_SLOT(1), 8); }
static void from_nowhere(rig *r) { jit_emit_move(&r->e, LOC_NONE, X64_RAX, 8); }

Test(x64_emit, impossible_moves_are_refused)
{
    expect_refused(slot_to_slot, "a move between slots");
    expect_refused(from_nowhere, "a move from nowhere");
}

/* ---- Branches ---- */

static void branch(rig *r, unsigned cc, uint32_t yes, uint32_t no, uint32_t next)
{
    minst i = row(MI_BRANCH, 8, 0);

    i.cc = (uint8_t)cc;
    i.ref = yes;
    i.imm = no;
    r->e.next_block = next;
    jit_emit_inst(&r->e, &i, NULL, 0);
}

static void branches(rig *r)
{
    branch(r, X64_L, 1, 2, 2);
    branch(r, X64_L, 1, 2, 1);
    branch(r, X64_L, 1, 2, 3);
    branch(r, X64_E_AND_NP, 1, 2, 2);
    branch(r, X64_E_AND_NP, 1, 2, 1);
    branch(r, X64_NE_OR_P, 1, 2, 3);
}

Test(x64_emit, branches_fall_through_and_invert)
{
    expect_listing(branches, 0,
                   "    jl block1\n"
                   "    jge block2\n"
                   "    jl block1\n    jmp block2\n"
                   "    jp block2\n    je block1\n"
                   "    jne block2\n    jp block2\n"
                   "    jne block1\n    jp block1\n    jmp block2\n");
}

static void traps(rig *r)
{
    minst i = row(X64_trap_if, 8, 0);

    i.cc = X64_B;
    i.trap = 5;
    i.ir = 1;
    jit_emit_inst(&r->e, &i, NULL, 0);
    i.cc = X64_NE_OR_P; /* the same trap of the same instruction */
    jit_emit_inst(&r->e, &i, NULL, 0);
    i.ir = 2;
    jit_emit_inst(&r->e, &i, NULL, 0);
    i.cc = X64_E_AND_NP;
    jit_emit_inst(&r->e, &i, NULL, 0);
    minst ret = row(MI_RETURN, 0, 0);
    r->frame.total = 0;
    jit_emit_inst(&r->e, &ret, NULL, 0);
    jit_emit_finish(&r->e);
    jit_mbuf_finish(&r->buf, &r->mem, &r->code);
    cr_expect_eq(r->code.ntraps, 2);
    for (uint32_t k = 0; k < r->code.ntraps; k++) {
        cr_expect_eq(r->code.traps[k].code, 5);
        cr_expect_eq(r->code.bytes[r->code.traps[k].offset], 0x0f);
        cr_expect_eq(r->code.bytes[r->code.traps[k].offset + 1], 0x0b);
    }
    cr_expect_eq(r->code.bytes[0], 0x72); /* jb, shortened */
}

Test(x64_emit, traps_stand_behind_the_body_and_are_shared_within_an_instruction)
{
    expect_listing(traps, 0,
                   "    jb trap4\n"
                   "    jne trap4\n    jp trap4\n"
                   "    jne trap5\n    jp trap5\n"
                   "    jp block6\n    je trap5\nblock6:\n"
                   "    ret\n"
                   "trap4:\n    ud2\n"
                   "trap5:\n    ud2\n");
}

static void far_branch(rig *r)
{
    branch(r, X64_L, 1, 2, 2);
    jit_mbuf_bind(&r->buf, r->blocks[2]);
    for (unsigned k = 0; k < 50; k++) {
        mcursor c = jit_mbuf_open(&r->buf, 3);
        jit_x64_put_nops(&c, 3);
        mcursor_close(&c);
    }
    jit_mbuf_bind(&r->buf, r->blocks[1]);
    jit_mbuf_finish(&r->buf, &r->mem, &r->code);
    cr_expect_eq(r->code.bytes[0], 0x0f);
    cr_expect_eq(r->code.bytes[1], 0x8c);
    cr_expect_eq(r->code.bytes[2], 150);
}

Test(x64_emit, a_branch_out_of_the_short_form_s_reach_stays_long)
{
    expect_listing(far_branch, 0, "    jl block1\n");
}

/* ---- Frames ---- */

static void prologue(rig *r)
{
    jit_x64_prologue(&r->e);
    jit_x64_epilogue(&r->e);
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

static void saves(rig *r)
{
    r->frame.saved = REG_BIT(X64_RBX) | REG_BIT(X64_R12);
    r->frame.nsaved = 2;
    r->frame.spill_bytes = 8;
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
}

static void probed(rig *r)
{
    r->frame.slot_bytes = 10000;
}

static void probed_in_a_loop(rig *r)
{
    r->frame.slot_bytes = 100000;
}

Test(x64_emit, frames_are_as_small_as_they_can_be)
{
    expect_frame(leaf, "    ret\n");
    expect_frame(calls, "    sub rsp, 8\n    add rsp, 8\n    ret\n");
    expect_frame(saves, "    push rbx\n    push r12\n    sub rsp, 24\n"
                        "    add rsp, 24\n    pop r12\n    pop rbx\n    ret\n");
    expect_frame(saves_with_fp,
                 "    push rbp\n    mov rbp, rsp\n    push rbx\n    push r12\n    sub rsp, 16\n"
                 "    add rsp, 16\n    pop r12\n    pop rbx\n    pop rbp\n    ret\n");
    expect_frame(grows, "    push rbp\n    mov rbp, rsp\n    sub rsp, 32\n"
                        "    mov rsp, rbp\n    pop rbp\n    ret 16\n");
    expect_frame(probed, "    sub rsp, 4096\n    test [rsp], eax\n"
                         "    sub rsp, 4096\n    test [rsp], eax\n"
                         "    sub rsp, 1816\n    add rsp, 10008\n    ret\n");
    expect_frame(probed_in_a_loop,
                 "    lea r11, [rsp - 98304]\n    sub rsp, 4096\n    test [rsp], eax\n"
                 "    cmp rsp, r11\n    jne the probes' sub\n"
                 "    sub rsp, 1704\n    add rsp, 100008\n    ret\n");
}

/* vmctx -> load +8 -> load +16 is the limit; the vmctx parameter is in rdi. */
static void set_limit(rig *r, unsigned loads)
{
    static jit_abi_param param = JIT_I64 | JIT_VMCTX;
    static abi_loc arg = { ABI_REG, X64_RDI, JIT_I64, 0, 0, 0 };
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
}

static void limited(rig *r)
{
    set_limit(r, 2);
    r->frame.slot_bytes = 32;
}

static void limited_and_large(rig *r)
{
    set_limit(r, 1);
    r->frame.slot_bytes = 65536;
}

Test(x64_emit, the_stack_limit_is_held_before_anything_is_pushed)
{
    expect_frame(limited, "    mov r10, [rdi + 8]\n    lea r11, [rsp - 40]\n"
                          "    cmp r11, [r10 + 16]\n    jae .+2\n    ud2\n"
                          "    sub rsp, 40\n    add rsp, 40\n    ret\n");
    expect_frame(limited_and_large, "    mov r11, rsp\n    sub r11, 65544\n    jae .+2\n    ud2\n"
                                    "    cmp r11, [rdi + 8]\n    jae .+2\n    ud2\n"
                                    "    lea r11, [rsp - 65536]\n    sub rsp, 4096\n"
                                    "    test [rsp], eax\n    cmp rsp, r11\n    jne the probes' sub\n"
                                    "    sub rsp, 8\n    add rsp, 65544\n    ret\n");
}

Test(x64_emit, a_stack_limit_of_too_many_steps_is_a_limit)
{
    rig *r = rig_new();

    set_limit(r, 40);
    r->frame.total = 8;
    cr_expect_eq(rig_run(r, prologue), JIT_ERR_LIMIT);
    rig_free(r);
}

static void unwound(rig *r)
{
    prologue(r);
    jit_mbuf_finish(&r->buf, &r->mem, &r->code);
}

Test(x64_emit, unwind_rows_follow_each_push)
{
    static const mbuf_unwind expected[] = {
        { 1, UNWIND_DEF_CFA_OFFSET, 0, 16 },  { 1, UNWIND_SAVE, 3, -16 }, /* push rbx */
        { 3, UNWIND_DEF_CFA_OFFSET, 0, 24 },  { 3, UNWIND_SAVE, 12, -24 }, /* push r12 */
        { 7, UNWIND_DEF_CFA_OFFSET, 0, 48 },  { 7, UNWIND_REMEMBER_STATE, 0, 0 },
        { 11, UNWIND_DEF_CFA_OFFSET, 0, 24 }, { 13, UNWIND_DEF_CFA_OFFSET, 0, 16 },
        { 14, UNWIND_DEF_CFA_OFFSET, 0, 8 },  { 15, UNWIND_RESTORE_STATE, 0, 0 },
    };
    rig *r = rig_new();

    saves(r);
    jit_frame_finish(&r->frame, &r->fail);
    cr_assert_eq(rig_run(r, unwound), JIT_OK);
    cr_assert_eq(r->code.nunwind, sizeof expected / sizeof *expected);
    for (uint32_t k = 0; k < r->code.nunwind; k++) {
        const mbuf_unwind *u = &r->code.unwind[k], *x = &expected[k];
        cr_expect(u->offset == x->offset && u->kind == x->kind && u->reg == x->reg
                      && u->value == x->value,
                  "row %u: %u %u %u %d", k, u->offset, u->kind, u->reg, u->value);
    }
    rig_free(r);
}

#ifdef __x86_64__
static void *make_executable(const void *bytes, size_t n)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(p, MAP_FAILED);
    memcpy(p, bytes, n);
    cr_assert_eq(mprotect(p, 4096, PROT_READ | PROT_EXEC), 0);
    return p;
}

/* A frame that uses everything, its body spoils what it saved. */
static void run_frame(rig *r)
{
    jit_x64_prologue(&r->e);
    for (unsigned reg = 0; reg < 16; reg++)
        if (r->frame.saved & REG_BIT(reg)) {
            minst i = row(X64_mov_i, 8, 0);
            i.imm = 0x123456789abcdef;
            PUT(r, &i, reg);
        }
    minst result = row(X64_mov_i, 4, 0);
    result.imm = 42;
    PUT(r, &result, X64_RAX);
    jit_x64_epilogue(&r->e);
    jit_emit_finish(&r->e);
    jit_mbuf_finish(&r->buf, &r->mem, &r->code);
}

typedef struct entry_record { void *sp; } entry_record;
typedef int (*entry)(void *fn, void *args, void *results, entry_record *record);

Test(x64_emit, a_frame_restores_what_it_saved)
{
    uint8_t stub[128];
    uint32_t landing, n = jit_target_x86_64.entry_stub(stub, sizeof stub, &landing);
    entry enter;
    void *code = make_executable(stub, n);

    memcpy(&enter, &code, sizeof enter);
    for (unsigned fp = 0; fp < 2; fp++)
        for (unsigned large = 0; large < 3; large++) {
            rig *r = rig_new();
            entry_record record;
            r->frame.saved = REG_BIT(X64_RBX) | REG_BIT(X64_R12) | REG_BIT(X64_R13)
                             | REG_BIT(X64_R14) | REG_BIT(X64_R15) | (fp ? 0 : REG_BIT(X64_RBP));
            r->frame.nsaved = fp ? 5 : 6;
            r->frame.fp = fp;
            r->frame.slot_bytes = large == 0 ? 16 : large == 1 ? 12000 : 80000;
            jit_frame_finish(&r->frame, &r->fail);
            cr_assert_eq(rig_run(r, run_frame), JIT_OK, "%s", r->fail.message);
            void *fn = make_executable(r->code.bytes, r->code.size);
            void *direct = fn;
            /* Static, so that no register is needed to address them. */
            static uint64_t canary[5] = { 1, 2, 3, 4, 5 }, after[5];
            int result;
            __asm__ volatile("mov %[k], %%rbx\n mov 8+%[k], %%r12\n mov 16+%[k], %%r13\n"
                             "mov 24+%[k], %%r14\n mov 32+%[k], %%r15\n call *%%rcx\n"
                             "mov %%rbx, %[a]\n mov %%r12, 8+%[a]\n mov %%r13, 16+%[a]\n"
                             "mov %%r14, 24+%[a]\n mov %%r15, 32+%[a]\n"
                             : "=&a"(result), [a] "=m"(after), "+c"(direct)
                             : [k] "m"(canary)
                             : "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
                               "r14", "r15", "memory", "cc");
            cr_expect_eq(result, 42);
            cr_expect(memcmp(canary, after, sizeof canary) == 0);
            cr_expect_eq(enter(fn, NULL, NULL, &record), 0);
            munmap(fn, 4096);
            rig_free(r);
        }
    munmap(code, 4096);
}
#endif
