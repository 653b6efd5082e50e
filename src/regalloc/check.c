/* check.c - proves that allocated code reads the right values, from the result alone.
 *
 * The question is asked backwards. "Location L holds value v just before time t" is true if the
 * last write to L before t put v there; if that was a move, the same is asked of its source; if
 * nothing in the block wrote L, it is asked at the end of every predecessor, where a block
 * parameter turns into the argument. A question that was asked already is taken as true: a cycle of
 * questions without a false one has no path on which the value is missing, since each path begins
 * at the entry, where nothing holds a value. Each question carries how many bytes are needed and
 * above which byte zeros are.
 *
 * Cost: the writes of each location are sorted, so a block costs a binary search. Values in slots
 * would ask at every block they pass; for them the dominator tree leads straight to the block that
 * wrote the slot (proofs at skip_to). */
#include "regalloc/dom.h"
#include "support/map.h"

#include <stdarg.h>
#include <stdio.h>

/* Moments of instruction i are 8 * i plus one of these; moves of one moment are told apart by
 * number. */
enum { BEFORE, EARLY_READ, EARLY_WRITE, LATE_READ, CLOBBER, LATE_WRITE, AFTER };

enum { BY_DEF, BY_TEMP, BY_CLOBBER, BY_MOVE };
typedef struct {
    uint32_t time;
    uint32_t what : 30; /* operand or move; CLOBBER: nothing */
    uint32_t kind : 2;
} event;

typedef struct { uint32_t inst, op; } reader; /* the operand that wants a value, for the message */

/* "loc holds vreg at the end of block": at least `width` bytes, zeros above `zero` (8, 16:
 * anywhere). */
typedef struct {
    uint32_t block, vreg, next; /* next: question + 1 of the same block and vreg */
    ra_loc loc;
    reader by;
    uint8_t width, zero;
    bool waiting;
} question;

typedef struct {
    const ra_func *f;
    arena *tmp;
    const char *error;
    uint32_t *block_of;   /* by instruction */
    uint32_t nlocs;       /* 64 registers, then slots */
    uint32_t *first;      /* by location: its first event; one entry more */
    event *events;
    uint32_t *def_inst;   /* by vreg; UINT32_MAX: no DEF */
    uint32_t *def_op;
    uint32_t *param_block;/* by vreg; UINT32_MAX: no parameter */
    uint32_t *param_index;
    ra_dom dom;
    map asked;            /* block and vreg -> newest question + 1 */
    VEC(question) questions;
    VEC(uint32_t) todo;
} check;

#define NONE UINT32_MAX
enum { NO_ZERO = 16 };

typedef struct { char text[32]; } name;

static name loc_name(ra_loc l)
{
    name s;

    if (l == LOC_NONE)
        snprintf(s.text, sizeof s, "nothing");
    else if (loc_is_slot(l))
        snprintf(s.text, sizeof s, "slot %u", loc_slot(l));
    else if (l < 32)
        snprintf(s.text, sizeof s, "register %u", l);
    else
        snprintf(s.text, sizeof s, "float register %u", l - 32);
    return s;
}

/* Keeps the first message: where, then what is wrong. Returns false. */
JIT_PRINTF(3, 4) static bool fail(check *c, reader at, const char *format, ...)
{
    char what[256], text[400];
    va_list args;
    int n;

    if (c->error)
        return false;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (at.op == NONE)
        n = snprintf(text, sizeof text, "block %u, instruction %u: %s", c->block_of[at.inst],
                     at.inst,
                     what);
    else
        n = snprintf(text, sizeof text, "block %u, instruction %u, operand %u (v%u): %s",
                     c->block_of[at.inst], at.inst, at.op - c->f->insts[at.inst].ops,
                     c->f->ops[at.op].vreg, what);
    c->error = jit_arena_string(c->tmp, text, (size_t)n);
    return false;
}

/* ---- what can be seen without following values ---- */

static bool is_def(const ra_operand *op)
{
    return op->kind == RA_DEF || op->kind == RA_DEF_EARLY;
}

static bool is_use(const ra_operand *op)
{
    return op->kind <= RA_USE_LATE;
}

static regset class_set(uint8_t cls)
{
    return cls == RC_INT ? (regset)0xffffffffu : ~(regset)0xffffffffu;
}

static bool slot_is_valid(const check *c, ra_loc l, uint32_t vreg)
{
    uint32_t units = vreg == RA_NO_VREG || c->f->vregs[vreg].width <= 8 ? 1 : 2;
    uint32_t k = loc_slot(l);

    return k % units == 0 && k < c->f->nslots && units <= c->f->nslots - k;
}

static bool check_constraint(check *c, reader at)
{
    const ra_func *f = c->f;
    const ra_inst *inst = &f->insts[at.inst];
    const ra_operand *op = &f->ops[at.op];
    bool fixed = op->constraint == RA_FIXED;

    if (op->constraint == RA_TIED) {
        const ra_operand *use = &f->ops[inst->ops + op->fixed];
        if (op->fixed >= inst->nops || !is_use(use) || !is_def(op))
            return fail(c, at, "tied to what is no use");
        if (use->loc != op->loc)
            return fail(c, at, "is in %s, but the use it is tied to is in %s",
                        loc_name(op->loc).text,
                        loc_name(use->loc).text);
        fixed = use->constraint == RA_FIXED;
    }
    if (op->constraint == RA_FIXED && op->loc != op->fixed)
        return fail(c, at, "is in %s, but must be in %s", loc_name(op->loc).text,
                    loc_name(op->fixed).text);
    if (loc_is_reg(op->loc)) {
        if (!(class_set(f->vregs[op->vreg].cls) & REG_BIT(op->loc)))
            return fail(c, at, "is in %s, which is not of its class", loc_name(op->loc).text);
        if (!fixed && !(f->env->allocatable & REG_BIT(op->loc)))
            return fail(c, at, "is in %s, which is not for allocation", loc_name(op->loc).text);
        if (!(f->used & REG_BIT(op->loc)))
            return fail(c, at, "is in %s, which is not noted as used", loc_name(op->loc).text);
        return true;
    }
    if (!loc_is_slot(op->loc))
        return fail(c, at, "has no location");
    if (op->constraint != RA_ANY || !is_use(op))
        return fail(c, at, "is in %s, but must be in a register", loc_name(op->loc).text);
    if (!slot_is_valid(c, op->loc, op->vreg))
        return fail(c, at, "is in %s, which is not in the frame", loc_name(op->loc).text);
    return true;
}

/* Registers of one instruction that must differ. */
static bool check_conflicts(check *c, uint32_t i)
{
    const ra_inst *inst = &c->f->insts[i];
    regset uses = 0, late = 0, written = 0;
    regset clobber = inst->clobber ? c->f->clobbers[inst->clobber] : 0;

    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *op = &c->f->ops[inst->ops + k];
        reader at = { i, inst->ops + k };
        if (op->vreg == RA_NO_VREG || !loc_is_reg(op->loc))
            continue;
        if (is_use(op)) {
            uses |= REG_BIT(op->loc);
            if (op->kind != RA_USE_LATE)
                continue;
            late |= REG_BIT(op->loc);
            if (op->constraint != RA_FIXED && (clobber & REG_BIT(op->loc)))
                return fail(c, at, "is read late, but the instruction destroys %s",
                            loc_name(op->loc).text);
            continue;
        }
        if (written & REG_BIT(op->loc))
            return fail(c, at, "writes %s, as another operand does", loc_name(op->loc).text);
        written |= REG_BIT(op->loc);
    }
    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *op = &c->f->ops[inst->ops + k];
        reader at = { i, inst->ops + k };
        if (op->vreg == RA_NO_VREG || is_use(op))
            continue;
        if (op->constraint == RA_TIED) {
            for (uint32_t u = 0; u < inst->nops; u++) {
                const ra_operand *use = &c->f->ops[inst->ops + u];
                if (use->vreg != RA_NO_VREG && is_use(use) && u != op->fixed && use->loc == op->loc
                    && (use->kind == RA_USE_LATE || op->kind == RA_DEF_EARLY))
                    return fail(c, at, "writes %s before operand %u is read from it",
                                loc_name(op->loc).text, u);
            }
        } else if (REG_BIT(op->loc) & (op->kind == RA_DEF ? late : uses)) {
            return fail(c, at, "writes %s before it is read", loc_name(op->loc).text);
        }
    }
    return true;
}

static bool check_operands(check *c)
{
    const ra_func *f = c->f;

    for (uint32_t i = 0; i < f->ninsts; i++) {
        const ra_inst *inst = &f->insts[i];
        for (uint32_t k = 0; k < inst->nops; k++) {
            const ra_operand *op = &f->ops[inst->ops + k];
            reader at = { i, inst->ops + k };
            if (op->vreg == RA_NO_VREG)
                continue;
            if (op->vreg >= f->nvregs)
                return fail(c, at, "no such virtual register");
            if (!check_constraint(c, at))
                return false;
            if (is_def(op)) {
                if (c->def_inst[op->vreg] != NONE || c->param_block[op->vreg] != NONE)
                    return fail(c, at, "defined more than once");
                if (inst->flags & RA_TERM)
                    return fail(c, at, "defined by a terminator");
                c->def_inst[op->vreg] = i;
                c->def_op[op->vreg] = inst->ops + k;
            }
        }
        if (!check_conflicts(c, i))
            return false;
    }
    return true;
}

static bool check_move_end(check *c, reader at, uint32_t vreg, ra_loc l, bool written)
{
    const ra_func *f = c->f;

    if (loc_is_slot(l)) {
        if (!slot_is_valid(c, l, vreg))
            return fail(c, at, "a move of v%u to or from %s, which is not in the frame", vreg,
                        loc_name(l).text);
    } else if (!loc_is_reg(l)) {
        return fail(c, at, "a move of v%u to or from nowhere", vreg);
    } else if (l != f->env->scratch && l != f->env->int_scratch) {
        if (vreg != RA_NO_VREG && !(class_set(f->vregs[vreg].cls) & REG_BIT(l)))
            return fail(c, at, "a move of v%u to or from %s, which is not of its class", vreg,
                        loc_name(l).text);
        if (written && !(f->used & REG_BIT(l)))
            return fail(c, at, "a move of v%u to %s, which is not noted as used", vreg,
                        loc_name(l).text);
    } else if (vreg != RA_NO_VREG && f->vregs[vreg].width > 8 && l < 32) {
        return fail(c, at, "a move of v%u through a scratch register that is too narrow", vreg);
    }
    return true;
}

static bool check_moves(check *c)
{
    const ra_func *f = c->f;

    for (uint32_t m = 0; m < f->moves.len; m++) {
        const ra_move *mv = &f->moves.at[m];
        reader at = { mv->pos / 2, NONE };
        if (at.inst >= f->ninsts || (mv->vreg != RA_NO_VREG && mv->vreg >= f->nvregs)) {
            at.inst = f->ninsts - 1;
            return fail(c, at, "move %u is out of range", m);
        }
        if (m > 0 && mv[-1].pos > mv->pos)
            return fail(c, at, "move %u is not in order", m);
        if (mv->pos % 2 == 1 && (f->insts[at.inst].flags & RA_TERM))
            return fail(c, at, "move %u stands behind a terminator", m);
        if (!check_move_end(c, at, mv->vreg, mv->to, true))
            return false;
        if (mv->remat != 0) {
            const ra_inst *inst = &f->insts[mv->remat - 1];
            if (mv->remat > f->ninsts || !(inst->flags & RA_REMAT) || mv->vreg == RA_NO_VREG
                || c->def_inst[mv->vreg] != mv->remat - 1 || loc_is_slot(mv->to))
                return fail(c, at, "move %u repeats an instruction that does not make v%u", m,
                            mv->vreg);
            if (!(class_set(f->vregs[mv->vreg].cls) & REG_BIT(mv->to)))
                return fail(c, at, "move %u makes v%u in a register of another class", m, mv->vreg);
            continue;
        }
        if (loc_is_slot(mv->from) && loc_is_slot(mv->to))
            return fail(c, at, "move %u goes from slot to slot", m);
        if (!check_move_end(c, at, mv->vreg, mv->from, false))
            return false;
    }
    return true;
}

/* ---- the writes of each location, in the order in which they happen ---- */

static uint32_t loc_index(ra_loc l)
{
    return loc_is_slot(l) ? 64 + loc_slot(l) : l;
}

/* Counts (events not there yet) or enters one event. */
static void note(check *c, uint32_t loc, uint32_t time, uint32_t what, uint32_t kind)
{
    if (!c->events) {
        c->first[loc]++;
    } else {
        event e = { time, what & 0x3fffffffu, kind & 3 };
        c->events[c->first[loc]++] = e;
    }
}

static uint32_t note_moves(check *c, uint32_t m, uint32_t pos, uint32_t time)
{
    const ra_func *f = c->f;

    for (; m < f->moves.len && f->moves.at[m].pos == pos; m++) {
        const ra_move *mv = &f->moves.at[m];
        note(c, loc_index(mv->to), time, m, BY_MOVE);
        if (loc_is_slot(mv->to)
            && (mv->vreg == RA_NO_VREG ? loc_is_reg(mv->from) && mv->from >= 32
                                       : f->vregs[mv->vreg].width > 8))
            note(c, loc_index(mv->to) + 1, time, m, BY_MOVE);
    }
    return m;
}

static void note_inst(check *c, uint32_t i)
{
    const ra_func *f = c->f;
    const ra_inst *inst = &f->insts[i];
    regset clobber = inst->clobber ? f->clobbers[inst->clobber] : 0;

    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *op = &f->ops[inst->ops + k];
        if (op->vreg == RA_NO_VREG || is_use(op))
            continue;
        clobber &= ~REG_BIT(op->loc);
        if (op->kind != RA_DEF)
            note(c, op->loc, 8 * i + EARLY_WRITE, inst->ops + k, is_def(op) ? BY_DEF : BY_TEMP);
    }
    for (; clobber; clobber &= clobber - 1)
        note(c, (uint32_t)__builtin_ctzll(clobber), 8 * i + CLOBBER, 0, BY_CLOBBER);
    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *op = &f->ops[inst->ops + k];
        if (op->vreg != RA_NO_VREG && op->kind == RA_DEF)
            note(c, op->loc, 8 * i + LATE_WRITE, inst->ops + k, BY_DEF);
    }
}

static void note_all(check *c)
{
    uint32_t m = 0;

    for (uint32_t i = 0; i < c->f->ninsts; i++) {
        m = note_moves(c, m, 2 * i, 8 * i + BEFORE);
        note_inst(c, i);
        m = note_moves(c, m, 2 * i + 1, 8 * i + AFTER);
    }
}

static void sort_writes(check *c)
{
    uint32_t sum = 0;

    c->first = ARENA_ARRAY(c->tmp, uint32_t, (size_t)c->nlocs + 1);
    note_all(c);
    for (uint32_t l = 0; l < c->nlocs; l++) {
        uint32_t n = c->first[l];
        c->first[l] = sum;
        sum += n;
    }
    c->events = ARENA_ARRAY_RAW(c->tmp, event, sum);
    note_all(c);
    for (uint32_t l = c->nlocs; l > 0; l--) /* each now stands where the next one began */
        c->first[l] = c->first[l - 1];
    c->first[0] = 0;
}

/* The last event of loc in [from, (time, move)), or NULL. */
static const event *last_write(const check *c, uint32_t loc, uint32_t from, uint32_t time,
                               uint32_t move)
{
    uint32_t lo = c->first[loc], hi = c->first[loc + 1], begin = lo;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const event *e = &c->events[mid];
        if (e->time < time || (e->time == time && e->what < move))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > begin && c->events[lo - 1].time >= from ? &c->events[lo - 1] : NULL;
}

/* ---- following values ---- */

static void enqueue(check *c, question q)
{
    uint64_t key = ((uint64_t)q.block << 32 | q.vreg) + 1;
    uint32_t head = jit_map_get(&c->asked, key);

    for (uint32_t k = head; k != 0; k = c->questions.at[k - 1].next) {
        question *old = &c->questions.at[k - 1];
        if (old->loc != q.loc)
            continue;
        if (q.width <= old->width && q.zero >= old->zero)
            return;
        old->width = q.width > old->width ? q.width : old->width;
        old->zero = q.zero < old->zero ? q.zero : old->zero;
        if (!old->waiting) {
            old->waiting = true;
            vec_push(c->tmp, &c->todo, k - 1);
        }
        return;
    }
    q.next = head;
    q.waiting = true;
    vec_push(c->tmp, &c->questions, q);
    jit_map_put(c->tmp, &c->asked, key, c->questions.len);
    vec_push(c->tmp, &c->todo, c->questions.len - 1);
}

static uint32_t event_block(const check *c, const event *e)
{
    return c->block_of[e->time / 8];
}

/* A block at whose end the question can be asked instead of at the entry of `block`; NONE: unknown.
 *
 * All writes of the slot in one block D, the definition B dominating D and D dominating `block`:
 * each path passes D, and nothing writes after. v cannot have been defined anew after D: a path
 * from B that avoids D would be one from the entry that avoids D.
 * Or block B itself, which
 * dominates: a writer W between the last B on a path and `block` would have to be dominated by B,
 * else a path from the entry through W avoids B; and a W from which only B follows has B after
 * it. */
static uint32_t skip_to(const check *c, const question *q, uint32_t block)
{
    uint32_t loc = loc_index(q->loc), from = c->first[loc], to = c->first[loc + 1];
    uint32_t last = NONE, def;

    if (!loc_is_slot(q->loc) || c->f->vregs[q->vreg].width > 8 || from == to)
        return NONE;
    def = c->param_block[q->vreg] != NONE ? c->param_block[q->vreg]
        : c->def_inst[q->vreg] != NONE ? c->block_of[c->def_inst[q->vreg]] : NONE;
    if (def == NONE || def == block || !dominates(&c->dom, def, block))
        return NONE;
    last = event_block(c, &c->events[from]);
    if (last == event_block(c, &c->events[to - 1]) && last != block && dominates(&c->dom, def, last)
        && dominates(&c->dom, last, block))
        return last;
    if (to - from > 64)
        return NONE;
    for (uint32_t k = from; k < to; k++) {
        uint32_t w = event_block(c, &c->events[k]);
        const ra_block *b = &c->f->blocks[w];
        if (w != def && dominates(&c->dom, def, w)
            && !(b->nsuccs == 1 && c->f->lists[b->succs] == def))
            return NONE;
    }
    return def;
}

/* The question at the entry of a block. */
static bool ask_preds(check *c, question q, uint32_t block)
{
    const ra_block *b = &c->f->blocks[block];
    bool is_param = c->param_block[q.vreg] == block;
    uint32_t index = is_param ? c->param_index[q.vreg] : 0, far;

    if (c->dom.number[block] == UINT32_MAX)
        return true; /* no path leads here */
    if (block == 0)
        return fail(c, q.by, "nothing puts v%u into %s on some path", q.vreg, loc_name(q.loc).text);
    if (is_param && q.zero < 8)
        return fail(c, q.by, "needs zeros above byte %u of block parameter v%u", q.zero, q.vreg);
    far = is_param ? NONE : skip_to(c, &q, block);
    if (far != NONE) {
        q.block = far;
        enqueue(c, q);
        return true;
    }
    for (uint32_t k = 0; k < b->npreds; k++) {
        question p = q;
        p.block = c->f->lists[b->preds + k];
        if (is_param)
            p.vreg = c->f->lists[c->f->blocks[p.block].args + index];
        enqueue(c, p);
    }
    return true;
}

static bool check_def(check *c, const question *q, const ra_operand *def)
{
    if (q->zero < 8 && def->nonzero > q->zero)
        return fail(c, q->by, "needs zeros above byte %u of v%u, whose definition promises byte %u",
                    q->zero, q->vreg, def->nonzero);
    return true;
}

/* Turns the question about the destination of a move into one about its source. */
static bool through_move(check *c, question *q, const ra_move *mv)
{
    uint8_t width;

    if (mv->to != q->loc)
        return fail(c, q->by, "%s is partly overwritten by a move of v%u", loc_name(q->loc).text,
                    mv->vreg);
    if (mv->vreg == RA_NO_VREG) {
        q->loc = mv->from;
        return true;
    }
    if (mv->vreg != q->vreg)
        return fail(c, q->by, "%s should hold v%u, but a move at %u put v%u there",
                    loc_name(q->loc).text,
                    q->vreg, mv->pos, mv->vreg);
    if (mv->remat != 0)
        return check_def(c, q, &c->f->ops[c->def_op[q->vreg]]);
    width = c->f->vregs[q->vreg].width;
    if (q->width > width) {
        uint32_t def = c->def_op[q->vreg];
        if (loc_is_slot(mv->to))
            return fail(c, q->by, "reads %u bytes of v%u, of which %u were stored", q->width,
                        q->vreg,
                        width);
        if (c->def_inst[q->vreg] == NONE || c->f->ops[def].nonzero > width)
            return fail(c, q->by, "reads %u bytes of v%u, of which %u were moved", q->width,
                        q->vreg,
                        width);
        q->width = width;
    }
    if (loc_is_reg(mv->to) && q->zero >= width)
        q->zero = NO_ZERO;
    q->loc = mv->from;
    return true;
}

/* The question just before (time, move) of a block: follows moves to a definition or to the
 * entry. */
static bool ask(check *c, question q, uint32_t block, uint32_t time, uint32_t move)
{
    uint32_t from = 8 * c->f->blocks[block].first;

    for (;;) {
        const event *e = last_write(c, loc_index(q.loc), from, time, move);
        uint32_t def = c->def_inst[q.vreg];
        bool wide = loc_is_slot(q.loc) && c->f->vregs[q.vreg].width > 8;
        if (wide) {
            const event *upper = last_write(c, loc_index(q.loc) + 1, from, time, move);
            if (!e != !upper || (e && (e->time != upper->time || e->what != upper->what)))
                return fail(c, q.by, "%s is partly overwritten", loc_name(q.loc).text);
        }
        if (def != NONE && c->block_of[def] == block) {
            uint32_t at = 8 * def
                        + (c->f->ops[c->def_op[q.vreg]].kind == RA_DEF ? LATE_WRITE : EARLY_WRITE);
            if (at < time && (!e || e->time < at))
                return fail(c, q.by,
                            "%s should hold v%u, but does not since instruction %u made it",
                            loc_name(q.loc).text, q.vreg, def);
        }
        if (loc_is_reg(q.loc) && !(c->f->env->allocatable & REG_BIT(q.loc))
            && (!e || e->time / 8 != time / 8))
            return fail(c, q.by, "v%u stays in %s, which is not for allocation", q.vreg,
                        loc_name(q.loc).text);
        if (!e)
            return ask_preds(c, q, block);
        if (e->kind == BY_DEF && c->f->ops[e->what].vreg == q.vreg)
            return check_def(c, &q, &c->f->ops[e->what]);
        if (e->kind != BY_MOVE)
            return fail(c, q.by, "%s should hold v%u, but instruction %u %s", loc_name(q.loc).text,
                        q.vreg, e->time / 8,
                        e->kind == BY_CLOBBER ? "destroys it" : "overwrites it");
        if (!through_move(c, &q, &c->f->moves.at[e->what]))
            return false;
        if (c->f->moves.at[e->what].remat != 0)
            return true;
        time = e->time;
        move = e->what;
    }
}

static bool check_values(check *c)
{
    const ra_func *f = c->f;

    for (uint32_t i = 0; i < f->ninsts; i++)
        for (uint32_t k = 0; k < f->insts[i].nops; k++) {
            const ra_operand *op = &f->ops[f->insts[i].ops + k];
            question q = { .vreg = op->vreg, .loc = op->loc, .by = { i, f->insts[i].ops + k },
                           .width = op->width, .zero = op->nonzero };
            if (op->vreg == RA_NO_VREG || !is_use(op))
                continue;
            if (loc_is_slot(op->loc) && q.zero >= op->width)
                q.zero = NO_ZERO; /* reads no byte above */
            if (!ask(c, q, c->block_of[i],
                     8 * i + (op->kind == RA_USE ? EARLY_READ : LATE_READ), 0))
                return false;
            while (c->todo.len > 0) {
                uint32_t n = c->todo.at[--c->todo.len];
                question *next = &c->questions.at[n];
                next->waiting = false;
                if (!ask(c, *next, next->block, 8 * f->blocks[next->block].end, 0))
                    return false;
            }
        }
    return true;
}

/* ---- the form of the input ---- */

static uint32_t *filled(arena *tmp, uint32_t n)
{
    uint32_t *a = ARENA_ARRAY_RAW(tmp, uint32_t, n);

    for (uint32_t k = 0; k < n; k++)
        a[k] = NONE;
    return a;
}

static bool check_blocks(check *c)
{
    const ra_func *f = c->f;

    for (uint32_t b = 0; b < f->nblocks; b++)
        for (uint32_t i = f->blocks[b].first; i < f->blocks[b].end; i++)
            c->block_of[i] = b;
    for (uint32_t b = 0; b < f->nblocks; b++) {
        const ra_block *bl = &f->blocks[b];
        reader at = { bl->first, NONE };
        for (uint32_t k = 0; k < bl->nparams; k++) {
            uint32_t v = f->lists[bl->params + k];
            if (c->param_block[v] != NONE)
                return fail(c, at, "v%u is a parameter twice", v);
            c->param_block[v] = b;
            c->param_index[v] = k;
        }
        for (uint32_t k = 0; k < bl->nsuccs; k++) {
            const ra_block *to = &f->blocks[f->lists[bl->succs + k]];
            if (bl->nsuccs > 1 && to->npreds > 1 && to->nparams > 0)
                return fail(c, at, "one of several edges out of a block passes arguments");
            for (uint32_t p = 0; p < to->nparams; p++) {
                const ra_vreg *arg = &f->vregs[f->lists[bl->args + p]];
                const ra_vreg *param = &f->vregs[f->lists[to->params + p]];
                if (arg->cls != param->cls || arg->width != param->width)
                    return fail(c, at,
                                "argument %u is not of the class and width of its parameter", p);
            }
        }
    }
    return true;
}

const char *jit_ra_check(const ra_func *f, arena *tmp)
{
    check c = { .f = f, .tmp = tmp, .nlocs = 64 + f->nslots };

    if (f->ninsts >= UINT32_MAX / 8 || f->nops >= 1u << 30 || f->moves.len >= 1u << 30)
        return "too large to be checked";
    c.block_of = ARENA_ARRAY(tmp, uint32_t, f->ninsts);
    c.def_inst = filled(tmp, f->nvregs);
    c.def_op = filled(tmp, f->nvregs);
    c.param_block = filled(tmp, f->nvregs);
    c.param_index = filled(tmp, f->nvregs);
    if (!check_blocks(&c) || !check_operands(&c) || !check_moves(&c))
        return c.error;
    c.dom = jit_ra_dominators(f, tmp);
    sort_writes(&c);
    check_values(&c);
    return c.error;
}
