/* builder_end.c - the end of SSA construction: drops needless block parameters, defines the zeros.
 *
 * A parameter made for a variable is needless when its arguments are, apart from itself, one and
 * the same value: it becomes an alias of that. Most were found when their arguments were. Dropping
 * one may make others needless that it is an argument of; when two walks over the parameters leave
 * some, a work list looks at what is left. Then one walk over all operands resolves the aliases.
 * Cost: linear in operands, and in arguments times how often a parameter is looked at again. What
 * cannot be reached is left alone: there a parameter may stand for a value made of itself. */
#include "ir/builder.h"

#include <string.h>

typedef struct user { uint32_t param, next; } user;

typedef struct {
    jit_builder *b;
    jit_func *f;
    uint8_t *reached;   /* by block; NULL: all are */
    /* For the work list only: */
    uint32_t *param_of; /* by value id: index + 1 into b->params */
    uint32_t *users;    /* by param: list of the params that have it as an argument; 0: none */
    user *all_users;    /* index + 1 is what lists hold */
    uint32_t nusers;
    uint32_t *todo;
    uint8_t *waits;     /* by param: stands in todo */
    uint32_t ntodo;
} ender;

static void *zeroed(jit_builder *b, size_t n, size_t size)
{
    void *p = n <= SIZE_MAX / size ? arena_try(&b->tmp, n * size) : NULL;

    if (p)
        memset(p, 0, n * size);
    else
        jit_builder_no_memory(b);
    return p;
}

static const uint32_t *edge_args(const ender *e, const build_edge *x)
{
    return e->f->pool.at + x->call + 3;
}

#define FOR_EACH_EDGE(e, block, x)                                                              \
    for (const build_edge *x = NULL, *x##_at = (e)->b->edges.at;                                 \
         (x = next_edge(x##_at, x, (e)->b->blocks.at[block].edges)) != NULL;)

static const build_edge *next_edge(const build_edge *all, const build_edge *x, uint32_t first)
{
    uint32_t k = x ? x->next : first;
    return k == 0 ? NULL : &all[k - 1];
}

/* Most blocks are filled after one that branches to them: then there is nothing to search. */
static bool all_are_reached(const jit_builder *b)
{
    for (uint32_t k = 0; k < b->blocks.len; k++)
        if (!b->blocks.at[k].reached)
            return false;
    return true;
}

/* Finds the blocks that can be reached; false: no memory. */
static bool reach(ender *e)
{
    jit_func *f = e->f;
    uint32_t depth = 1, *stack;

    if (all_are_reached(e->b))
        return true;
    stack = zeroed(e->b, f->blocks.len, sizeof *stack);
    e->reached = zeroed(e->b, f->blocks.len, sizeof *e->reached);
    if (!stack || !e->reached)
        return false;
    stack[0] = 0;
    e->reached[0] = 1;
    while (depth > 0) {
        const ir_block *b = &f->blocks.at[stack[--depth]];
        const ir_inst *last = inst_at(f, b->end - 1);
        for (uint32_t k = jit_inst_target_count(f, last); k-- > 0;) {
            uint32_t to = block_call(f, jit_inst_target(f, last, k)).block;
            if (!e->reached[to]) {
                e->reached[to] = 1;
                stack[depth++] = to;
            }
        }
    }
    return true;
}

static bool is_dropped(const ender *e, uint32_t id)
{
    return e->f->values.at[id - 1].kind == VALUE_ALIAS;
}

/* The one value that parameter p carries, 0 when there are several. */
static uint32_t only_value(const ender *e, const build_param *p)
{
    uint32_t num = e->f->values.at[p->value - 1].num, same = 0;

    FOR_EACH_EDGE(e, p->block, x) {
        uint32_t a = builder_resolve(e->f, edge_args(e, x)[num]);
        if (a == p->value || a == same)
            continue;
        if (same != 0)
            return 0;
        same = a;
    }
    return same;
}

/* Whether parameter p may be dropped and was not, and what it carries. */
static uint32_t needless(const ender *e, const build_param *p)
{
    if (is_dropped(e, p->value) || (e->reached && !e->reached[p->block]))
        return 0;
    return only_value(e, p);
}

/* Once over all parameters, the innermost first; true when one was dropped. */
static bool drop_once(ender *e)
{
    jit_builder *b = e->b;
    uint32_t before = b->ndropped;

    for (uint32_t p = b->params.len; p-- > 0;) {
        uint32_t value = needless(e, &b->params.at[p]);
        if (value != 0)
            builder_drop_param(b, b->params.at[p].value, value);
    }
    return b->ndropped != before;
}

/* ---- The work list, when two walks were not enough ---- */

static void add_user(ender *e, uint32_t of, uint32_t param)
{
    e->all_users[e->nusers++] = (user){ param, e->users[of] };
    e->users[of] = e->nusers;
}

/* Lists, for each parameter, the parameters that it is an argument of. */
static bool find_users(ender *e)
{
    jit_builder *b = e->b;
    size_t most = 0;

    for (uint32_t p = 0; p < b->params.len; p++)
        most += b->blocks.at[b->params.at[p].block].nedges;
    e->all_users = zeroed(b, most, sizeof *e->all_users);
    if (!e->all_users)
        return false;
    for (uint32_t p = 0; p < b->params.len; p++) {
        uint32_t num = e->f->values.at[b->params.at[p].value - 1].num;
        if (is_dropped(e, b->params.at[p].value))
            continue;
        FOR_EACH_EDGE(e, b->params.at[p].block, x) {
            uint32_t of = e->param_of[builder_resolve(e->f, edge_args(e, x)[num])];
            if (of != 0 && of != p + 1)
                add_user(e, of - 1, p);
        }
    }
    return true;
}

static void wait_for(ender *e, uint32_t p)
{
    if (!e->waits[p] && !is_dropped(e, e->b->params.at[p].value)) {
        e->waits[p] = 1;
        e->todo[e->ntodo++] = p;
    }
}

/* Looks at the users of p again; those of a parameter that p stands for from now on, they are its
 * users too. */
static void pass_users_on(ender *e, uint32_t p, uint32_t value)
{
    uint32_t to = e->param_of[value], next;

    for (uint32_t u = e->users[p]; u != 0; u = next) {
        user *x = &e->all_users[u - 1];
        next = x->next;
        wait_for(e, x->param);
        if (to != 0 && !is_dropped(e, e->b->params.at[x->param].value)) {
            x->next = e->users[to - 1];
            e->users[to - 1] = u;
        }
    }
}

static void drop_by_users(ender *e)
{
    jit_builder *b = e->b;
    uint32_t n = b->params.len;

    e->param_of = zeroed(b, (size_t)e->f->values.len + 1, sizeof *e->param_of);
    e->users = zeroed(b, n, sizeof *e->users);
    e->todo = zeroed(b, n, sizeof *e->todo);
    e->waits = zeroed(b, n, sizeof *e->waits);
    if (builder_failed(b))
        return;
    for (uint32_t p = 0; p < n; p++)
        e->param_of[b->params.at[p].value] = p + 1;
    if (!find_users(e))
        return;
    for (uint32_t p = 0; p < n; p++)
        wait_for(e, p);
    while (e->ntodo > 0) {
        uint32_t p = e->todo[--e->ntodo], value = needless(e, &b->params.at[p]);
        e->waits[p] = 0;
        if (value == 0)
            continue;
        builder_drop_param(b, b->params.at[p].value, value);
        pass_users_on(e, p, value);
    }
}

/* ---- Taking them out ---- */

/* Takes out of a list the places whose parameter was dropped; the new length. */
static uint32_t without_dropped(const ender *e, const uint32_t *params, uint32_t *list, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t k = 0; k < n; k++)
        if (!is_dropped(e, params[k]))
            list[kept++] = list[k];
    return kept;
}

static void shrink_block(ender *e, uint32_t block)
{
    jit_func *f = e->f;
    ir_block *b = &f->blocks.at[block];
    uint32_t *params = f->pool.at + b->params, n = b->nparams;

    FOR_EACH_EDGE(e, block, x) {
        uint32_t *call = f->pool.at + x->call;
        call[1] = without_dropped(e, params, call + 3, n);
    }
    b->nparams = 0;
    for (uint32_t k = 0; k < n; k++) {
        ir_value *v = &f->values.at[params[k] - 1];
        if (v->kind == VALUE_ALIAS) {
            *v = (ir_value){ 0, v->type, VALUE_NONE, 0 };
        } else {
            v->num = b->nparams & IR_MAX_BLOCK_PARAMS;
            params[b->nparams++] = params[k];
        }
    }
}

static void resolve_list(jit_func *f, uint32_t *ids, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        ids[k] = builder_resolve(f, ids[k]);
}

static void resolve_operands(jit_func *f)
{
    for (uint32_t k = 0; k < f->insts.len; k++) {
        ir_inst *i = &f->insts.at[k];
        const op_info *o = op_of(i);
        if (!o->pooled) {
            if (o->nargs > 0)
                i->a = builder_resolve(f, i->a);
            if (o->nargs > 1)
                i->b = builder_resolve(f, i->b);
        } else {
            resolve_list(f, f->pool.at + i->a, inst_args(f, i).len);
        }
        if (o->props & OP_BRANCH)
            for (uint32_t t = 0; t < jit_inst_target_count(f, i); t++) {
                uint32_t *call = f->pool.at + jit_inst_target(f, i, t);
                resolve_list(f, call + 3, call[1]);
            }
    }
}

static void remove_needless(jit_builder *b)
{
    jit_func *f = b->f;
    ender e = { .b = b, .f = f };

    if (!reach(&e))
        return;
    if (drop_once(&e) && drop_once(&e))
        drop_by_users(&e);
    if (b->ndropped == 0 || builder_failed(b))
        return;
    resolve_operands(f);
    for (uint32_t k = 0; k < f->blocks.len; k++) /* needs all resolved: aliases end here */
        if (f->blocks.at[k].nparams > b->blocks.at[k].nuser)
            shrink_block(&e, k);
}

/* ---- Zeros ---- */

/* The instructions that make a zero of type t, the last one its value; their number. `before` is
 * the id of the value that a second one starts from. */
static uint32_t zero_insts(jit_func *f, jit_type t, uint32_t before, ir_inst out[2])
{
    static const uint8_t zeros[16] = { 0 };
    uint32_t n = 0;

    memset(out, 0, 2 * sizeof out[0]);
    if (t == JIT_I128) {
        out[n++] = (ir_inst){ .op = JIT_OP_iconst, .type = JIT_I64 };
        out[n] = (ir_inst){ .op = JIT_OP_uextend, .type = t, .a = before };
    } else if (jit_type_is_int(t)) {
        out[n].op = JIT_OP_iconst;
    } else if (t == JIT_F16 || t == JIT_F32 || t == JIT_F64) {
        out[n].op = t == JIT_F16   ? JIT_OP_f16const
                    : t == JIT_F32 ? JIT_OP_f32const
                                   : JIT_OP_f64const;
    } else {
        out[n].op = t == JIT_F128 ? JIT_OP_f128const : JIT_OP_vconst;
        out[n].a = jit_func_add_const(f, zeros, jit_type_bytes(t));
        if (out[n].a == 0)
            return 0;
    }
    out[n].type = t;
    return n + 1;
}

/* Makes a gap of n instructions at the top of the entry block. */
static bool shift_insts(jit_builder *b, uint32_t n)
{
    jit_func *f = b->f;

    if (f->insts.len >= IR_MAX_ENTITIES - n || !vec_try_reserve(&f->mem, &f->insts, n)
        || (f->srcpos.len > 0 && !vec_try_reserve(&f->mem, &f->srcpos, n)))
        return jit_builder_no_memory(b) != 0;
    memmove(f->insts.at + n, f->insts.at, f->insts.len * sizeof f->insts.at[0]);
    f->insts.len += n;
    if (f->srcpos.len > 0) {
        memmove(f->srcpos.at + n, f->srcpos.at, f->srcpos.len * sizeof f->srcpos.at[0]);
        memset(f->srcpos.at, 0xff, n * sizeof f->srcpos.at[0]);
        f->srcpos.len += n;
    }
    for (uint32_t k = 0; k < f->values.len; k++)
        if (f->values.at[k].kind == VALUE_RESULT)
            f->values.at[k].def += n;
    for (uint32_t k = 0; k < f->blocks.len; k++) {
        f->blocks.at[k].first += n;
        f->blocks.at[k].end += n;
    }
    f->blocks.at[0].first = 0;
    return true;
}

static void define_zeros(jit_builder *b)
{
    jit_func *f = b->f;
    uint32_t n = b->zeros.len, most = 2 * n, at = 0;
    ir_inst *all = zeroed(b, most, sizeof *all);

    if (!all || !vec_try_reserve(&f->mem, &f->values, n)) {
        jit_builder_no_memory(b);
        return;
    }
    for (uint32_t k = 0; k < n; k++) { /* ids first: the shift moves no value that is none yet */
        uint32_t extra = f->values.len + 1;
        uint32_t len = zero_insts(f, b->zeros.at[k].type, extra, all + at);
        if (len == 0) {
            b->current = 0;
            return;
        }
        if (len == 2) {
            f->values.at[f->values.len++] = (ir_value){ at, JIT_I64, VALUE_NONE, 0 };
            all[at].c = extra;
        }
        all[at + len - 1].c = b->zeros.at[k].value;
        at += len;
    }
    if (!shift_insts(b, at))
        return;
    memcpy(f->insts.at, all, at * sizeof *all);
    for (uint32_t k = 0; k < at; k++) {
        ir_value *v = &f->values.at[all[k].c - 1];
        v->def = k;
        v->kind = VALUE_RESULT;
        v->num = 0;
    }
}

void jit_builder_finish_ssa(jit_builder *b)
{
    if (b->params.len > 0)
        remove_needless(b);
    if (b->zeros.len > 0 && !builder_failed(b))
        define_zeros(b);
}
