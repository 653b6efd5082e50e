/* account.c - tells which accesses to memory machine code may make, by the IR it was made from.
 *
 * Each stretch of code is a site: it belongs to the frame, or has the accesses of one IR
 * instruction and of those folded into it. These are one group. Instructions are numbered as in
 * the function that was given, which the mid-end passes on as source positions. */
#include "machinst/mfunc.h"

/* Whether the accesses of i's code are its own, or of something that went into it. */
static bool is_access(const lower *l, uint32_t i)
{
    const ir_inst *inst = inst_at(l->f, i);
    const op_info *o = op_of(inst);

    return (o->props & (OP_LOADS | OP_STORES) && !(o->props & OP_CALL))
           || o->format == FMT_GLOBAL_VALUE || l->folded_into[i] & LOWER_FOLDS;
}

static jit_site_kind kind_of(const lower *l, const minst *i)
{
    bool by_address = i->am == MEM_BASE || i->am == MEM_INDEX || i->am == MEM_SLOT;

    if (!by_address || !i->ir)
        return JIT_SITE_OWN;
    if (is_access(l, i->ir - 1))
        return JIT_SITE_IR;
    return op_of(inst_at(l->f, i->ir - 1))->props & OP_TERM ? JIT_SITE_RESULTS : JIT_SITE_OWN;
}

void jit_mach_note_site(mbuf *b, const lower *l, const minst *i)
{
    jit_mbuf_site(b, i->ir ? l->f->srcpos.at[i->ir - 1] : 0, (uint8_t)kind_of(l, i));
}

void jit_mach_note_own(mbuf *b)
{
    jit_mbuf_site(b, 0, JIT_SITE_OWN);
}

static void map_sites(mach_job *j)
{
    const mcode *c = &j->code;
    jit_code_site *sites = ARENA_ARRAY(j->tmp, jit_code_site, c->nsites + 1);
    uint32_t n = 0;

    if (!c->nsites || c->sites[0].offset > 0)
        sites[n++] = (jit_code_site){ 0, j->entered, JIT_SITE_PROLOGUE };
    for (uint32_t k = 0; k < c->nsites; k++)
        sites[n++] = (jit_code_site){ c->sites[k].offset, c->sites[k].inst,
                                      (jit_site_kind)c->sites[k].kind };
    j->map.sites = sites;
    j->map.nsites = n;
}

/* The lowest number of k's group; each leads to a lower one or to itself. */
static uint32_t lowest(const uint32_t *group, uint32_t k)
{
    while (group[k] != k)
        k = group[k];
    return k;
}

/* Instructions that were folded into one another are of one group. */
static const uint32_t *group_folded(mach_job *j, const lower *l)
{
    uint32_t *group = ARENA_ARRAY_RAW(j->tmp, uint32_t, j->numbered);

    for (uint32_t k = 0; k < j->numbered; k++)
        group[k] = k;
    for (uint32_t k = 0; k < inst_count(l->f); k++) {
        uint32_t into = l->folded_into[k] & ~LOWER_FOLDS;
        if (!into)
            continue;
        uint32_t x = lowest(group, l->f->srcpos.at[k]);
        uint32_t y = lowest(group, l->f->srcpos.at[into - 1]);
        group[x > y ? x : y] = x < y ? x : y;
    }
    for (uint32_t k = 0; k < j->numbered; k++)
        group[k] = group[group[k]]; /* what it leads to has been led to the lowest */
    return group;
}

void jit_mach_note_joined(const lower *l, uint32_t ir, uint32_t to)
{
    if (l->folded_into && ir != to) {
        l->folded_into[ir - 1] |= to;
        l->folded_into[to - 1] |= LOWER_FOLDS;
    }
}

void jit_mach_map(mach_job *j, const mfunc *m)
{
    const frame *fr = &m->frame;
    uint32_t *slots = ARENA_ARRAY(j->tmp, uint32_t, j->f->slots.len);

    map_sites(j);
    for (uint32_t k = 0; k < j->f->slots.len; k++) {
        int32_t at = jit_frame_offset(fr, MEM_SLOT, k, 0);
        slots[k] = (uint32_t)((fr->fp_based ? fr->entry_above : (int32_t)fr->total) - at);
    }
    j->map.made_by = group_folded(j, &m->l);
    j->map.ninsts = j->numbered;
    j->map.slots = slots;
    j->map.nslots = j->f->slots.len;
    j->map.slot_bytes = fr->slot_bytes;
    j->map.frame_bytes = fr->total;
    j->map.args_above = 16u - fr->entry_above;
    j->map.arg_bytes = m->l.abi->arg_bytes;
}
