/* verify_decl.c - checks what a function declares before its first block. */
#include "ir/verify.h"

#include "gantry/jit_text.h"

/* ---- Signatures ---- */

static const char *bad_param(jit_abi_param p, bool is_result)
{
    jit_type t = JIT_PARAM_TYPE(p);
    uint32_t purpose = JIT_PARAM_PURPOSE(p), extend = p & (JIT_UEXT | JIT_SEXT);
    bool sarg = purpose == (JIT_SARG(0) & 0xf000u);

    if (!type_is_legal(t))
        return "has no type";
    if ((p & 0xc00u) != 0 || purpose > (JIT_SARG(0) & 0xf000u) || (!sarg && p >> 16 != 0))
        return "has unknown flags";
    if (extend == (JIT_UEXT | JIT_SEXT))
        return "is extended in two ways";
    if (extend != 0 && !(jit_type_is_int(t) && t <= JIT_I64)) /* dumps do say `i64 uext` */
        return "is extended, but is no integer of at most 64 bits";
    if (purpose != 0 && t != JIT_I64)
        return "has a purpose that needs i64";
    if (sarg && (is_result || p >> 16 == 0))
        return "is a struct argument without a size, or a result";
    if (purpose == JIT_VMCTX && is_result)
        return "is vmctx, but a result";
    return NULL;
}

static void check_params(verifier *v, const char *whose, uint32_t number,
                         const jit_abi_param *params, uint32_t n, bool is_result)
{
    uint32_t nsret = 0;

    for (uint32_t k = 0; k < n; k++) {
        const char *what = bad_param(params[k], is_result);
        if (what)
            jit_verify_fault(v, "%s%u: %s %u %s", whose, number, is_result ? "result" : "parameter",
                             k, what);
        nsret += JIT_PARAM_PURPOSE(params[k]) == JIT_SRET;
    }
    if (nsret > 1)
        jit_verify_fault(v, "%s%u: more than one sret", whose, number);
}

static void check_signature(verifier *v, const char *whose, uint32_t number, const ir_sig *s)
{
    v->line = s->line;
    if (s->conv >= JIT_CONV_COUNT)
        jit_verify_fault(v, "%s%u: unknown calling convention", whose, number);
    check_params(v, whose, number, s->params, s->nparams, false);
    check_params(v, whose, number, s->results, s->nresults, true);
}

/* The number of the text of entry k of a vector whose members have one. */
#define NUMBER(v, vec, k) ((v)->f->vec.at[k].number ? (v)->f->vec.at[k].number - 1 : (k))

static void check_callees(verifier *v)
{
    const jit_func *f = v->f;

    for (uint32_t k = 0; k < f->callees.len; k++) {
        const ir_callee *c = &f->callees.at[k];
        v->line = c->line;
        if (c->sig.id - 1 >= f->sigs.len) {
            jit_verify_bad_index(v, "fn%u: its signature is not declared", NUMBER(v, callees, k));
        }
        if (c->name.kind == NAME_NONE || c->name.kind > NAME_LIBCALL
            || (c->name.kind == NAME_LIBCALL && c->name.index >= LIBCALL_COUNT))
            jit_verify_fault(v, "fn%u: it has no name", NUMBER(v, callees, k));
    }
}

/* ---- Memory: flags, slots, global values ---- */

static void check_mems(verifier *v)
{
    const jit_func *f = v->f;

    for (uint32_t k = 0; k < f->mems.len; k++) {
        jit_mem m = f->mems.at[k];
        if (m.bits >= 64
            || (m.bits & (JIT_MEM_BIG | JIT_MEM_LITTLE)) == (JIT_MEM_BIG | JIT_MEM_LITTLE))
            jit_verify_fault(v, "memory flags contradict each other: big and little");
        if (m.region.id > f->regions.len)
            jit_verify_fault(v, "region%u is not declared", m.region.id - 1);
    }
}

static void check_slots(verifier *v)
{
    const jit_func *f = v->f;

    for (uint32_t k = 0; k < f->slots.len; k++) {
        const ir_slot *s = &f->slots.at[k];
        v->line = s->line;
        if (s->align == 0 || (s->align & (s->align - 1)) != 0)
            jit_verify_fault(v, "ss%u: alignment %u is not a power of two", NUMBER(v, slots, k),
                             s->align);
        if (s->size > INT32_MAX)
            jit_verify_fault(v, "ss%u: its size is above 2 GiB", NUMBER(v, slots, k));
    }
}

static bool has_vmctx(const jit_func *f)
{
    for (uint32_t k = 0; k < f->sig.nparams; k++)
        if (JIT_PARAM_PURPOSE(f->sig.params[k]) == JIT_VMCTX)
            return true;
    return false;
}

/* The base of a global value, which must stand before it; false, with a fault, when it does not. */
static bool check_base(verifier *v, uint32_t k, jit_type want)
{
    const jit_func *f = v->f;
    uint32_t base = f->gvs.at[k].base.id;
    char is[16], wants[16];

    if (base == 0 || base > k) {
        jit_verify_bad_index(v, "gv%u: its base is not declared before it", NUMBER(v, gvs, k));
        return false;
    }
    if (f->gvs.at[base - 1].type != want)
        jit_verify_fault(v, "gv%u: its base has type %s, not %s", NUMBER(v, gvs, k),
                         jit_type_name(f->gvs.at[base - 1].type, is), jit_type_name(want, wants));
    return true;
}

static void check_gv(verifier *v, uint32_t k)
{
    const jit_func *f = v->f;
    const ir_gv *g = &f->gvs.at[k];

    v->line = g->line;
    if (g->kind != GV_DYN_SCALE && !type_is_legal(g->type))
        jit_verify_fault(v, "gv%u: it has no type", NUMBER(v, gvs, k));
    switch (g->kind) {
    case GV_VMCTX:
        if (!has_vmctx(f))
            jit_verify_fault(v, "gv%u: the signature has no vmctx parameter", NUMBER(v, gvs, k));
        break;
    case GV_LOAD:
        check_base(v, k, JIT_I64);
        if (g->mem >= f->mems.len) {
            jit_verify_bad_index(v, "gv%u: its memory flags do not exist", NUMBER(v, gvs, k));
        }
        if (g->offset < INT32_MIN || g->offset > INT32_MAX)
            jit_verify_fault(v, "gv%u: its offset has more than 32 bits", NUMBER(v, gvs, k));
        break;
    case GV_IADD_IMM:
        if (!jit_type_is_int(g->type))
            jit_verify_fault(v, "gv%u: a sum is an integer", NUMBER(v, gvs, k));
        check_base(v, k, g->type);
        break;
    case GV_SYMBOL:
        if (g->name.kind == NAME_NONE || g->name.kind > NAME_LIBCALL)
            jit_verify_fault(v, "gv%u: it has no name", NUMBER(v, gvs, k));
        break;
    case GV_DYN_SCALE:
        break;
    default:
        jit_verify_fault(v, "gv%u: unknown kind", NUMBER(v, gvs, k));
    }
}

static void check_stack_limit(verifier *v)
{
    const jit_func *f = v->f;

    if (f->stack_limit.id == 0)
        return;
    v->line = f->stack_limit_line;
    if (f->stack_limit.id > f->gvs.len)
        jit_verify_fault(v, "stack_limit: gv%u is not declared", f->stack_limit.id - 1);
    else if (f->gvs.at[f->stack_limit.id - 1].type != JIT_I64)
        jit_verify_fault(v, "stack_limit: the global value is not an i64");
}

static void check_consts(verifier *v)
{
    const jit_func *f = v->f;

    for (uint32_t k = 0; k < f->consts.len; k++)
        if (!f->consts.at[k].bytes || f->consts.at[k].size == 0) {
            jit_verify_bad_index(v, "const%u: it is empty", k);
        }
}

void jit_verify_declarations(verifier *v)
{
    const jit_func *f = v->f;

    check_signature(v, "signature ", 0, &f->sig);
    for (uint32_t k = 0; k < f->sigs.len; k++)
        check_signature(v, "sig", NUMBER(v, sigs, k), &f->sigs.at[k]);
    check_callees(v);
    check_slots(v);
    for (uint32_t k = 0; k < f->gvs.len; k++)
        check_gv(v, k);
    check_stack_limit(v);
    v->line = 0;
    check_mems(v);
    check_consts(v);
}
