/* builder_end.c - the end of SSA construction: drops needless block parameters, defines the zeros.
 *
 * A parameter made for a variable is needless when its arguments are, apart from itself, one and
 * the same value: it becomes an alias of that. Dropping one may make others needless that it is an
 * argument of, so those are looked at again, by a work list. Then one walk over all operands
 * resolves the aliases. Cost: linear in operands, and in arguments times how often a parameter is
 * looked at again. What cannot be reached is left alone: there a parameter may stand for a value that
 * is made of itself. */
#include "ir/builder.h"

#include <string.h>

typedef struct user { uint32_t param, next; } user;

typedef struct {
    jit_builder *b;
    jit_func *f;
    uint32_t *alias;      /* by value id: what it stands for; 0: itself */
    uint32_t *param_of;   /* by value id: index + 1 into b->params */
    uint32_t *users;      /* by param: list of the params that have it as an argument; 0: none */
    user *all_users;      /* index + 1 is what lists hold */
    uint32_t nusers;
    uint32_t *todo;
    uint8_t *waits;       /* by param: stands in todo */
    uint8_t *reached;     /* by block */
    uint32_t ntodo;
    bool any;
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

static uint32_t resolve(const ender *e, uint32_t id)
{
    while (e->alias[id] != 0) {
        uint32_t next = e->alias[id];
        if (e->alias[next] != 0)
            e->alias[id] = e->alias[next];
        id = next;
    }
    return id;
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
static bool all_are_reached(const ender *e)
{
    for (uint32_t k = 0; k < e->f->blocks.len; k++)
        if (!e->b->blocks.at[k].reached)
            return false;
    return true;
}

static void reach(ender *e, uint32_t *stack)
{
    jit_func *f = e->f;
    uint32_t depth = 1;

    if (all_are_reached(e)) {
        memset(e->reached, 1, f->blocks.len);
        return;
    }
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
}

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
        FOR_EACH_EDGE(e, b->params.at[p].block, x) {
            uint32_t of = e->param_of[edge_args(e, x)[num]];
            if (of != 0 && of != p + 1)
                add_user(e, of - 1, p);
        }
    }
    return true;
}

/* The one value that parameter p carries, 0 when there are several; its own id when there is none. */
static uint32_t only_value(const ender *e, uint32_t p)
{
    uint32_t self = e->b->params.at[p].value, same = self;
    uint32_t num = e->f->values.at[self - 1].num;

    FOR_EACH_EDGE(e, e->b->params.at[p].block, x) {
        uint32_t a = resolve(e, edge_args(e, x)[num]);
        if (a == self || a == same)
            continue;
        if (same != self)
            return 0;
        same = a;
    }
    return same;
}

static void wait_for(ender *e, uint32_t p)
{
    const build_param *x = &e->b->params.at[p];

    if (!e->waits[p] && e->reached[x->block] && e->alias[x->value] == 0) {
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
        if (to != 0 && e->alias[e->b->params.at[x->param].value] == 0) {
            x->next = e->users[to - 1];
            e->users[to - 1] = u;
        }
    }
}

static void drop_needless(ender *e)
{
    jit_builder *b = e->b;

    for (uint32_t p = 0; p < b->params.len; p++) /* popped from the last, the innermost, on */
        wait_for(e, p);
    while (e->ntodo > 0) {
        uint32_t p = e->todo[--e->ntodo], self = b->params.at[p].value, value;
        e->waits[p] = 0;
        value = only_value(e, p);
        if (value == 0 || value == self) /* the latter cannot be, for the block is reached */
            continue;
        e->alias[self] = value;
        e->any = true;
        pass_users_on(e, p, value);
    }
}

/* Takes out of a list the places whose parameter was dropped; the new length. */
static uint32_t without_dropped(const ender *e, const uint32_t *params, uint32_t *list, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t k = 0; k < n; k++)
        if (e->alias[params[k]] == 0)
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
        if (e->alias[params[k]] != 0) {
            *v = (ir_value){ 0, v->type, VALUE_NONE, 0 };
        } else {
            v->num = b->nparams & IR_MAX_BLOCK_PARAMS;
            params[b->nparams++] = params[k];
        }
    }
}

static void resolve_list(const ender *e, uint32_t *ids, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        ids[k] = resolve(e, ids[k]);
}

static void resolve_operands(ender *e)
{
    jit_func *f = e->f;

    for (uint32_t k = 0; k < f->insts.len; k++) {
        ir_inst *i = &f->insts.at[k];
        const op_info *o = op_of(i);
        if (!o->pooled) {
            if (o->nargs > 0)
                i->a = resolve(e, i->a);
            if (o->nargs > 1)
                i->b = resolve(e, i->b);
        } else {
            resolve_list(e, f->pool.at + i->a, inst_args(f, i).len);
        }
        if (o->props & OP_BRANCH)
            for (uint32_t t = 0; t < jit_inst_target_count(f, i); t++) {
                uint32_t *call = f->pool.at + jit_inst_target(f, i, t);
                resolve_list(e, call + 3, call[1]);
            }
    }
}

static void remove_needless(jit_builder *b)
{
    jit_func *f = b->f;
    uint32_t n = b->params.len, *stack = zeroed(b, f->blocks.len, sizeof *stack);
    ender e = { .b = b, .f = f };

    e.alias = zeroed(b, (size_t)f->values.len + 1, sizeof *e.alias);
    e.param_of = zeroed(b, (size_t)f->values.len + 1, sizeof *e.param_of);
    e.users = zeroed(b, n, sizeof *e.users);
    e.todo = zeroed(b, n, sizeof *e.todo);
    e.waits = zeroed(b, n, sizeof *e.waits);
    e.reached = zeroed(b, f->blocks.len, sizeof *e.reached);
    if (builder_failed(b))
        return;
    reach(&e, stack);
    for (uint32_t p = 0; p < n; p++)
        e.param_of[b->params.at[p].value] = p + 1;
    if (!find_users(&e))
        return;
    drop_needless(&e);
    if (!e.any)
        return;
    resolve_operands(&e);
    for (uint32_t k = 0; k < f->blocks.len; k++)
        if (f->blocks.at[k].nparams > b->blocks.at[k].nuser)
            shrink_block(&e, k);
}

/* ---- Zeros ---- */

/* The instructions that make a zero of type t, the last one its value; their number. `before` is the id
 * of the value that a second one starts from. */
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
        out[n].op = t == JIT_F16 ? JIT_OP_f16const : t == JIT_F32 ? JIT_OP_f32const : JIT_OP_f64const;
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
