/* translate.c - from a function's body to IR: structure, branches, variables (see translate.h). */
#include "translate.h"

#include <stdlib.h>
#include <string.h>

/* ---- The operand stack ---- */

jit_value gw_make_value(gw_translator *t, gw_operand *o)
{
    jit_value c = o->kind == GW_ICMP ? jit_icmp(t->b, (jit_intcc)o->cc, o->x, o->y)
                                     : jit_fcmp(t->b, (jit_floatcc)o->cc, o->x, o->y);

    o->x = jit_uextend(t->b, JIT_I32, c);
    o->kind = GW_VALUE;
    return o->x;
}

const jit_value *gw_top(gw_translator *t, uint32_t n, jit_value *args)
{
    gw_operand *o = t->stack + t->sp - n;

    for (uint32_t k = 0; k < n; k++)
        args[k] = o[k].kind == GW_VALUE ? o[k].x : gw_make_value(t, &o[k]);
    return args;
}

jit_value gw_pop_condition(gw_translator *t)
{
    gw_operand *o = &t->stack[--t->sp];

    if (o->kind == GW_ICMP)
        return jit_icmp(t->b, (jit_intcc)o->cc, o->x, o->y);
    return o->kind == GW_FCMP ? jit_fcmp(t->b, (jit_floatcc)o->cc, o->x, o->y) : o->x;
}

/* ---- Frames of control ---- */

static uint32_t label_arity(const gw_ctrl *c)
{
    return c->kind == GW_FRAME_LOOP ? c->type.nparams : c->type.nresults;
}

/* A new block with parameters of these types. */
static jit_block block_with(gw_translator *t, const gw_type *types, uint32_t n)
{
    jit_block block = jit_block_new(t->b);

    for (uint32_t k = 0; k < n; k++)
        jit_block_param(t->b, block, gw_jit_type(types[k]));
    return block;
}

/* Goes on in a block: its parameters come onto the stack. all_known: all branches to it are made. */
static void enter(gw_translator *t, jit_block block, uint32_t nparams, bool all_known)
{
    if (all_known)
        jit_block_seal(t->b, block);
    jit_block_start(t->b, block);
    for (uint32_t k = 0; k < nparams; k++)
        gw_push(t, jit_block_param_at(t->b, block, k));
}

static jit_block label_of(gw_translator *t, gw_ctrl *c)
{
    if (!c->label.id)
        c->label = block_with(t, c->type.results, c->type.nresults);
    return c->label;
}

static gw_ctrl *frame_at(gw_translator *t, uint32_t label)
{
    return &t->ctrl[t->depth - 1 - label];
}

static gw_ctrl *push_frame(gw_translator *t, gw_frame_kind kind, gw_blocktype type)
{
    gw_ctrl *c = &t->ctrl[t->depth++];

    memset(c, 0, sizeof *c);
    c->kind = kind;
    c->type = type;
    c->height = t->sp - type.nparams;
    return c;
}

static void check_interrupt(gw_translator *t)
{
    jit_mem shared = { JIT_MEM_NOTRAP | JIT_MEM_ALIGNED, 0, { 0 } };
    jit_value p, epoch, deadline;

    if (!t->interruptible)
        return;
    p = gw_context_load(t, offsetof(gw_context, interrupt));
    epoch = jit_load(t->b, JIT_I64, shared, p, offsetof(gw_interrupt, epoch));
    /* Another thread writes it, so it is read each time: the store, which may be to the same word
     * for all that is known, keeps the load where it is. */
    jit_store(t->b, shared, epoch, p, offsetof(gw_interrupt, polled));
    epoch = jit_load(t->b, JIT_I64, shared, epoch, 0);
    deadline = jit_load(t->b, JIT_I64, shared, p, offsetof(gw_interrupt, deadline));
    jit_trapnz(t->b, jit_icmp(t->b, JIT_UGE, epoch, deadline), GW_TRAP_INTERRUPTED);
}

static void begin_loop(gw_translator *t, gw_blocktype type, const uint8_t *at)
{
    jit_block head = block_with(t, type.params, type.nparams);

    jit_jump_args(t->b, head, type.nparams, gw_top(t, type.nparams, t->args));
    push_frame(t, GW_FRAME_LOOP, type)->label = head;
    t->sp -= type.nparams;
    enter(t, head, type.nparams, false); /* the branches back are still to come */
    if (t->interruptible) {
        gw_here(t, at);
        check_interrupt(t);
        gw_no_place(t);
    }
}

static void begin_if(gw_translator *t, gw_blocktype type)
{
    jit_value c = gw_pop_condition(t);
    jit_block then = jit_block_new(t->b);
    jit_block otherwise = block_with(t, type.params, type.nparams);
    const jit_value *args = gw_top(t, type.nparams, t->args);

    jit_brif_args(t->b, c, then, 0, NULL, otherwise, type.nparams, args);
    push_frame(t, GW_FRAME_IF, type)->otherwise = otherwise;
    enter(t, then, 0, true);
}

static void jump_to_end(gw_translator *t, gw_ctrl *c)
{
    jit_block label = label_of(t, c);
    jit_jump_args(t->b, label, c->type.nresults, gw_top(t, c->type.nresults, t->args));
}

/* From the first arm of an `if`, whose end is reached or not, to the second. */
static void begin_else(gw_translator *t, gw_ctrl *c, bool reached)
{
    if (reached)
        jump_to_end(t, c);
    t->sp = c->height;
    enter(t, c->otherwise, c->type.nparams, true);
    c->otherwise.id = 0;
    c->kind = GW_FRAME_ELSE;
}

/* The end of the innermost frame; true: what follows it can be reached. */
static bool end_frame(gw_translator *t, bool reached)
{
    gw_ctrl *c = &t->ctrl[t->depth - 1];

    if (c->kind == GW_FRAME_IF) { /* its second arm does nothing */
        begin_else(t, c, reached);
        reached = true;
    }
    t->depth--;
    if (c->kind == GW_FRAME_LOOP) {
        jit_block_seal(t->b, c->label);
        return reached;
    }
    if (!c->label.id)
        return reached;
    if (reached)
        jump_to_end(t, c);
    t->sp = c->height;
    enter(t, c->label, c->type.nresults, true);
    return true;
}

/* ---- Branches ---- */

static void return_results(gw_translator *t)
{
    uint32_t n = t->ctrl[0].type.nresults;
    jit_return_values(t->b, n, gw_top(t, n, t->args));
}

static void branch(gw_translator *t, gw_ctrl *c)
{
    uint32_t n = label_arity(c);

    if (c == t->ctrl)
        return_results(t);
    else
        jit_jump_args(t->b, label_of(t, c), n, gw_top(t, n, t->args));
}

static void branch_if(gw_translator *t, gw_ctrl *c)
{
    uint32_t n = label_arity(c);
    jit_value condition = gw_pop_condition(t);
    jit_block next = jit_block_new(t->b);

    jit_brif_args(t->b, condition, label_of(t, c), n, gw_top(t, n, t->args), next, 0, NULL);
    enter(t, next, 0, true);
}

/* The block that hands the arguments on to a target of this br_table; without arguments the target
 * itself. */
static jit_block arm_of(gw_translator *t, gw_ctrl *c)
{
    if (label_arity(c) == 0)
        return label_of(t, c);
    if (c->stamp != t->stamp) {
        c->stamp = t->stamp;
        c->arm = jit_block_new(t->b);
    }
    return c->arm;
}

/* Room for n elements at `at`, which may move; NULL: no memory. */
static void *grow(void *at, uint32_t *cap, uint32_t n, size_t size)
{
    void *more = at;

    if (n > *cap || !at) {
        more = realloc(at, (n + (size_t)n / 2 + 1) * size);
        if (more)
            *cap = n + n / 2;
    }
    return more;
}
#define RESERVE(more, at, cap, n) \
    (((more) = grow((at), &(cap), (n), sizeof *(at))) != NULL && ((at) = (more), true))

/* False: no memory. */
static bool branch_table(gw_translator *t)
{
    jit_value x = gw_pop(t);
    uint32_t n = gw_u32(&t->r);
    void *more;

    if (!RESERVE(more, t->targets, t->targets_cap, n + 1))
        return false;
    t->stamp++;
    for (uint32_t k = 0; k <= n; k++)
        t->targets[k] = arm_of(t, frame_at(t, gw_u32(&t->r)));
    jit_br_table(t->b, x, t->targets[n], n, t->targets);
    for (uint32_t d = 0; d < t->depth; d++) {
        gw_ctrl *c = &t->ctrl[d];
        uint32_t arity = label_arity(c);
        if (c->stamp == t->stamp) {
            enter(t, c->arm, 0, true);
            jit_jump_args(t->b, label_of(t, c), arity, gw_top(t, arity, t->args));
        }
    }
    return true;
}

/* ---- Code that cannot be reached ---- */

/* Passes over it, to the `else` or `end` of the innermost frame, which it returns. */
static gw_op skip(gw_translator *t)
{
    for (uint32_t nested = 0;;) {
        gw_op op = gw_read_op(&t->r);
        if (nested == 0 && (op == GW_OP_end || op == GW_OP_else))
            return op;
        if (op == GW_OP_end)
            nested--;
        else if (op == GW_OP_block || op == GW_OP_loop || op == GW_OP_if)
            nested++;
        gw_skip_immediates(&t->r, op);
    }
}

/* From a terminator on, to where code can be reached again; false: the function is at its end. */
static bool resume(gw_translator *t)
{
    while (t->depth > 0) {
        gw_ctrl *c = &t->ctrl[t->depth - 1];
        if (skip(t) == GW_OP_else) {
            begin_else(t, c, false);
            return true;
        }
        if (end_frame(t, false))
            return true;
    }
    return false;
}

/* ---- One instruction ---- */

static void select_value(gw_translator *t)
{
    jit_value c = gw_pop_condition(t), y = gw_pop(t), x = gw_pop(t);
    gw_push(t, jit_select(t->b, c, x, y));
}

/* What changes where code goes. False: it was none of these; *out becomes true when it was a
 * terminator. */
static bool control(gw_translator *t, gw_op op, const uint8_t *at, bool *out)
{
    switch (op) {
    case GW_OP_unreachable:
        gw_here(t, at);
        jit_trap(t->b, GW_TRAP_UNREACHABLE);
        gw_no_place(t);
        *out = true;
        break;
    case GW_OP_nop:
        break;
    case GW_OP_block:
        push_frame(t, GW_FRAME_BLOCK, gw_read_blocktype(&t->r, t->m));
        break;
    case GW_OP_loop:
        begin_loop(t, gw_read_blocktype(&t->r, t->m), at);
        break;
    case GW_OP_if:
        begin_if(t, gw_read_blocktype(&t->r, t->m));
        break;
    case GW_OP_else:
        begin_else(t, &t->ctrl[t->depth - 1], true);
        break;
    case GW_OP_end:
        *out = !end_frame(t, true);
        break;
    case GW_OP_br:
        branch(t, frame_at(t, gw_u32(&t->r)));
        *out = true;
        break;
    case GW_OP_br_if:
        branch_if(t, frame_at(t, gw_u32(&t->r)));
        break;
    case GW_OP_return:
        return_results(t);
        *out = true;
        break;
    default:
        return false;
    }
    return true;
}

static bool variable(gw_translator *t, gw_op op)
{
    switch (op) {
    case GW_OP_local_get:
        gw_push(t, jit_var_get(t->b, t->locals[gw_u32(&t->r)]));
        break;
    case GW_OP_local_set: {
        jit_value v = gw_pop(t);
        jit_var_set(t->b, t->locals[gw_u32(&t->r)], v);
        break;
    }
    case GW_OP_local_tee: {
        jit_value v = gw_pop(t);
        jit_var_set(t->b, t->locals[gw_u32(&t->r)], v);
        gw_push(t, v);
        break;
    }
    case GW_OP_drop:
        t->sp--;
        break;
    case GW_OP_select_t:
        for (uint32_t n = gw_u32(&t->r); n > 0; n--)
            gw_byte(&t->r);
        select_value(t);
        break;
    case GW_OP_select:
        select_value(t);
        break;
    default:
        return false;
    }
    return true;
}

/* False: no memory. */
static bool body(gw_translator *t)
{
    for (;;) {
        const uint8_t *at = t->r.at;
        gw_op op = gw_read_op(&t->r);
        bool terminated = false;
        if (variable(t, op) || gw_translate_number(t, op, at) || gw_translate_access(t, op, at))
            continue;
        if (op == GW_OP_br_table) {
            if (!branch_table(t))
                return false;
            terminated = true;
        } else {
            control(t, op, at, &terminated);
        }
        if (terminated && t->depth > 0)
            terminated = !resume(t);
        if (t->depth == 0) {
            if (!terminated)
                return_results(t);
            return true;
        }
    }
}

/* ---- A function ---- */

/* Declares the locals; parameters are set, all others are zero until they are. */
static void begin_locals(gw_translator *t, const gw_functype *type)
{
    uint32_t n = 0;

    for (; n < type->nparams; n++) {
        t->locals[n] = jit_var_new(t->b, gw_jit_type(type->params[n]));
        jit_var_set(t->b, t->locals[n], jit_param(t->b, n + 1));
    }
    for (uint32_t groups = gw_u32(&t->r); groups > 0; groups--) {
        uint32_t count = gw_u32(&t->r);
        jit_type of = gw_jit_type(gw_byte(&t->r));
        while (count-- > 0)
            t->locals[n++] = jit_var_new(t->b, of);
    }
}

/* Context, stack limit and regions. */
static void begin_function(gw_translator *t)
{
    jit_mem constant = { JIT_MEM_NOTRAP | JIT_MEM_ALIGNED | JIT_MEM_READONLY | JIT_MEM_CAN_MOVE,
                         0,
                         { 0 } };
    jit_mem limit = { JIT_MEM_NOTRAP | JIT_MEM_ALIGNED, 0, { 0 } };
    jit_gv vmctx = jit_gv_vmctx(t->f);

    t->context = jit_region_declare(t->f, 0, "context");
    t->memory = jit_region_declare(t->f, 1, "memory");
    t->globals = jit_region_declare(t->f, 2, "globals");
    t->tables = jit_region_declare(t->f, 3, "tables");
    limit.region = constant.region = t->context;
    jit_func_stack_limit(
        t->f, jit_gv_load(t->f, JIT_I64, limit, vmctx, offsetof(gw_context, stack_limit)));
    t->b = jit_build(t->f);
    t->vmctx = jit_param(t->b, 0);
    t->base.id = 0;
    if (t->m->nmemories > 0 && !t->explicit_bounds) /* dropped again where nothing uses it */
        t->base = jit_load(t->b, JIT_I64, constant, t->vmctx, offsetof(gw_context, memory_base));
}

static bool reserve_all(gw_translator *t, const gw_func *f, const gw_functype *type)
{
    const gw_module *m = t->m;
    uint32_t most = 16;
    void *more;

    if (!t->sig_stamp) {
        for (uint32_t k = 0; k < m->ntypes; k++) {
            if (m->types[k].nparams + 1 > most)
                most = m->types[k].nparams + 1;
            if (m->types[k].nresults > most)
                most = m->types[k].nresults;
        }
        t->sigs = malloc((m->ntypes + (size_t)1) * sizeof *t->sigs);
        t->callees = malloc((m->nfuncs + (size_t)1) * sizeof *t->callees);
        t->callee_stamp = calloc(m->nfuncs + (size_t)1, sizeof *t->callee_stamp);
        if (!t->sigs || !t->callees || !t->callee_stamp
            || !RESERVE(more, t->args, t->args_cap, most))
            return false;
        t->sig_stamp = calloc(m->ntypes + (size_t)1, sizeof *t->sig_stamp);
    }
    return t->sig_stamp
           && RESERVE(more, t->stack, t->stack_cap, f->max_stack + type->nresults + 1)
           && RESERVE(more, t->ctrl, t->ctrl_cap, f->max_depth + 2)
           && RESERVE(more, t->locals, t->locals_cap, f->nlocals + 1);
}

/* "uSPACE:INDEX" */
static void name_function(char name[32], uint32_t space, uint32_t index)
{
    char digits[10];
    unsigned n = 0, k = 0;

    name[k++] = 'u';
    do
        digits[n++] = (char)('0' + space % 10);
    while ((space /= 10) != 0);
    while (n > 0)
        name[k++] = digits[--n];
    name[k++] = ':';
    do
        digits[n++] = (char)('0' + index % 10);
    while ((index /= 10) != 0);
    while (n > 0)
        name[k++] = digits[--n];
    name[k] = 0;
}

void gw_function_name(const gw_code *code, uint32_t index, char name[32])
{
    name_function(name, code->space, index);
}

jit_func *gw_translate(gw_translator *t, uint32_t func)
{
    const gw_func *f = &t->m->funcs[func];
    const gw_functype *type = &t->m->types[f->type];
    char name[32];

    if (!reserve_all(t, f, type))
        return NULL;
    name_function(name, t->code->space, func);
    t->f = jit_func_new(t->code->engine->jit, name, &t->code->types[f->type]->sig);
    if (!t->f)
        return NULL;
    t->func = func;
    t->r = gw_reader_of(f->body);
    t->sp = t->depth = 0;
    t->lib_made = 0;
    t->run++;
    begin_function(t);
    begin_locals(t, type);
    check_interrupt(t);
    push_frame(t, GW_FRAME_BLOCK, (gw_blocktype){ NULL, type->results, 0, type->nresults });
    if (!body(t)) {
        jit_build_end(t->b);
        jit_func_free(t->f);
        return NULL;
    }
    jit_build_end(t->b);
    return t->f;
}

gw_translator *gw_translator_new(const gw_code *code)
{
    gw_translator *t = calloc(1, sizeof *t);

    if (t) {
        const gw_options *o = &code->engine->options;
        t->code = code;
        t->m = code->module;
        t->explicit_bounds = !code->guarded;
        t->interruptible = o->interruptible;
        t->positions = o->positions;
    }
    return t;
}

void gw_translator_free(gw_translator *t)
{
    if (!t)
        return;
    free(t->stack);
    free(t->ctrl);
    free(t->locals);
    free(t->args);
    free(t->targets);
    free(t->sigs);
    free(t->sig_stamp);
    free(t->callees);
    free(t->callee_stamp);
    free(t);
}
