/* local.c - O1's folding, value numbering and identities within each block, on a copy of the
 * function.
 *
 * The copy has the same instructions, values and blocks by index; an instruction is changed in
 * place or its result's readers are led to an earlier value of its block. What nobody reads any
 * longer lowering leaves out. A load may stand for an earlier one of the same address: of readonly
 * memory always, of other memory until something writes to its region or calls; or for what was
 * stored there.
 * Needs: valid IR.  Keeps: blocks, edges, the numbering of instructions and values.
 * Cost: linear; one probe sequence of at most 8 slots an instruction. */
#include "opt/fold.h"
#include "opt/passes.h"
#include <string.h>

#define PROBES 8u

typedef struct entry {
    uint64_t key_ops;  /* a and b, as replaced */
    uint32_t key_rest; /* op, type, aux */
    uint32_t version;  /* of memory; 0 for what does not read it */
    uint32_t block;    /* stamp: block + 1 in which the entry holds */
    uint32_t value;
} entry;

typedef struct local {
    jit_func *f;       /* the copy */
    uint32_t *leads;   /* by value index: id of the value that stands for it */
    entry *table;
    uint32_t mask;
    uint32_t block;    /* stamp of the current one */
    uint32_t version;  /* of memory, from 1: counts what writes */
    uint32_t all, any; /* the version that the last write to anything, to whatever it was, made */
    uint32_t *written; /* by region: the same for writes to it */
} local;

/* ---- The copy ---- */

static void *copy_of(arena *tmp, const void *from, size_t n, size_t size)
{
    void *to = arena_array(tmp, n, size, false);

    if (n)
        memcpy(to, from, n * size);
    return to;
}

static jit_func *copy_function(const jit_func *f, arena *tmp)
{
    jit_func *g = ARENA_NEW(tmp, jit_func);

    *g = *f; /* declarations are shared; only these change */
    g->insts.at = copy_of(tmp, f->insts.at, f->insts.len, sizeof *f->insts.at);
    g->insts.cap = f->insts.len;
    g->pool.at = copy_of(tmp, f->pool.at, f->pool.len, sizeof *f->pool.at);
    g->pool.cap = f->pool.len;
    return g;
}

/* ---- Operands ---- */

static uint32_t lead(const local *l, uint32_t v)
{
    return l->leads[v - 1];
}

static void lead_list(const local *l, uint32_t *ids, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (ids[k] < EH_RET(0)) /* results and payloads of a try_call stand for themselves */
            ids[k] = lead(l, ids[k]);
}

static void lead_operands(local *l, ir_inst *i)
{
    jit_func *f = l->f;
    const op_info *o = op_of(i);

    if (o->pooled) {
        lead_list(l, f->pool.at + i->a, o->nargs >= 0 ? (uint32_t)o->nargs : f->pool.at[i->a - 1]);
    } else {
        if (o->nargs > 0)
            i->a = lead(l, i->a);
        if (o->nargs > 1)
            i->b = lead(l, i->b);
    }
    if (o->props & OP_BRANCH) {
        uint32_t n = jit_inst_target_count(f, i);
        for (uint32_t k = 0; k < n; k++) {
            uint32_t *call = f->pool.at + jit_inst_target(f, i, k);
            lead_list(l, call + 3, call[1]);
        }
    }
}

/* ---- Value numbering ---- */

/* Regions do not alias each other; what has none may alias all. */
static uint32_t memory_version(const local *l, const jit_mem *m)
{
    if (!m->region.id)
        return l->any;
    uint32_t own = l->written[jit_region_index(m->region)];
    return own > l->all ? own : l->all;
}

static void write_memory(local *l, const ir_inst *i)
{
    const jit_mem *m = op_of(i)->format == FMT_STORE ? &l->f->mems.at[i->aux] : NULL;

    l->any = ++l->version;
    if (m && m->region.id)
        l->written[jit_region_index(m->region)] = l->version;
    else
        l->all = l->version;
}

static bool is_numbered(const local *l, const ir_inst *i, uint32_t *version)
{
    const op_info *o = op_of(i);

    *version = 0;
    if (o->nresults != 1 || o->pooled || o->format == FMT_GLOBAL_VALUE)
        return false;
    if (!(o->props & OP_LOADS))
        return !(o->props & (OP_EFFECT | OP_STORES | OP_CALL));
    if (o->format != FMT_LOAD)
        return false;
    if (!(l->f->mems.at[i->aux].bits & JIT_MEM_READONLY))
        *version = memory_version(l, &l->f->mems.at[i->aux]);
    return true;
}

/* An equal earlier instruction's value, or 0; then this one is entered. */
static uint32_t number(local *l, const ir_inst *i, uint32_t version)
{
    uint64_t ops = (uint64_t)i->b << 32 | i->a;
    uint32_t rest = (uint32_t)i->op | (uint32_t)i->type << 8 | (uint32_t)i->aux << 16;
    uint64_t h = hash_mix(ops ^ ((uint64_t)rest * 0x9e3779b97f4a7c15u));
    entry *free_slot = NULL;

    for (uint32_t k = 0; k < PROBES; k++) {
        entry *e = &l->table[(h + k) & l->mask];
        if (e->block != l->block) {
            free_slot = e;
            break;
        }
        if (e->key_ops == ops && e->key_rest == rest) {
            if (e->version == version)
                return e->value;
            free_slot = e; /* memory has changed since */
            break;
        }
    }
    if (free_slot) {
        entry fresh = { ops, rest, version, l->block, i->c };
        *free_slot = fresh;
    }
    return 0;
}

/* A load of the same bytes with the same flags as this store's has its value. */
static void enter_stored(local *l, const ir_inst *i)
{
    ir_inst load = { .op = JIT_OP_load, .type = i->type, .aux = i->aux, .a = i->b, .b = i->c };

    load.c = i->a;
    number(l, &load, memory_version(l, &l->f->mems.at[i->aux]));
}

/* ---- The walk ---- */

/* Types that have constants of up to 64 bits. */
static bool scalar_type(jit_type t)
{
    return (jit_type_is_int(t) && t != JIT_I128) || t == JIT_F32 || t == JIT_F64;
}

static void visit(local *l, ir_inst *i)
{
    const op_info *o = op_of(i);
    uint32_t version, same = 0;

    lead_operands(l, i);
    if (o->props & (OP_STORES | OP_CALL) || (o->props & OP_LOADS && o->props & OP_EFFECT))
        write_memory(l, i); /* an atomic load orders others */
    if (i->op == JIT_OP_store)
        enter_stored(l, i);
    if (o->nresults != 1)
        return;
    if (!(o->props & (OP_LOADS | OP_CALL | OP_STORES))) {
        same = jit_fold_inst(l->f, i, value_type(l->f, i->c));
        o = op_of(i);
    }
    if (!same && is_numbered(l, i, &version))
        same = number(l, i, version);
    if (!same)
        return;
    l->leads[i->c - 1] = same;
    jit_type t = value_type(l->f, i->c);
    if (o->props & OP_LOADS && scalar_type(t)) /* an equal access went well: it cannot fault */
        jit_fold_become(i, t, 0);
}

const jit_func *jit_opt_local(const jit_func *f, arena *tmp, const uint32_t *rpo, uint32_t nrpo)
{
    local l = { .version = 1 };
    uint32_t size = 64, largest = 0, n = f->values.len;

    l.f = copy_function(f, tmp);
    l.leads = ARENA_ARRAY_RAW(tmp, uint32_t, n);
    for (uint32_t v = 0; v < n; v++)
        l.leads[v] = v + 1;
    for (uint32_t k = 0; k < nrpo; k++) {
        const ir_block *b = &f->blocks.at[rpo[k]];
        if (b->end - b->first > largest)
            largest = b->end - b->first;
    }
    l.written = ARENA_ARRAY(tmp, uint32_t, f->regions.len);
    while (size < 2 * largest && size < 1u << 16)
        size *= 2;
    l.table = ARENA_ARRAY(tmp, entry, size);
    l.mask = size - 1;
    for (uint32_t k = 0; k < nrpo; k++) { /* definitions before uses, back edges' arguments too */
        const ir_block *b = &f->blocks.at[rpo[k]];
        l.block = rpo[k] + 1;
        l.all = l.any = ++l.version;
        for (uint32_t j = b->first; j < b->end; j++)
            visit(&l, &l.f->insts.at[j]);
    }
    return l.f;
}
