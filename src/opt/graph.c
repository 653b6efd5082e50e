/* graph.c - makes instructions of a graph: simplified, and each pure one only once. */
#include "opt/graph.h"
#include "opt/fold.h"
#include "opt/rules.h"
#include <string.h>

/* ---- Begin ---- */

static void copy_pool(graph *g)
{
    const jit_func *from = g->from;
    uint32_t n = from->pool.len, cap = n + n / 8 + 64;

    g->f->pool.at = ARENA_ARRAY_RAW(g->tmp, uint32_t, cap);
    if (n)
        memcpy(g->f->pool.at, from->pool.at, n * sizeof *from->pool.at);
    g->f->pool.cap = cap;
}

/* Parameters of all blocks first, so that back edges can be led to them. */
static void make_params(graph *g)
{
    const jit_func *from = g->from;
    jit_func *f = g->f;

    for (uint32_t k = 0; k < g->cfg->nrpo; k++) {
        const ir_block *b = &from->blocks.at[g->cfg->rpo[k]];
        for (uint32_t p = 0; p < b->nparams; p++) {
            uint32_t v = from->pool.at[b->params + p];
            vec_push(g->tmp, &f->values, from->values.at[v - 1]);
            vec_push(g->tmp, &g->zeros, 0);
            g->lead[v - 1] = f->values.len;
            f->pool.at[b->params + p] = f->values.len;
        }
    }
}

void jit_graph_begin(graph *g, const jit_func *from, const ir_cfg *cfg, arena *tmp)
{
    uint32_t n = inst_count(from), size = 64;

    memset(g, 0, sizeof *g);
    g->from = from;
    g->cfg = cfg;
    g->tmp = tmp;
    jit_dom_compute(&g->dom, cfg, tmp);
    jit_loops_compute(&g->loops, cfg, tmp);
    g->f = ARENA_NEW(tmp, jit_func);
    *g->f = *from;
    memset(&g->f->insts, 0, sizeof g->f->insts);
    memset(&g->f->values, 0, sizeof g->f->values);
    g->f->verified = false;
    copy_pool(g);
    vec_reserve(tmp, &g->f->insts, n);
    vec_reserve(tmp, &g->f->values, from->values.len);
    vec_reserve(tmp, &g->home, n);
    vec_reserve(tmp, &g->born, n);
    vec_reserve(tmp, &g->zeros, from->values.len);
    vec_reserve(tmp, &g->origin, n);
    vec_reserve(tmp, &g->pinned, n / 2 + 16);
    g->lead = ARENA_ARRAY(tmp, uint32_t, from->values.len);
    g->same_as = ARENA_ARRAY(tmp, uint32_t, from->values.len);
    g->first = ARENA_ARRAY(tmp, uint32_t, cfg->nblocks);
    g->end = ARENA_ARRAY(tmp, uint32_t, cfg->nblocks);
    while (size < 2 * (uint64_t)n && size < 1u << 30)
        size *= 2;
    g->slots = ARENA_ARRAY(tmp, uint32_t, size);
    g->mask = size - 1;
    make_params(g);
}

/* ---- What may float ---- */

/* Division by a constant that cannot trap. */
static bool divides_safely(const graph *g, const ir_inst *i)
{
    uint64_t k;

    switch (i->op) {
    case JIT_OP_udiv: case JIT_OP_urem: case JIT_OP_srem:
        return jit_fold_constant(g->f, i->b, &k) && k != 0;
    case JIT_OP_sdiv:
        return jit_fold_constant(g->f, i->b, &k) && k != 0
               && k != ~(uint64_t)0 >> (64 - jit_type_bits(i->type));
    default:
        return false;
    }
}

bool jit_graph_floats(const graph *g, const ir_inst *i)
{
    static const uint8_t movable = JIT_MEM_NOTRAP | JIT_MEM_READONLY | JIT_MEM_CAN_MOVE;
    const op_info *o = op_of(i);

    if (o->nresults == 0 || o->nresults == OP_RESULTS_BY_SIG
        || o->props & (OP_TERM | OP_CALL | OP_STORES) || o->format == FMT_EH_ADDR
        || o->format == FMT_DYNAMIC_STACK_ADDR)
        return false;
    if (o->props & OP_LOADS)
        return o->format == FMT_LOAD && !(o->props & OP_EFFECT)
               && (g->f->mems.at[i->aux].bits & movable) == movable;
    return !(o->props & OP_EFFECT) || (o->props & OP_TRAPS && divides_safely(g, i));
}

/* ---- The table ---- */

/* Operands and immediates as three words. */
static void key_of(const jit_func *f, const ir_inst *i, uint32_t key[3])
{
    const op_info *o = op_of(i);

    if (o->pooled) { /* three operands: a list by signature is never pure */
        memcpy(key, f->pool.at + i->a, 3 * sizeof *key);
    } else {
        bool one = o->nargs == 1 && o->format != FMT_LOAD;
        key[0] = i->a;
        key[1] = one || o->format == FMT_GLOBAL_VALUE || o->format == FMT_FUNC_ADDR ? 0 : i->b;
        key[2] = 0;
    }
}

static uint64_t hash_of(const ir_inst *i, const uint32_t key[3])
{
    uint64_t rest = (uint64_t)i->op | (uint64_t)i->type << 8 | (uint64_t)i->aux << 16;
    uint64_t h = hash_mix(((uint64_t)key[1] << 32 | key[0]) ^ rest * 0x9e3779b97f4a7c15u);

    return hash_mix(h ^ key[2]);
}

/* The slot of an equal instruction, or the empty one where it belongs. */
static uint32_t find_slot(const graph *g, const ir_inst *i)
{
    uint32_t key[3], other[3];

    key_of(g->f, i, key);
    for (uint32_t at = (uint32_t)hash_of(i, key) & g->mask;; at = (at + 1) & g->mask) {
        if (!g->slots[at])
            return at;
        const ir_inst *j = inst_at(g->f, g->slots[at] - 1);
        if (j->op != i->op || j->type != i->type || j->aux != i->aux)
            continue;
        key_of(g->f, j, other);
        if (memcmp(key, other, sizeof key) == 0)
            return at;
    }
}

static void grow_table(graph *g)
{
    const uint32_t *old = g->slots;
    uint32_t n = g->mask + 1;

    g->slots = ARENA_ARRAY(g->tmp, uint32_t, 2 * (size_t)n);
    g->mask = 2 * n - 1;
    for (uint32_t k = 0; k < n; k++)
        if (old[k])
            g->slots[find_slot(g, inst_at(g->f, old[k] - 1))] = old[k];
}

/* ---- Making ---- */

/* Rules speak of integers of at most 64 bits. */
static bool has_rules(jit_type t)
{
    return jit_type_is_int(t) && t != JIT_I128 && !jit_type_is_vector(t);
}

/* A load says by its name what is above it, a constant all. */
static uint64_t zeros_of(graph *g, const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_iconst: return ~inst_imm64(i);
    case JIT_OP_uload8: return ~(uint64_t)0xff;
    case JIT_OP_uload16: return ~(uint64_t)0xffff;
    case JIT_OP_uload32: return ~(uint64_t)0xffffffff;
    default: return op_of(i)->props & (OP_EFFECT | OP_LOADS) ? 0 : jit_rules_zeros(g, i);
    }
}

uint64_t jit_graph_zeros(const graph *g, uint32_t value)
{
    return g->zeros.at[value - 1];
}

static uint32_t append(graph *g, ir_inst i, uint32_t home, const ir_value *results, uint32_t n)
{
    jit_func *f = g->f;
    uint32_t index = f->insts.len, first = f->values.len + 1;
    uint64_t zeros = n == 1 && has_rules((jit_type)results[0].type) ? zeros_of(g, &i) : 0;

    if (n)
        i.c = first;
    vec_push(g->tmp, &f->insts, i);
    vec_push(g->tmp, &g->home, home);
    vec_push(g->tmp, &g->born, g->block);
    vec_push(g->tmp, &g->origin, g->at);
    for (uint32_t k = 0; k < n; k++) {
        ir_value v = { index, results[k].type, VALUE_RESULT, k & IR_MAX_BLOCK_PARAMS };
        vec_push(g->tmp, &f->values, v);
        vec_push(g->tmp, &g->zeros, zeros);
    }
    return n ? first : 0;
}

/* Operands of commutative operations in one order, so that equal ones are found. */
static void order_operands(const graph *g, ir_inst *i)
{
    uint64_t k;

    if (!(op_of(i)->props & OP_COMMUTES) || op_of(i)->pooled || i->a <= i->b
        || jit_fold_constant(g->f, i->b, &k))
        return;
    uint32_t x = i->a;
    i->a = i->b;
    i->b = x;
}

/* The value that i comes to by folding or a rule; 0: it stays, but may have changed. */
static uint32_t simplify(graph *g, ir_inst *i, jit_type result)
{
    enum { DEEPEST = 8 };
    uint32_t same = op_of(i)->props & OP_LOADS ? 0 : jit_fold_inst(g->f, i, result);

    if (same || g->depth == DEEPEST || !has_rules(i->type))
        return same;
    g->depth++;
    same = jit_rules_apply(g, i);
    g->depth--;
    return same;
}

uint32_t jit_graph_values(graph *g, ir_inst i, const ir_value *results, uint32_t n)
{
    uint32_t same = n == 1 ? simplify(g, &i, (jit_type)results[0].type) : 0;

    if (same)
        return same;
    order_operands(g, &i);
    uint32_t slot = find_slot(g, &i);
    if (g->slots[slot])
        return inst_at(g->f, g->slots[slot] - 1)->c;
    uint32_t v = append(g, i, GRAPH_FLOATS, results, n);
    g->slots[slot] = g->f->insts.len;
    if (++g->used > g->mask / 4 * 3)
        grow_table(g);
    return v;
}

uint32_t jit_graph_value(graph *g, ir_inst i, jit_type result)
{
    ir_value r = { .type = result };

    return jit_graph_values(g, i, &r, 1);
}

uint32_t jit_graph_pin(graph *g, ir_inst i, const ir_value *results, uint32_t n)
{
    uint32_t v = append(g, i, g->block, results, n);

    vec_push(g->tmp, &g->pinned, g->f->insts.len - 1);
    return v;
}

uint32_t jit_graph_op(graph *g, jit_opcode op, jit_type t, unsigned aux, uint32_t a, uint32_t b,
                      uint32_t c)
{
    ir_inst i = { .op = (uint8_t)op, .type = t, .aux = (uint16_t)aux, .a = a, .b = b };
    const op_info *o = op_of(&i);

    if ((op == JIT_OP_uextend || op == JIT_OP_sextend || op == JIT_OP_ireduce)
        && value_type(g->f, a) == t)
        return a;
    if (o->pooled) {
        vec_reserve(g->tmp, &g->f->pool, 3);
        i.a = g->f->pool.len;
        i.b = 0;
        g->f->pool.at[g->f->pool.len++] = a;
        g->f->pool.at[g->f->pool.len++] = b;
        g->f->pool.at[g->f->pool.len++] = c;
    }
    return jit_graph_value(g, i, jit_rule_type(strchr(o->rule, '>')[1], t));
}

uint32_t jit_graph_iconst(graph *g, jit_type t, uint64_t bits)
{
    ir_inst i = { 0 };

    jit_fold_become(&i, t, bits & mask_of(t));
    return jit_graph_value(g, i, t);
}
