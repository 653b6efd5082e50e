/* x64_frame.c - prologue and epilogue: stack limit, frame pointer, saved registers, frame,
 * probes, and the unwind rows that go with each step.
 *
 * Unwind rows count from the canonical frame address (CFA), rsp before the call was made: the
 * return address is at CFA - 8. Registers in rows have their DWARF numbers (psABI, "DWARF
 * Register Number Mapping"). r10 and r11 are free on entry in every convention. */
#include "backends/x86_64/x64_emit.h"
#include "machinst/rules.h"

#define SAFE_BELOW 0x8000u  /* nothing is mapped below it, so rsp minus less cannot wrap */

static const uint8_t dwarf[16] = { 0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

/* ---- Short cuts to single instructions ---- */

static x64_args args_of(unsigned reg, unsigned rm, int64_t imm)
{
    x64_args a = { 0 };

    a.size = 8;
    a.reg = (uint8_t)reg;
    a.rm = (uint8_t)rm;
    a.imm = imm;
    return a;
}

static void put_reg(emit *e, unsigned op, unsigned reg) /* push, pop */
{
    x64_args a = args_of(0, reg, 0);
    jit_x64_put(e, op, &a);
}

static void put_rr(emit *e, unsigned op, unsigned reg, unsigned rm)
{
    x64_args a = args_of(reg, rm, 0);
    jit_x64_put(e, op, &a);
}

static void put_ri(emit *e, unsigned op, unsigned rm, int64_t imm)
{
    x64_args a = args_of(0, rm, imm);
    jit_x64_put(e, op, &a);
}

static void put_at(emit *e, unsigned op, unsigned reg, unsigned base, int64_t disp)
{
    x64_args a = args_of(reg, 0, 0);

    a.is_mem = true;
    a.mem.base = (uint8_t)base;
    a.mem.index = X64_NO_REG;
    a.mem.disp = (int32_t)disp;
    jit_x64_put(e, op, &a);
}

/* jcc over the next 2 bytes: a trap in its place, since a late prologue has no labels behind it. */
static void put_trap_unless(emit *e, unsigned cc, unsigned code)
{
    x64_args ud2 = { 0 };
    mcursor c = jit_mbuf_open(e->buf, 2);

    mput1(&c, (uint8_t)(0x70 | cc));
    mput1(&c, 2);
    mcursor_close(&c);
    if (e->listing)
        jit_strbuf_printf(e->listing, "    j%s .+2\n", jit_x64_cc_name(cc));
    jit_mbuf_trap(e->buf, (uint8_t)code);
    ud2.size = 4;
    jit_x64_put(e, X64_ud2, &ud2);
}

/* ---- Stack limit ---- */

/* The register that holds the vmctx parameter on entry; loads it to r10 when it is on the stack. */
static unsigned vmctx_reg(emit *e)
{
    const abi_loc *a = jit_emit_vmctx(e);

    if (a->kind == ABI_REG)
        return a->reg;
    put_at(e, X64_mov, X64_R10, X64_RSP, 8 + (int64_t)a->offset);
    return X64_R10;
}

static void mark_load(emit *e, const ir_gv *gv)
{
    unsigned code = jit_rule_trap_of(e->l, gv->mem);

    if (code)
        jit_mbuf_trap(e->buf, (uint8_t)code);
}

/* base = base's value + offset */
static unsigned add_offset(emit *e, unsigned base, int64_t offset)
{
    if (offset == (int32_t)offset) {
        put_at(e, X64_lea, X64_R10, base, offset);
    } else {
        put_ri(e, X64_mov_i, X64_R11, offset);
        put_rr(e, X64_add, X64_R11, base);
        put_rr(e, X64_mov, X64_R10, X64_R11);
    }
    return X64_R10;
}

/* Follows the chain that computes the limit; its last load is left to the compare when there is
 * one. */
static unsigned follow_chain(emit *e, const ir_gv **chain, unsigned n, const ir_gv **load)
{
    unsigned at = vmctx_reg(e);

    *load = NULL;
    for (unsigned k = n; k-- > 0;) {
        const ir_gv *gv = chain[k];
        if (gv->kind == GV_IADD_IMM) {
            at = add_offset(e, at, gv->offset);
        } else if (k == 0) {
            *load = gv;
        } else {
            mark_load(e, gv);
            put_at(e, X64_mov, X64_R10, at, gv->offset);
            at = X64_R10;
        }
    }
    return at;
}

/* Traps when the frame would reach below the limit. */
static void check_limit(emit *e)
{
    const ir_gv *chain[EMIT_LIMIT_STEPS], *load;
    unsigned n = jit_emit_limit_chain(e, chain), at = follow_chain(e, chain, n, &load);
    int64_t total = e->frame->total;

    if (total < SAFE_BELOW) {
        put_at(e, X64_lea, X64_R11, X64_RSP, -total);
    } else {
        put_rr(e, X64_mov, X64_R11, X64_RSP);
        put_ri(e, X64_sub_i, X64_R11, total);
        put_trap_unless(e, X64_AE, JIT_TRAP_STK_OVF);
    }
    if (load) {
        mark_load(e, load);
        put_at(e, X64_cmp, X64_R11, at, load->offset);
    } else {
        put_rr(e, X64_cmp, X64_R11, at);
    }
    put_trap_unless(e, X64_AE, JIT_TRAP_STK_OVF);
}

/* ---- Frame ---- */

void jit_x64_lower_sp(emit *e, int64_t n)
{
    put_ri(e, X64_sub_i, X64_RSP, n);
}

void jit_x64_probe(emit *e)
{
    x64_args a = args_of(X64_RAX, 0, 0);

    a.size = 4;
    a.is_mem = true;
    a.mem.base = X64_RSP;
    a.mem.index = X64_NO_REG;
    jit_mbuf_trap(e->buf, JIT_TRAP_STK_OVF);
    jit_x64_put(e, X64_test, &a);
}

/* lea r11, [rsp - n * guard]; 1: sub rsp, guard; test [rsp], eax; cmp rsp, r11; jne 1b */
void jit_x64_probe_loop(emit *e, int64_t n, int64_t guard, int64_t cfa)
{
    put_at(e, X64_lea, X64_R11, X64_RSP, -n * guard);
    if (!e->frame->fp) {
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_REG, dwarf[X64_R11], 0);
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)cfa);
    }
    uint32_t start = e->buf->len;
    jit_x64_lower_sp(e, guard);
    jit_x64_probe(e);
    put_rr(e, X64_cmp, X64_RSP, X64_R11);
    mcursor c = jit_mbuf_open(e->buf, 2);
    mput1(&c, 0x70 | X64_NE);
    mput1(&c, (uint8_t)(start - (mcursor_offset(&c) + 1)));
    mcursor_close(&c);
    if (e->listing)
        jit_strbuf_puts(e->listing, "    jne the probes' sub\n");
    if (!e->frame->fp)
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_REG, dwarf[X64_RSP], 0);
}

/* Bytes that are subtracted besides what is pushed. */
static int64_t rest_of(const frame *fr)
{
    return (int64_t)fr->total - 8 * ((int64_t)fr->nsaved + fr->fp);
}

void jit_x64_prologue(emit *e)
{
    const frame *fr = e->frame;
    int64_t cfa = 8;

    if (fr->total == 0)
        return;
    JIT_REQUIRE(e->buf->fail, rest_of(fr) >= 0 && !(fr->saved >> 32), "x86_64: frame");
    if (e->l->f->stack_limit.id)
        check_limit(e);
    if (fr->fp) {
        put_reg(e, X64_push, X64_RBP);
        cfa += 8;
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)cfa);
        jit_mbuf_unwind(e->buf, UNWIND_SAVE, dwarf[X64_RBP], (int32_t)-cfa);
        put_rr(e, X64_mov, X64_RBP, X64_RSP);
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_REG, dwarf[X64_RBP], 0);
    }
    for (unsigned r = 0; r < 16; r++) {
        if (!(fr->saved & REG_BIT(r)))
            continue;
        put_reg(e, X64_push, r);
        cfa += 8;
        if (!fr->fp)
            jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)cfa);
        jit_mbuf_unwind(e->buf, UNWIND_SAVE, dwarf[r], (int32_t)-cfa);
    }
    jit_emit_take_frame(e, rest_of(fr), cfa);
}

/* ---- Epilogue ---- */

/* ret imm16 reaches 64 KiB; beyond, the return address is taken out first. */
static void put_return(emit *e)
{
    int64_t pops = e->frame->callee_pops;

    if (pops <= 0xffff) {
        x64_args a = args_of(0, 0, pops);
        jit_x64_put(e, X64_ret, &a);
        return;
    }
    put_reg(e, X64_pop, X64_R11);
    put_ri(e, X64_add_i, X64_RSP, pops);
    put_rr(e, X64_jmp_m, 0, X64_R11);
}

static void popped(emit *e, unsigned reg, int64_t *cfa)
{
    put_reg(e, X64_pop, reg);
    *cfa -= 8;
    if (!e->frame->fp)
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)*cfa);
}

void jit_x64_epilogue(emit *e)
{
    const frame *fr = e->frame;
    int64_t cfa = (int64_t)fr->total + 8;
    bool sized = !fr->fp_based; /* the frame's size is known */

    if (!fr->fp && fr->total == 0) {
        put_return(e);
        return;
    }
    jit_mbuf_unwind(e->buf, UNWIND_REMEMBER_STATE, 0, 0);
    if (fr->fp && fr->nsaved == 0) {
        if (!sized || rest_of(fr) > 0)
            put_rr(e, X64_mov, X64_RSP, X64_RBP);
    } else if (!sized) {
        put_at(e, X64_lea, X64_RSP, X64_RBP, -8 * (int64_t)fr->nsaved);
    } else if (rest_of(fr) > 0) {
        put_ri(e, X64_add_i, X64_RSP, rest_of(fr));
        cfa -= rest_of(fr);
        if (!fr->fp)
            jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)cfa);
    }
    for (unsigned r = 16; r-- > 0;)
        if (fr->saved & REG_BIT(r))
            popped(e, r, &cfa);
    if (fr->fp) {
        put_reg(e, X64_pop, X64_RBP);
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_REG, dwarf[X64_RSP], 0);
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, 8);
    }
    put_return(e);
    jit_mbuf_unwind(e->buf, UNWIND_RESTORE_STATE, 0, 0);
}
