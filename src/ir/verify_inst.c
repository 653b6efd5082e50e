/* verify_inst.c - checks one instruction: indices first, so that nothing is read outside an array,
 * then types by the opcode's rule, then what only its format knows. */
#include "ir/verify.h"

#include "gantry/jit_text.h"
#include "ir/rules.h"
#include "ir/text_names.h"

/* ---- Indices ---- */

/* The n words of the pool from `at` on, or NULL with a fault. */
static const uint32_t *pool_words(verifier *v, uint32_t at, uint64_t n)
{
    const jit_func *f = v->f;

    if (at != 0 && at + n <= f->pool.len)
        return f->pool.at + at;
    jit_verify_bad_index(v, "an operand list is outside the pool");
    return NULL;
}

static bool operands_of(verifier *v, const ir_inst *i, const op_info *o, ir_args *out)
{
    uint32_t n = (uint32_t)o->nargs;

    if (!o->pooled) {
        *out = (ir_args){ &i->a, n };
        return true;
    }
    if (o->nargs < 0) {
        const uint32_t *count = i->a == 0 ? NULL : pool_words(v, i->a - 1, 1);
        if (!count) {
            if (i->a == 0)
                pool_words(v, 0, 1);
            return false;
        }
        n = *count;
    }
    *out = (ir_args){ pool_words(v, i->a, n), n };
    return out->at != NULL;
}

/* Type of a used value; JIT_VOID, with a fault, when there is none. Notes the use for later when
 * the definition has not been met in this block or in the entry. */
static jit_type use(verifier *v, uint32_t id)
{
    const jit_func *f = v->f;
    uint32_t def;

    if (__builtin_expect(id - 1 >= f->values.len, 0)) {
        jit_verify_bad_index(v, "an operand is no value of this function");
        return JIT_VOID;
    }
    def = v->def_block[id - 1];
    if (def != v->block && def != f->layout.at[0] + 1) {
        verify_use u = { v->inst, id };
        vec_push(&v->tmp, &v->far, u);
    }
    return value_type(f, id);
}

/* Whether reference id names one of n declarations. */
static bool declared(verifier *v, uint32_t id, uint32_t n, const char *what)
{
    if (id - 1 < n)
        return true;
    jit_verify_bad_index(v, "the %s is not declared", what);
    return false;
}

/* ---- Types ---- */

static void type_fault(verifier *v, unsigned k, jit_type have, const char *wants)
{
    char is[16];

    if (have != JIT_VOID)
        jit_verify_fault(v, "operand %u has type %s, not %s", k + 1, jit_type_name(have, is),
                         wants);
}

/* What a letter of a rule asks for, in words. */
static const char *letter_text(char c, jit_type t, char buffer[16])
{
    switch (c) {
    case 's': return "an integer";
    case 'v': return "a vector";
    case 'n': return "a narrower integer";
    case 'W': return "a wider integer";
    case 'f': return "a narrower float";
    case 'F': return "a wider float";
    case 'M': return "a type of the same size";
    case 'y': return "a float of the same shape";
    case 'z': return "an integer of the same shape";
    default:  return jit_type_name(jit_rule_type(c, t), buffer);
    }
}

/* Operands against the rule up to '>' or '.'; the number of operands that it covers. */
static uint32_t check_operands(verifier *v, const op_info *o, jit_type t, ir_args args)
{
    uint32_t k = 0;

    for (const char *r = o->rule; *r != '>' && *r != '.' && k < args.len; r++, k++) {
        jit_type have = use(v, args.at[k]);
        char text[16];
        if (__builtin_expect(have == JIT_VOID || !rule_accepts(*r, t, have), 0))
            type_fault(v, k, have, letter_text(*r, t, text));
    }
    return k;
}

/* Values against parameters or results of a signature. */
static void check_by_signature(verifier *v, const uint32_t *ids, uint32_t n,
                               const jit_abi_param *want, uint32_t nwant, const char *what)
{
    if (n != nwant)
        jit_verify_fault(v, "%u %s given, the signature has %u", n, what, nwant);
    for (uint32_t k = 0; k < n; k++) {
        jit_type have = use(v, ids[k]);
        char text[16];
        if (k < nwant && have != JIT_PARAM_TYPE(want[k]))
            type_fault(v, k, have, jit_type_name(JIT_PARAM_TYPE(want[k]), text));
    }
}

static void check_result(verifier *v, const ir_inst *i, uint32_t k, jit_type want)
{
    const jit_func *f = v->f;
    uint64_t index = (uint64_t)i->c - 1 + k;
    const ir_value *r;
    char is[16], wants[16];

    if (i->c == 0 || index >= f->values.len) {
        jit_verify_bad_index(v, "result %u is no value of this function", k);
        return;
    }
    r = &f->values.at[index];
    if (r->kind != VALUE_RESULT || r->def != v->inst - 1 || r->num != k || v->def_block[index] != 0)
        jit_verify_fault(v, "result %u is defined elsewhere too", k);
    else if (r->type != want || !type_is_legal(want))
        jit_verify_fault(v, "result %u has type %s, not %s", k,
                         jit_type_name((jit_type)r->type, is), jit_type_name(want, wants));
    v->def_block[index] = v->block;
}

static void check_results(verifier *v, const ir_inst *i, const op_info *o)
{
    const ir_sig *s;

    if (o->nresults == OP_RESULTS_BY_SIG) {
        s = jit_inst_signature(v->f, i);
        for (uint32_t k = 0; s && k < s->nresults; k++)
            check_result(v, i, k, JIT_PARAM_TYPE(s->results[k]));
    } else if (o->nresults > 0) {
        const char *r = o->rule + (uint32_t)o->nargs + 1;
        for (uint32_t k = 0; k < o->nresults; k++)
            check_result(v, i, k, rule_result(r[k], i->type));
    }
}

/* ---- Branches ---- */

/* Type of an argument of an exception table's block call: retK, exnK or a value. */
static jit_type table_argument(verifier *v, const ir_sig *sig, bool normal, uint32_t id)
{
    if (id >= EH_EXN(0)) {
        if (!normal && id - EH_EXN(0) < 2)
            return JIT_I64; /* the payloads */
        jit_verify_fault(v, "exn%u is not at hand there", id - EH_EXN(0));
        return JIT_VOID;
    }
    if (id >= EH_RET(0)) {
        if (normal && sig && id - EH_RET(0) < sig->nresults)
            return JIT_PARAM_TYPE(sig->results[id - EH_RET(0)]);
        jit_verify_fault(v, "ret%u is not at hand there", id - EH_RET(0));
        return JIT_VOID;
    }
    return use(v, id);
}

enum { PLAIN_CALL, NORMAL_CALL, EXCEPTION_CALL };

static void check_block_call(verifier *v, uint32_t at, int kind, const ir_sig *sig)
{
    const jit_func *f = v->f;
    const uint32_t *p = pool_words(v, at, 3);
    const ir_block *to;
    char is[16], wants[16];

    if (p && p[1] > 0)
        p = pool_words(v, at, 3 + (uint64_t)p[1]);
    if (!p)
        return;
    if (p[0] - 1 >= f->blocks.len) {
        jit_verify_bad_index(v, "a target is no block of this function");
        return;
    }
    if (!f->blocks.at[p[0] - 1].placed) {
        jit_verify_fault(v, "block%u has no instructions", jit_verify_block_number(v, p[0] - 1));
        return;
    }
    if (p[0] - 1 == f->layout.at[0])
        jit_verify_fault(v, "the entry block is no target");
    to = &f->blocks.at[p[0] - 1];
    if (p[1] != to->nparams)
        jit_verify_fault(v, "%u arguments given, block%u takes %u", p[1],
                         jit_verify_block_number(v, p[0] - 1), to->nparams);
    for (uint32_t k = 0; k < p[1]; k++) {
        jit_type have = kind == PLAIN_CALL ? use(v, p[3 + k])
                                           : table_argument(v, sig, kind == NORMAL_CALL, p[3 + k]);
        jit_type want;
        if (k >= to->nparams)
            continue;
        want = value_type(f, f->pool.at[to->params + k]); /* checked before any instruction */
        if (have != want && have != JIT_VOID)
            jit_verify_fault(v, "argument %u of block%u has type %s, not %s", k + 1,
                             jit_verify_block_number(v, p[0] - 1), jit_type_name(have, is),
                             jit_type_name(want, wants));
    }
}

static void check_br_table(verifier *v, const ir_inst *i)
{
    const uint32_t *p = pool_words(v, i->b, 2);
    uint32_t n = p ? *p : 0;

    if (p)
        p = pool_words(v, i->b, 2 + (uint64_t)n);
    if (!p)
        return;
    for (uint32_t k = 0; k <= n; k++)
        check_block_call(v, v->f->pool.at[i->b + 1 + k], PLAIN_CALL, NULL);
}

static void check_exception_table(verifier *v, const ir_inst *i)
{
    const jit_func *f = v->f;
    const ir_sig *sig = jit_inst_signature(f, i);
    const ir_ehtable *t;

    if (!declared(v, i->b + 1, f->ehtables.len, "exception table"))
        return;
    t = &f->ehtables.at[i->b];
    if (!declared(v, t->sig.id, f->sigs.len, "signature of the exception table"))
        return;
    check_block_call(v, t->normal, NORMAL_CALL, sig);
    for (uint32_t k = 0; k < t->nentries; k++) {
        const ir_ehentry *e = &t->entries[k];
        if (e->kind == EH_CONTEXT) {
            use(v, e->tag_or_value);
        } else if (e->kind <= EH_DEFAULT) {
            check_block_call(v, e->block_call, EXCEPTION_CALL, sig);
        } else {
            jit_verify_fault(v, "unknown entry in the exception table");
        }
    }
}

/* ---- Calls ---- */

static bool equal_params(const jit_abi_param *a, const jit_abi_param *b, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (a[k] != b[k])
            return false;
    return true;
}

/* A tail call leaves this function's results and convention to the callee. */
static void check_tail_call(verifier *v, const ir_sig *s)
{
    const ir_sig *own = &v->f->sig;
    bool equal = own->nresults == s->nresults;

    if (sig_conv(s) != JIT_CONV_TAIL)
        jit_verify_fault(v, "a tail call of another calling convention than `tail`");
    if (sig_conv(own) != sig_conv(s))
        jit_verify_fault(v, "a tail call between different calling conventions");
    for (uint32_t k = 0; k < s->nresults && equal; k++)
        equal = JIT_PARAM_TYPE(own->results[k]) == JIT_PARAM_TYPE(s->results[k]);
    if (!equal)
        jit_verify_fault(v, "a tail call's results are not this function's");
}

static void check_call(verifier *v, const ir_inst *i, const op_info *o, ir_args args, uint32_t done)
{
    const jit_func *f = v->f;
    const ir_sig *s = jit_inst_signature(f, i);
    bool try_direct = o->format == FMT_TRY_CALL;

    if (o->format == FMT_CALL && !declared(v, i->b, f->callees.len, "callee"))
        return;
    if (try_direct && !declared(v, i->c, f->callees.len, "callee"))
        return;
    if (!s) {
        declared(v, 0, 0, "signature");
        return;
    }
    if (done == 0 && o->rule[0] == 'p') {
        jit_verify_fault(v, "the callee is missing");
        return;
    }
    check_by_signature(v, args.at + done, args.len - done, s->params, s->nparams, "arguments");
    if (o->props & OP_TERM && !(o->props & OP_BRANCH))
        check_tail_call(v, s);
    if (try_direct && f->callees.at[i->c - 1].sig.id != f->ehtables.at[i->b].sig.id) {
        const ir_sig *own = jit_inst_signature(f, &(ir_inst){ .op = JIT_OP_call, .b = i->c });
        if (!own || own->nparams != s->nparams || own->nresults != s->nresults
            || sig_conv(own) != sig_conv(s)
            || !equal_params(own->params, s->params, s->nparams)
            || !equal_params(own->results, s->results, s->nresults))
            jit_verify_fault(v, "the signature is not the callee's");
    }
}

/* ---- Immediates ---- */

static void check_const(verifier *v, const ir_inst *i)
{
    if (declared(v, i->a, v->f->consts.len, "constant")
        && v->f->consts.at[i->a - 1].size != jit_type_bytes(i->type))
        jit_verify_fault(v, "the constant has %u bytes, the type %u",
                         v->f->consts.at[i->a - 1].size, jit_type_bytes(i->type));
}

static void check_shuffle(verifier *v, const ir_inst *i)
{
    const ir_const *c;

    if (!declared(v, i->aux + 1u, v->f->consts.len, "mask"))
        return;
    c = &v->f->consts.at[i->aux];
    if (c->size != 16) {
        jit_verify_fault(v, "the mask has %u bytes, not 16", c->size);
        return;
    }
    for (unsigned k = 0; k < 16; k++)
        if (c->bytes[k] >= 32) {
            jit_verify_fault(v, "index %u of the mask is %u, above 31", k, c->bytes[k]);
            return;
        }
}

static void check_bitcast(verifier *v, const ir_inst *i, uint32_t from)
{
    const jit_func *f = v->f;
    jit_mem m;

    if (i->aux >= f->mems.len || from - 1 >= f->values.len)
        return; /* told already */
    m = f->mems.at[i->aux];
    if ((m.bits & ~(JIT_MEM_BIG | JIT_MEM_LITTLE)) != 0 || m.trap != 0 || m.region.id != 0)
        jit_verify_fault(v, "bitcast takes no flags but `little` and `big`");
    else if (m.bits == 0 && jit_type_lanes(value_type(f, from)) != jit_type_lanes(i->type))
        jit_verify_fault(v, "a bitcast to other lanes needs `little` or `big`");
}

static void check_global(verifier *v, const ir_inst *i)
{
    const ir_gv *g;

    if (!declared(v, i->a, v->f->gvs.len, "global value"))
        return;
    g = &v->f->gvs.at[i->a - 1];
    if (g->kind != GV_SYMBOL)
        jit_verify_fault(v, "the global value is no symbol");
    else if (g->tls != (i->op == JIT_OP_tls_value))
        jit_verify_fault(v, "the symbol is %sthread-local", g->tls ? "" : "not ");
}

static void check_slot(verifier *v, const ir_inst *i)
{
    if (declared(v, i->a, v->f->slots.len, "stack slot")
        && v->f->slots.at[i->a - 1].dynamic != (i->op == JIT_OP_dynamic_stack_addr))
        jit_verify_fault(v, "the stack slot is of the other kind");
}

/* The block named must end in a try_call that has such a handler. */
static void check_handler(verifier *v, const ir_inst *i)
{
    const jit_func *f = v->f;
    const ir_block *b;
    const ir_inst *last;

    if (!declared(v, i->a, f->blocks.len, "block"))
        return;
    b = &f->blocks.at[i->a - 1];
    if (!b->placed || b->end <= b->first || b->end > f->insts.len
        || f->insts.at[b->end - 1].op >= JIT_OP_COUNT) {
        jit_verify_fault(v, "the block has no terminator");
        return;
    }
    last = inst_at(f, b->end - 1);
    if ((last->op != JIT_OP_try_call && last->op != JIT_OP_try_call_indirect)
        || last->b >= f->ehtables.len)
        jit_verify_fault(v, "the block does not end in a try_call");
    else if ((uint64_t)i->b + 1 >= jit_inst_target_count(f, last))
        jit_verify_fault(v, "the try_call has no handler %u", i->b);
}

static void check_mem(verifier *v, uint32_t mem)
{
    if (mem >= v->f->mems.len) {
        jit_verify_bad_index(v, "the memory flags do not exist");
    }
}

/* The lowest aux that is too much. */
static void check_aux(verifier *v, const ir_inst *i, unsigned end, const char *what)
{
    if (i->aux >= end)
        jit_verify_fault(v, "%s", what);
}

static void check_trap_code(verifier *v, const ir_inst *i)
{
    if (i->aux == 0 || i->aux > JIT_TRAP_BAD_TOINT)
        jit_verify_fault(v, "there is no trap code %u", i->aux);
}

/* What stands beside operands and results. `done`: operands that the rule covered. */
static void check_format(verifier *v, const ir_inst *i, const op_info *o, ir_args args,
                         uint32_t done)
{
    switch (o->format) {
    case FMT_BINARY_IMM8:
    case FMT_TERNARY_IMM8:
        if (i->op != JIT_OP_extract_vector)
            check_aux(v, i, jit_type_lanes(i->type), "there is no such lane");
        break;
    case FMT_ICONST:
        if (jit_type_bits(i->type) < 64 && inst_imm64(i) >> jit_type_bits(i->type) != 0)
            jit_verify_fault(v, "the constant is not masked to its width");
        break;
    case FMT_F16CONST:
        if (i->a > UINT16_MAX)
            jit_verify_fault(v, "the constant has more than 16 bits");
        break;
    case FMT_CONST:        check_const(v, i); break;
    case FMT_GLOBAL_VALUE: check_global(v, i); break;
    case FMT_INT_CMP:      check_aux(v, i, JIT_UGT + 1, "there is no such condition"); break;
    case FMT_FLOAT_CMP:    check_aux(v, i, JIT_FUNO + 1, "there is no such condition"); break;
    case FMT_JUMP:         check_block_call(v, i->a, PLAIN_CALL, NULL); break;
    case FMT_BRIF:
        check_block_call(v, i->b, PLAIN_CALL, NULL);
        check_block_call(v, i->c, PLAIN_CALL, NULL);
        break;
    case FMT_BR_TABLE:     check_br_table(v, i); break;
    case FMT_TRAP:
    case FMT_COND_TRAP:
    case FMT_ADD_TRAP:     check_trap_code(v, i); break;
    case FMT_MULTI:
        check_by_signature(v, args.at, args.len, v->f->sig.results, v->f->sig.nresults, "values");
        break;
    case FMT_CALL:
    case FMT_CALL_INDIRECT:
        check_call(v, i, o, args, done);
        break;
    case FMT_TRY_CALL:
    case FMT_TRY_CALL_INDIRECT:
        check_exception_table(v, i);
        check_call(v, i, o, args, done);
        break;
    case FMT_FUNC_ADDR:    declared(v, i->a, v->f->callees.len, "callee"); break;
    case FMT_STORE:
        check_mem(v, i->aux);
        if (i->aux < v->f->mems.len && v->f->mems.at[i->aux].bits & JIT_MEM_READONLY)
            jit_verify_fault(v, "a store to memory that is promised to be readonly");
        break;
    case FMT_LOAD:
    case FMT_LOAD_NO_OFFSET:
    case FMT_STORE_NO_OFFSET:
    case FMT_ATOMIC_CAS:   check_mem(v, i->aux); break;
    case FMT_BITCAST:
        check_mem(v, i->aux);
        check_bitcast(v, i, i->a);
        break;
    case FMT_STACK_ADDR:
    case FMT_DYNAMIC_STACK_ADDR:
        check_slot(v, i);
        break;
    case FMT_ATOMIC_RMW:
        check_mem(v, RMW_MEM(i->aux));
        if (RMW_OP(i->aux) >= RMW_COUNT)
            jit_verify_fault(v, "there is no such atomic operation");
        break;
    case FMT_SHUFFLE:      check_shuffle(v, i); break;
    case FMT_EH_ADDR:      check_handler(v, i); break;
    default:               break;
    }
}

void jit_verify_inst(verifier *v, const ir_inst *i)
{
    const op_info *o;
    ir_args args;
    uint32_t done;
    char text[16];

    if (i->op == JIT_OP_none || i->op >= JIT_OP_COUNT) {
        jit_verify_bad_index(v, "there is no opcode %u", i->op);
        return;
    }
    o = op_of(i);
    if (!operands_of(v, i, o, &args))
        return;
    if (o->types == 0 ? i->type != JIT_VOID : !jit_typeset_has(o->types, i->type)) {
        jit_verify_fault(v, "type %s is not one of %s", jit_type_name(i->type, text),
                         jit_typeset_name(o->types));
        check_results(v, i, o);
        return;
    }
    done = check_operands(v, o, i->type, args);
    check_format(v, i, o, args, done);
    check_results(v, i, o);
}
