/* copy.c - carries a function into a graph, block by block, and numbers memory on the way.
 *
 * Memory: each region has a version, raised by what may write to it; a fact says that an access
 * of a region, base, offset and width has a value as of a version, in the blocks that one block
 * dominates. A load finds a fact that is not older than the version of its region at this place.
 * A store makes a fact, and repeats those about disjoint bytes of the same base, for they
 * survive it. Where edges meet, versions that differ become a new one; at a loop's header those
 * of what the loop writes. A trapping instruction equal to one that dominates it can no longer
 * trap and goes.
 *
 * Needs: a graph after jit_graph_params().  Cost: linear; bounded probes and repeats for each
 * access. */
#include "opt/graph.h"
#include "opt/fold.h"
#include <string.h>

/* Regions are numbered from 1, those beyond the last are taken for one; 0: none. What is
 * read-only is a region of its own. No store writes to it, but a call ends what is known of it:
 * to keep such a value over a call costs more than to load it again. */
enum { PROBES = 8, RECENT = 16, REGION_CONSTANT = 1, REGIONS = 63 };

typedef struct fact {
    uint32_t base, offset; /* value of f; as in the instruction */
    uint32_t access;       /* op, type and byte order */
    uint32_t region;       /* as region_of() has it */
    uint32_t version, block, value;
} fact;

/* all: of what is written anywhere; any: of any write; region[k]: of writes to region k + 1. */
typedef struct versions { uint32_t all, any; uint32_t *region; } versions;

typedef struct copier {
    graph *g;
    uint32_t nregions;
    versions now;
    uint32_t counter;
    versions *out;        /* by block, at its end; region NULL: not there */
    uint8_t *writes_all;  /* by loop: it writes to what has no region, or calls */
    uint64_t *writes;     /* by loop: regions that it writes to, a bit each */
    fact *facts;          /* a table with PROBES slots for each hash */
    uint32_t mask;
    uint32_t recent[RECENT]; /* the last facts of the blocks that run into this one: slot + 1 */
    uint32_t nrecent;
    uint32_t *traps, trap_mask; /* a table of pinned instructions that may trap: inst index + 1 */
} copier;

/* ---- Operands ---- */

static uint32_t lead(const graph *g, uint32_t v)
{
    return g->lead[v - 1];
}

static void lead_list(const graph *g, uint32_t *ids, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        ids[k] = lead(g, ids[k]);
}

static void lead_operands(graph *g, ir_inst *i)
{
    const op_info *o = op_of(i);
    uint32_t *pool = g->f->pool.at;

    if (o->pooled) {
        lead_list(g, pool + i->a, o->nargs >= 0 ? (uint32_t)o->nargs : pool[i->a - 1]);
        return;
    }
    if (o->nargs > 0)
        i->a = lead(g, i->a);
    if (o->nargs > 1)
        i->b = lead(g, i->b);
}

/* ---- Versions ---- */

static uint32_t version_of(const copier *c, uint32_t region)
{
    if (!region)
        return c->now.any;
    uint32_t own = c->now.region[region - 1];
    return own > c->now.all || region == REGION_CONSTANT ? own : c->now.all;
}

/* region 0: something is written, it is not known where. */
static void write_region(copier *c, uint32_t region)
{
    c->now.any = ++c->counter;
    if (region)
        c->now.region[region - 1] = c->counter;
    else
        c->now.all = c->counter;
}

static uint32_t region_of(const graph *g, const ir_inst *i)
{
    const jit_mem *m = &g->f->mems.at[i->aux];

    if (!m->region.id)
        return 0;
    return m->region.id < REGIONS ? m->region.id + REGION_CONSTANT : REGIONS + REGION_CONSTANT;
}

/* Whether it may write, or must not be passed by accesses; *region: where, 0: anywhere. */
static bool writes_memory(const graph *g, const ir_inst *i, uint32_t *region)
{
    const op_info *o = op_of(i);

    *region = 0;
    if (o->format == FMT_STORE) {
        *region = region_of(g, i);
        return true;
    }
    return o->props & (OP_STORES | OP_CALL) || (o->props & OP_LOADS && o->props & OP_EFFECT);
}

/* What each loop writes to, inner loops included. */
static void summarize_loops(copier *c)
{
    const graph *g = c->g;
    const ir_loops *l = &g->loops;

    c->writes_all = ARENA_ARRAY(g->tmp, uint8_t, l->nloops);
    c->writes = ARENA_ARRAY(g->tmp, uint64_t, l->nloops);
    for (uint32_t k = 0; k < g->cfg->nrpo; k++) {
        const ir_block *b = &g->from->blocks.at[g->cfg->rpo[k]];
        uint32_t loop = l->loop_of[g->cfg->rpo[k]], region;
        for (uint32_t j = b->first; loop != IR_NO_BLOCK && j < b->end; j++)
            if (writes_memory(g, inst_at(g->from, j), &region)) {
                if (region)
                    c->writes[loop] |= (uint64_t)1 << (region - 1);
                else
                    c->writes_all[loop] = 1;
                if (op_of(inst_at(g->from, j))->props & OP_CALL)
                    c->writes[loop] |= (uint64_t)1 << (REGION_CONSTANT - 1);
            }
    }
}

/* Loops are numbered so that no order can be relied on: each one's writes go to all around it,
 * which are few; deep nests are cut off and count as writing everything. */
static void spread_to_outer(copier *c)
{
    enum { DEEPEST = 16 };
    const ir_loops *l = &c->g->loops;

    for (uint32_t k = 0; k < l->nloops; k++) {
        uint32_t up = l->parent[k], steps = 0;
        for (; up != IR_NO_BLOCK && steps < DEEPEST; up = l->parent[up], steps++) {
            c->writes_all[up] |= c->writes_all[k];
            c->writes[up] |= c->writes[k];
        }
        if (up != IR_NO_BLOCK) /* those further out: whatever is nested so deep inside */
            for (; up != IR_NO_BLOCK && !(c->writes_all[up] & 2); up = l->parent[up])
                c->writes_all[up] |= 3;
    }
}

static void new_versions(copier *c)
{
    c->now.all = c->now.any = ++c->counter;
}

/* The versions at the start of block b: what all that runs into it agree on. */
static void enter_block(copier *c, uint32_t b)
{
    const graph *g = c->g;
    const ir_cfg *f = g->cfg;
    uint32_t first = f->pred_first[b], n = f->pred_first[b + 1] - first, known = 0;
    uint32_t loop = g->loops.loop_of[b];
    bool header = loop != IR_NO_BLOCK && g->loops.header[loop] == b;
    const versions *one = NULL;
    bool differ_all = false, differ_any = false;

    c->now.region = ARENA_ARRAY_RAW(g->tmp, uint32_t, c->nregions);
    if (n != 1)
        c->nrecent = 0;
    for (uint32_t k = 0; k < n; k++) {
        const versions *v = &c->out[f->pred[first + k]];
        if (f->rpo_index[f->pred[first + k]] == IR_NO_BLOCK)
            continue; /* cannot be reached */
        if (!v->region) {
            /* An edge back, but not of a loop that is entered here alone: nothing is known. */
            if (!header || !dom_block(&g->dom, b, f->pred[first + k])) {
                new_versions(c);
                for (uint32_t r = 0; r < c->nregions; r++)
                    c->now.region[r] = c->now.all;
                return;
            }
            continue;
        }
        if (!known++) {
            one = v;
            memcpy(c->now.region, v->region, c->nregions * sizeof *v->region);
            continue;
        }
        differ_all |= v->all != one->all;
        differ_any |= v->any != one->any;
        for (uint32_t r = 0; r < c->nregions; r++)
            if (c->now.region[r] != v->region[r])
                c->now.region[r] = UINT32_MAX; /* differs */
    }
    if (!one) { /* the entry */
        new_versions(c);
        for (uint32_t r = 0; r < c->nregions; r++)
            c->now.region[r] = c->now.all;
        return;
    }
    uint32_t fresh = ++c->counter;
    bool all = header && c->writes_all[loop], some = all;
    for (uint32_t r = 0; r < c->nregions; r++) {
        bool written = header && (c->writes[loop] >> r & 1 || c->writes_all[loop] & 2);
        some |= written;
        if (c->now.region[r] == UINT32_MAX || written)
            c->now.region[r] = fresh;
    }
    c->now.all = differ_all || all ? fresh : one->all;
    c->now.any = differ_any || some ? fresh : one->any;
}

/* ---- Facts ---- */

static uint64_t fact_hash(const fact *k)
{
    return hash_mix(((uint64_t)k->base << 32 | k->offset)
                    ^ (uint64_t)(k->access ^ k->region << 20) * 0x9e3779b97f4a7c15u);
}

static bool holds(const copier *c, const fact *k)
{
    return k->value && k->version >= version_of(c, k->region)
           && (k->block == c->g->block || dom_block(&c->g->dom, k->block, c->g->block));
}

static uint32_t find_fact(const copier *c, const fact *key)
{
    uint32_t from = (uint32_t)fact_hash(key) & c->mask;

    for (uint32_t k = 0; k < PROBES; k++) {
        const fact *at = &c->facts[(from + k) & c->mask];
        if (at->base == key->base && at->offset == key->offset && at->access == key->access
            && at->region == key->region && holds(c, at))
            return at->value;
    }
    return 0;
}

/* In a free slot, or the oldest one's. */
static void enter_fact(copier *c, const fact *key)
{
    uint32_t from = (uint32_t)fact_hash(key) & c->mask, best = from;

    for (uint32_t k = 0; k < PROBES; k++) {
        uint32_t at = (from + k) & c->mask;
        if (!c->facts[at].value) {
            best = at;
            break;
        }
        if (c->facts[at].version < c->facts[best].version)
            best = at;
    }
    c->facts[best] = *key;
    c->recent[c->nrecent++ % RECENT] = best + 1;
}

static uint32_t access_of(const graph *g, const ir_inst *i, jit_opcode op)
{
    unsigned order = g->f->mems.at[i->aux].bits & (JIT_MEM_BIG | JIT_MEM_LITTLE);
    return (uint32_t)op | (uint32_t)i->type << 8 | order << 24;
}

/* Bytes of the access of a fact. */
static uint32_t access_bytes(uint32_t access)
{
    switch (access & 0xff) {
    case JIT_OP_uload8: case JIT_OP_sload8: return 1;
    case JIT_OP_uload16: case JIT_OP_sload16: return 2;
    case JIT_OP_uload32: case JIT_OP_sload32: return 4;
    default: return jit_type_bytes((jit_type)(access >> 8 & 0xff));
    }
}

static uint32_t stored_bytes(const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_istore8: return 1;
    case JIT_OP_istore16: return 2;
    case JIT_OP_istore32: return 4;
    default: return jit_type_bytes(i->type);
    }
}

/* Whether the store of n bytes leaves alone what the fact speaks of: other bytes of the same base.
 * Offsets are signed and added without an end: far apart they could meet again. */
static bool disjoint(const fact *k, uint32_t base, uint32_t offset, uint32_t n)
{
    int64_t a = (int32_t)k->offset, b = (int32_t)offset;

    return k->base == base && (a + access_bytes(k->access) <= b || b + n <= a);
}

static void copy_store(copier *c, ir_inst i)
{
    graph *g = c->g;
    uint32_t region = region_of(g, &i), survivors[RECENT], n = 0;

    for (uint32_t k = 0; k < RECENT && k < c->nrecent; k++) {
        const fact *at = &c->facts[c->recent[k] - 1];
        if (at->base == i.b && holds(c, at) && disjoint(at, i.b, i.c, stored_bytes(&i)))
            survivors[n++] = c->recent[k] - 1;
    }
    jit_graph_pin(g, i, NULL, 0);
    fact kept[RECENT];
    for (uint32_t k = 0; k < n; k++)
        kept[k] = c->facts[survivors[k]];
    write_region(c, region);
    for (uint32_t k = 0; k < n; k++) {
        if (holds(c, &kept[k])) /* of another region: it holds anyway */
            continue;
        kept[k].version = c->counter;
        kept[k].block = g->block;
        enter_fact(c, &kept[k]);
    }
    if (i.op == JIT_OP_store) {
        fact stored = { i.b, i.c, access_of(g, &i, JIT_OP_load), region, c->counter, g->block, i.a };
        enter_fact(c, &stored);
    }
}

static uint32_t copy_load(copier *c, ir_inst i, const ir_value *result)
{
    graph *g = c->g;
    bool constant = g->f->mems.at[i.aux].bits & JIT_MEM_READONLY;
    fact key = { i.a, i.b, access_of(g, &i, (jit_opcode)i.op), region_of(g, &i), 0, g->block, 0 };

    if (constant)
        key.region = REGION_CONSTANT;
    uint32_t known = find_fact(c, &key);
    if (known)
        return known;
    key.value = jit_graph_pin(g, i, result, 1);
    key.version = c->counter;
    enter_fact(c, &key);
    return key.value;
}

/* ---- Instructions that trap ---- */

/* Pinned, without any effect but the trap: an equal one before it has been survived. */
static bool only_traps(const ir_inst *i)
{
    const op_info *o = op_of(i);

    return o->props & OP_TRAPS && !(o->props & (OP_TERM | OP_LOADS | OP_STORES | OP_CALL))
           && !o->pooled && o->nresults <= 1;
}

static uint32_t copy_trapping(copier *c, ir_inst i, const ir_value *results, uint32_t n)
{
    graph *g = c->g;
    uint64_t bits, h = hash_mix(((uint64_t)i.b << 32 | i.a)
                                ^ ((uint64_t)i.op << 8 | i.type) * 0x9e3779b97f4a7c15u);
    uint32_t args = (uint32_t)op_of(&i)->nargs, *at = NULL;

    if ((i.op == JIT_OP_trapz || i.op == JIT_OP_trapnz) && jit_fold_constant(g->f, i.a, &bits)
        && (bits != 0) == (i.op == JIT_OP_trapz))
        return 0; /* never traps */
    for (uint32_t k = 0; k < PROBES; k++) {
        uint32_t *slot = &c->traps[(h + k) & c->trap_mask];
        const ir_inst *j = *slot ? inst_at(g->f, *slot - 1) : NULL;
        if (!j) {
            at = at ? at : slot;
            break;
        }
        if (j->op != i.op || j->type != i.type || j->a != i.a || (args > 1 && j->b != i.b))
            continue;
        uint32_t home = g->home.at[*slot - 1];
        if (home == g->block || dom_block(&g->dom, home, g->block))
            return n ? j->c : 0; /* whatever trap code this one has: it does not trap */
        at = slot;
    }
    uint32_t v = jit_graph_pin(g, i, results, n);
    *(at ? at : &c->traps[h & c->trap_mask]) = g->f->insts.len;
    return v;
}

/* ---- The walk ---- */

static uint32_t copy_one(copier *c, ir_inst i, const ir_value *results, uint32_t n)
{
    graph *g = c->g;
    const op_info *o = op_of(&i);
    uint64_t bits;
    uint32_t region;

    if (jit_graph_floats(g, &i))
        return jit_graph_values(g, i, results, n);
    if (o->format == FMT_LOAD && !(o->props & OP_EFFECT))
        return copy_load(c, i, results);
    if (o->format == FMT_STORE) {
        copy_store(c, i);
        return 0;
    }
    if (only_traps(&i)) {
        if (n == 1 && o->nargs == 2 && jit_fold_constant(g->f, i.b, &bits)
            && jit_fold_constant(g->f, i.a, &bits)) { /* perhaps of constants that do not trap */
            ir_inst folded = i;
            uint32_t same = jit_fold_inst(g->f, &folded, (jit_type)results[0].type);
            if (same)
                return same;
            if (folded.op != i.op)
                return jit_graph_values(g, folded, results, n);
        }
        return copy_trapping(c, i, results, n);
    }
    if (writes_memory(g, &i, &region))
        write_region(c, region);
    if (o->props & OP_CALL)
        write_region(c, REGION_CONSTANT);
    return jit_graph_pin(g, i, results, n);
}

static void copy_inst(copier *c, uint32_t at)
{
    graph *g = c->g;
    const ir_inst *from = inst_at(g->from, at);
    uint32_t n = jit_inst_result_count(g->from, from);
    ir_inst i = *from;

    g->at = at;
    lead_operands(g, &i);
    uint32_t v = copy_one(c, i, n ? &g->from->values.at[from->c - 1] : NULL, n);
    for (uint32_t k = 0; k < n; k++)
        g->lead[from->c - 1 + k] = v + k;
}

static void copy_block(copier *c, uint32_t b)
{
    graph *g = c->g;
    const ir_block *block = &g->from->blocks.at[b];

    g->block = b;
    enter_block(c, b);
    for (uint32_t p = 0; p < block->nparams; p++) {
        uint32_t v = g->from->pool.at[block->params + p];
        if (g->same_as[v - 1])
            g->lead[v - 1] = lead(g, g->same_as[v - 1]);
    }
    g->first[b] = g->pinned.len;
    for (uint32_t k = block->first; k < block->end; k++)
        copy_inst(c, k);
    g->end[b] = g->pinned.len;
    c->out[b] = c->now;
}

/* Arguments of edges, when all values have been copied. */
static void lead_edges(graph *g)
{
    jit_func *f = g->f;

    for (uint32_t k = 0; k < g->cfg->nrpo; k++) {
        const ir_inst *i = inst_at(f, g->pinned.at[g->end[g->cfg->rpo[k]] - 1]);
        uint32_t n = op_of(i)->props & OP_BRANCH ? jit_inst_target_count(f, i) : 0;
        for (uint32_t t = 0; t < n; t++) {
            uint32_t *call = f->pool.at + jit_inst_target(f, i, t);
            for (uint32_t a = 0; a < call[1]; a++)
                if (call[3 + a] < EH_RET(0))
                    call[3 + a] = lead(g, call[3 + a]);
        }
    }
}

void jit_graph_copy(graph *g)
{
    copier c = { .g = g, .counter = 1 };
    uint32_t size = 64, n = inst_count(g->from), regions = g->from->regions.len;

    c.nregions = (regions < REGIONS ? regions : REGIONS) + REGION_CONSTANT;

    while (size < n && size < 1u << 20)
        size *= 2;
    c.facts = ARENA_ARRAY(g->tmp, fact, size);
    c.mask = size - 1;
    c.traps = ARENA_ARRAY(g->tmp, uint32_t, size);
    c.trap_mask = size - 1;
    c.out = ARENA_ARRAY(g->tmp, versions, g->cfg->nblocks);
    summarize_loops(&c);
    spread_to_outer(&c);
    for (uint32_t k = 0; k < g->cfg->nrpo; k++)
        copy_block(&c, g->cfg->rpo[k]);
    lead_edges(g);
}
