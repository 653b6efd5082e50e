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
#include "ir/numeric.h"
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
    void *to = jit_arena_array(tmp, n, size, false);

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

/* ---- Constants ---- */

static const ir_inst *definition(const local *l, uint32_t v)
{
    const ir_value *d = &l->f->values.at[v - 1];
    return d->kind == VALUE_RESULT ? inst_at(l->f, d->def) : NULL;
}

static bool constant_of(const local *l, uint32_t v, uint64_t *bits)
{
    const ir_inst *d = definition(l, v);

    if (!d)
        return false;
    if (d->op == JIT_OP_iconst || d->op == JIT_OP_f64const)
        *bits = inst_imm64(d);
    else if (d->op == JIT_OP_f32const)
        *bits = d->a;
    else
        return false;
    return true;
}

/* Types that have constants of up to 64 bits. */
static bool scalar_type(jit_type t)
{
    return (jit_type_is_int(t) && t != JIT_I128) || t == JIT_F32 || t == JIT_F64;
}

static void become_constant(ir_inst *i, jit_type t, uint64_t bits)
{
    i->op = (uint8_t)(jit_type_is_int(t) ? JIT_OP_iconst : t == JIT_F32 ? JIT_OP_f32const
                                                                        : JIT_OP_f64const);
    i->type = t;
    i->aux = 0;
    i->a = (uint32_t)bits;
    i->b = (uint32_t)(bits >> 32);
}

static bool is_nan(jit_type t, uint64_t bits)
{
    if (jit_type_is_int(t))
        return false;
    return t == JIT_F32 ? (bits & 0x7fffffff) > 0x7f800000
                        : (bits << 1) > (uint64_t)0x7ff0000000000000 << 1;
}

/* All operands are constants: the result is one, unless it traps or is a NaN, whose bits the
 * settings decide. */
static bool fold(local *l, ir_inst *i)
{
    ir_args args = inst_args(l->f, i);
    uint64_t in[3], out[2];
    unsigned trap = 0;
    jit_type t = value_type(l->f, i->c);

    if (args.len == 0 || args.len > 3 || jit_type_bytes(t) > 8 || jit_type_is_vector(t)
        || t == JIT_F16)
        return false;
    for (uint32_t k = 0; k < args.len; k++)
        if (!constant_of(l, args.at[k], &in[k]))
            return false;
    if (!jit_eval((jit_opcode)i->op, i->type, i->aux, in, value_type(l->f, args.at[0]), out, &trap)
        || trap || is_nan(t, out[0]))
        return false;
    become_constant(i, t, out[0]);
    return true;
}

/* ---- Identities ---- */

static uint64_t all_ones(jit_type t)
{
    return ~(uint64_t)0 >> (64 - jit_type_bits(t));
}

/* The value that an operation with constant y on the right comes to; 0: no such. */
static uint32_t identity(const local *l, const ir_inst *i)
{
    jit_type t = i->type;
    uint64_t k;

    if (!jit_type_is_int(t) || t == JIT_I128 || !constant_of(l, i->b, &k))
        return 0;
    switch (i->op) {
    case JIT_OP_iadd: case JIT_OP_isub: case JIT_OP_bor: case JIT_OP_bxor:
        return k == 0 ? i->a : 0;
    case JIT_OP_ishl: case JIT_OP_ushr: case JIT_OP_sshr: case JIT_OP_rotl: case JIT_OP_rotr:
        return (k & (jit_type_bits(t) - 1)) == 0 ? i->a : 0;
    case JIT_OP_imul: case JIT_OP_udiv: case JIT_OP_sdiv:
        return k == 1 ? i->a : 0;
    case JIT_OP_band:
        return k == all_ones(t) ? i->a : k == 0 ? i->b : 0;
    default:
        return 0;
    }
}

/* An operation of a value with itself: the value, or a constant that i becomes. */
static uint32_t with_itself(ir_inst *i)
{
    if (i->a != i->b || !jit_type_is_int(i->type) || i->type == JIT_I128)
        return 0;
    switch (i->op) {
    case JIT_OP_band: case JIT_OP_bor: case JIT_OP_smin: case JIT_OP_smax: case JIT_OP_umin:
    case JIT_OP_umax:
        return i->a;
    case JIT_OP_isub: case JIT_OP_bxor:
        become_constant(i, (jit_type)i->type, 0);
        return 0;
    default:
        return 0;
    }
}

/* icmp of a value with itself. */
static void compare_with_itself(const local *l, ir_inst *i)
{
    if (i->a == i->b && value_type(l->f, i->c) == JIT_I8)
        become_constant(i, JIT_I8, i->aux == JIT_EQ || i->aux == JIT_SGE || i->aux == JIT_SLE
                                       || i->aux == JIT_UGE || i->aux == JIT_ULE);
}

/* What a conversion of a conversion comes to: ireduce(uextend x) or ireduce(sextend x) is x. */
static uint32_t undone(const local *l, const ir_inst *i)
{
    const ir_inst *d = i->op == JIT_OP_ireduce ? definition(l, i->a) : NULL;

    if (!d || (d->op != JIT_OP_uextend && d->op != JIT_OP_sextend))
        return 0;
    return value_type(l->f, d->a) == i->type ? d->a : 0;
}

/* Constants stand on the right; chains of extensions and reductions become one. */
static void normalize(const local *l, ir_inst *i)
{
    uint64_t k;
    const ir_inst *d;

    if (op_of(i)->props & OP_COMMUTES && !op_of(i)->pooled && constant_of(l, i->a, &k)
        && !constant_of(l, i->b, &k)) {
        uint32_t x = i->a;
        i->a = i->b;
        i->b = x;
    }
    if ((i->op == JIT_OP_ireduce || i->op == JIT_OP_uextend || i->op == JIT_OP_sextend)
        && (d = definition(l, i->a)) != NULL && d->op == i->op)
        i->a = d->a;
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
        normalize(l, i);
        if (i->op != JIT_OP_select_spectre_guard && fold(l, i))
            o = op_of(i);
        else
            same = o->format == FMT_BINARY    ? identity(l, i)
                   : o->format == FMT_CONVERT ? undone(l, i) : 0;
        if (!same && o->format == FMT_BINARY)
            same = with_itself(i);
        else if (i->op == JIT_OP_icmp)
            compare_with_itself(l, i);
        o = op_of(i);
    }
    if (!same && is_numbered(l, i, &version))
        same = number(l, i, version);
    if (!same)
        return;
    l->leads[i->c - 1] = same;
    jit_type t = value_type(l->f, i->c);
    if (o->props & OP_LOADS && scalar_type(t)) /* an equal access went well: it cannot fault */
        become_constant(i, t, 0);
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
