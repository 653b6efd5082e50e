/* verify.c - checks every rule of the IR and reports each fault with its place.
 *
 * One walk over the blocks in order meets definitions before uses for nearly all values; the uses
 * for which that says nothing are kept and held against the dominator tree at the end, which is
 * computed for them only. Nothing is read through an index that was not checked before, so the
 * function may hold anything. Cost: linear in instructions and operands. */
#include "ir/verify.h"

#include "gantry/jit_text.h"
#include "ir/analysis.h"

/* ---- Blocks ---- */

/* Whether the layout and the blocks' ranges can be walked. Every block has its instructions for
 * itself. */
static bool check_layout(verifier *v)
{
    const jit_func *f = v->f;
    uint8_t *listed = ARENA_ARRAY(&v->tmp, uint8_t, f->blocks.len);
    uint32_t before = v->nfaults, covered = 0;

    if (f->layout.len == 0)
        jit_verify_fault(v, "the function has no block");
    for (uint32_t k = 0; k < f->layout.len; k++) {
        uint32_t b = f->layout.at[k];
        const ir_block *x = b < f->blocks.len ? &f->blocks.at[b] : NULL;
        if (!x || listed[b] || !x->placed) {
            jit_verify_fault(v, "the layout names block%u wrongly", b);
            return false;
        }
        listed[b] = 1;
        v->block = b + 1;
        if (x->first > x->end || x->end > f->insts.len)
            jit_verify_fault(v, "its instructions are out of range");
        else if (x->first == x->end)
            jit_verify_fault(v, "it is empty");
        else if (x->first < covered)
            jit_verify_fault(v, "it shares instructions with another block");
        else
            covered = x->end;
        v->block = 0;
    }
    for (uint32_t b = 0; b < f->blocks.len; b++)
        if (f->blocks.at[b].placed && !listed[b])
            jit_verify_fault(v, "block%u is not in the layout", jit_verify_block_number(v, b));
    return v->nfaults == before;
}

/* Parameters of all blocks, before any branch is checked against them. */
static bool check_params(verifier *v)
{
    const jit_func *f = v->f;
    bool sound = true;

    for (uint32_t k = 0; k < f->layout.len; k++) {
        uint32_t b = f->layout.at[k];
        const ir_block *x = &f->blocks.at[b];
        v->block = b + 1;
        if ((uint64_t)x->params + x->nparams > f->pool.len) {
            jit_verify_fault(v, "its parameters are outside the pool");
            return false;
        }
        for (uint32_t p = 0; p < x->nparams; p++) {
            uint32_t id = f->pool.at[x->params + p];
            const ir_value *value = id - 1 < f->values.len ? &f->values.at[id - 1] : NULL;
            if (!value || value->kind != VALUE_PARAM || value->def != b || value->num != p
                || v->def_block[id - 1] != 0) {
                jit_verify_fault(v, "parameter %u is no value of it", p);
                sound = sound && value;
            } else if (!type_is_legal((jit_type)value->type)) {
                jit_verify_fault(v, "parameter %u has no type", p);
            }
            if (value)
                v->def_block[id - 1] = b + 1;
        }
    }
    v->block = 0;
    return sound;
}

static void check_entry(verifier *v)
{
    const jit_func *f = v->f;
    const ir_block *entry = &f->blocks.at[f->layout.at[0]];
    char is[16], wants[16];

    v->block = f->layout.at[0] + 1;
    if (entry->nparams != f->sig.nparams)
        jit_verify_fault(v, "the entry has %u parameters, the signature %u", entry->nparams,
                         f->sig.nparams);
    for (uint32_t k = 0; k < entry->nparams && k < f->sig.nparams; k++) {
        jit_type t = value_type(f, f->pool.at[entry->params + k]);
        if (t != JIT_PARAM_TYPE(f->sig.params[k]))
            jit_verify_fault(v, "parameter %u of the entry has type %s, the signature %s", k,
                             jit_type_name(t, is),
                             jit_type_name(JIT_PARAM_TYPE(f->sig.params[k]), wants));
    }
    v->block = 0;
}

static void check_block(verifier *v, uint32_t block)
{
    const jit_func *f = v->f;
    const ir_block *b = &f->blocks.at[block];

    v->block = block + 1;
    for (uint32_t k = b->first; k < b->end; k++) {
        const ir_inst *i = inst_at(f, k);
        bool term, last = k + 1 == b->end;
        v->inst = k + 1;
        jit_verify_inst(v, i);
        term = i->op < JIT_OP_COUNT && op_of(i)->props & OP_TERM;
        if (term != last)
            jit_verify_fault(v, term ? "a terminator inside the block"
                                     : "the block does not end in a terminator");
    }
    v->inst = v->block = 0;
}

/* ---- Uses of values from other blocks ---- */

/* The block that an instruction of a far use is in: far uses come in the order of the layout. */
static uint32_t block_of(const verifier *v, uint32_t inst, uint32_t *at)
{
    const jit_func *f = v->f;

    while (inst >= f->blocks.at[f->layout.at[*at]].end)
        ++*at;
    return f->layout.at[*at];
}

static void check_far_uses(verifier *v)
{
    const jit_func *f = v->f;
    uint32_t at = 0;
    ir_cfg cfg;
    ir_dom dom;
    char name[16];

    if (v->far.len == 0)
        return;
    jit_cfg_compute(&cfg, f, &v->tmp);
    jit_dom_compute(&dom, &cfg, &v->tmp);
    for (uint32_t k = 0; k < v->far.len; k++) {
        verify_use u = v->far.at[k];
        uint32_t block = block_of(v, u.inst - 1, &at), def = v->def_block[u.value - 1];
        v->inst = u.inst;
        v->block = block + 1;
        jit_verify_value_name(v, u.value, name);
        if (def == 0)
            jit_verify_fault(v, "%s is %s", name,
                             f->values.at[u.value - 1].kind == VALUE_ALIAS ? "an unresolved alias"
                                                                           : "defined nowhere");
        else if (def - 1 == block)
            jit_verify_fault(v, "%s is used before its definition", name);
        else if (!dom_block(&dom, def - 1, block))
            jit_verify_fault(v, "%s is not defined on every way here", name);
    }
    v->inst = v->block = 0;
}

/* ---- The whole ---- */

static void verify(void *arg)
{
    verifier *v = arg;
    const jit_func *f = v->f;

    jit_verify_declarations(v);
    if (f->builder)
        jit_verify_fault(v, "its builder has not ended");
    if (!check_layout(v))
        return;
    v->def_block = ARENA_ARRAY(&v->tmp, uint32_t, f->values.len);
    if (!check_params(v))
        return;
    check_entry(v);
    for (uint32_t k = 0; k < f->layout.len; k++)
        check_block(v, f->layout.at[k]);
    if (v->shape_ok)
        check_far_uses(v);
}

static void report_error(const jit_func *f, jit_status status, const char *text,
                         jit_diagnostic_fn fn, void *user)
{
    jit_diagnostic d = { .status = status, .line = f->line, .function = f->printed, .text = text };

    if (fn)
        fn(user, &d);
}

jit_status jit_func_verify(jit_func *f, jit_diagnostic_fn fn, void *user)
{
    verifier v = { .f = f, .report = fn, .user = user, .shape_ok = true };
    jit_status status;

    if (!f)
        return JIT_ERR_ARG;
    if (f->fail.status != JIT_OK) {
        report_error(f, f->fail.status, f->fail.message, fn, user);
        return f->fail.status;
    }
    if (__atomic_load_n(&f->verified, __ATOMIC_ACQUIRE)) /* several contexts may look at once */
        return JIT_OK;
    jit_arena_init(&v.tmp, f->mem.host, &v.fail);
    status = jit_guard(&v.fail, verify, &v);
    jit_arena_free(&v.tmp);
    if (status != JIT_OK) {
        report_error(f, status, v.fail.message, fn, user);
        return status;
    }
    if (v.nfaults > 0)
        return JIT_ERR_VERIFY;
    __atomic_store_n(&f->verified, true, __ATOMIC_RELEASE);
    return JIT_OK;
}
