/* ra_sim.c - runs allocated code with concrete values on a random path.
 *
 * Beside the registers and slots it keeps what each virtual register is worth by the meaning of the
 * unallocated code; every use is held against that. What an instruction makes is random, except
 * that bytes promised to be zero are, and that repeatable instructions always make the same. */
#include "tests/support/ra_gen.h"

#include <stdio.h>
#include <string.h>

typedef struct { uint8_t byte[16]; } value;

typedef struct {
    const ra_func *f;
    ra_random rng;
    value reg[64];
    uint8_t *slot;  /* 8 bytes a unit */
    value *vreg;    /* by meaning */
    uint32_t *first_move; /* by instruction: its first move */
} machine;

static value random_value(ra_random *r)
{
    value v;

    for (uint32_t k = 0; k < 16; k += 4) {
        uint32_t x = ra_next(r);
        memcpy(v.byte + k, &x, 4);
    }
    return v;
}

static value made_by(machine *m, const ra_inst *inst, const ra_operand *def)
{
    ra_random fixed = { def->vreg * 0x9e3779b97f4a7c15u + 1 };
    value v = random_value(inst->flags & RA_REMAT ? &fixed : &m->rng);

    if (def->nonzero < 8)
        memset(v.byte + def->nonzero, 0, (size_t)16 - def->nonzero);
    return v;
}

static value read_loc(const machine *m, ra_loc l, uint32_t width)
{
    value v = { { 0 } };

    if (loc_is_reg(l))
        memcpy(v.byte, m->reg[l].byte, width);
    else
        memcpy(v.byte, m->slot + 8 * (size_t)loc_slot(l), width);
    return v;
}

static void write_loc(machine *m, ra_loc l, value v, uint32_t width)
{
    if (loc_is_reg(l)) {
        memset(&m->reg[l], 0, sizeof m->reg[l]);
        memcpy(m->reg[l].byte, v.byte, width);
    } else {
        memcpy(m->slot + 8 * (size_t)loc_slot(l), v.byte, width);
    }
}

static bool is_bad_loc(const machine *m, ra_loc l, uint32_t width)
{
    if (loc_is_reg(l))
        return false;
    return !loc_is_slot(l) || (uint64_t)loc_slot(l) * 8 + width > (uint64_t)m->f->nslots * 8;
}

static bool run_moves(machine *m, uint32_t pos)
{
    const ra_func *f = m->f;

    for (uint32_t k = m->first_move[pos / 2]; k < f->moves.len && f->moves.at[k].pos <= pos; k++) {
        const ra_move *mv = &f->moves.at[k];
        uint32_t width;
        if (mv->pos < pos)
            continue;
        if (mv->remat != 0) {
            const ra_inst *inst = &f->insts[mv->remat - 1];
            for (uint32_t o = 0; o < inst->nops; o++)
                if (f->ops[inst->ops + o].vreg != RA_NO_VREG)
                    write_loc(m, mv->to, made_by(m, inst, &f->ops[inst->ops + o]), 16);
            continue;
        }
        width = mv->vreg != RA_NO_VREG ? f->vregs[mv->vreg].width
              : (loc_is_reg(mv->from) ? mv->from : mv->to) < 32 ? 8 : 16;
        if (is_bad_loc(m, mv->from, width) || is_bad_loc(m, mv->to, width))
            return false;
        write_loc(m, mv->to, read_loc(m, mv->from, width), width);
    }
    return true;
}

static bool reads_right(const machine *m, const ra_operand *op)
{
    value is;

    if (is_bad_loc(m, op->loc, op->width))
        return false;
    is = read_loc(m, op->loc, op->width);
    if (memcmp(is.byte, m->vreg[op->vreg].byte, op->width) != 0)
        return false;
    if (loc_is_reg(op->loc))
        for (uint32_t k = op->nonzero; k < 8; k++)
            if (m->reg[op->loc].byte[k] != 0)
                return false;
    return true;
}

static bool run_kind(machine *m, const ra_inst *inst, uint32_t kind)
{
    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *op = &m->f->ops[inst->ops + k];
        if (op->vreg == RA_NO_VREG || op->kind != kind)
            continue;
        if (kind <= RA_USE_LATE) {
            if (!reads_right(m, op))
                return false;
        } else {
            value v = made_by(m, inst, op);
            if (!loc_is_reg(op->loc))
                return false;
            m->vreg[op->vreg] = v;
            m->reg[op->loc] = v;
        }
    }
    return true;
}

static bool run_inst(machine *m, uint32_t i)
{
    const ra_inst *inst = &m->f->insts[i];
    regset lost = inst->clobber ? m->f->clobbers[inst->clobber] : 0;

    if (!run_moves(m, 2 * i) || !run_kind(m, inst, RA_USE) || !run_kind(m, inst, RA_DEF_EARLY)
        || !run_kind(m, inst, RA_TEMP) || !run_kind(m, inst, RA_USE_LATE))
        return false;
    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *op = &m->f->ops[inst->ops + k];
        if (op->vreg != RA_NO_VREG && op->kind >= RA_DEF && loc_is_reg(op->loc))
            lost &= ~REG_BIT(op->loc);
    }
    for (; lost; lost &= lost - 1)
        m->reg[__builtin_ctzll(lost)] = random_value(&m->rng);
    if (!run_kind(m, inst, RA_DEF) || !run_moves(m, 2 * i + 1))
        return false;
    for (uint32_t r = 0; r < 64; r++)
        if (!(m->f->env->allocatable & REG_BIT(r)))
            m->reg[r] = random_value(&m->rng);
    return true;
}

static void pass_args(machine *m, const ra_block *from, const ra_block *to)
{
    value args[64];
    const uint32_t *lists = m->f->lists;

    for (uint32_t k = 0; k < to->nparams; k++)
        args[k] = m->vreg[lists[from->args + k]];
    for (uint32_t k = 0; k < to->nparams; k++)
        m->vreg[lists[to->params + k]] = args[k];
}

bool ra_simulate(const ra_func *f, uint64_t seed, uint32_t steps, uint32_t *where, arena *tmp)
{
    machine m = { .f = f, .rng = { seed } };
    uint32_t b = 0, k = 0;

    m.slot = ARENA_ARRAY(tmp, uint8_t, (size_t)f->nslots * 8 + 16);
    m.vreg = ARENA_ARRAY(tmp, value, f->nvregs);
    m.first_move = ARENA_ARRAY(tmp, uint32_t, f->ninsts);
    for (uint32_t i = 0; i < f->ninsts; i++) {
        while (k < f->moves.len && f->moves.at[k].pos < 2 * i)
            k++;
        m.first_move[i] = k;
    }
    for (uint32_t r = 0; r < 64; r++)
        m.reg[r] = random_value(&m.rng);
    for (;;) {
        const ra_block *bl = &f->blocks[b];
        for (uint32_t i = bl->first; i < bl->end; i++) {
            *where = i;
            if (!run_inst(&m, i))
                return false;
        }
        if (bl->nsuccs == 0 || steps < bl->end - bl->first)
            return true;
        steps -= bl->end - bl->first;
        b = f->lists[bl->succs + ra_below(&m.rng, bl->nsuccs)];
        if (f->blocks[b].nparams > 0)
            pass_args(&m, bl, &f->blocks[b]);
    }
}

static void print_loc(ra_loc l)
{
    if (l == LOC_NONE)
        printf("-");
    else if (loc_is_slot(l))
        printf("[%u]", loc_slot(l));
    else
        printf("%c%u", l < 32 ? 'r' : 'f', l & 31);
}

static void print_moves(const ra_func *f, uint32_t pos)
{
    for (uint32_t k = 0; k < f->moves.len; k++) {
        const ra_move *mv = &f->moves.at[k];
        if (mv->pos != pos)
            continue;
        printf("          move v%d ", (int)mv->vreg);
        print_loc(mv->to);
        printf(" <- ");
        if (mv->remat)
            printf("remat %u", mv->remat - 1);
        else
            print_loc(mv->from);
        printf("\n");
    }
}

static void print_inst(const ra_func *f, uint32_t i)
{
    static const char *const kinds[] = { "use", "late", "def", "early", "temp" };
    static const char *const cons[] = { "", "any", "fix", "tie" };
    const ra_inst *inst = &f->insts[i];

    printf("  %4u:%s%s%s%s", i, inst->flags & RA_MOVE ? " MOVE" : "",
           inst->flags & RA_CALL ? " CALL" : "",
           inst->flags & RA_TERM ? " TERM" : "", inst->flags & RA_REMAT ? " REMAT" : "");
    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *op = &f->ops[inst->ops + k];
        printf("  %s%s v%d.%u", kinds[op->kind], op->kill ? "!" : "", (int)op->vreg, op->width);
        if (op->nonzero < 8)
            printf("z%u", op->nonzero);
        if (op->constraint)
            printf(" %s", cons[op->constraint]);
        if (op->constraint >= RA_FIXED)
            printf("%u", op->fixed);
        printf("=");
        print_loc(op->loc);
    }
    if (inst->clobber)
        printf("  clobbers %016llx", (unsigned long long)f->clobbers[inst->clobber]);
    printf("\n");
}

void ra_print(const ra_func *f)
{
    printf("allocatable %016llx callee-saved %016llx scratch %u\n",
           (unsigned long long)f->env->allocatable, (unsigned long long)f->env->callee_saved,
           f->env->scratch);
    for (uint32_t b = 0; b < f->nblocks; b++) {
        const ra_block *bl = &f->blocks[b];
        printf("block%u(", b);
        for (uint32_t k = 0; k < bl->nparams; k++)
            printf(" v%u", f->lists[bl->params + k]);
        printf(") depth %u loop_end %u freq %g preds", bl->loop_depth, bl->loop_end,
               (double)bl->freq);
        for (uint32_t k = 0; k < bl->npreds; k++)
            printf(" %u", f->lists[bl->preds + k]);
        printf("\n");
        for (uint32_t i = bl->first; i < bl->end; i++) {
            print_moves(f, 2 * i);
            print_inst(f, i);
            print_moves(f, 2 * i + 1);
        }
        printf("    -> ");
        for (uint32_t k = 0; k < bl->nsuccs; k++) {
            const ra_block *to = &f->blocks[f->lists[bl->succs + k]];
            printf(" block%u(", f->lists[bl->succs + k]);
            for (uint32_t a = 0; a < to->nparams; a++)
                printf(" v%u", f->lists[bl->args + a]);
            printf(")");
        }
        printf("\n");
    }
    for (uint32_t v = 0; v < f->nvregs; v++)
        printf("v%u:%c%u%s ", v, f->vregs[v].cls == RC_INT ? 'i' : 'f', f->vregs[v].width,
               f->vregs[v].flags & VREG_GLOBAL ? "G" : "");
    printf("\n");
}
