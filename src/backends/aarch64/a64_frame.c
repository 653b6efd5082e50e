/* a64_frame.c - prologue and epilogue: stack limit, frame record, saved registers, frame, probes,
 * and the unwind rows that go with each step.
 *
 * Registers are pushed two at a time, the link register and, with a frame pointer, x29 first: they
 * are the frame record of AAPCS64, "The Frame Pointer". Without a frame pointer the first saved
 * register takes x29's place; a leaf does not save the link register. Unwind rows count from the
 * canonical frame address (CFA), sp on entry; registers in rows have their DWARF numbers (DWARF
 * for the Arm 64-bit Architecture, "DWARF register names"). x16 and x17 are free on entry. */
#include "backends/aarch64/a64_emit.h"
#include "machinst/rules.h"

#define SAFE_BELOW 0x8000u  /* nothing is mapped below it, so sp minus less cannot wrap */
#define NO_REG 0xff

static uint8_t dwarf(unsigned reg)
{
    return (uint8_t)(a64_is_float(reg) ? 64u + a64_hw(reg) : reg);
}

/* ---- Short cuts to single instructions ---- */

static a64_args args_of(unsigned size, unsigned d, unsigned n, int64_t imm)
{
    a64_args a = { .size = (uint8_t)size, .imm = imm };

    a.d = (uint8_t)d;
    a.n = (uint8_t)n;
    return a;
}

/* Flags of n - m; n may be sp. d: where the difference goes, A64_R31: nowhere. */
static void put_subs(emit *e, unsigned d, unsigned n, unsigned m)
{
    a64_args a = args_of(8, d, n, 0);

    a.m = (uint8_t)m;
    a.size2 = 8;
    a.cc = A64_UXTX;
    jit_a64_put(e, A64_subs_x, &a);
}

static void put_b_cond(emit *e, unsigned cc, int64_t distance)
{
    a64_args a = args_of(8, 0, 0, distance);

    a.cc = (uint8_t)cc;
    jit_a64_put(e, A64_b_cond, &a);
}

/* A trap in its place, jumped over on cc, since a late prologue has no labels behind it. Nothing
 * is open so far, so that no island comes between. */
static void put_trap_unless(emit *e, unsigned cc, unsigned code)
{
    put_b_cond(e, cc, 8);
    jit_a64_trap_here(e, code);
}

/* ---- Stack limit ---- */

/* The register that holds the vmctx parameter on entry; loads it to x16 when it is on the stack. */
static unsigned vmctx_reg(emit *e)
{
    const abi_loc *a = jit_emit_vmctx(e);

    if (a->kind == ABI_REG)
        return a->reg;
    jit_a64_put_access(e, A64_ldr, 8, A64_X16, A64_R31, a->offset, 0);
    return A64_X16;
}

/* Follows the chain that computes the limit. */
static unsigned follow_chain(emit *e, const ir_gv **chain, unsigned n)
{
    unsigned at = vmctx_reg(e);

    while (n-- > 0) {
        const ir_gv *gv = chain[n];
        if (gv->kind == GV_IADD_IMM)
            jit_a64_put_add(e, A64_X16, at, gv->offset);
        else
            jit_a64_put_access(e, A64_ldr, 8, A64_X16, at, gv->offset, jit_rule_trap_of(e->l, gv->mem));
        if (gv->kind != GV_IADD_IMM || gv->offset != 0)
            at = A64_X16;
    }
    return at;
}

/* Traps when the frame would reach below the limit. */
static void check_limit(emit *e)
{
    const ir_gv *chain[EMIT_LIMIT_STEPS];
    unsigned n = jit_emit_limit_chain(e, chain), at = follow_chain(e, chain, n);
    int64_t total = e->frame->total;

    if (total < SAFE_BELOW) {
        jit_a64_put_add(e, A64_X17, A64_R31, -total);
    } else {
        jit_a64_put_imm(e, A64_X17, (uint64_t)total, 8);
        put_subs(e, A64_X17, A64_R31, A64_X17);
        put_trap_unless(e, A64_HS, JIT_TRAP_STK_OVF);
    }
    put_subs(e, A64_R31, A64_X17, at);
    put_trap_unless(e, A64_HS, JIT_TRAP_STK_OVF);
}

/* ---- Pairs of saved registers ---- */

/* What is saved, from the highest address down: high stands 8 bytes above low; NO_REG: nothing. */
typedef struct pair { uint8_t high, low; } pair;
typedef struct pairs { pair at[18]; unsigned n; } pairs;

static pairs saved_pairs(const emit *e)
{
    const frame *fr = e->frame;
    uint8_t list[36];
    pairs p = { .n = 0 };
    unsigned n = 0;

    if (fr->fp || !fr->leaf)
        list[n++] = A64_LR;
    if (fr->fp)
        list[n++] = A64_FP;
    JIT_REQUIRE(e->buf->fail, fr->nsaved <= 32, "aarch64: saved registers");
    for (unsigned r = 0; r < 64; r++)
        if (fr->saved & REG_BIT(r))
            list[n++] = (uint8_t)r;
    for (unsigned k = 0; k < n; k += 2)
        p.at[p.n++] = (pair){ list[k], k + 1 < n ? list[k + 1] : NO_REG };
    return p;
}

/* One register at [sp, #offset], by `mode`. */
static void put_single(emit *e, bool load, unsigned reg, unsigned mode, int64_t offset)
{
    a64_args a = args_of(8, a64_hw(reg), A64_R31, offset);

    a.mode = (uint8_t)mode;
    jit_a64_put(e, a64_is_float(reg) ? load ? A64_fldr : A64_fstr : load ? A64_ldr : A64_str, &a);
}

static void put_pair(emit *e, bool load, pair p)
{
    bool floats = a64_is_float(p.low);
    a64_args a = args_of(8, a64_hw(p.low), A64_R31, load ? 16 : -16);

    a.a = a64_hw(p.high);
    a.cc = load ? A64_POST : A64_PRE;
    jit_a64_put(e, floats ? load ? A64_fldp : A64_fstp : load ? A64_ldp : A64_stp, &a);
}

static bool is_single(pair p) { return p.high == NO_REG || p.low == NO_REG; }
static bool of_one_class(pair p) { return a64_is_float(p.high) == a64_is_float(p.low); }

/* A register stands at sp + offset. */
static void note_save(emit *e, unsigned reg, int64_t offset, int64_t cfa)
{
    jit_mbuf_unwind(e->buf, UNWIND_SAVE, dwarf(reg), (int32_t)(offset - cfa));
}

/* sp -= 16, and there the pair, a single one at sp. cfa: bytes from the new sp up to the CFA;
 * sized: that is what the CFA counts from. */
static void push(emit *e, pair p, int64_t cfa, bool sized)
{
    unsigned first = p.low == NO_REG ? p.high : p.low;
    bool together = !is_single(p) && of_one_class(p);

    if (together)
        put_pair(e, false, p);
    else
        put_single(e, false, first, A64_AT_PRE, -16);
    if (sized)
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)cfa);
    note_save(e, first, 0, cfa);
    if (is_single(p))
        return;
    if (!together)
        put_single(e, false, p.high, A64_AT_SCALED, 8);
    note_save(e, p.high, 8, cfa);
}

/* The pair, and sp += 16. */
static void pop(emit *e, pair p)
{
    if (is_single(p)) {
        put_single(e, true, p.low == NO_REG ? p.high : p.low, A64_AT_POST, 16);
    } else if (of_one_class(p)) {
        put_pair(e, true, p);
    } else {
        put_single(e, true, p.high, A64_AT_SCALED, 8);
        put_single(e, true, p.low, A64_AT_POST, 16);
    }
}

/* ---- Frame ---- */

void jit_a64_lower_sp(emit *e, int64_t n)
{
    jit_a64_put_add(e, A64_R31, A64_R31, -n);
}

void jit_a64_probe(emit *e)
{
    jit_mbuf_trap(e->buf, JIT_TRAP_STK_OVF);
    put_single(e, true, A64_R31, A64_AT_SCALED, 0);
}

/* x16 = sp - n * guard; 1: sub sp, sp, guard; ldr xzr, [sp]; cmp sp, x16; b.ne 1b */
void jit_a64_probe_loop(emit *e, int64_t n, int64_t guard, int64_t cfa)
{
    jit_a64_put_add(e, A64_X16, A64_R31, -n * guard);
    if (!e->frame->fp) {
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_REG, dwarf(A64_X16), 0);
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)cfa);
    }
    uint32_t start = e->buf->len;
    jit_a64_lower_sp(e, guard);
    jit_a64_probe(e);
    put_subs(e, A64_R31, A64_R31, A64_X16);
    put_b_cond(e, A64_NE, (int64_t)start - e->buf->len);
    if (!e->frame->fp)
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_REG, dwarf(A64_R31), 0);
}

/* Bytes that are subtracted besides what is pushed. */
static int64_t rest_of(const frame *fr, const pairs *p)
{
    return (int64_t)fr->total - 16 * (int64_t)p->n;
}

/* ---- Signed return addresses, landing pads ---- */

static bool is_signed(const emit *e)
{
    const frame *fr = e->frame;

    return e->features & JIT_A64_SIGN_ALL || (e->features & JIT_A64_SIGN && (fr->fp || !fr->leaf));
}

/* What stands at the entry: signing is a landing pad, too (Arm ARM, "PACIASP"). */
static void put_entry(emit *e)
{
    if (is_signed(e)) {
        jit_a64_put_hint(e, e->features & JIT_A64_SIGN_KEY_B ? A64_PACIBSP : A64_PACIASP);
        jit_mbuf_unwind(e->buf, UNWIND_NEGATE_RA, 0, 0);
    } else if (e->features & JIT_A64_BTI) {
        jit_a64_put_hint(e, A64_BTI_C);
    }
}

void jit_a64_prologue(emit *e)
{
    const frame *fr = e->frame;
    pairs p = saved_pairs(e);
    int64_t cfa = 0;

    e->last.end = 0; /* at O0 this is another buffer */
    put_entry(e);
    if (fr->total == 0)
        return;
    JIT_REQUIRE(e->buf->fail, rest_of(fr, &p) >= 0, "aarch64: frame");
    if (e->l->f->stack_limit.id)
        check_limit(e);
    for (unsigned k = 0; k < p.n; k++) {
        cfa += 16;
        push(e, p.at[k], cfa, !fr->fp || k == 0);
        if (fr->fp && k == 0) {
            a64_args mov = args_of(8, A64_FP, A64_R31, 0);
            jit_a64_put(e, A64_add_i, &mov);
            jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_REG, dwarf(A64_FP), 0);
        }
    }
    jit_emit_take_frame(e, rest_of(fr, &p), cfa);
}

/* ---- Epilogue ---- */

static void put_return(emit *e)
{
    bool key_b = e->features & JIT_A64_SIGN_KEY_B, pops = e->frame->callee_pops > 0;
    a64_args ret = args_of(8, 0, A64_LR, 0), none = args_of(8, 0, 0, 0);

    if (is_signed(e) && e->features & JIT_A64_PAUTH && !pops) {
        jit_a64_put(e, key_b ? A64_retab : A64_retaa, &none);
        return;
    }
    if (is_signed(e)) { /* by the stack pointer as it was on entry */
        jit_a64_put_hint(e, key_b ? A64_AUTIBSP : A64_AUTIASP);
        jit_mbuf_unwind(e->buf, UNWIND_NEGATE_RA, 0, 0);
    }
    jit_a64_put_add(e, A64_R31, A64_R31, e->frame->callee_pops);
    jit_a64_put(e, A64_ret, &ret);
}

/* sp to the last pair that was pushed. */
static void drop_frame(emit *e, const pairs *p, int64_t *cfa)
{
    const frame *fr = e->frame;
    int64_t rest = fr->fp_based ? 0 : rest_of(fr, p); /* at O0 not known so far */

    *cfa -= rest;
    if (fr->fp_based || (fr->fp && rest > 0 && p->n == 1)) {
        a64_args mov = args_of(8, A64_R31, A64_FP, 0);
        if (p->n == 1)
            jit_a64_put(e, A64_add_i, &mov);
        else
            jit_a64_put_add(e, A64_R31, A64_FP, -16 * ((int64_t)p->n - 1));
    } else if (rest > 0) {
        jit_a64_put_add(e, A64_R31, A64_R31, rest);
        if (!fr->fp)
            jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)*cfa);
    }
}

void jit_a64_epilogue(emit *e)
{
    const frame *fr = e->frame;
    pairs p = saved_pairs(e);
    int64_t cfa = fr->fp_based ? 16 * (int64_t)p.n : (int64_t)fr->total;

    if (!fr->fp && fr->total == 0 && !is_signed(e)) {
        put_return(e);
        return;
    }
    jit_mbuf_unwind(e->buf, UNWIND_REMEMBER_STATE, 0, 0);
    drop_frame(e, &p, &cfa);
    for (unsigned k = p.n; k-- > 0;) {
        pop(e, p.at[k]);
        cfa -= 16;
        if (fr->fp && k == 0)
            jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_REG, dwarf(A64_R31), 0);
        if (!fr->fp || k == 0)
            jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)cfa);
    }
    put_return(e);
    jit_mbuf_unwind(e->buf, UNWIND_RESTORE_STATE, 0, 0);
}
