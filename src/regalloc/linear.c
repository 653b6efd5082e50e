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

typedef VEC(uint32_t) pieces;

typedef struct { uint32_t start, piece; } waiting;

typedef struct {
    linear *l;
    const ra_env *env;
    uint32_t pos;                 /* start of the piece at hand; never decreases */
    pieces held[64];              /* by register: pieces that may still live */
    uint32_t next_fixed[64];      /* first reservation that ends after pos */
    uint32_t fixed_from[64];      /* where it begins, or earlier; NONE: no such one */
    uint32_t busy_until[64];      /* from pos to there a piece surely lives in the register */
    regset known;                 /* registers whose fixed limit for the piece at hand is in ... */
    uint32_t limits[64];
    VEC(waiting) heap;            /* cut-off pieces by start */
    regset cls[RC_COUNT];
    uint32_t next_call[256];      /* by clobber set: first such instruction that ends after pos */
    /* where the piece at hand has no room because of calls, and from when */
    regset clobbered;
    uint32_t ncalls;
    struct { regset set; uint32_t at; } calls[256];
} scan;

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

static void find_clobbers(scan *s, const piece *p)
{
    s->clobbered = 0;
    s->ncalls = 0;
    s->known = 0;
    for (uint32_t c = 1; c <= s->l->max_clobber; c++) {
        uint32_t limit = s->l->clobbers[c].len > 0 ? clobber_limit(s, p, c) : NONE;
        if (limit == NONE)
            continue;
        s->clobbered |= s->l->f->clobbers[c];
        s->calls[s->ncalls].set = s->l->f->clobbers[c];
        s->calls[s->ncalls++].at = limit;
    }
}

/* Where fixed operands end the room. */
static uint32_t reserved_limit(scan *s, const piece *p, uint32_t r)
{
    for (uint32_t k = s->next_fixed[r]; k < s->l->fixed[r].len; k++) {
        const reservation *f = &s->l->fixed[r].at[k];
        uint32_t live;
        if (f->from >= p->end)
            break;
        if (f->vreg == p->vreg || f->to <= p->start)
            continue;
        if (p->r1 - p->r0 == 1)
            return f->from > p->start ? f->from : p->start;
        live = jit_ra_piece_next_live(s->l, p, f->from);
        if (live < f->to)
            return live;
    }
    return NONE;
}

/* Where fixed operands and calls end the room for the piece in a register. */
static inline uint32_t fixed_limit(scan *s, const piece *p, uint32_t r)
{
    uint32_t limit = NONE;

    if (s->known & REG_BIT(r))
        return s->limits[r];
    s->known |= REG_BIT(r);
    if (s->fixed_from[r] < p->end) {
        const reservation *f = s->l->fixed[r].at;
        uint32_t k = s->next_fixed[r], n = s->l->fixed[r].len;
        while (k < n && f[k].to <= s->pos)
            k++;
        s->next_fixed[r] = k;
        s->fixed_from[r] = k < n ? f[k].from : NONE;
        if (s->fixed_from[r] < p->end)
            limit = reserved_limit(s, p, r);
    }
    if (s->clobbered & REG_BIT(r))
        for (uint32_t c = 0; c < s->ncalls; c++)
            if (s->calls[c].at < limit && (s->calls[c].set & REG_BIT(r)))
                limit = s->calls[c].at;
    s->limits[r] = limit;
    return limit;
}

static inline void forget_past(scan *s, uint32_t r)
{
    pieces *h = &s->held[r];

    for (uint32_t k = 0; k < h->len;)
        if (at(s, h->at[k])->end <= s->pos)
            h->at[k] = h->at[--h->len];
        else
            k++;
}

/* Where other pieces end the room. */
static inline uint32_t held_limit(scan *s, const piece *p, uint32_t r)
{
    uint32_t limit = NONE;

    for (uint32_t k = 0; k < s->held[r].len;) {
        const piece *q = at(s, s->held[r].at[k]);
        uint32_t meet;
        if (q->end <= s->pos) {
            s->held[r].at[k] = s->held[r].at[--s->held[r].len];
            continue;
        }
        k++;
        if (q->start >= p->end)
            continue;
        meet = q->r1 - q->r0 == 1 && p->r1 - p->r0 == 1
             ? (q->start > p->start ? q->start : p->start) : jit_ra_piece_meet(s->l, p, q);
        if (meet < limit)
            limit = meet;
    }
    return limit;
}

static inline uint32_t room(scan *s, const piece *p, uint32_t r)
{
    uint32_t a, b;

    if (s->busy_until[r] > p->start)
        return p->start;
    a = fixed_limit(s, p, r);
    if (a <= p->start || s->held[r].len == 0)
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

    forget_past(s, r);
    for (uint32_t k = 0; k < s->held[r].len; k++) {
        const piece *q = at(s, s->held[r].at[k]);
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
    pieces *h = &s->held[r];

    for (uint32_t k = 0; k < h->len;) {
        uint32_t q = h->at[k], meet = jit_ra_piece_meet(s->l, at(s, p), at(s, q));
        if (meet == NONE || meet >= until) {
            k++;
            continue;
        }
        s->busy_until[r] = 0;
        if (evict(s, q, meet))
            h->at[k] = h->at[--h->len];
    }
}

static void assign(scan *s, uint32_t p, uint32_t r)
{
    at(s, p)->loc = r;
    s->l->iv[at(s, p)->vreg].last = (uint8_t)r;
    s->l->f->used |= REG_BIT(r);
    vec_push(s->l->tmp, &s->held[r], p);
    s->busy_until[r] = s->l->ranges[at(s, p)->r0].to;
    if (s->busy_until[r] > at(s, p)->end)
        s->busy_until[r] = at(s, p)->end;
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

static bool is_candidate(scan *s, const piece *p, uint32_t r)
{
    return r < 64 && (s->env->allocatable & s->cls[s->l->f->vregs[p->vreg].cls] & REG_BIT(r));
}

/* A callee-saved register that nothing uses yet costs a save and a restore. */
static bool pays(scan *s, const piece *p, uint32_t r)
{
    return !(s->env->callee_saved & ~s->l->f->used & REG_BIT(r))
        || p->sum > 2 * s->l->f->blocks[0].freq;
}

/* Whether the uses in [from, to) save more in a register than the copy that it takes to bring the
 * piece from the register where it is made to another one. */
static bool gains(const linear *l, const piece *p, uint32_t from, uint32_t to)
{
    float copy = l->f->blocks[l->block_of[p->start / 4]].freq, sum = 0;

    for (uint32_t k = jit_ra_first_use(l, p, from); k < p->u1 && l->uses[k].pos < to; k++) {
        sum += l->uses[k].freq;
        if (sum > copy)
            return true;
    }
    return false;
}

/* A register with room for the whole piece; else *best is the one with the most, until *limit. */
static uint32_t find_free(scan *s, uint32_t p, uint32_t *best, uint32_t *limit)
{
    const piece *x = at(s, p);
    const uint8_t *order = s->env->order[s->l->f->vregs[x->vreg].cls];
    const interval *iv = &s->l->iv[x->vreg];
    uint32_t wishes[4] = { iv->last, iv->hint, register_of(s, iv->source),
                           register_of(s, iv->target) };
    uint32_t wished, wished_limit;

    *best = NONE;
    *limit = x->start;
    for (int k = 0; k < 4; k++)
        if (is_candidate(s, x, wishes[k]) && s->held[wishes[k]].len < OCCUPANTS_MOST) {
            uint32_t n = room(s, x, wishes[k]);
            if (n >= x->end)
                return wishes[k];
            if (n > *limit) {
                *limit = n;
                *best = wishes[k];
            }
        }
    wished = *best;
    wished_limit = *limit;
    for (int k = 0; k < 32 && order[k] < 64; k++) {
        uint32_t n;
        if (!pays(s, x, order[k]) || s->held[order[k]].len >= OCCUPANTS_MOST)
            continue;
        n = room(s, x, order[k]);
        if (n >= x->end)
            return order[k];
        if (n > *limit) {
            *limit = n;
            *best = order[k];
        }
    }
    if (wished != NONE && *best != wished && !gains(s->l, x, wished_limit, *limit)) {
        *best = wished;
        *limit = wished_limit;
    }
    return NONE;
}

/* The register whose pieces are the cheapest to move away until `until`; NONE: no such one. */
static uint32_t find_cheapest(scan *s, const piece *p, uint32_t until, bool both, float *cost)
{
    const uint8_t *order = s->env->order[s->l->f->vregs[p->vreg].cls];
    float save = 2 * s->l->f->blocks[0].freq / (float)((p->end - p->start) / 4 + 4);
    uint32_t best = NONE;

    *cost = COST_NEVER;
    for (int k = 0; k < 32 && order[k] < 64; k++) {
        float c;
        if (until >= p->end && (s->clobbered & REG_BIT(order[k])))
            continue;
        if (fixed_limit(s, p, order[k]) < (until < p->end ? until : p->end))
            continue;
        c = eviction_cost(s, p, order[k], until, both);
        if (!pays(s, p, order[k]) && c < save)
            c = save;
        if (c < *cost) {
            *cost = c;
            best = order[k];
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
    assign_until(s, p, r, room(s, at(s, p), r), until);
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
    float in_memory = need == NONE ? x->sum : l->uses[need].freq, in_register = 0;

    for (uint32_t k = 0; k < b->npreds; k++) {
        uint32_t from = l->f->lists[b->preds + k];
        const ra_block *pred = &l->f->blocks[from];
        uint32_t v = l->f->lists[pred->args + iv->def_inst];
        ra_loc loc = from < iv->block ? location_at_end(s, v, from) : LOC_NONE;
        if (loc == LOC_MEMORY) {
            piece whole = jit_ra_piece_whole(l, v);
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

    s->pos = at(s, p)->start;
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
    find_clobbers(s, at(s, p));
    r = find_free(s, p, &best, &limit);
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
    memset(s.held, 0, sizeof s.held);
    memset(s.next_fixed, 0, sizeof s.next_fixed);
    memset(s.fixed_from, 0, sizeof s.fixed_from);
    memset(s.busy_until, 0, sizeof s.busy_until);
    memset(s.next_call, 0, (l->max_clobber + 1) * sizeof s.next_call[0]);
    s.cls[RC_INT] = 0xffffffffu;
    s.cls[RC_FLOAT] = ~s.cls[RC_INT];
    while (k < l->norder || s.heap.len > 0) {
        uint32_t p = k < l->norder ? l->iv[l->order[k]].first : NONE;
        if (p == NONE || (s.heap.len > 0 && s.heap.at[0].start < at(&s, p)->start))
            p = pop(&s);
        else
            k++;
        allocate(&s, p);
    }
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
}
