/* parallel_move.c - puts moves that all happen at once into an order in which they can be made.
 *
 * Copies whose destination nobody has still to read go first; what remains are cycles, where every
 * location is read once. A cycle is opened by saving one source in a scratch register. Copies
 * between slots need the scratch as well: a cycle with one such copy is opened there, one with more
 * keeps the saved value in a slot of its own. Rematerialized values read nothing and come last.
 *
 * Two slots of the moves are equal or disjoint: allocators keep 8- and 16-byte slots apart. */
#include "regalloc/regalloc.h"

#define NONE UINT32_MAX

typedef struct {
    const ra_env *env;
    ra_func *out;
    arena *tmp;
    const ra_pmove *moves;
    uint32_t n;
    uint32_t pos;
    /* by move: how many copies have still to read its destination; NONE: done */
    uint32_t *readers;
    uint32_t *ready;    /* stack of moves without readers */
    uint32_t nready;
    uint32_t at_reg[64];/* the move into this register */
    uint32_t *by_slot;  /* moves into slots, sorted by slot */
    uint32_t nslots;
} pm;

static void put(pm *p, uint32_t vreg, ra_loc from, ra_loc to, uint32_t remat)
{
    ra_move m = { p->pos, vreg, from, to, remat };

    vec_push(p->tmp, &p->out->moves, m);
    if (loc_is_reg(to))
        p->out->used |= REG_BIT(to);
}

/* The scratch register for a value of this vreg, when it fits. */
static ra_loc scratch_of(const pm *p, uint32_t vreg)
{
    bool is_int = p->out->vregs[vreg].cls == RC_INT;

    return is_int && p->env->int_scratch != RA_NO_REG ? p->env->int_scratch : p->env->scratch;
}

static bool scratch_fits(const pm *p, uint8_t width)
{
    return width <= 8 || p->env->scratch >= 32;
}

static ra_loc new_slot(pm *p, uint8_t width)
{
    uint32_t units = width > 8 ? 2 : 1;
    uint32_t k = (p->out->nslots + units - 1) & ~(units - 1);

    p->out->nslots = k + units;
    return LOC_SLOT(k);
}

/* The register for a copy that the scratch cannot hold: any of the class, saved around its use. */
static uint8_t borrow(pm *p, uint8_t cls, ra_loc *saved)
{
    uint8_t r = p->env->order[cls][0];

    JIT_REQUIRE(p->tmp->fail, r < 64, "no register to move through");
    *saved = new_slot(p, 16);
    put(p, RA_NO_VREG, r, *saved, 0);
    return r;
}

static void copy(pm *p, const ra_pmove *m, ra_loc from, ra_loc to)
{
    if (!loc_is_slot(from) || !loc_is_slot(to)) {
        put(p, m->vreg, from, to, 0);
    } else if (scratch_fits(p, m->width)) {
        put(p, m->vreg, from, scratch_of(p, m->vreg), 0);
        put(p, m->vreg, scratch_of(p, m->vreg), to, 0);
    } else {
        ra_loc saved;
        uint8_t r = borrow(p, RC_FLOAT, &saved);
        put(p, m->vreg, from, r, 0);
        put(p, m->vreg, r, to, 0);
        put(p, RA_NO_VREG, saved, r, 0);
    }
}

static void remat(pm *p, const ra_pmove *m)
{
    uint8_t cls = p->out->vregs[m->vreg].cls;
    ra_loc scratch = scratch_of(p, m->vreg);

    if (!loc_is_slot(m->to)) {
        put(p, m->vreg, LOC_NONE, m->to, m->remat);
    } else if ((cls == RC_FLOAT) == (scratch >= 32)) {
        put(p, m->vreg, LOC_NONE, scratch, m->remat);
        put(p, m->vreg, scratch, m->to, 0);
    } else {
        ra_loc saved;
        uint8_t r = borrow(p, cls, &saved);
        put(p, m->vreg, LOC_NONE, r, m->remat);
        put(p, m->vreg, r, m->to, 0);
        put(p, RA_NO_VREG, saved, r, 0);
    }
}

/* Heap sort of the moves into slots. */
static void sift(const ra_pmove *moves, uint32_t *a, uint32_t k, uint32_t n)
{
    for (;;) {
        uint32_t c = 2 * k + 1, t;
        if (c >= n)
            return;
        if (c + 1 < n && moves[a[c + 1]].to > moves[a[c]].to)
            c++;
        if (moves[a[k]].to >= moves[a[c]].to)
            return;
        t = a[k], a[k] = a[c], a[c] = t;
        k = c;
    }
}

static void sort_slots(pm *p)
{
    uint32_t *a = p->by_slot, n = p->nslots;

    for (uint32_t k = n / 2; k-- > 0;)
        sift(p->moves, a, k, n);
    while (n-- > 1) {
        uint32_t t = a[0];
        a[0] = a[n], a[n] = t;
        sift(p->moves, a, 0, n);
    }
}

/* The copy that writes loc, or NONE. */
static uint32_t writer(const pm *p, ra_loc loc)
{
    uint32_t lo = 0, hi = p->nslots;

    if (loc_is_reg(loc))
        return p->at_reg[loc];
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (p->moves[p->by_slot[mid]].to < loc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->nslots && p->moves[p->by_slot[lo]].to == loc ? p->by_slot[lo] : NONE;
}

static bool is_copy(const ra_pmove *m)
{
    return m->remat == 0 && m->from != m->to;
}

static void index_moves(pm *p)
{
    for (uint32_t r = 0; r < 64; r++)
        p->at_reg[r] = NONE;
    for (uint32_t k = 0; k < p->n; k++) {
        p->readers[k] = is_copy(&p->moves[k]) ? 0 : NONE;
        if (p->readers[k] == NONE)
            continue;
        if (loc_is_reg(p->moves[k].to))
            p->at_reg[p->moves[k].to] = k;
        else
            p->by_slot[p->nslots++] = k;
    }
    sort_slots(p);
    for (uint32_t k = 0; k < p->n; k++)
        if (p->readers[k] != NONE) {
            uint32_t w = writer(p, p->moves[k].from);
            if (w != NONE)
                p->readers[w]++;
        }
    for (uint32_t k = p->n; k-- > 0;)
        if (p->readers[k] == 0)
            p->ready[p->nready++] = k;
}

static void run_ready(pm *p)
{
    while (p->nready > 0) {
        uint32_t k = p->ready[--p->nready], w = writer(p, p->moves[k].from);
        copy(p, &p->moves[k], p->moves[k].from, p->moves[k].to);
        p->readers[k] = NONE;
        if (w != NONE && p->readers[w] != NONE && --p->readers[w] == 0)
            p->ready[p->nready++] = w;
    }
}

static bool between_slots(const ra_pmove *m)
{
    return loc_is_slot(m->from) && loc_is_slot(m->to);
}

/* All moves reachable from `first` form one cycle. */
static void run_cycle(pm *p, uint32_t first)
{
    uint32_t k = first, open = first, nslot = 0;
    bool fits = true, direct;
    ra_loc saved;

    do {
        fits &= scratch_fits(p, p->moves[k].width);
        if (between_slots(&p->moves[k])) {
            nslot++;
            open = k;
        }
        k = writer(p, p->moves[k].from);
    } while (k != first);
    direct = fits && nslot <= 1;
    saved = direct ? scratch_of(p, p->moves[open].vreg) : new_slot(p, p->moves[open].width);
    copy(p, &p->moves[open], p->moves[open].from, saved);
    p->readers[open] = NONE;
    for (k = writer(p, p->moves[open].from); k != open; k = writer(p, p->moves[k].from)) {
        copy(p, &p->moves[k], p->moves[k].from, p->moves[k].to);
        p->readers[k] = NONE;
    }
    copy(p, &p->moves[open], saved, p->moves[open].to);
}

static uint32_t slot_bit(ra_loc l)
{
    return (uint32_t)1 << (loc_slot(l) % 32);
}

/* Whether no move surely reads what another one writes: then any order does. */
static bool are_apart(const pm *p)
{
    regset to_regs = 0, from_regs = 0;
    uint32_t to_slots = 0, from_slots = 0;

    for (uint32_t k = 0; k < p->n; k++) {
        const ra_pmove *m = &p->moves[k];
        if (m->remat == 0 && m->from == m->to)
            continue;
        if (loc_is_reg(m->to))
            to_regs |= REG_BIT(m->to);
        else
            to_slots |= slot_bit(m->to);
        if (loc_is_reg(m->from))
            from_regs |= REG_BIT(m->from);
        else if (loc_is_slot(m->from))
            from_slots |= slot_bit(m->from);
    }
    return !(to_regs & from_regs) && !(to_slots & from_slots);
}

void jit_ra_parallel_move(const ra_env *env, ra_pmove *moves, uint32_t n, uint32_t pos,
                          ra_func *out,
                          arena *tmp)
{
    pm p;
    uint32_t few[3 * 16];
    uint32_t *room = few;

    p.env = env, p.out = out, p.tmp = tmp, p.moves = moves, p.n = n, p.pos = pos;
    p.nready = p.nslots = 0;
    if (are_apart(&p)) {
        for (uint32_t k = 0; k < n; k++)
            if (moves[k].remat != 0)
                remat(&p, &moves[k]);
            else if (is_copy(&moves[k]))
                copy(&p, &moves[k], moves[k].from, moves[k].to);
        return;
    }
    if (n > 16)
        room = ARENA_ARRAY_RAW(tmp, uint32_t, (size_t)n * 3);
    p.readers = room;
    p.ready = room + n;
    p.by_slot = room + 2 * (size_t)n;
    index_moves(&p);
    run_ready(&p);
    for (uint32_t k = 0; k < n; k++)
        if (p.readers[k] != NONE)
            run_cycle(&p, k);
    for (uint32_t k = 0; k < n; k++)
        if (moves[k].remat != 0)
            remat(&p, &moves[k]);
}
