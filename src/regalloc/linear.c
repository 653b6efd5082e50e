/* linear.c - linear scan over live intervals with holes (Wimmer and Mössenböck 2005; on SSA form:
 * Wimmer and Franz 2010).
 *
 * Pieces of intervals are taken in the order of their starts. A piece gets a register that is free
 * as long as it lives; else it takes one from pieces that are used less densely, weighted with
 * block frequency; else it gets the one that is free longest and is cut there; else it waits in
 * memory for its next use that needs a register, and is brought back at the coldest place before
 * that. What cannot wait (an operand of the instruction at hand) always takes a register. Fixed
 * operands and calls do not occupy pieces: they are sorted positions at which a register has no
 * room. */
#include "regalloc/linear.h"

#include <stddef.h>
#include <string.h>

enum { PIECES_FOLLOWED = 64 }; /* of an argument, to see where it is at the end of a block */
enum { GAPS_LOOKED_AT = 16 }; /* uses of a piece between which it may be cut */
enum { OCCUPANTS_MOST = 12 }; /* pieces that share a register by living in each other's holes */

typedef struct { uint32_t start, piece; } waiting;
typedef struct { uint32_t piece, next; } ending; /* next: + 1 */

typedef struct {
    linear *l;
    const ra_env *env;
    uint32_t pos;                 /* start of the piece at hand; never decreases */
    uint32_t held[64];            /* by register: its pieces that end after pos, linked; NONE */
    regset occupied;              /* registers that hold some, */
    regset shared;                /* of which these may hold another one in a hole */
    uint32_t busy_until[64];      /* from pos to there a piece surely lives in the register */
    uint32_t *ends;               /* by half of a position, rounded up: ending + 1 */
    VEC(ending) endings;
    uint32_t passed;              /* up to this half of pos all pieces have left their registers */
    VEC(waiting) heap;            /* cut-off pieces by start */
    regset cls[RC_COUNT];         /* allocatable registers that have a place in the order, */
    regset in_order[RC_COUNT][32];/* each alone */
    float saving;                 /* what saving and restoring a register costs */
    uint32_t first_event;         /* reservations before it end before the instruction of pos */
    uint32_t next_fixed[64];      /* by register: a reservation; those before it end before pos */
    uint32_t next_call[256];      /* by clobber set: first such instruction that ends after pos */
    /* where reservations and calls end the room of the piece at hand */
    regset limited;               /* registers that may have a limit: the least of ... */
    regset unknown;               /* ... one that has still to be found, */
    regset reserved;              /* ... limits[r], */
    uint32_t limits[64];
    regset clobbered;             /* ... and of calls[].at, of which some has these */
    uint32_t ncalls, last_call;   /* last_call: greatest .at */
    struct { regset set; uint32_t at; } calls[256];
} scan;

enum { EVENTS_LOOKED_AT = 12 };

static piece *at(scan *s, uint32_t p)
{
    return &s->l->pieces.at[p];
}

/* ---- the pieces to come ---- */

static void push(scan *s, uint32_t p)
{
    waiting w = { at(s, p)->start, p };
    uint32_t k = s->heap.len;

    vec_push(s->l->tmp, &s->heap, w);
    while (k > 0 && s->heap.at[(k - 1) / 2].start > w.start) {
        s->heap.at[k] = s->heap.at[(k - 1) / 2];
        k = (k - 1) / 2;
    }
    s->heap.at[k] = w;
}

static uint32_t pop(scan *s)
{
    uint32_t result = s->heap.at[0].piece, k = 0, n = --s->heap.len;
    waiting last = s->heap.at[n];

    for (;;) {
        uint32_t c = 2 * k + 1;
        if (c >= n)
            break;
        if (c + 1 < n && s->heap.at[c + 1].start < s->heap.at[c].start)
            c++;
        if (s->heap.at[c].start >= last.start)
            break;
        s->heap.at[k] = s->heap.at[c];
        k = c;
    }
    s->heap.at[k] = last;
    return result;
}

/* ---- room in registers ---- */

/* The first position at which the instructions with this clobber set destroy what the piece
 * holds. */
static uint32_t clobber_limit(scan *s, const piece *p, uint32_t set)
{
    const uint32_t *calls = s->l->clobbers[set].at;
    uint32_t n = s->l->clobbers[set].len, lo = s->next_call[set], hi, from = p->start;
    const interval *iv = &s->l->iv[p->vreg];

    while (lo < n && POS(calls[lo]) + 2 < from)
        lo++;
    s->next_call[set] = lo;
    if (lo == n || POS(calls[lo]) + 2 >= p->end)
        return NONE;
    if (iv->def_op != NONE && iv->def_inst == from / 4)
        from += 4; /* what an instruction defines survives it */
    for (;;) {
        uint32_t live;
        hi = n;
        while (lo < hi) {
            uint32_t mid = lo + (hi - lo) / 2;
            if (POS(calls[mid]) + 2 < from)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (lo == n || POS(calls[lo]) + 2 >= p->end)
            return NONE;
        live = jit_ra_piece_next_live(s->l, p, POS(calls[lo]) + 2);
        if (live <= POS(calls[lo]) + 2)
            return POS(calls[lo]) + 2;
        if (live == NONE)
            return NONE;
        from = live;
    }
}

static void add_call(scan *s, regset set, uint32_t limit)
{
    s->clobbered |= set;
    s->last_call = limit > s->last_call ? limit : s->last_call;
    s->calls[s->ncalls].set = set;
    s->calls[s->ncalls++].at = limit;
}

static void find_calls(scan *s, const piece *p)
{
    for (uint32_t c = 1; c <= s->l->max_clobber; c++) {
        uint32_t limit = s->l->clobbers[c].len > 0 ? clobber_limit(s, p, c) : NONE;
        if (limit != NONE)
            add_call(s, s->l->f->clobbers[c], limit);
    }
}

/* The first position in the reservation at which the piece lives; else one behind it. *r: the first
 * range to look at; reservations come in order. */
static inline uint32_t meet_event(const linear *l, const piece *p, const reservation *e,
                                  uint32_t *r)
{
    uint32_t from = e->from > p->start ? e->from : p->start, k;

    if (p->r1 - p->r0 == 1)
        return from;
    for (; *r < p->r1 && l->ranges.at[*r].to <= (from & ~3u); (*r)++)
        continue;
    for (k = *r; k < p->r1 && l->ranges.at[k].to <= from; k++)
        continue;
    return k == p->r1 ? NONE : l->ranges.at[k].from > from ? l->ranges.at[k].from : from;
}

/* Finds the limits of all registers at once, when few instructions set any. */
static inline void find_limits(scan *s, const piece *p)
{
    const linear *l = s->l;
    const reservation *all = l->reserved.at, *e, *end = all + l->reserved.len;
    const interval *iv = &l->iv[p->vreg];
    uint32_t inst = p->start / 4, r, k = s->first_event;

    s->limited = s->unknown = s->reserved = s->clobbered = 0;
    while (k < l->reserved.len && all[k].from / 4 < inst)
        k++;
    s->first_event = k;
    if (k == l->reserved.len || (all[k].from & ~3u) >= p->end)
        return;
    s->ncalls = s->last_call = 0;
    e = &all[k];
    r = p->r0;
    if (end - e > EVENTS_LOOKED_AT && (e[EVENTS_LOOKED_AT].from & ~3u) < p->end) {
        s->unknown = ~(regset)0;
        find_calls(s, p);
        e = end;
    }
    for (; e < end && (e->from & ~3u) < p->end; e++) {
        uint32_t at;
        if (e->vreg == p->vreg || (e->vreg == NONE && e->from / 4 == inst && iv->def_op != NONE
                                   && iv->def_inst == inst))
            continue; /* what an instruction defines survives it */
        at = meet_event(l, p, e, &r);
        if (at >= e->to || at >= p->end)
            continue;
        if (e->vreg != NONE) {
            uint32_t reg = (uint32_t)__builtin_ctzll(e->regs);
            s->limits[reg] = s->reserved & e->regs && s->limits[reg] < at ? s->limits[reg] : at;
            s->reserved |= e->regs;
        } else if (e->regs & ~s->clobbered) {
            add_call(s, e->regs, at);
        }
    }
    s->limited = s->reserved | s->clobbered | s->unknown;
}

/* Where fixed operands end the room. */
static uint32_t reserved_limit(scan *s, const piece *p, uint32_t r)
{
    const reservation *all = s->l->reserved.at;
    uint32_t k = s->next_fixed[r];

    while (k != NONE && all[k].to <= s->pos)
        k = all[k].next;
    s->next_fixed[r] = k;
    for (uint32_t x = p->r0; k != NONE && all[k].from < p->end; k = all[k].next) {
        uint32_t live;
        if (all[k].vreg == p->vreg || all[k].to <= p->start)
            continue;
        live = meet_event(s->l, p, &all[k], &x);
        if (live < all[k].to && live < p->end)
            return live;
    }
    return NONE;
}

static uint32_t limit_of(scan *s, const piece *p, uint32_t r)
{
    uint32_t limit = NONE;

    if (s->unknown & REG_BIT(r)) {
        s->limits[r] = reserved_limit(s, p, r);
        s->unknown &= ~REG_BIT(r);
        s->reserved |= REG_BIT(r);
    }
    if (s->reserved & REG_BIT(r))
        limit = s->limits[r];
    if (s->clobbered & REG_BIT(r))
        for (uint32_t c = 0; c < s->ncalls; c++)
            if (s->calls[c].at < limit && (s->calls[c].set & REG_BIT(r)))
                limit = s->calls[c].at;
    return limit;
}

/* Where fixed operands and calls end the room for the piece in a register. */
static inline uint32_t fixed_limit(scan *s, const piece *p, uint32_t r)
{
    return s->limited & REG_BIT(r) ? limit_of(s, p, r) : NONE;
}

/* Where the piece at hand meets one that has a register; NONE: nowhere. */
static uint32_t meet_held(const linear *l, const piece *p, const piece *q)
{
    uint32_t a = p->r0, b = q->now;

    while (a < p->r1 && b < q->r1) {
        range x = l->ranges.at[a], y = l->ranges.at[b];
        uint32_t from = x.from > y.from ? x.from : y.from, to = x.to < y.to ? x.to : y.to;
        from = from > p->start ? from : p->start;
        if (from >= p->end || from >= q->end)
            return NONE;
        if (from < to)
            return from;
        if (x.to <= y.to)
            a++;
        else
            b++;
    }
    return NONE;
}

static inline void leave(scan *s, uint32_t r, uint32_t p)
{
    uint32_t *link = &s->held[r];

    while (*link != p && *link != NONE)
        link = &at(s, *link)->beside;
    if (*link == p)
        *link = at(s, p)->beside;
    if (s->held[r] == NONE) {
        s->occupied &= ~REG_BIT(r);
        s->shared &= ~REG_BIT(r);
    }
}

/* The scan goes on to pos: what has ended by then leaves its register. */
static inline void advance(scan *s, uint32_t pos)
{
    s->pos = pos;
    while (s->passed < pos / 2) {
        uint32_t k = s->ends[++s->passed];
        for (; k != 0; k = s->endings.at[k - 1].next) {
            uint32_t p = s->endings.at[k - 1].piece;
            if (loc_is_reg(at(s, p)->loc))
                leave(s, at(s, p)->loc, p);
        }
    }
}

static inline void note_end(scan *s, uint32_t p)
{
    uint32_t half = (at(s, p)->end + 1) / 2;
    ending e = { p, s->ends[half] };

    vec_push(s->l->tmp, &s->endings, e);
    s->ends[half] = s->endings.len;
}

/* Where other pieces end the room. */
static uint32_t held_limit(scan *s, const piece *p, uint32_t r)
{
    const linear *l = s->l;
    uint32_t limit = NONE, n = 0;

    for (uint32_t k = s->held[r]; k != NONE;) {
        piece *q = &l->pieces.at[k];
        uint32_t meet;
        if (n++ == OCCUPANTS_MOST)
            return p->start;
        while (l->ranges.at[q->now].to <= s->pos && q->now + 1 < q->r1)
            q->now++;
        meet = meet_held(l, p, q);
        limit = meet < limit ? meet : limit;
        k = q->beside;
    }
    return limit;
}

static inline uint32_t room(scan *s, const piece *p, uint32_t r)
{
    uint32_t a, b;

    if (s->busy_until[r] > p->start)
        return p->start;
    a = fixed_limit(s, p, r);
    if (a <= p->start || s->held[r] == NONE)
        return a;
    b = held_limit(s, p, r);
    return a < b ? a : b;
}

/* ---- waiting in memory ---- */

static bool needs_register(const use *u)
{
    return u->kind <= U_DEF;
}

/* The first use that needs a register, or NONE. */
static uint32_t first_need(const linear *l, const piece *p)
{
    for (uint32_t k = p->u0; k < p->u1; k++)
        if (needs_register(&l->uses[k]))
            return k;
    return NONE;
}

static void into_memory(scan *s, uint32_t p)
{
    at(s, p)->loc = LOC_MEMORY;
    s->l->iv[at(s, p)->vreg].in_memory = true;
}

/* The piece is in memory until shortly before its first use that needs a register; from there on it
 * is queued, at or after `earliest`. */
static void wait_in_memory(scan *s, uint32_t p, uint32_t earliest)
{
    linear *l = s->l;
    uint32_t need = first_need(l, at(s, p)), lo, hi, cut;

    if (need == NONE) {
        into_memory(s, p);
        return;
    }
    hi = l->uses[need].pos & ~3u;
    lo = earliest > at(s, p)->start ? earliest : at(s, p)->start + 1;
    lo = (lo + 3) & ~3u;
    if (hi <= at(s, p)->start) {
        push(s, p);
        return;
    }
    cut = l->iv[at(s, p)->vreg].pieces > PIECES_MOST || lo >= hi ? hi
        : jit_ra_split_place(l, lo, hi);
    cut = jit_ra_piece_split(l, p, cut);
    into_memory(s, p);
    push(s, cut);
}

/* ---- taking registers ---- */

/* Whether the piece needs its register at the instruction of pos, at or after pos, and how. */
static bool is_needed_at(const linear *l, const piece *p, uint32_t pos, bool *both)
{
    bool needed = false;

    *both = false;
    for (uint32_t k = jit_ra_first_use(l, p, pos & ~3u); k < p->u1 && l->uses[k].pos / 4 == pos / 4;
         k++)
        if (needs_register(&l->uses[k]) && (l->uses[k].pos >= pos || l->uses[k].kind != U_EARLY)) {
            needed = true;
            *both |= l->uses[k].kind != U_EARLY;
        }
    return needed;
}

#define COST_DOUBLE 1e30f /* of what can use another register at the same instruction */
#define COST_NEVER 2e30f

/* What it costs to take register r for a piece until `until`. */
static float eviction_cost(scan *s, const piece *p, uint32_t r, uint32_t until, bool for_both)
{
    float cost = 0;

    for (uint32_t k = s->held[r]; k != NONE; k = at(s, k)->beside) {
        const piece *q = at(s, k);
        uint32_t meet = jit_ra_piece_meet(s->l, p, q);
        float w = q->weight;
        bool both;
        if (meet == NONE || meet >= until)
            continue;
        if (is_needed_at(s->l, q, s->pos, &both))
            w = both || !for_both ? COST_NEVER : COST_DOUBLE;
        cost = w > cost ? w : cost;
    }
    return cost;
}

/* A piece cut between reading and writing goes on in memory, so no later operand may need it. */
static uint32_t before_late_use(scan *s, const piece *p, uint32_t pos)
{
    bool both;

    return pos % 4 == 2 && is_needed_at(s->l, p, pos, &both) ? pos - 2 : pos;
}

/* A piece that goes on in memory from pos on does so from its last use before pos on: in memory it
 * is always. The result is its start when it has no such use. */
static uint32_t after_last_use(const linear *l, const piece *p, uint32_t pos)
{
    uint32_t k = jit_ra_first_use(l, p, pos), end;

    if (k == p->u0)
        return p->start;
    end = POS(l->uses[k - 1].pos / 4 + 1);
    return end < pos ? end : pos;
}

/* The piece leaves its register at pos. True when it has lost it for good. */
static bool evict(scan *s, uint32_t q, uint32_t pos)
{
    uint32_t earliest = (s->pos + 3) & ~3u;
    bool whole;

    pos = before_late_use(s, at(s, q), pos);
    pos = after_last_use(s->l, at(s, q), pos);
    whole = pos <= at(s, q)->start;
    if (whole)
        at(s, q)->loc = LOC_NONE;
    else
        q = jit_ra_piece_split(s->l, q, pos);
    wait_in_memory(s, q, earliest);
    return whole;
}

/* Empties r for a piece until `until`. */
static void evict_all(scan *s, uint32_t p, uint32_t r, uint32_t until)
{
    for (uint32_t q = s->held[r], next; q != NONE; q = next) {
        uint32_t meet = jit_ra_piece_meet(s->l, at(s, p), at(s, q));
        next = at(s, q)->beside;
        if (meet == NONE || meet >= until)
            continue;
        s->busy_until[r] = 0;
        if (evict(s, q, meet) || at(s, q)->end <= s->pos)
            leave(s, r, q);
        else
            note_end(s, q);
    }
}

static void assign(scan *s, uint32_t p, uint32_t r)
{
    piece *x = at(s, p);
    uint32_t to = s->l->ranges.at[x->r0].to;

    x->loc = r;
    x->beside = s->held[r];
    s->held[r] = p;
    s->occupied |= REG_BIT(r);
    if (x->r1 - x->r0 > 1)
        s->shared |= REG_BIT(r);
    note_end(s, p);
    s->busy_until[r] = to < x->end ? to : x->end;
    s->l->iv[x->vreg].last = (uint8_t)r;
    s->l->f->used |= REG_BIT(r);
}

/* Gives r to the piece up to `limit`, where the rest goes on its own way. */
static void assign_until(scan *s, uint32_t p, uint32_t r, uint32_t limit, uint32_t least)
{
    linear *l = s->l;
    uint32_t rest;

    if (limit >= at(s, p)->end) {
        assign(s, p, r);
        return;
    }
    limit = before_late_use(s, at(s, p), limit);
    if (limit % 4 == 0) {
        uint32_t lo = (least + 3) & ~3u;
        if (lo < limit)
            limit = jit_ra_split_place(l, lo, limit);
        rest = jit_ra_piece_split(l, p, limit);
        assign(s, p, r);
        push(s, rest);
    } else {
        uint32_t cut = after_last_use(l, at(s, p), limit);
        rest = jit_ra_piece_split(l, p, cut > at(s, p)->start ? cut : limit);
        assign(s, p, r);
        wait_in_memory(s, rest, at(s, rest)->start + 1);
    }
}

/* The register of a vreg that another would like to be together with; or, before it has one, of
 * what that is made from: a block parameter follows the argument of its first predecessor. */
static uint32_t register_of(scan *s, uint32_t w)
{
    if (w != NONE && s->l->iv[w].last == 0xff)
        w = s->l->iv[w].source;
    return w == NONE ? NONE : s->l->iv[w].last;
}

/* The registers that the piece may have. A callee-saved register that nothing uses yet costs a save
 * and a restore. */
static inline regset candidates(const scan *s, const piece *p)
{
    regset set = s->cls[s->l->f->vregs[p->vreg].cls];

    return p->sum > s->saving ? set : set & ~(s->env->callee_saved & ~s->l->f->used);
}

/* Whether the uses in [from, to) save more in a register than the copy that it takes to bring the
 * piece from the register where it is made to another one. */
static bool gains(const linear *l, const piece *p, uint32_t from, uint32_t to)
{
    float copy = l->f->blocks[l->block_of[p->start / 4]].freq, sum = 0;

    for (uint32_t k = jit_ra_first_use(l, p, from); k < p->u1 && l->uses[k].pos < to; k++) {
        sum += freq_at(l, l->uses[k].pos);
        if (sum > copy)
            return true;
    }
    return false;
}

/* A register with room for the whole piece, wished or from the set; NONE: there is none. */
static inline uint32_t find_room(scan *s, const piece *x, unsigned cls, const uint32_t wishes[4],
                                 regset set)
{
    regset unsure = s->unknown | s->occupied;
    regset open = s->cls[cls] & ~(s->occupied & ~s->shared) & ~s->clobbered & ~s->reserved;
    const regset *next = s->in_order[cls];

    for (int k = 0; k < 4; k++) {
        uint32_t r = wishes[k];
        if (r < 64 && open & REG_BIT(r) && (!(unsure & REG_BIT(r)) || room(s, x, r) >= x->end))
            return r;
    }
    for (open &= set; open != 0; open &= ~*next) {
        uint32_t r;
        while (!(open & *next))
            next++;
        r = (uint32_t)__builtin_ctzll(*next);
        if (!(unsure & *next) || room(s, x, r) >= x->end)
            return r;
    }
    return NONE;
}

/* The register that has room for most of the piece, *limit: until where; NONE: no such one. */
static uint32_t find_most(scan *s, const piece *x, unsigned cls, const uint32_t wishes[4],
                          regset set, uint32_t *limit)
{
    regset all = s->cls[cls] & ~(s->occupied & ~s->shared);
    uint32_t wished = NONE, wished_limit = x->start, best;

    for (int k = 0; k < 4; k++)
        if (wishes[k] < 64 && (all & REG_BIT(wishes[k]))) {
            uint32_t n = room(s, x, wishes[k]);
            if (n > wished_limit) {
                wished_limit = n;
                wished = wishes[k];
            }
            all &= ~REG_BIT(wishes[k]);
        }
    best = wished;
    *limit = wished_limit;
    all &= set;
    for (const regset *next = s->in_order[cls]; all != 0; all &= ~*next++) {
        uint32_t n;
        if (!(all & *next) || (s->clobbered & *next && *limit >= s->last_call))
            continue;
        n = room(s, x, (uint32_t)__builtin_ctzll(*next));
        if (n > *limit) {
            *limit = n;
            best = (uint32_t)__builtin_ctzll(*next);
        }
    }
    if (wished != NONE && best != wished && !gains(s->l, x, wished_limit, *limit)) {
        *limit = wished_limit;
        return wished;
    }
    return best;
}

/* Registers that the block parameter which the vreg becomes, if it has none yet, cannot keep. */
static regset bad_for_target(const scan *s, const interval *iv)
{
    const linear *l = s->l;
    const interval *target = iv->target == NONE ? NULL : &l->iv[iv->target];
    uint32_t lo = s->first_event, hi = l->reserved.len;
    regset bad = 0;

    if (!target || target->def_op != NONE || target->last != 0xff || target->start < s->pos)
        return 0;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (l->reserved.at[mid].from / 4 < target->start / 4)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (uint32_t n = 0; n < EVENTS_LOOKED_AT && lo < l->reserved.len; n++, lo++) {
        const reservation *e = &l->reserved.at[lo];
        if (e->from >= target->end)
            break;
        if (e->vreg != iv->target)
            bad |= e->regs;
    }
    return bad;
}

/* A register with room for the whole piece; else *best is the one with the most, until *limit. */
static inline uint32_t find_free(scan *s, const piece *x, uint32_t *best, uint32_t *limit)
{
    unsigned cls = s->l->f->vregs[x->vreg].cls;
    const interval *iv = &s->l->iv[x->vreg];
    uint32_t wishes[4] = { iv->last, iv->hint, register_of(s, iv->source),
                           register_of(s, iv->target) };
    regset set = candidates(s, x), bad = bad_for_target(s, iv);
    uint32_t r = find_room(s, x, cls, wishes, set & ~bad);

    if (r == NONE && bad != 0)
        r = find_room(s, x, cls, wishes, set);
    if (r == NONE)
        *best = find_most(s, x, cls, wishes, set, limit);
    return r;
}

/* The register whose pieces are the cheapest to move away until `until`; NONE: no such one. */
static uint32_t find_cheapest(scan *s, const piece *p, uint32_t until, bool both, float *cost)
{
    unsigned cls = s->l->f->vregs[p->vreg].cls;
    float save = s->saving / (float)((p->end - p->start) / 4 + 4);
    regset all = s->cls[cls] & ~(until >= p->end ? s->clobbered : 0), cheap = candidates(s, p);
    uint32_t best = NONE;

    *cost = COST_NEVER;
    for (const regset *next = s->in_order[cls]; all != 0; all &= ~*next++) {
        uint32_t r;
        float c;
        if (!(all & *next))
            continue;
        r = (uint32_t)__builtin_ctzll(*next);
        if (fixed_limit(s, p, r) < (until < p->end ? until : p->end))
            continue;
        c = eviction_cost(s, p, r, until, both);
        if (c < save && !(cheap & *next))
            c = save;
        if (c < *cost) {
            *cost = c;
            best = r;
        }
    }
    return best;
}

/* The end of what an instruction needs of a piece that starts at it. */
static uint32_t end_of_need(const linear *l, const piece *p, uint32_t need)
{
    uint32_t end = POS(l->uses[need].pos / 4) + 2;

    for (uint32_t k = need; k < p->u1 && l->uses[k].pos / 4 == p->start / 4; k++)
        if (l->uses[k].kind == U_BOTH || l->uses[k].kind == U_DEF)
            end = POS(l->uses[k].pos / 4) + 3;
    return end < p->end ? end : p->end;
}

/* An operand of the instruction at hand takes a register, whatever the cost. */
static void allocate_urgent(scan *s, uint32_t p, uint32_t need, uint32_t best, uint32_t limit)
{
    linear *l = s->l;
    uint32_t until = end_of_need(l, at(s, p), need), r;
    bool both;
    float cost;

    if (best != NONE && limit >= until) {
        assign_until(s, p, best, limit, until);
        return;
    }
    is_needed_at(l, at(s, p), at(s, p)->start, &both);
    r = find_cheapest(s, at(s, p), until, both, &cost);
    if (r == NONE)
        jit_fail(l->tmp->fail, JIT_ERR_INTERNAL,
                 "instruction %u needs more registers than there are",
                 at(s, p)->start / 4);
    evict_all(s, p, r, until);
    limit = room(s, at(s, p), r); /* which looks at a few pieces only, so it may see none */
    assign_until(s, p, r, limit > until ? limit : until, until);
}

/* Where v is at the end of a block that is allocated; LOC_NONE: unknown. */
static ra_loc location_at_end(scan *s, uint32_t v, uint32_t block)
{
    uint32_t pos = POS(s->l->f->blocks[block].end) - 1, k = s->l->iv[v].first;

    for (uint32_t steps = 0; k != NONE && steps < PIECES_FOLLOWED; k = at(s, k)->next, steps++)
        if (at(s, k)->start <= pos && pos < at(s, k)->end)
            return at(s, k)->loc;
    return LOC_NONE;
}

/* Whether a block parameter had better start in memory: its arguments are there, often in a slot
 * that it can share, and it is not read much. */
static bool starts_in_memory(scan *s, uint32_t p)
{
    linear *l = s->l;
    const piece *x = at(s, p);
    const interval *iv = &l->iv[x->vreg];
    const ra_block *b = &l->f->blocks[iv->block];
    uint32_t need = first_need(l, x);
    float in_memory = need == NONE ? x->sum : freq_at(l, l->uses[need].pos), in_register = 0;

    for (uint32_t k = 0; k < b->npreds; k++) {
        uint32_t from = l->f->lists[b->preds + k];
        const ra_block *pred = &l->f->blocks[from];
        uint32_t v = l->f->lists[pred->args + iv->def_inst];
        ra_loc loc = from < iv->block ? location_at_end(s, v, from) : LOC_NONE;
        if (loc == LOC_MEMORY) {
            piece whole = whole_piece(l, v);
            in_register += pred->freq;
            if (jit_ra_piece_meet(l, x, &whole) != NONE)
                in_memory += 2 * pred->freq;
        } else if (loc != LOC_NONE) {
            in_memory += pred->freq;
        }
    }
    return in_memory < in_register;
}

/* A use that would be served by a register until `limit`, or NONE. */
static uint32_t first_gain(const linear *l, const piece *p, uint32_t limit)
{
    for (uint32_t k = p->u0; k < p->u1 && POS(l->uses[k].pos / 4) + 4 <= limit + 3; k++) {
        uint32_t pos = l->uses[k].pos, end = l->uses[k].kind == U_COPY ? pos : POS(pos / 4) + 3;
        if (pos / 4 > p->start / 4 && end <= limit)
            return k;
    }
    return NONE;
}

/* A piece that comes from memory ends where staying in the register costs more than coming back. */
static void cut_at_gap(scan *s, uint32_t p)
{
    linear *l = s->l;
    const piece *x = at(s, p);

    if (l->iv[x->vreg].first == p)
        return;
    for (uint32_t k = x->u0; k + 1 < x->u1 && k < x->u0 + GAPS_LOOKED_AT; k++) {
        uint32_t a = l->uses[k].pos, b = l->uses[k + 1].pos, cut = POS(a / 4 + 1);
        if (l->block_of[a / 4] == l->block_of[b / 4] || cut >= x->end || cut / 4 >= b / 4
            || jit_ra_keep_until(l, x->start, a, b))
            continue;
        wait_in_memory(s, jit_ra_piece_split(l, p, cut), cut);
        return;
    }
}

static void allocate(scan *s, uint32_t p)
{
    linear *l = s->l;
    uint32_t need = first_need(l, at(s, p)), best, limit, r, gain;
    bool urgent = need != NONE && l->uses[need].pos / 4 == at(s, p)->start / 4;
    float cost;

    advance(s, at(s, p)->start);
    if (l->iv[at(s, p)->vreg].pieces > PIECES_MOST) {
        uint32_t until;
        if (!urgent) {
            wait_in_memory(s, p, s->pos + 1);
            return;
        }
        until = end_of_need(l, at(s, p), need);
        if (until < at(s, p)->end)
            wait_in_memory(s, jit_ra_piece_split(l, p, until), s->pos + 1);
    }
    if (!urgent && l->iv[at(s, p)->vreg].first == p && l->iv[at(s, p)->vreg].def_op == NONE
        && starts_in_memory(s, p)) {
        wait_in_memory(s, p, s->pos + 1);
        return;
    }
    cut_at_gap(s, p);
    find_limits(s, at(s, p));
    r = find_free(s, at(s, p), &best, &limit);
    if (r != NONE) {
        assign(s, p, r);
        return;
    }
    r = find_cheapest(s, at(s, p), NONE, false, &cost);
    if (r != NONE && cost < at(s, p)->weight) {
        evict_all(s, p, r, NONE);
        assign(s, p, r);
    } else if (urgent) {
        allocate_urgent(s, p, need, best, limit);
    } else if (best != NONE && (gain = first_gain(l, at(s, p), limit)) != NONE) {
        assign_until(s, p, best, limit, l->uses[gain].pos + 2);
    } else {
        wait_in_memory(s, p, s->pos + 1);
    }
}

static void scan_all(linear *l)
{
    scan s;
    uint32_t k = 0;

    s.l = l;
    s.env = l->f->env;
    s.heap.at = NULL;
    s.heap.len = s.heap.cap = 0;
    s.first_event = 0;
    s.occupied = s.shared = 0;
    s.ends = ARENA_ARRAY(l->tmp, uint32_t, (size_t)l->f->ninsts * 2 + 2);
    s.endings.at = NULL;
    s.endings.len = s.endings.cap = 0;
    vec_reserve(l->tmp, &s.endings, l->pieces.len + l->pieces.len / 4 + 4);
    s.passed = 0;
    memset(s.held, 0xff, sizeof s.held);
    memset(s.busy_until, 0, sizeof s.busy_until);
    memcpy(s.next_fixed, l->first_reserved, sizeof s.next_fixed);
    memset(s.next_call, 0, (l->max_clobber + 1) * sizeof s.next_call[0]);
    for (unsigned c = 0; c < RC_COUNT; c++) {
        const uint8_t *order = s.env->order[c];
        s.cls[c] = 0;
        for (unsigned i = 0; i < 32 && order[i] < 64; i++) {
            s.in_order[c][i] = REG_BIT(order[i]);
            s.cls[c] |= REG_BIT(order[i]) & s.env->allocatable;
        }
    }
    s.saving = 2 * l->f->blocks[0].freq;
    while (k < l->nfirst || s.heap.len > 0) {
        if (k == l->nfirst || (s.heap.len > 0 && s.heap.at[0].start < at(&s, k)->start))
            allocate(&s, pop(&s));
        else
            allocate(&s, k++);
        count_work(l, 1);
    }
    jit_arena_recycle(l->tmp, s.ends, ((size_t)l->f->ninsts * 2 + 2) * sizeof *s.ends);
    vec_recycle(l->tmp, &s.endings);
    vec_recycle(l->tmp, &s.heap);
}

void jit_ra_linear(ra_func *f, arena *tmp)
{
    linear *l = ARENA_ARRAY_RAW(tmp, linear, 1);

    memset(l, 0, offsetof(linear, clobbers));
    l->f = f;
    l->tmp = tmp;
    f->moves.len = 0;
    f->nslots = 0;
    f->used = 0;
    jit_ra_live_build(l);
    scan_all(l);
    jit_ra_assign_slots(l);
    jit_ra_resolve(l);
    jit_ra_reuse(l);
}
