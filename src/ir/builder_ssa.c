/* builder_ssa.c - blocks and variables: SSA form while building, after Braun et al. 2013.
 *
 * A read looks for the variable's value in its block, then upwards. An unsealed block, or one with
 * several predecessors, gets a parameter at once, whose id is the answer; its arguments are found
 * later from a work list, so nothing recurses. Parameters that turn out to carry one value become
 * aliases; the others get into blocks and branches at the end, all together. Blocks without
 * predecessors read zero.
 *
 * What is known of variables at the end of a block stands in its row. A sealed block begins with
 * what its predecessors' rows agree upon, so that most reads find their value where they look
 * first. */
#include "ir/builder.h"

#include "gantry/jit_text.h"

#include <string.h>

static const jit_value no_value = { 0 };
static const jit_block no_block = { 0 };

/* What jit_build() gives when there is no memory for a builder, or no function: every call on it
 * finds that it failed already, so that nothing is ever written. */
static const jit_func dead_func = { .fail = { .status = JIT_ERR_NOMEM, .message = "no memory" },
                                    .printed = "function" };
static const jit_builder dead_builder = { .f = (jit_func *)&dead_func, .srcpos = ~0u };

/* ---- Variables: definitions ---- */

/* The place of var in the pages of block; NULL: it has none there. */
static __attribute__((noinline)) uint32_t *in_page(const jit_builder *b, uint32_t var,
                                                   uint32_t block)
{
    uint32_t page = jit_map_get(&b->page_of, (uint64_t)block << 32 | var / PAGE_VARS);

    return page == 0 ? NULL : &b->pages.at[page - 1].value[var % PAGE_VARS];
}

static uint32_t *add_page(jit_builder *b, uint32_t var, uint32_t block)
{
    if (!vec_try_reserve(&b->tmp, &b->pages, 1)
        || !jit_map_try_put(&b->tmp, &b->page_of, (uint64_t)block << 32 | var / PAGE_VARS,
                            b->pages.len + 1)) {
        jit_builder_no_memory(b);
        return NULL;
    }
    memset(&b->pages.at[b->pages.len++], 0, sizeof b->pages.at[0]);
    return &b->pages.at[b->pages.len - 1].value[var % PAGE_VARS];
}

/* Gives block its row, of nothing known. */
static bool add_row(jit_builder *b, uint32_t block)
{
    uint32_t width = (b->vars.len + PAGE_VARS - 1) / PAGE_VARS * PAGE_VARS;
    build_block *x = &b->blocks.at[block];

    if (width > ROW_MOST)
        width = ROW_MOST;
    if (!vec_try_reserve(&b->tmp, &b->rows, width))
        return jit_builder_no_memory(b) != 0;
    x->row = b->rows.len;
    x->width = width;
    for (uint32_t *at = b->rows.at + x->row, *end = at + width; at != end; at += PAGE_VARS)
        memset(at, 0, PAGE_VARS * sizeof *at);
    b->rows.len += width;
    return true;
}

/* The value of var at the end of block (so far); 0: not known. */
INLINE uint32_t defined(const jit_builder *b, uint32_t var, uint32_t block)
{
    const build_block *x = &b->blocks.at[block];
    uint32_t value;

    if (var < x->width) {
        value = b->rows.at[x->row + var];
    } else {
        const uint32_t *at = b->page_of.len > 0 ? in_page(b, var, block) : NULL;
        value = at ? *at : 0;
    }
    return value == 0 ? 0 : builder_resolve(b->f, value);
}

INLINE bool define(jit_builder *b, uint32_t var, uint32_t block, uint32_t value)
{
    build_block *x = &b->blocks.at[block];
    uint32_t *at;

    if (x->width == 0 && !add_row(b, block))
        return false;
    if (var < x->width) {
        b->rows.at[x->row + var] = value;
        return true;
    }
    at = in_page(b, var, block);
    if (!at)
        at = add_page(b, var, block);
    if (at)
        *at = value;
    return at != NULL;
}

/* Fills the gaps in a sealed block's row with what its predecessors agree upon, PAGE_VARS values at
 * a time, so that compilers use vectors. */
static void inherit(jit_builder *b, uint32_t block)
{
    build_block *x = &b->blocks.at[block];
    const build_block *first, *other;
    uint32_t e = x->edges, common[PAGE_VARS];

    if (e == 0)
        return;
    first = &b->blocks.at[b->edges.at[e - 1].block];
    if (first->width == 0 || (x->width == 0 && !add_row(b, block)))
        return;
    for (uint32_t at = 0; at < first->width && at < x->width; at += PAGE_VARS) {
        memcpy(common, b->rows.at + first->row + at, sizeof common);
        for (uint32_t k = b->edges.at[e - 1].next; k != 0; k = b->edges.at[k - 1].next) {
            const uint32_t *row;
            other = &b->blocks.at[b->edges.at[k - 1].block];
            if (at >= other->width)
                return;
            row = b->rows.at + other->row + at;
            for (uint32_t j = 0; j < PAGE_VARS; j++)
                common[j] &= -(uint32_t)(common[j] == row[j]);
        }
        uint32_t *row = b->rows.at + x->row + at;
        for (uint32_t j = 0; j < PAGE_VARS; j++)
            row[j] |= common[j] & -(uint32_t)(row[j] == 0);
    }
}

/* ---- Blocks ---- */

static uint32_t add_block(jit_builder *b)
{
    uint32_t id;

    if (!vec_try_reserve(&b->tmp, &b->blocks, 1))
        return jit_builder_no_memory(b);
    id = jit_func_add_block(b->f);
    if (id == 0) {
        b->current = 0;
        return 0;
    }
    b->blocks.at[b->blocks.len++] = (build_block){ 0 };
    return id;
}

static void make_entry(jit_builder *b)
{
    jit_func *f = b->f;

    if (!add_block(b) || !jit_func_place_block(f, 0))
        return;
    f->blocks.at[0].sealed = 1;
    b->blocks.at[0].reached = 1;
    b->current = 1;
    for (uint32_t k = 0; k < f->sig.nparams; k++) {
        jit_type t = JIT_PARAM_TYPE(f->sig.params[k]);
        if (!type_is_legal(t))
            jit_builder_fault(b, JIT_ERR_VERIFY, "parameter %u has no type", k);
        if (b->current == 0 || !jit_func_add_param(f, 0, t)) {
            b->current = 0;
            return;
        }
    }
    b->blocks.at[0].nuser = f->sig.nparams;
}

jit_builder *jit_build(jit_func *f)
{
    jit_builder *b = f && !f->builder ? arena_try(&f->mem, sizeof *b) : NULL;

    if (!b) {
        if (f && f->fail.status == JIT_OK)
            jit_fail_set(&f->fail, f->builder ? JIT_ERR_ARG : JIT_ERR_NOMEM, "%s: %s", f->printed,
                         f->builder ? "it has a builder already" : "no memory");
        return (jit_builder *)&dead_builder;
    }
    memset(b, 0, sizeof *b);
    b->f = f;
    b->srcpos = ~0u;
    jit_arena_init(&b->tmp, f->mem.host, &f->fail);
    if (b->tmp.chunk > 4096)
        b->tmp.chunk = 4096;
    f->builder = b;
    f->verified = false;
    if (f->blocks.len > 0)
        jit_builder_fault(b, JIT_ERR_ARG, "the function has blocks already");
    if (!builder_failed(b))
        make_entry(b);
    return b;
}

jit_block jit_block_new(jit_builder *b)
{
    jit_block r = no_block;

    if (!builder_failed(b))
        r.id = add_block(b);
    return r;
}

/* False, with the error, unless block is one of f's. */
static bool is_block(jit_builder *b, jit_block block)
{
    if (builder_failed(b))
        return false;
    if (block.id - 1 < b->f->blocks.len)
        return true;
    return jit_builder_fault(b, JIT_ERR_VERIFY, "there is no such block") != 0;
}

jit_value jit_block_param(jit_builder *b, jit_block block, jit_type t)
{
    jit_value v;
    build_block *x;

    if (!is_block(b, block))
        return no_value;
    x = &b->blocks.at[block.id - 1];
    if (block.id == 1 || x->nedges > 0 || x->nvar > 0 || !type_is_legal(t)) {
        jit_builder_fault(b, JIT_ERR_VERIFY, "block%u: a parameter %s", block.id - 1,
                          block.id == 1        ? "of the entry block comes from the signature"
                          : !type_is_legal(t) ? "needs a type"
                                              : "must be made before branches and variables");
        return no_value;
    }
    v.id = jit_func_add_param(b->f, block.id - 1, t);
    if (v.id == 0)
        b->current = 0;
    else
        x->nuser++;
    return v;
}

static bool is_ended(jit_builder *b)
{
    if (b->current == 0)
        return true;
    return jit_builder_fault(b, JIT_ERR_VERIFY, "block%u has no terminator", b->current - 1) != 0;
}

void jit_block_start(jit_builder *b, jit_block block)
{
    if (!is_block(b, block) || !is_ended(b))
        return;
    if (b->f->blocks.at[block.id - 1].placed) {
        jit_builder_fault(b, JIT_ERR_VERIFY, "block%u is started twice", block.id - 1);
        return;
    }
    if (jit_func_place_block(b->f, block.id - 1)) {
        b->current = block.id;
        if (b->f->blocks.at[block.id - 1].sealed)
            inherit(b, block.id - 1);
    }
    b->past_end = false;
}

void jit_block_cold(jit_builder *b, jit_block block)
{
    if (is_block(b, block))
        b->f->blocks.at[block.id - 1].cold = 1;
}

jit_value jit_param(jit_builder *b, uint32_t k)
{
    const jit_func *f = b->f;

    if (f->blocks.len > 0 && b->blocks.len > 0 && k < b->blocks.at[0].nuser)
        return jit_value_at(f->pool.at[f->blocks.at[0].params + k] - 1);
    if (!builder_failed(b))
        jit_builder_fault(b, JIT_ERR_VERIFY, "the function has no parameter %u", k);
    return no_value;
}

jit_value jit_block_param_at(jit_builder *b, jit_block block, uint32_t k)
{
    const jit_func *f = b->f;

    if (!is_block(b, block))
        return no_value;
    if (block.id - 1 < b->blocks.len && k < b->blocks.at[block.id - 1].nuser)
        return jit_value_at(f->pool.at[f->blocks.at[block.id - 1].params + k] - 1);
    jit_builder_fault(b, JIT_ERR_VERIFY, "block%u has no parameter %u", block.id - 1, k);
    return no_value;
}

void jit_source_position(jit_builder *b, uint32_t pos)
{
    if (!builder_failed(b))
        b->srcpos = pos;
}

/* ---- Variables: look-up ---- */

/* A constant zero of type t: in the entry block at once while that is filled, else reserved and
 * defined at its top at the end. */
static uint32_t zero(jit_builder *b, jit_type t)
{
    jit_func *f = b->f;
    uint32_t id;

    for (uint32_t k = 0; k < b->zeros.len; k++)
        if (b->zeros.at[k].type == t)
            return b->zeros.at[k].value;
    if (f->values.len >= IR_MAX_ENTITIES - 2 || !vec_try_reserve(&f->mem, &f->values, 1)
        || !vec_try_reserve(&b->tmp, &b->zeros, 1))
        return jit_builder_no_memory(b);
    f->values.at[f->values.len] = (ir_value){ 0, t, VALUE_NONE, 0 };
    id = ++f->values.len;
    b->zeros.at[b->zeros.len++] = (build_zero){ id, t };
    return id;
}

/* A parameter of block for var, known there from now on; 0 on failure. */
static uint32_t new_param(jit_builder *b, uint32_t var, uint32_t block)
{
    jit_func *f = b->f;
    build_block *x = &b->blocks.at[block];
    uint32_t id;

    if (f->values.len >= IR_MAX_ENTITIES - 2)
        return jit_builder_fault(b, JIT_ERR_LIMIT, "too many values");
    if (!vec_try_reserve(&f->mem, &f->values, 1) || !vec_try_reserve(&b->tmp, &b->params, 1)
        || !vec_try_reserve(&b->tmp, &b->todo, 1))
        return jit_builder_no_memory(b);
    f->values.at[f->values.len] = (ir_value){ block, b->vars.at[var].type, VALUE_PARAM, 0 };
    id = ++f->values.len;
    if (!define(b, var, block, id))
        return 0;
    x->nvar++;
    b->params.at[b->params.len++] = (build_param){ id, block, var, x->incomplete, 0 };
    if (f->blocks.at[block].sealed)
        b->todo.at[b->todo.len++] = b->params.len - 1;
    else
        x->incomplete = b->params.len;
    return id;
}

/* Goes a short way up from *block to where var is set, or where only more work could tell; its
 * value there, 0 when that is not known. */
static inline uint32_t peek(const jit_builder *b, uint32_t var, uint32_t *block)
{
    for (int steps = 0;; steps++) {
        const build_block *x = &b->blocks.at[*block];
        uint32_t value = defined(b, var, *block);
        if (value != 0 || x->nedges != 1 || !b->f->blocks.at[*block].sealed || steps == 4)
            return value;
        *block = b->edges.at[x->edges - 1].block;
    }
}

/* For a sealed block with several predecessors: the one value that they plainly all have, or else
 * the one block above it on which they all depend. False: neither. */
static bool agree(const jit_builder *b, uint32_t var, uint32_t block, uint32_t *value,
                  uint32_t *above)
{
    uint32_t e = b->blocks.at[block].edges;

    *above = b->edges.at[e - 1].block;
    *value = peek(b, var, above);
    for (e = b->edges.at[e - 1].next; e != 0; e = b->edges.at[e - 1].next) {
        uint32_t at = b->edges.at[e - 1].block;
        uint32_t other = peek(b, var, &at);
        if (other != *value || (other == 0 && at != *above))
            return false;
    }
    return *value != 0 || *above != block;
}

/* The value of var at the end of block; 0 on failure. */
static uint32_t look_up(jit_builder *b, uint32_t var, uint32_t block)
{
    uint32_t value, above = 0;

    b->path.len = 0;
    for (;;) {
        const build_block *x = &b->blocks.at[block];
        value = defined(b, var, block);
        if (value != 0)
            break;
        if (!b->f->blocks.at[block].sealed
            || (x->nedges > 1 && !agree(b, var, block, &value, &above))) {
            value = new_param(b, var, block);
            break;
        }
        if (!vec_try_reserve(&b->tmp, &b->path, 1))
            return jit_builder_no_memory(b);
        b->path.at[b->path.len++] = block;
        if (x->nedges == 0 || b->path.len > b->blocks.len) /* nothing above, or a dead circle */
            value = zero(b, b->vars.at[var].type);
        else if (x->nedges == 1)
            above = b->edges.at[x->edges - 1].block;
        if (value != 0 || x->nedges == 0)
            break;
        block = above;
    }
    for (uint32_t k = 0; value != 0 && k < b->path.len; k++)
        if (!define(b, var, b->path.at[k], value))
            return 0;
    return value;
}

/* Finds a parameter's argument for each branch to its block. When they are all one value already,
 * the parameter is needless. */
static bool fill(jit_builder *b, uint32_t param)
{
    build_param p = b->params.at[param];
    uint32_t same = 0, at = b->arg_values.len;
    bool several = false;

    if (b->blocks.at[p.block].nedges >= IR_MAX_ENTITIES - at)
        return jit_builder_fault(b, JIT_ERR_LIMIT, "too many operands") != 0;
    if (!vec_try_reserve(&b->tmp, &b->arg_values, b->blocks.at[p.block].nedges))
        return jit_builder_no_memory(b) != 0;
    b->params.at[param].args = at;
    for (uint32_t e = b->blocks.at[p.block].edges; e != 0; e = b->edges.at[e - 1].next) {
        uint32_t block = b->edges.at[e - 1].block, value = defined(b, p.var, block);
        if (value == 0 && (value = look_up(b, p.var, block)) == 0)
            return false;
        b->arg_values.at[at++] = value;
        if (value != p.value && value != same) {
            several = several || same != 0;
            same = value;
        }
    }
    b->arg_values.len = at;
    if (!several && same != 0 && b->blocks.at[p.block].reached)
        builder_drop_param(b, p.value, same);
    return true;
}

static bool fill_all(jit_builder *b)
{
    while (b->todo.len > 0)
        if (!fill(b, b->todo.at[--b->todo.len]))
            return false;
    return true;
}

/* ---- Variables: the calls ---- */

static bool is_var(jit_builder *b, jit_var var)
{
    if (builder_failed(b))
        return false;
    if (var.id - 1 < b->vars.len)
        return true;
    return jit_builder_fault(b, JIT_ERR_VERIFY, "there is no such variable") != 0;
}

/* Whether a block is being filled; else the error. */
static bool is_filling(jit_builder *b)
{
    return b->current != 0
           || jit_builder_fault(b, JIT_ERR_VERIFY, "a variable is used outside any block") != 0;
}

jit_var jit_var_new(jit_builder *b, jit_type t)
{
    jit_var none = { 0 };

    if (builder_failed(b))
        return none;
    if (!type_is_legal(t)) {
        jit_builder_fault(b, JIT_ERR_VERIFY, "a variable needs a type");
        return none;
    }
    if (b->vars.len >= IR_MAX_ENTITIES || !vec_try_reserve(&b->tmp, &b->vars, 1)) {
        jit_builder_no_memory(b);
        return none;
    }
    b->vars.at[b->vars.len++] = (build_var){ t };
    return jit_var_at(b->vars.len - 1);
}

void jit_var_set(jit_builder *b, jit_var var, jit_value v)
{
    jit_type have = jit_builder_type(b, v);
    char is[16], wants[16];

    if (var.id - 1 < b->vars.len && have == b->vars.at[var.id - 1].type && b->current != 0) {
        define(b, var.id - 1, b->current - 1, v.id);
        return;
    }
    if (!is_var(b, var) || !is_filling(b))
        return;
    if (have == JIT_VOID)
        jit_builder_fault(b, JIT_ERR_VERIFY, "variable %u is set to no value", var.id - 1);
    else
        jit_builder_fault(b, JIT_ERR_VERIFY, "variable %u has type %s, the value %s", var.id - 1,
                          jit_type_name(b->vars.at[var.id - 1].type, wants),
                          jit_type_name(have, is));
}

jit_value jit_var_get(jit_builder *b, jit_var var)
{
    jit_value v;

    if (b->current != 0) {
        const build_block *x = &b->blocks.at[b->current - 1];
        if (var.id - 1 < x->width) { /* behind the last variable: zero */
            v.id = b->rows.at[x->row + var.id - 1];
            if (v.id != 0)
                return v;
        }
    }
    if (!is_var(b, var) || !is_filling(b))
        return no_value;
    if (b->f->blocks.at[b->current - 1].sealed || defined(b, var.id - 1, b->current - 1) != 0)
        v.id = look_up(b, var.id - 1, b->current - 1);
    else
        v.id = new_param(b, var.id - 1, b->current - 1);
    if (b->todo.len > 0 && !fill_all(b))
        v.id = 0;
    return builder_failed(b) ? no_value : v;
}

static bool seal(jit_builder *b, uint32_t block)
{
    uint32_t p, next, in_order = 0;

    if (b->f->blocks.at[block].sealed)
        return true;
    b->f->blocks.at[block].sealed = 1;
    if (block + 1 == b->current)
        inherit(b, block);
    for (p = b->blocks.at[block].incomplete; p != 0; p = next) { /* newest first: reverse */
        next = b->params.at[p - 1].next;
        b->params.at[p - 1].next = in_order;
        in_order = p;
    }
    b->blocks.at[block].incomplete = 0;
    for (p = in_order; p != 0; p = b->params.at[p - 1].next)
        if (!fill(b, p - 1) || !fill_all(b))
            return false;
    return true;
}

void jit_block_seal(jit_builder *b, jit_block block)
{
    if (is_block(b, block))
        seal(b, block.id - 1);
}

/* ---- The end ---- */

static bool check_blocks(jit_builder *b)
{
    const jit_func *f = b->f;

    for (uint32_t k = 0; k < f->blocks.len; k++)
        if (!f->blocks.at[k].placed && b->blocks.at[k].nedges > 0)
            return jit_builder_fault(b, JIT_ERR_VERIFY, "block%u is a target, but never started", k)
                   != 0;
    return true;
}

static void finish(jit_builder *b)
{
    if (builder_failed(b) || !is_ended(b) || !check_blocks(b))
        return;
    for (uint32_t k = 0; k < b->f->blocks.len; k++)
        if (!seal(b, k))
            return;
    jit_builder_finish_ssa(b);
}

void jit_builder_drop(jit_builder *b)
{
    b->f->builder = NULL;
    jit_arena_free(&b->tmp);
    b->blocks.len = b->vars.len = 0; /* whoever still has the builder finds nothing */
}

void jit_build_end(jit_builder *b)
{
    if (b == &dead_builder)
        return;
    finish(b);
    b->current = 0;
    b->ended = true;
    b->f->verified = false;
    jit_builder_drop(b);
}
