/* verify_compile.c - whatever the verifier passes must compile, and what it does not must be
 * refused without harm: text is read, its functions are damaged in memory, verified, run and
 * compiled.
 *
 * Mutated text seldom parses, so most faults are put into the IR itself: operands, opcodes, types,
 * targets, immediates and the order of instructions are changed by a generator that the input's
 * bytes seed. The stored form stays sound (indices into the pool), its meaning need not. */
#include "gantry/jit.h"
#include "ir/func.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 6, MAX_FUNCTIONS = 4, FUEL = 5000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static jit_engine *engine;
static jit_ctx *context;
static uint64_t state;

static uint32_t below(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return n ? (uint32_t)((state >> 33) % n) : 0;
}

static _Noreturn void found(const jit_func *f, const char *what, const char *more)
{
    char *text = jit_func_print(f, NULL);

    fprintf(stderr, "%s: %s\n%s\n", what, more ? more : "", text ? text : "");
    abort();
}

/* ---- Damage ---- */

static jit_type any_type(void)
{
    static const jit_type common[] = { JIT_I8, JIT_I16, JIT_I32, JIT_I64, JIT_F32, JIT_F64 };

    return below(8) ? common[below(6)] : (jit_type)below(256);
}

/* Another opcode of the same format and number of results. */
static void change_opcode(ir_inst *i)
{
    const op_info *was = op_of(i);

    for (uint32_t k = below(JIT_OP_COUNT), n = 0; n < JIT_OP_COUNT; n++, k++) {
        const op_info *o = &jit_op_table[k % JIT_OP_COUNT];
        if (k % JIT_OP_COUNT != 0 && o->format == was->format && o->nresults == was->nresults
            && o != was) {
            i->op = (uint8_t)(k % JIT_OP_COUNT);
            return;
        }
    }
}

static void change_operand(jit_func *f, ir_inst *i)
{
    ir_args a = inst_args(f, i);

    if (a.len > 0)
        ((uint32_t *)(uintptr_t)a.at)[below(a.len)] = 1 + below(f->values.len + (below(50) == 0));
}

static void change_target(jit_func *f, const ir_inst *i)
{
    uint32_t n = (op_of(i)->props & OP_BRANCH) ? jit_inst_target_count(f, i) : 0;

    if (n > 0)
        f->pool.at[jit_inst_target(f, i, below(n))] = 1 + below(f->blocks.len);
}

static void change_immediate(jit_func *f, ir_inst *i)
{
    uint32_t few = below(4);

    switch ((ir_format)op_of(i)->format) {
    case FMT_ICONST: *(below(2) ? &i->a : &i->b) = below(2) ? few : UINT32_MAX; break;
    case FMT_LOAD: i->b = below(2) ? few : 1u << below(32); break;
    case FMT_STORE: i->c = below(2) ? few : 1u << below(32); break;
    case FMT_STACK_ADDR: *(below(2) ? &i->a : &i->b) = few; break;
    case FMT_FUNC_ADDR:
    case FMT_GLOBAL_VALUE: i->a = few; break;
    case FMT_CALL:
    case FMT_CALL_INDIRECT: i->b = few; break;
    default: i->aux = (uint16_t)(below(4) ? below(300) : below(65536)); break;
    }
    (void)f;
}

/* Exchanges an instruction with the next one of its block; results know their place. */
static void change_order(jit_func *f, uint32_t k)
{
    if (k + 1 >= inst_count(f) || (op_of(inst_at(f, k))->props & OP_TERM)
        || (op_of(inst_at(f, k + 1))->props & OP_TERM))
        return;
    ir_inst i = *inst_at(f, k);
    f->insts.at[k] = *inst_at(f, k + 1);
    f->insts.at[k + 1] = i;
    for (uint32_t v = 0; v < f->values.len; v++) {
        ir_value *value = &f->values.at[v];
        if (value->kind == VALUE_RESULT && (value->def == k || value->def == k + 1))
            value->def = 2 * k + 1 - value->def;
    }
}

static void damage(jit_func *f)
{
    uint32_t k = below(inst_count(f));
    ir_inst *i = &f->insts.at[k];

    switch (below(9)) {
    case 0: change_opcode(i); break;
    case 1: i->type = any_type(); break;
    case 2: change_target(f, i); break;
    case 3: change_immediate(f, i); break;
    case 4: f->values.at[below(f->values.len)].type = any_type(); break;
    case 5: change_order(f, k); break;
    case 6:
        if (f->sig.nparams > 0)
            f->sig.params[below(f->sig.nparams)] = any_type();
        break;
    default: change_operand(f, i); break;
    }
    f->verified = false;
}

/* ---- Judgement ---- */

static void compile(const jit_func *f, jit_level level)
{
    jit_settings settings = { .size = sizeof settings, .level = level,
                              .checks = JIT_CHECK_IR | JIT_CHECK_REGALLOC };
    jit_unit *unit = NULL;

    switch (jit_compile_unit(context, f, &settings, &unit)) {
    case JIT_OK:
    case JIT_ERR_UNSUPPORTED:
    case JIT_ERR_LIMIT:
        break;
    default:
        found(f, "a verified function does not compile", jit_error_message(context));
    }
    jit_unit_free(unit);
}

static void interpret(const jit_func *f)
{
    jit_interp *in = jit_interp_new(engine, f->module);
    jit_bits *args = calloc(f->sig.nparams + 1, sizeof *args);
    jit_bits *results = calloc(f->sig.nresults + 1, sizeof *results);

    if (in && args && results) {
        for (uint32_t k = 0; k < f->sig.nparams; k++)
            args[k].at[0] = (uint8_t)below(4);
        jit_run r = jit_interp_run(in, f, args, results, FUEL);
        if (r.outcome == JIT_REFUSED && r.status == JIT_ERR_INTERNAL)
            found(f, "the interpreter refuses", r.message);
    }
    jit_interp_free(in);
    free(args);
    free(results);
}

static void judge(jit_func *f)
{
    if (jit_func_verify(f, NULL, NULL) != JIT_OK)
        return;
    interpret(f);
    compile(f, JIT_O0);
    compile(f, JIT_O1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!engine) {
        engine = jit_engine_new(NULL);
        context = engine ? jit_ctx_new(engine) : NULL;
        if (!context)
            abort();
    }
    state = jit_hash_bytes(data, size);
    for (int round = 0; round < ROUNDS; round++) {
        jit_module *m = NULL;
        jit_module_read(engine, (const char *)data, size, &m, NULL, NULL);
        for (size_t k = 0; m && k < jit_module_function_count(m) && k < MAX_FUNCTIONS; k++) {
            jit_func *f = jit_module_function_at(m, k);
            for (int n = round; n > 0 && inst_count(f) > 0 && f->values.len > 0; n--)
                damage(f);
            judge(f);
        }
        jit_module_free(m);
    }
    return 0;
}
