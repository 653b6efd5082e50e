/* slots.c - gives the vregs that are ever in memory their slots, shared by those that never live at
 * once: taken in the order of their starts, each gets a slot whose last owner has ended. */
#include "regalloc/linear.h"

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

void jit_ra_assign_slots(linear *l)
{
    owners by_size[2] = { { NULL, 0, 0 }, { NULL, 0, 0 } };

    for (uint32_t k = 0; k < l->norder; k++) {
        uint32_t v = l->order[k], units = l->f->vregs[v].width > 8 ? 2 : 1;
        interval *iv = &l->iv[v];
        uint32_t start = l->ranges[iv->r0].from, end = l->ranges[iv->r1 - 1].to;
        owners *h = &by_size[units - 1];
        if (!iv->in_memory || iv->remat)
            continue;
        if (h->len > 0 && h->at[0].end <= start) {
            iv->slot = replace_first(h, end);
        } else {
            owner o = { end, (l->f->nslots + units - 1) & ~(units - 1) };
            iv->slot = o.slot;
            l->f->nslots = o.slot + units;
            push(l->tmp, h, o);
        }
    }
}
