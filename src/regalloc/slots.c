/* slots.c - gives the vregs that are ever in memory their slots.
 *
 * A block parameter and its arguments share one if they never live at once, so that nothing moves
 * on the edge: they form groups. Groups are taken in the order of their starts; each gets a slot
 * whose last owner has ended. */
#include "regalloc/linear.h"

/* By vreg: a ring through its group, the group's name (one of its members), size and end. */
typedef struct { uint32_t next, name, size, end; } member;

enum { MEMBERS_MOST = 12 };

typedef struct { uint32_t end, slot; } owner;
typedef VEC(owner) owners; /* a heap by end */

static void push(arena *tmp, owners *h, owner o)
{
    uint32_t k = h->len;

    vec_push(tmp, h, o);
    while (k > 0 && h->at[(k - 1) / 2].end > o.end) {
        h->at[k] = h->at[(k - 1) / 2];
        k = (k - 1) / 2;
    }
    h->at[k] = o;
}

/* Gives the slot that is free first to the next owner. */
static uint32_t replace_first(owners *h, uint32_t end)
{
    owner o = { end, h->at[0].slot };
    uint32_t k = 0;

    for (;;) {
        uint32_t c = 2 * k + 1;
        if (c >= h->len)
            break;
        if (c + 1 < h->len && h->at[c + 1].end < h->at[c].end)
            c++;
        if (h->at[c].end >= o.end)
            break;
        h->at[k] = h->at[c];
        k = c;
    }
    h->at[k] = o;
    return o.slot;
}

static bool has_slot(const interval *iv)
{
    return iv->in_memory && !iv->remat;
}

static bool groups_meet(const linear *l, const member *g, uint32_t a, uint32_t b)
{
    uint32_t x = a;

    do {
        piece p = whole_piece(l, x);
        uint32_t y = b;
        do {
            piece q = whole_piece(l, y);
            if (jit_ra_piece_meet(l, &p, &q) != NONE)
                return true;
            y = g[y].next;
        } while (y != b);
        x = g[x].next;
    } while (x != a);
    return false;
}

static void join_groups(const linear *l, member *g, uint32_t a, uint32_t b)
{
    member *to = &g[g[a].name], *from = &g[g[b].name];
    uint32_t next = g[a].next;

    if (to == from || to->size + from->size > MEMBERS_MOST
        || l->f->vregs[a].width != l->f->vregs[b].width
        || groups_meet(l, g, a, b))
        return;
    to->size += from->size;
    to->end = to->end > from->end ? to->end : from->end;
    for (uint32_t x = b, name = g[a].name, n = from->size; n > 0; n--, x = g[x].next)
        g[x].name = name;
    g[a].next = g[b].next;
    g[b].next = next;
}

static member *find_groups(const linear *l)
{
    const ra_func *f = l->f;
    member *g = ARENA_ARRAY_RAW(l->tmp, member, f->nvregs);

    for (uint32_t k = 0; k < l->nfirst; k++) {
        uint32_t v = l->pieces.at[k].vreg;
        member alone = { v, v, 1, l->iv[v].end };
        if (l->iv[v].in_memory)
            g[v] = alone;
    }
    for (uint32_t b = 0; b < f->nblocks; b++) {
        const ra_block *from = &f->blocks[b];
        uint32_t to = from->nsuccs == 1 ? f->lists[from->succs] : b;
        if (from->nsuccs != 1)
            continue;
        for (uint32_t k = 0; k < f->blocks[to].nparams; k++) {
            uint32_t param = f->lists[f->blocks[to].params + k], arg = f->lists[from->args + k];
            if (has_slot(&l->iv[param]) && has_slot(&l->iv[arg]))
                join_groups(l, g, param, arg);
        }
    }
    return g;
}

void jit_ra_assign_slots(linear *l)
{
    owners by_size[2] = { { NULL, 0, 0 }, { NULL, 0, 0 } };
    member *g = find_groups(l);

    for (uint32_t k = 0; k < l->nfirst; k++) {
        uint32_t v = l->pieces.at[k].vreg, units, end, slot;
        interval *iv = &l->iv[v];
        owners *h;
        if (!has_slot(iv) || iv->slot != NONE)
            continue;
        units = l->f->vregs[v].width > 8 ? 2 : 1;
        end = g[g[v].name].end;
        h = &by_size[units - 1];
        if (h->len > 0 && h->at[0].end <= iv->start) {
            slot = replace_first(h, end);
        } else {
            owner o = { end, (l->f->nslots + units - 1) & ~(units - 1) };
            slot = o.slot;
            l->f->nslots = o.slot + units;
            push(l->tmp, h, o);
        }
        for (uint32_t x = v, n = g[g[v].name].size; n > 0; n--, x = g[x].next)
            l->iv[x].slot = slot;
    }
    for (unsigned k = 0; k < 2; k++)
        vec_recycle(l->tmp, &by_size[k]);
    jit_arena_recycle(l->tmp, g, l->f->nvregs * sizeof *g);
}
