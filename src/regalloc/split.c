/* split.c - cutting a piece of an interval in two, and where best to. */
#include "regalloc/linear.h"

enum { USES_WEIGHED = 64 };

/* What it costs that the piece is in memory, in all and by length. */
static void weigh(linear *l, piece *x)
{
    const interval *iv = &l->iv[x->vreg];
    uint32_t u1 = x->u1, end = x->end;
    float sum = 0;

    /* from now on it stays in memory but for single uses */
    if (iv->pieces > PIECES_MOST) {
        x->sum = x->weight = 0;
        return;
    }
    if (u1 > x->u0 + USES_WEIGHED) { /* as dense as its beginning */
        u1 = x->u0 + USES_WEIGHED;
        end = l->uses[u1].pos;
    }
    for (uint32_t k = x->u0; k < u1; k++)
        sum += freq_at(l, l->uses[k].pos) * use_weight[l->uses[k].kind];
    if (iv->remat)
        sum *= 0.5f;
    x->sum = sum;
    x->weight = weight_of(sum, x->start, end);
}

uint32_t jit_ra_first_use(const linear *l, const piece *p, uint32_t pos)
{
    uint32_t a = p->u0, b = p->u1;

    while (a < b) {
        uint32_t mid = a + (b - a) / 2;
        if (l->uses[mid].pos < pos)
            a = mid + 1;
        else
            b = mid;
    }
    return a;
}

/* First index in ranges [a, b) that ends after pos. */
static uint32_t range_after(const linear *l, uint32_t a, uint32_t b, uint32_t pos)
{
    while (a < b) {
        uint32_t mid = a + (b - a) / 2;
        if (l->ranges.at[mid].to <= pos)
            a = mid + 1;
        else
            b = mid;
    }
    return a;
}

/* Cuts piece p in two at pos, start < pos < end. In a hole, the parts end and begin at its
 * sides. */
uint32_t jit_ra_piece_split(linear *l, uint32_t p, uint32_t pos)
{
    piece *left = &l->pieces.at[p], right = *left;
    uint32_t r, new = l->pieces.len;

    JIT_REQUIRE(l->tmp->fail, left->start < pos && pos < left->end, "split outside of an interval");
    r = range_after(l, left->r0, left->r1, pos);
    right.r0 = right.now = r;
    right.start = pos > l->ranges.at[r].from ? pos : l->ranges.at[r].from;
    if (l->ranges.at[r].from < pos) {
        left->r1 = r + 1;
        left->end = pos;
    } else {
        left->r1 = r;
        left->end = l->ranges.at[r - 1].to;
    }
    right.u0 = left->u1 = jit_ra_first_use(l, left, right.start);
    right.loc = LOC_NONE;
    left->next = new;
    l->iv[left->vreg].pieces++;
    vec_push(l->tmp, &l->pieces, right);
    weigh(l, &l->pieces.at[p]);
    weigh(l, &l->pieces.at[new]);
    return new;
}

static range clipped(const linear *l, const piece *p, uint32_t r)
{
    range x = l->ranges.at[r];

    if (x.from < p->start)
        x.from = p->start;
    if (x.to > p->end)
        x.to = p->end;
    return x;
}

uint32_t jit_ra_piece_meet(const linear *l, const piece *a, const piece *b)
{
    uint32_t from = a->start > b->start ? a->start : b->start;
    uint32_t ra, rb;

    if (from >= a->end || from >= b->end)
        return NONE;
    ra = a->r1 - a->r0 == 1 ? a->r0 : range_after(l, a->r0, a->r1, from);
    rb = b->r1 - b->r0 == 1 ? b->r0 : range_after(l, b->r0, b->r1, from);
    while (ra < a->r1 && rb < b->r1) {
        range x = clipped(l, a, ra), y = clipped(l, b, rb);
        if (x.to <= y.from)
            ra++;
        else if (y.to <= x.from)
            rb++;
        else
            return x.from > y.from ? x.from : y.from;
    }
    return NONE;
}

/* The first position >= pos where the piece is live, or NONE. */
uint32_t jit_ra_piece_next_live(const linear *l, const piece *p, uint32_t pos)
{
    uint32_t r;
    range x;

    if (pos < p->start)
        pos = p->start;
    if (pos >= p->end)
        return NONE;
    r = range_after(l, p->r0, p->r1, pos);
    if (r == p->r1)
        return NONE;
    x = clipped(l, p, r);
    return pos > x.from ? pos : x.from;
}

enum { BLOCKS_LOOKED_AT = 16 };

/* Where in lo .. hi (a multiple of 4, the last place possible) a value that is in memory from lo on
 * is best brought into a register: at hi, or at the start of a block b, the last of the cheapest.
 * There it costs a load on each edge from a block before b to b or behind it; an edge from block p
 * to s adds to the places p + 1 .. s. */
uint32_t jit_ra_split_place(const linear *l, uint32_t lo, uint32_t hi)
{
    const ra_func *f = l->f;
    uint32_t last = l->block_of[hi / 4], begin = l->block_of[lo / 4], first = begin, best = hi;
    float change[BLOCKS_LOOKED_AT + 2] = { 0 }, sum = 0, cost = f->blocks[last].freq;

    if (last - first > BLOCKS_LOOKED_AT)
        first = last - BLOCKS_LOOKED_AT;
    for (uint32_t s = first + 1; s <= last; s++) {
        const ra_block *b = &f->blocks[s];
        for (uint32_t k = 0; k < b->npreds; k++) {
            uint32_t p = f->lists[b->preds + k];
            float freq = f->blocks[p].nsuccs == 1 ? f->blocks[p].freq : b->freq;
            if (p < begin || p >= s)
                continue;
            change[p < first ? 0 : p - first] += freq;
            change[s - first] -= freq;
        }
    }
    for (uint32_t b = first + 1; b <= last; b++) {
        sum += change[b - 1 - first];
        if (POS(f->blocks[b].first) >= lo && (sum <= cost * 0.99f || (best != hi && sum <= cost))) {
            cost = sum;
            best = POS(f->blocks[b].first);
        }
    }
    return best;
}

/* Whether a value that was brought into a register at `start` for the use at a should stay there
 * for the use at b, not be brought back: every edge into the blocks between from before `start`,
 * where it is in memory, costs a load as well. */
bool jit_ra_keep_until(const linear *l, uint32_t start, uint32_t a, uint32_t b)
{
    const ra_func *f = l->f;
    uint32_t begin = l->block_of[start / 4], first = l->block_of[a / 4], last = l->block_of[b / 4];
    float joins = 0, reload = f->blocks[last].freq;

    if (last - first > BLOCKS_LOOKED_AT)
        return false;
    for (uint32_t s = first + 1; s <= last; s++)
        for (uint32_t k = 0; k < f->blocks[s].npreds; k++) {
            uint32_t p = f->lists[f->blocks[s].preds + k];
            if (p < begin)
                joins += f->blocks[p].nsuccs == 1 ? f->blocks[p].freq : f->blocks[s].freq;
        }
    return joins < reload * 0.99f;
}
