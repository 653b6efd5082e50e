/* builder_end.c - the end of SSA construction: places the block parameters that are needed, defines
 * the zeros.
 *
 * A parameter made for a variable is needless when its arguments are, apart from itself, one and
 * the same value: it becomes an alias of that. Most were found when their arguments were. Dropping
 * one may make others needless that it is an argument of; when two walks over the parameters leave
 * some, a work list looks at what is left. Then one walk over all operands resolves the aliases,
 * and blocks and branches get what is left, in lists of the right size.
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
    const uint32_t *args = e->b->arg_values.at + p->args;
    uint32_t same = 0;

    for (uint32_t k = 0, n = e->b->blocks.at[p->block].nedges; k < n; k++) {
        uint32_t a = builder_resolve(e->f, args[k]);
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
        const build_param *x = &b->params.at[p];
        if (is_dropped(e, x->value))
            continue;
        for (uint32_t k = 0, n = b->blocks.at[x->block].nedges; k < n; k++) {
            uint32_t of = e->param_of[builder_resolve(e->f, b->arg_values.at[x->args + k])];
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

/* ---- Operands ---- */

static inline void resolve(jit_func *f, const ir_value *values, uint32_t *id)
{
    if (__builtin_expect(values[*id - 1].kind == VALUE_ALIAS, 0))
        *id = builder_resolve(f, *id);
}

static void resolve_list(jit_func *f, uint32_t at, uint32_t n)
{
    for (uint32_t *id = f->pool.at + at, *end = id + n; id != end; id++)
        resolve(f, f->values.at, id);
}

static void resolve_targets(jit_func *f, const ir_inst *i)
{
    for (uint32_t t = 0, n = jit_inst_target_count(f, i); t < n; t++) {
        uint32_t call = jit_inst_target(f, i, t);
        if (f->pool.at[call + 1] > 0)
            resolve_list(f, call + 3, f->pool.at[call + 1]);
    }
}

/* Branches have the host's own arguments so far. */
static void resolve_operands(jit_builder *b)
{
    jit_func *f = b->f;
    const ir_value *values = f->values.at;
    bool with_args = false;

    for (uint32_t k = 1; k < b->blocks.len && !with_args; k++)
        with_args = b->blocks.at[k].nuser > 0;
    for (ir_inst *i = f->insts.at, *end = i + f->insts.len; i != end; i++) {
        const op_info *o = op_of(i);
        if (o->pooled) {
            resolve_list(f, i->a, inst_args(f, i).len);
        } else if (o->nargs > 0) {
            resolve(f, values, &i->a);
            if (o->nargs > 1)
                resolve(f, values, &i->b);
        }
        if (with_args && o->props & OP_BRANCH)
            resolve_targets(f, i);
    }
}

/* ---- Putting the others in ---- */

/* Moves `have` words of the pool to its end, with room for n more; the new index, 0 on failure. */
static uint32_t move_list(jit_builder *b, uint32_t from, uint32_t have, uint32_t n)
{
    jit_func *f = b->f;
    uint32_t to = f->pool.len;

    if (n > IR_MAX_BLOCK_PARAMS || have > IR_MAX_BLOCK_PARAMS + 3 - n) /* 3: of a block call */
        return jit_builder_fault(b, JIT_ERR_LIMIT, "too many block parameters");
    if (to >= IR_MAX_ENTITIES - have - n)
        return jit_builder_fault(b, JIT_ERR_LIMIT, "too many operands");
    if (!vec_try_reserve(&f->mem, &f->pool, have + n))
        return jit_builder_no_memory(b);
    for (uint32_t k = 0; k < have; k++)
        f->pool.at[to + k] = f->pool.at[from + k];
    f->pool.len += have + n;
    return to;
}

/* Makes room for n parameters more in a block, and for as many arguments in each branch to it. */
static bool widen(jit_builder *b, uint32_t block, uint32_t n)
{
    jit_func *f = b->f;
    ir_block *x = &f->blocks.at[block];
    uint32_t to = move_list(b, x->params, x->nparams, n);

    if (to == 0)
        return false;
    x->params = to;
    x->params_cap = x->nparams + n;
    for (uint32_t e = b->blocks.at[block].edges; e != 0; e = b->edges.at[e - 1].next) {
        build_edge *edge = &b->edges.at[e - 1];
        uint32_t have = f->pool.at[edge->call + 1];
        to = move_list(b, edge->call, have + 3, n);
        if (to == 0)
            return false;
        f->pool.at[to + 2] = have + n;
        jit_builder_set_target(f, edge->inst, edge->which, to);
        edge->call = to;
    }
    return true;
}

/* Appends p to its block's parameters and its arguments to the branches; there is room. */
static void place(jit_builder *b, const build_param *p)
{
    jit_func *f = b->f;
    ir_block *x = &f->blocks.at[p->block];
    const uint32_t *arg = b->arg_values.at + p->args;

    f->values.at[p->value - 1].num = x->nparams & IR_MAX_BLOCK_PARAMS;
    f->pool.at[x->params + x->nparams++] = p->value;
    for (uint32_t e = b->blocks.at[p->block].edges; e != 0; e = b->edges.at[e - 1].next) {
        uint32_t *call = f->pool.at + b->edges.at[e - 1].call;
        call[3 + call[1]++] = builder_resolve(f, *arg++);
    }
}

static void place_needed(jit_builder *b)
{
    jit_func *f = b->f;

    for (uint32_t k = 0; k < b->params.len; k++)
        if (f->values.at[b->params.at[k].value - 1].kind == VALUE_ALIAS)
            b->blocks.at[b->params.at[k].block].nvar--;
    for (uint32_t k = 0; k < b->blocks.len; k++)
        if (b->blocks.at[k].nvar > 0 && !widen(b, k, b->blocks.at[k].nvar))
            return;
    for (uint32_t k = 0; k < b->params.len; k++)
        if (f->values.at[b->params.at[k].value - 1].kind != VALUE_ALIAS)
            place(b, &b->params.at[k]);
    for (uint32_t k = 0; k < b->params.len; k++) { /* needs all resolved: aliases end here */
        ir_value *v = &f->values.at[b->params.at[k].value - 1];
        if (v->kind == VALUE_ALIAS)
            *v = (ir_value){ 0, v->type, VALUE_NONE, 0 };
    }
}

/* Makes aliases of the parameters that are needless. */
static void drop_needless(jit_builder *b)
{
    ender e = { .b = b, .f = b->f };

    if (reach(&e) && drop_once(&e) && drop_once(&e))
        drop_by_users(&e);
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
    if (b->params.len > 0) {
        drop_needless(b);
        if (b->ndropped > 0 && !builder_failed(b))
            resolve_operands(b);
        if (!builder_failed(b))
            place_needed(b);
    }
    if (b->zeros.len > 0 && !builder_failed(b))
        define_zeros(b);
}
