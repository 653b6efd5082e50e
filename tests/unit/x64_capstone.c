/* x64_capstone.c - holds every x86-64 row against Capstone: length, operands, memory width, features,
 * and the registers and flags that an instruction reads and writes, as the table's shape says them.
 *
 * Capstone 4.0.2 has faults of its own; each exception below names what the manual says (Intel SDM
 * volume 2, under the instruction's name). */
#include "tests/support/x64_matrix.h"
#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS_BIT ((uint64_t)1 << 63)

typedef struct check {
    csh handle;
    unsigned passed, failed;
    unsigned reported[X64_END]; /* per row: a few are shown */
} check;

/* ---- What the table expects ---- */

static uint64_t reg_bit(const x64_role *r, unsigned reg)
{
    return REG_BIT(r->cls == RC_FLOAT ? X64_XMM(reg) : reg);
}

static uint64_t register_of(const x64_case *c, const x64_role *r)
{
    const x64_args *a = &c->args;

    switch (r->place) {
    case X64_AT_REG: return reg_bit(r, a->reg);
    case X64_AT_V: return reg_bit(r, a->v);
    case X64_AT_RM: return a->is_mem ? 0 : reg_bit(r, a->rm);
    default: return r->constraint == RA_FIXED ? REG_BIT(r->fixed) : 0;
    }
}

static void expect(const x64_case *c, uint64_t *reads, uint64_t *writes)
{
    const x64_info *row = x64_row(c->op);
    const x64_shape *s = x64_shape_of(c->op);
    const x64_mem *m = &c->args.mem;

    *reads = row->flags & X64_F_R ? FLAGS_BIT : 0;
    *writes = row->flags & X64_F_W ? FLAGS_BIT : 0;
    for (unsigned k = 0; k < s->n; k++) {
        const x64_role *r = &jit_x64_roles[s->role[k]];
        if (r->kind == RA_DEF)
            *writes |= register_of(c, r);
        else
            *reads |= register_of(c, r);
        if (r->constraint == RA_TIED)
            *reads |= register_of(c, r);
    }
    if (!c->args.is_mem)
        return;
    if (m->base < 16)
        *reads |= REG_BIT(m->base);
    if (m->index < 16)
        *reads |= REG_BIT(m->index);
}

/* ---- What Capstone says ---- */

static uint64_t bit_of_name(const char *name)
{
    for (unsigned r = 0; r < 16; r++) {
        for (unsigned size = 1; size <= 8; size *= 2)
            if (strcmp(name, jit_x64_reg_name(r, size)) == 0)
                return REG_BIT(r);
        if (strcmp(name, jit_x64_reg_name(X64_XMM(r), 16)) == 0)
            return REG_BIT(X64_XMM(r));
    }
    return strcmp(name, "rflags") == 0 || strcmp(name, "flags") == 0 ? FLAGS_BIT : 0;
}

static uint64_t bits_of(csh handle, const uint16_t *regs, unsigned n)
{
    uint64_t bits = 0;

    for (unsigned k = 0; k < n; k++) {
        const char *name = cs_reg_name(handle, regs[k]);
        bits |= name ? bit_of_name(name) : 0;
    }
    return bits;
}

static const cs_x86_op *memory_operand(const cs_insn *i)
{
    for (unsigned k = 0; k < i->detail->x86.op_count; k++)
        if (i->detail->x86.operands[k].type == X86_OP_MEM)
            return &i->detail->x86.operands[k];
    return NULL;
}

static bool same_register(csh handle, x86_reg reg, unsigned base)
{
    if (base == X64_NO_REG)
        return reg == X86_REG_INVALID || reg == X86_REG_RIZ;
    if (base == X64_RIP)
        return reg == X86_REG_RIP;
    return reg != X86_REG_INVALID
           && strcmp(cs_reg_name(handle, reg), jit_x64_reg_name(base, 8)) == 0;
}

static const char *compare_memory(const check *k, const cs_insn *i, const x64_case *c)
{
    const cs_x86_op *op = memory_operand(i);
    const x64_mem *m = &c->args.mem;
    minst in = { 0 };

    if (!op || !c->args.is_mem)
        return op ? "a memory operand" : c->args.is_mem ? "no memory operand" : NULL;
    if (!same_register(k->handle, op->mem.base, m->base)
        || !same_register(k->handle, op->mem.index, m->index))
        return "base or index";
    if (op->mem.disp != m->disp || (m->index != X64_NO_REG && op->mem.scale != 1 << m->shift))
        return "displacement or scale";
    in.op = (uint16_t)c->op;
    in.size = c->args.size;
    in.size2 = c->args.size2;
    unsigned width = jit_x64_mem_width(&in);
    if (width && width != op->size)
        return "memory width";
    return NULL;
}

/* The immediate operand, cut to the operation's size. */
static const char *compare_imm(const cs_insn *i, const x64_case *c)
{
    for (unsigned k = 0; k < i->detail->x86.op_count; k++) {
        const cs_x86_op *op = &i->detail->x86.operands[k];
        unsigned bits = 8u * (op->size && op->size < 8 ? op->size : 8u);
        uint64_t mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
        if (c->op == X64_mov_i && c->args.size == 4)
            mask = UINT32_MAX;
        if (op->type == X86_OP_IMM && (((uint64_t)op->imm ^ (uint64_t)c->args.imm) & mask))
            return "immediate";
    }
    return NULL;
}

/* ---- Where Capstone and the table differ by right ---- */

enum { READS = 1, WRITES = 2 };
typedef struct exception { unsigned op, access, what; const char *why; } exception;
enum { ACCUMULATOR, STACK, DESTINATION, SECOND };

static const exception exceptions[] = {
    /* Faults of Capstone 4.0.2. */
    { X64_test_i, WRITES, ACCUMULATOR, "SDM, TEST: only flags are written (A8, A9 forms)" },
    { X64_cdq, WRITES, ACCUMULATOR, "SDM, CWD/CDQ/CQO: rdx is written, rax is not" },
    /* What the table leaves to the ABI: rsp and rbp are never a value's. */
    { X64_call, READS | WRITES, STACK, "SDM, CALL: pushes; the callee spoils the flags" },
    { X64_push, READS | WRITES, STACK, "SDM, PUSH" },
    { X64_pop, READS | WRITES, STACK, "SDM, POP" },
    { X64_ret, READS | WRITES, STACK, "SDM, RET: pops" },
    { X64_leave, READS | WRITES, STACK, "SDM, LEAVE" },
    /* The result does not depend on the old value. */
    { X64_sbb_self, READS, DESTINATION, "SDM, SBB: x - x - CF" },
    { X64_fzero, READS, DESTINATION, "SDM, XORPS: x ^ x" },
    { X64_vfzero, READS, DESTINATION, "SDM, XORPS: x ^ x" },
    { X64_fones, READS, DESTINATION, "SDM, PCMPEQD: x == x" },
    { X64_vfones, READS, DESTINATION, "SDM, PCMPEQD: x == x" },
    /* Bytes above the low lane come from there; no value of Gantry's lives in them. */
    { X64_rounds, READS, DESTINATION, "SDM, ROUNDSS: upper bytes of the destination" },
    { X64_vrounds, READS, SECOND, "SDM, ROUNDSS: upper bytes of the second operand" },
    { X64_vsqrts, READS, SECOND, "SDM, SQRTSS: likewise" },
    { X64_vcvts2s, READS, SECOND, "SDM, CVTSD2SS: likewise" },
    { X64_vcvtsi2s, READS, SECOND, "SDM, CVTSI2SS: likewise" },
};

static uint64_t left_out(const x64_case *c, unsigned access)
{
    const x64_args *a = &c->args;

    for (unsigned k = 0; k < sizeof exceptions / sizeof *exceptions; k++) {
        const exception *x = &exceptions[k];
        if (x->op != c->op || !(x->access & access))
            continue;
        switch (x->what) {
        case ACCUMULATOR: return REG_BIT(X64_RAX);
        case STACK: return REG_BIT(X64_RSP) | REG_BIT(X64_RBP) | FLAGS_BIT;
        case DESTINATION: return c->op == X64_sbb_self ? REG_BIT(a->rm) : REG_BIT(X64_XMM(a->reg));
        default: /* not when the source is the same register */
            if (!a->is_mem && a->rm == a->v && c->op != X64_vcvtsi2s)
                return 0;
            return REG_BIT(X64_XMM(a->v));
        }
    }
    return 0;
}

/* ---- One case ---- */

static void report(check *k, const x64_case *c, const cs_insn *i, const char *what, uint64_t want,
                   uint64_t got)
{
    k->failed++;
    if (k->reported[c->op]++ >= 2)
        return;
    printf("%-44s %s: ", c->text, what);
    if (i)
        printf("%s %s ", i->mnemonic, i->op_str);
    if (want != got)
        printf("(table %llx, capstone %llx)", (unsigned long long)want, (unsigned long long)got);
    printf("\n");
}

static bool mnemonic_agrees(const x64_case *c, const char *mnemonic)
{
    static const char *const predicates[] = { "eq",  "lt",  "le",  "unord",
                                              "neq", "nlt", "nle", "ord" };
    size_t n = strcspn(c->text, " ");

    if (c->op == X64_cmps || c->op == X64_vcmps) { /* Capstone puts the predicate into the name */
        char name[32];
        snprintf(name, sizeof name, "%.*s%s%.2s", (int)n - 2, c->text,
                 predicates[c->args.imm & 7], c->text + n - 2);
        return strcmp(name, mnemonic) == 0;
    }
    return strlen(mnemonic) == n && strncmp(c->text, mnemonic, n) == 0;
}

/* Features without which the instruction may not be emitted, as far as its bytes tell: what the
 * emulator cannot run (VEX forms, POPCNT, LZCNT, TZCNT), and SSE4.1. */
static bool features_agree(csh handle, const cs_insn *i, const x64_case *c)
{
    static const uint64_t refused = JIT_X86_AVX | JIT_X86_AVX2 | JIT_X86_FMA | JIT_X86_BMI1
                                    | JIT_X86_BMI2 | JIT_X86_POPCNT | JIT_X86_LZCNT;
    bool vex = c->bytes[0] == 0xc4 || c->bytes[0] == 0xc5;
    uint64_t feature = x64_row(c->op)->feature;

    if ((vex || i->id == X86_INS_POPCNT || i->id == X86_INS_LZCNT || i->id == X86_INS_TZCNT)
        && !(feature & refused))
        return false;
    return !cs_insn_group(handle, i, X86_GRP_SSE41) || feature == JIT_X86_SSE41;
}

static void visit(void *user, const x64_case *c)
{
    check *k = user;
    cs_insn *i;
    cs_regs read, written;
    uint8_t nread, nwritten;
    uint64_t reads, writes;

    if (cs_disasm(k->handle, c->bytes, c->nbytes, 0, 1, &i) != 1) {
        report(k, c, NULL, "not decoded", 0, 0);
        return;
    }
    expect(c, &reads, &writes);
    const char *wrong = i->size != c->nbytes ? "length" : NULL;
    if (!wrong && !mnemonic_agrees(c, i->mnemonic))
        wrong = "mnemonic";
    if (!wrong)
        wrong = compare_memory(k, i, c);
    if (!wrong)
        wrong = compare_imm(i, c);
    if (!wrong && !features_agree(k->handle, i, c))
        wrong = "features";
    if (wrong) {
        report(k, c, i, wrong, 0, 0);
    } else if (cs_regs_access(k->handle, i, read, &nread, written, &nwritten) != CS_ERR_OK) {
        report(k, c, i, "no register list", 0, 0);
    } else {
        uint64_t r = bits_of(k->handle, read, nread) & ~left_out(c, READS);
        uint64_t w = bits_of(k->handle, written, nwritten) & ~left_out(c, WRITES);
        reads &= ~left_out(c, READS);
        writes &= ~left_out(c, WRITES);
        if (r != reads)
            report(k, c, i, "reads", reads, r);
        else if (w != writes)
            report(k, c, i, "writes", writes, w);
        else
            k->passed++;
    }
    cs_free(i, 1);
}

int main(void)
{
    static check k;
    unsigned failed;

    if (cs_open(CS_ARCH_X86, CS_MODE_64, &k.handle) != CS_ERR_OK
        || cs_option(k.handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
        return 1;
    x64_matrix(getenv("TEST_SHORT") != NULL, visit, &k, &failed);
    cs_close(&k.handle);
    printf("%u passed, %u failed, 0 skipped\n", k.passed, k.failed + failed);
    return k.failed + failed != 0;
}
