/* a64_capstone.c - holds every AArch64 row against Capstone: mnemonic, registers, address,
 * immediate, and, where Capstone knows, which of the registers is written and what of the flags.
 *
 * Capstone 4.0.2 has faults of its own; each exception below names what the manual says (Arm ARM,
 * C6.2 and C7.2, under the instruction's name). */
#include "tests/support/a64_matrix.h"
#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check {
    csh handle;
    unsigned passed, failed;
    unsigned reported[A64_END]; /* per row: a few are shown */
} check;

/* ---- What the table expects ---- */

static bool has_memory(const a64_case *c)
{
    unsigned format = a64_row(c->op)->format;

    return format == A64_FORMAT_LOAD || format == A64_FORMAT_LOADS || format == A64_FORMAT_FLOAD
           || format == A64_FORMAT_PAIR || format == A64_FORMAT_FPAIR;
}

static uint64_t reg_bit(unsigned cls, unsigned reg)
{
    if (cls == RC_INT && reg == A64_R31) /* aliases do not show it */
        return 0;
    return REG_BIT(cls == RC_FLOAT ? A64_V(reg) : reg);
}

static void expect(const a64_case *c, uint64_t *all, uint64_t *writes)
{
    const a64_shape *s = a64_shape_of(c->op);

    *all = *writes = 0;
    for (unsigned k = 0; k < s->n; k++) {
        const a64_role *r = &jit_a64_roles[s->role[k]];
        if (r->place == A64_AT_NONE)
            continue;
        uint64_t bit = reg_bit(r->cls, c->args.place[r->place]);
        *all |= bit;
        if (r->kind == RA_DEF)
            *writes |= bit;
    }
    if (has_memory(c)) {
        *all |= reg_bit(RC_INT, c->args.n);
        if (c->args.mode == A64_AT_INDEX)
            *all |= reg_bit(RC_INT, c->args.m);
    }
    if (c->op == A64_ret && c->args.n == A64_LR) /* not shown */
        *all = 0;
}

/* ---- What Capstone says ---- */

static uint64_t bit_of(arm64_reg r)
{
    if (r >= ARM64_REG_X0 && r <= ARM64_REG_X28)
        return REG_BIT(r - ARM64_REG_X0);
    if (r >= ARM64_REG_W0 && r <= ARM64_REG_W30)
        return REG_BIT(r - ARM64_REG_W0);
    if (r == ARM64_REG_X29 || r == ARM64_REG_X30)
        return REG_BIT(r == ARM64_REG_X29 ? A64_FP : A64_LR);
    static const arm64_reg files[] = {
        ARM64_REG_B0, ARM64_REG_H0, ARM64_REG_S0, ARM64_REG_D0, ARM64_REG_Q0, ARM64_REG_V0
    };
    for (unsigned k = 0; k < sizeof files / sizeof *files; k++)
        if (r >= files[k] && r < files[k] + 32)
            return REG_BIT(A64_V(r - files[k]));
    return 0;
}

static void shown(const cs_insn *i, uint64_t *all, uint64_t *writes)
{
    *all = *writes = 0;
    for (unsigned k = 0; k < i->detail->arm64.op_count; k++) {
        const cs_arm64_op *op = &i->detail->arm64.operands[k];
        if (op->type == ARM64_OP_REG) {
            *all |= bit_of(op->reg);
            *writes |= op->access & CS_AC_WRITE ? bit_of(op->reg) : 0;
        } else if (op->type == ARM64_OP_MEM) {
            *all |= bit_of(op->mem.base) | bit_of(op->mem.index);
        }
    }
}

static const char *compare_address(const cs_insn *i, const a64_case *c)
{
    bool found = false;

    for (unsigned k = 0; k < i->detail->arm64.op_count; k++) {
        const cs_arm64_op *op = &i->detail->arm64.operands[k];
        if (op->type != ARM64_OP_MEM)
            continue;
        found = true;
        if (bit_of(op->mem.base) != reg_bit(RC_INT, c->args.n))
            return "base";
        bool pair = a64_row(c->op)->mem && jit_a64_shapes[a64_row(c->op)->shape].n == 2;
        bool post = pair ? c->args.cc == A64_POST : c->args.mode == A64_AT_POST;
        bool index = !pair && c->args.mode == A64_AT_INDEX;
        if (op->mem.disp != (post || index ? 0 : c->args.imm))
            return "displacement";
        if (index && bit_of(op->mem.index) != reg_bit(RC_INT, c->args.m))
            return "index";
        if (index && op->shift.value != c->args.shift)
            return "scale";
        if (i->detail->arm64.writeback != (pair ? c->args.cc != A64_OFFSET
                                                : c->args.mode == A64_AT_PRE || post))
            return "update of the base";
    }
    return found == has_memory(c) ? NULL : found ? "a memory operand" : "no memory operand";
}

/* Rows whose last operand is the immediate as it stands, the branch's distance included. */
static const char *compare_imm(const cs_insn *i, const a64_case *c)
{
    const cs_arm64 *x = &i->detail->arm64;
    const cs_arm64_op *last = x->op_count ? &x->operands[x->op_count - 1] : NULL;
    int64_t imm = c->args.imm;

    switch (a64_row(c->op)->format) {
    case A64_FORMAT_LOGICALI: {
        uint64_t mask = c->args.size == 4 ? UINT32_MAX : UINT64_MAX;
        return last && !(((uint64_t)last->imm ^ (uint64_t)imm) & mask) ? NULL : "bit mask";
    }
    case A64_FORMAT_BRANCH: case A64_FORMAT_BCOND: case A64_FORMAT_CB: case A64_FORMAT_TB:
    case A64_FORMAT_ADR: case A64_FORMAT_ADRP: case A64_FORMAT_LITERAL: case A64_FORMAT_FLITERAL:
    case A64_FORMAT_EXTR: case A64_FORMAT_VSHL: case A64_FORMAT_VSHR: case A64_FORMAT_IMM16:
        return last && last->type == ARM64_OP_IMM && last->imm == imm ? NULL : "immediate";
    case A64_FORMAT_ADDI:
        if (c->op == A64_add_i && imm == 0)
            return NULL; /* mov */
        return last && last->imm << last->shift.value == imm ? NULL : "immediate";
    case A64_FORMAT_SHIFTED:
    case A64_FORMAT_EXTENDED:
        return last && last->shift.value == c->args.shift ? NULL : "amount of shift";
    default:
        return NULL;
    }
}

/* ---- Where Capstone and the table differ by right ---- */

enum { WRITES = 1, FLAGS = 2, MNEMONIC = 4, IMMEDIATE = 8, ALL = 16 };
typedef struct exception { unsigned op, what; const char *why; } exception;

static const exception exceptions[] = {
    /* Faults of Capstone 4.0.2. */
    { A64_adds_i, WRITES, "ADDS (immediate): writes Rd, too" },
    { A64_udf, ALL, "UDF: permanently undefined, and so decoded" },
    { A64_retaa, ALL, "RETAA: of Armv8.3, which it does not know" },
    { A64_retab, ALL, "RETAB: likewise" },
    /* What Gantry does not name. */
    { A64_hint, MNEMONIC, "HINT: some numbers have names" },
    { A64_vorr, MNEMONIC, "MOV (vector): ORR of one register twice" },
    /* What the table adds: the callee spoils the flags. */
    { A64_call, FLAGS, "BLR" },
    { A64_call_sym, FLAGS, "BL" },
    { 0, 0, NULL }
};

static bool excepted(const a64_case *c, unsigned what)
{
    for (const exception *x = exceptions; x->op; x++)
        if (x->op == c->op && x->what & what)
            return true;
    return false;
}

/* ---- One case ---- */

static void report(check *k, const a64_case *c, const cs_insn *i, const char *what)
{
    k->failed++;
    if (k->reported[c->op]++ < 3)
        printf("%s: %s; Capstone: %s %s\n", c->text, what, i ? i->mnemonic : "-",
               i ? i->op_str : "");
}

static bool mnemonic_agrees(const a64_case *c, const char *mnemonic)
{
    size_t n = strcspn(c->text, " ");

    if (strncmp(c->text, "mov ", 4) == 0 && strncmp(mnemonic, "mov", 3) == 0)
        return true; /* movz, movn: the same by another name */
    return strlen(mnemonic) == n && strncmp(c->text, mnemonic, n) == 0;
}

static const char *compare(const cs_insn *i, const a64_case *c)
{
    const a64_info *row = a64_row(c->op);
    uint64_t all, writes, their_all, their_writes;
    const char *wrong;

    if (!excepted(c, MNEMONIC) && !mnemonic_agrees(c, i->mnemonic))
        return "mnemonic";
    expect(c, &all, &writes);
    shown(i, &their_all, &their_writes);
    if (!excepted(c, ALL) && all != their_all)
        return "registers";
    if (!excepted(c, WRITES) && writes & ~their_writes)
        return "a register written";
    if (!excepted(c, FLAGS) && i->detail->arm64.update_flags != ((row->flags & A64_F_W) != 0))
        return "flags";
    wrong = has_memory(c) ? compare_address(i, c) : NULL;
    if (!wrong && !excepted(c, IMMEDIATE))
        wrong = compare_imm(i, c);
    return wrong;
}

static void visit(void *user, const a64_case *c)
{
    check *k = user;
    uint8_t bytes[4];
    cs_insn *i;

    for (unsigned n = 0; n < 4; n++)
        bytes[n] = (uint8_t)(c->word >> 8 * n);
    if (cs_disasm(k->handle, bytes, 4, 0, 1, &i) != 1) {
        if (excepted(c, ALL))
            k->passed++;
        else
            report(k, c, NULL, "not decoded");
        return;
    }
    const char *wrong = compare(i, c);
    if (wrong)
        report(k, c, i, wrong);
    else
        k->passed++;
    cs_free(i, 1);
}

int main(void)
{
    static check k;
    unsigned failed;

    if (cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &k.handle) != CS_ERR_OK
        || cs_option(k.handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
        return 1;
    a64_matrix(getenv("TEST_SHORT") != NULL, visit, &k, &failed);
    cs_close(&k.handle);
    printf("%u passed, %u failed, 0 skipped\n", k.passed, k.failed + failed);
    return k.failed + failed != 0;
}
