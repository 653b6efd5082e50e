/* The verifier: each rule broken once, and random damage of every kind. */
#include "gantry/jit_text.h"
#include "ir/analysis.h"
#include "tests/support/fault_alloc.h"
#include "tests/support/graph.h"

#include <signal.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Sound; holds one of everything that has a rule of its own. */
static const char base_text[] =
    "function %base(i64 vmctx, i32, i64, f64) -> i32 tail {\n"
    "    ss0 = explicit_slot 16, align = 8\n"
    "    region0 = 1 \"r\"\n"
    "    gv0 = vmctx\n"
    "    gv1 = load.i64 notrap aligned gv0+8\n"
    "    gv2 = iadd_imm.i64 gv1, 16\n"
    "    gv3 = symbol %data\n"
    "    sig0 = (i32) -> i32 tail\n"
    "    sig1 = (i64 sret, i32 uext, i64 sarg(16)) -> i64, i32 system_v\n"
    "    fn0 = %callee sig0\n"
    "    stack_limit = gv1\n"
    "block0(v0: i64, v1: i32, v2: i64, v3: f64):\n"
    "    v4 = iconst.i32 5\n"
    "    v5 = iadd v1, v4\n"
    "    v6 = load.i32 region0 v2+4\n"
    "    store notrap v6, v2+8\n"
    "    v7 = call fn0(v5)\n"
    "    v8 = icmp slt v7, v6\n"
    "    v9 = stack_addr.i64 ss0+4\n"
    "    v10 = fcmp lt v3, v3\n"
    "    v11 = splat.i32x4 v5\n"
    "    v12 = extractlane v11, 3\n"
    "    v13 = bitcast.i8x16 little v11\n"
    "    v14 = shuffle v13, v13, 0x0f0e0d0c0b0a09080706050403020100\n"
    "    v15 = symbol_value.i64 gv3\n"
    "    v16 = uextend.i64 v12\n"
    "    v17, v18 = call_indirect sig1, v15(v9, v1, v2)\n"
    "    v19 = atomic_rmw.i32 add v2, v4\n"
    "    v20 = atomic_cas v2, v4, v5\n"
    "    v21 = func_addr.i64 fn0\n"
    "    v22, v23 = uadd_overflow v1, v4\n"
    "    v24 = vconst.i32x4 0x01\n"
    "    trapz v1, user3\n"
    "    br_table v1, block4, [block1(v5), block2]\n"
    "block1(v30: i32):\n"
    "    brif v30, block3(v30, v18), block2\n"
    "block2:\n"
    "    v31 = iconst.i8 7\n"
    "    try_call fn0(v4), sig0, block5(ret0), "
    "[ tag1: block6(exn0, exn1), default: block2, context v2 ]\n"
    "block3(v32: i32, v33: i32):\n"
    "    jump block1(v33)\n"
    "block4:\n"
    "    return_call fn0(v5)\n"
    "block5(v34: i32):\n"
    "    v35 = get_exception_handler_address.i64 block2, 1\n"
    "    return v34\n"
    "block6(v36: i64, v37: i64):\n"
    "    trap heap_oob\n"
    "}\n";

static jit_module *module;
static jit_func *f;

static void print_fault(void *user, const jit_diagnostic *d)
{
    (void)user;
    fprintf(stderr, "%u: %s: %s: %s\n", d->line, d->function, d->instruction ? d->instruction : "",
            d->text);
}

static void begin(const char *text)
{
    cr_assert_eq(jit_module_read(NULL, text, strlen(text), &module, print_fault, NULL), JIT_OK);
    f = jit_module_function_at(module, 0);
}

static void end(void)
{
    jit_module_free(module);
}

/* The first instruction with that opcode. */
static ir_inst *inst(unsigned op)
{
    for (uint32_t k = 0; k < f->insts.len; k++)
        if (f->insts.at[k].op == op)
            return &f->insts.at[k];
    cr_assert_fail("the base text has no such instruction");
    return NULL;
}

/* The block that the text calls blockN; indices follow the order of mention. */
static ir_block *block(uint32_t n)
{
    for (uint32_t k = 0; k < f->block_name.len; k++)
        if (f->block_name.at[k] == n + 1)
            return &f->blocks.at[k];
    cr_assert_fail("the base text has no such block");
    return NULL;
}

static uint32_t *call_of(unsigned op, uint32_t k) /* a block call's words */
{
    return f->pool.at + jit_inst_target(f, inst(op), k);
}

typedef struct expectation {
    const char *text, *instruction; /* what a report has to hold */
    uint32_t nfaults, nmatching;
} expectation;

static void match(void *user, const jit_diagnostic *d)
{
    expectation *e = user;

    e->nfaults++;
    cr_expect_eq(d->status, JIT_ERR_VERIFY);
    cr_expect_str_eq(d->function, "%base");
    cr_expect_neq(d->line, 0);
    e->nmatching += strstr(d->text, e->text) != NULL
                    && (!e->instruction
                        || (d->instruction && strstr(d->instruction, e->instruction)));
}

/* Breaks the base function by a statement and expects a report with this text at that place. */
#define BROKEN(statement, where, what)                                                       \
    do {                                                                                     \
        expectation e_ = { what, where, 0, 0 };                                              \
        begin(base_text);                                                                    \
        statement;                                                                           \
        f->verified = false;                                                                 \
        cr_expect_eq(jit_func_verify(f, match, &e_), JIT_ERR_VERIFY, #statement);            \
        cr_expect_geq(e_.nmatching, 1, "%s: no \"%s\" among %u faults", #statement, what,    \
                      e_.nfaults);                                                           \
        cr_expect_not(f->verified);                                                          \
        end();                                                                               \
    } while (0)

Test(verify, the_base_of_these_tests_is_sound_and_stamped)
{
    begin(base_text);
    cr_expect_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
    cr_expect(f->verified);
    cr_expect_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
    jit_slot_declare(f, 8, 8);
    cr_expect_not(f->verified);
    end();
}

Test(verify, operands_have_the_type_of_the_rule)
{
    BROKEN(inst(JIT_OP_iadd)->b = 1, "v5 = iadd v1, v0", "operand 2 has type i64, not i32");
    BROKEN(inst(JIT_OP_load)->a = 2, "load.i32 region0 v1+4", "operand 1 has type i32, not i64");
    BROKEN(inst(JIT_OP_icmp)->a = 1, "icmp", "operand 1 has type i64, not i32");
    BROKEN(inst(JIT_OP_uextend)->a = 3, "uextend", "a narrower integer");
    BROKEN(inst(JIT_OP_brif)->a = 4, "brif", "an integer");
    BROKEN(inst(JIT_OP_br_table)->a = 3, "br_table", "not i32");
    BROKEN(inst(JIT_OP_bitcast)->a = 2, "bitcast", "a type of the same size");
}

Test(verify, the_controlling_type_is_one_of_the_opcodes)
{
    BROKEN(inst(JIT_OP_iadd)->type = JIT_F64, "iadd", "is not one of INTV");
    BROKEN(inst(JIT_OP_iconst)->type = JIT_I128, "iconst", "is not one of NARROW");
    BROKEN(inst(JIT_OP_splat)->type = 0xf3, "splat", "is not one of VEC");
    BROKEN(inst(JIT_OP_trap)->type = JIT_I32, "trap", "is not one of");
}

Test(verify, results_have_the_type_of_the_rule_and_one_definition)
{
    BROKEN(f->values.at[inst(JIT_OP_icmp)->c - 1].type = JIT_I32, "icmp",
           "result 0 has type i32, not i8");
    BROKEN(inst(JIT_OP_icmp)->c = inst(JIT_OP_iadd)->c, "icmp", "defined elsewhere");
    BROKEN(inst(JIT_OP_iadd)->c = 9999, "iadd", "result 0 is no value");
    BROKEN(f->values.at[inst(JIT_OP_uadd_overflow)->c].num = 5, "uadd_overflow",
           "result 1 is defined");
    BROKEN(f->values.at[4].kind = VALUE_NONE, "iconst", "defined elsewhere");
}

Test(verify, operands_are_values_that_are_defined)
{
    BROKEN(inst(JIT_OP_iadd)->b = 0, "iadd", "operand is no value");
    BROKEN(inst(JIT_OP_iadd)->b = UINT32_MAX, "iadd", "operand is no value");
    BROKEN((f->values.at[f->values.len] = (ir_value){ 0, JIT_I32, VALUE_NONE, 0 },
            inst(JIT_OP_iadd)->b = ++f->values.len), "iadd", "defined nowhere");
    BROKEN((f->values.at[f->values.len] = (ir_value){ 2, JIT_I32, VALUE_ALIAS, 0 },
            inst(JIT_OP_iadd)->b = ++f->values.len), "iadd", "unresolved alias");
    BROKEN(inst(JIT_OP_iadd)->b = inst(JIT_OP_load)->c, "iadd", "v6 is used before its definition");
    BROKEN(inst(JIT_OP_iadd)->b = inst(JIT_OP_iadd)->c, "iadd", "v5 is used before its definition");
}

Test(verify, definitions_dominate_their_uses)
{
    BROKEN(*(f->pool.at + inst(JIT_OP_return)->a) = f->pool.at[block(1)->params], "return",
           "v30 is not defined on every way here");
    BROKEN(call_of(JIT_OP_brif, 0)[4] = f->pool.at[block(3)->params], "brif",
           "v32 is not defined on every way here");
}

Test(verify, the_entry_is_like_the_signature_and_no_target)
{
    BROKEN(block(0)->nparams--, NULL, "the entry has 3 parameters");
    BROKEN(f->sig.params[1] = JIT_I64, NULL, "parameter 1 of the entry has type i32");
    BROKEN((call_of(JIT_OP_br_table, 1)[0] = 1), "br_table", "the entry block is no target");
}

Test(verify, blocks_end_in_exactly_one_terminator)
{
    BROKEN(inst(JIT_OP_store)->op = JIT_OP_trap, "trap", "a terminator inside the block");
    BROKEN((inst(JIT_OP_trap)->op = JIT_OP_nop, inst(JIT_OP_nop)->aux = 0), "nop",
           "does not end in a terminator");
    BROKEN(block(1)->first = block(1)->end, NULL, "block1: it is empty");
    BROKEN(block(1)->end = 100000, NULL, "out of range");
    BROKEN(block(1)->first = 0, NULL, "shares instructions");
    BROKEN(f->layout.at[1] = 0, NULL, "layout");
    BROKEN(f->layout.at[1] = 77777, NULL, "layout");
    BROKEN(f->layout.len--, NULL, "is not in the layout");
    BROKEN(f->layout.len = 0, NULL, "no block");
}

Test(verify, branches_name_blocks_and_bring_their_arguments)
{
    BROKEN(call_of(JIT_OP_brif, 0)[0] = 999, "brif", "a target is no block");
    BROKEN(call_of(JIT_OP_brif, 0)[0] = 0, "brif", "a target is no block");
    BROKEN(call_of(JIT_OP_brif, 0)[1] = 1, "brif", "1 arguments given, block3 takes 2");
    BROKEN(call_of(JIT_OP_brif, 0)[3] = 1, "brif", "argument 1 of block3 has type i64, not i32");
    BROKEN(inst(JIT_OP_jump)->a = 0, "jump", "outside the pool");
    BROKEN(inst(JIT_OP_jump)->a = UINT32_MAX, "jump", "outside the pool");
    BROKEN(call_of(JIT_OP_jump, 0)[1] = UINT32_MAX, "jump", "outside the pool");
    BROKEN(f->pool.at[inst(JIT_OP_br_table)->b] = UINT32_MAX, "br_table", "outside the pool");
    BROKEN(block(3)->placed = 0, NULL, "layout");
    BROKEN(block(3)->params = UINT32_MAX, NULL, "outside the pool");
    BROKEN(f->pool.at[block(3)->params] = 2, NULL, "parameter 0 is no value of it");
}

Test(verify, calls_follow_their_signature)
{
    BROKEN(inst(JIT_OP_call)->b = 9, "call", "callee is not declared");
    BROKEN(f->pool.at[inst(JIT_OP_call_indirect)->a - 1] = 0, "call_indirect",
           "the callee is missing");
    BROKEN(inst(JIT_OP_call_indirect)->b = 0, "call_indirect", "signature is not declared");
    BROKEN(f->pool.at[inst(JIT_OP_call)->a - 1] = 0, "call fn0()",
           "0 arguments given, the signature has 1");
    BROKEN(f->pool.at[inst(JIT_OP_call)->a] = 1, "call fn0(v0)", "operand 1 has type i64, not i32");
    BROKEN(f->pool.at[inst(JIT_OP_call)->a - 1] = UINT32_MAX, "call", "outside the pool");
    BROKEN(f->pool.at[inst(JIT_OP_return)->a] = 1, "return", "operand 1 has type i64");
    BROKEN(f->pool.at[inst(JIT_OP_return)->a - 1] = 0, "return",
           "0 values given, the signature has 1");
    BROKEN(f->sigs.at[0].conv = JIT_CONV_FAST, "return_call", "different calling conventions");
    BROKEN(f->sigs.at[0].results[0] = JIT_I64, "return_call", "results are not this function's");
    BROKEN(inst(JIT_OP_func_addr)->a = 5, "func_addr", "callee is not declared");
    BROKEN(f->callees.at[0].sig.id = 9, NULL, "fn0: its signature is not declared");
    BROKEN(f->callees.at[0].name.kind = NAME_NONE, NULL, "fn0: it has no name");
}

Test(verify, exception_tables_hold_only_what_is_at_hand)
{
    BROKEN(inst(JIT_OP_try_call)->b = 7, "try_call", "exception table is not declared");
    BROKEN(inst(JIT_OP_try_call)->c = 7, "try_call", "callee is not declared");
    BROKEN(f->ehtables.at[0].sig.id = 9, "try_call", "signature");
    BROKEN(f->ehtables.at[0].sig.id = 2, "try_call", "the signature is not the callee's");
    BROKEN(call_of(JIT_OP_try_call, 0)[3] = EH_RET(1), "try_call", "ret1 is not at hand");
    BROKEN(call_of(JIT_OP_try_call, 0)[3] = EH_EXN(0), "try_call", "exn0 is not at hand");
    BROKEN(call_of(JIT_OP_try_call, 1)[3] = EH_EXN(2), "try_call", "exn2 is not at hand");
    BROKEN(f->ehtables.at[0].entries[0].kind = 9, "try_call", "unknown entry");
    BROKEN(inst(JIT_OP_get_exception_handler_address)->a = 2, "get_exception", "end in a try_call");
    BROKEN(inst(JIT_OP_get_exception_handler_address)->b = 2, "get_exception", "no handler 2");
    BROKEN(inst(JIT_OP_get_exception_handler_address)->a = 99, "get_exception",
           "block is not declared");
}

Test(verify, immediates_are_in_range)
{
    BROKEN(inst(JIT_OP_iconst)->b = 1, "iconst", "not masked to its width");
    BROKEN(inst(JIT_OP_icmp)->aux = 10, "icmp", "no such condition");
    BROKEN(inst(JIT_OP_fcmp)->aux = 14, "fcmp", "no such condition");
    BROKEN(inst(JIT_OP_extractlane)->aux = 4, "extractlane", "no such lane");
    BROKEN(inst(JIT_OP_trapz)->aux = 0, "trapz", "no trap code 0");
    BROKEN(inst(JIT_OP_trap)->aux = 256, "trap", "no trap code 256");
    BROKEN(f->consts.at[inst(JIT_OP_shuffle)->aux].bytes[7] = 32, "shuffle",
           "index 7 of the mask is 32");
    BROKEN(f->consts.at[inst(JIT_OP_shuffle)->aux].size = 8, "shuffle", "8 bytes, not 16");
    BROKEN(inst(JIT_OP_shuffle)->aux = 999, "shuffle", "mask is not declared");
    BROKEN(inst(JIT_OP_vconst)->a = 999, "vconst", "constant is not declared");
    BROKEN(f->consts.at[inst(JIT_OP_vconst)->a - 1].size = 3, "vconst", "3 bytes, the type 16");
    BROKEN(inst(JIT_OP_iadd)->op = 255, "?", "no opcode 255");
    BROKEN(inst(JIT_OP_iadd)->op = 0, NULL, "no opcode 0");
}

Test(verify, references_are_declared)
{
    BROKEN(inst(JIT_OP_stack_addr)->a = 2, "stack_addr", "stack slot is not declared");
    BROKEN(f->slots.at[0].dynamic = true, "stack_addr", "of the other kind");
    BROKEN(inst(JIT_OP_symbol_value)->a = 0, "symbol_value", "global value is not declared");
    BROKEN(inst(JIT_OP_symbol_value)->a = 1, "symbol_value", "no symbol");
    BROKEN(f->gvs.at[3].tls = true, "symbol_value", "thread-local");
}

Test(verify, memory_flags_exist_and_do_not_contradict_each_other)
{
    BROKEN(inst(JIT_OP_load)->aux = 999, "load", "memory flags do not exist");
    BROKEN(f->mems.at[inst(JIT_OP_load)->aux].bits = JIT_MEM_BIG | JIT_MEM_LITTLE, NULL,
           "big and little");
    BROKEN(f->mems.at[inst(JIT_OP_load)->aux].region.id = 7, NULL, "region6 is not declared");
    BROKEN(inst(JIT_OP_bitcast)->aux = 0, "bitcast", "needs `little` or `big`");
    BROKEN(inst(JIT_OP_bitcast)->aux = inst(JIT_OP_store)->aux, "bitcast", "takes no flags but");
    BROKEN(inst(JIT_OP_atomic_rmw)->aux = 0xffff, "atomic_rmw", "memory flags do not exist");
    BROKEN(inst(JIT_OP_atomic_rmw)->aux = 0xf000, "atomic_rmw", "no such atomic operation");
}

Test(verify, signatures_keep_their_rules)
{
    BROKEN(f->sigs.at[1].params[1] = JIT_F32 | JIT_UEXT, NULL, "is extended, but is no integer");
    BROKEN(f->sigs.at[1].params[1] = JIT_I32 | JIT_UEXT | JIT_SEXT, NULL, "extended in two ways");
    BROKEN(f->sigs.at[1].params[1] = JIT_I32 | JIT_SRET, NULL, "needs i64");
    BROKEN(f->sigs.at[1].params[1] = JIT_I64 | JIT_SRET, NULL, "more than one sret");
    BROKEN(f->sigs.at[1].params[1] = JIT_VOID, NULL, "sig1: parameter 1 has no type");
    BROKEN(f->sigs.at[1].results[0] = JIT_SARG(8), NULL, "struct argument");
    BROKEN(f->sigs.at[1].results[0] = JIT_I64 | JIT_VMCTX, NULL, "vmctx, but a result");
    BROKEN(f->sigs.at[1].params[1] = JIT_I32 | 0x8000u, NULL, "unknown flags");
    BROKEN(f->sigs.at[1].conv = 77, NULL, "unknown calling convention");
    BROKEN(f->sig.params[0] = JIT_I64, NULL, "no vmctx parameter");
}

Test(verify, slots_and_global_values_keep_their_rules)
{
    BROKEN(f->slots.at[0].align = 3, NULL, "ss0: alignment 3");
    BROKEN(f->slots.at[0].align = 0, NULL, "ss0: alignment 0");
    BROKEN(f->slots.at[0].size = UINT32_MAX, NULL, "above 2 GiB");
    BROKEN(f->gvs.at[1].base.id = 2, NULL, "gv1: its base is not declared before");
    BROKEN(f->gvs.at[1].base.id = 0, NULL, "gv1: its base is not declared before");
    BROKEN(f->gvs.at[1].type = JIT_I32, NULL, "gv2: its base has type i32, not i64");
    BROKEN(f->gvs.at[1].type = JIT_I32, NULL, "stack_limit: the global value is not an i64");
    BROKEN(f->gvs.at[1].mem = 999, NULL, "gv1: its memory flags");
    BROKEN(f->gvs.at[1].offset = INT64_MAX, NULL, "more than 32 bits");
    BROKEN(f->gvs.at[3].name.kind = NAME_NONE, NULL, "gv3: it has no name");
    BROKEN(f->gvs.at[3].kind = 77, NULL, "gv3: unknown kind");
    BROKEN(f->stack_limit.id = 99, NULL, "stack_limit: gv98 is not declared");
}

Test(verify, all_faults_are_reported_not_only_the_first)
{
    expectation e = { "operand 2 has type", NULL, 0, 0 };

    begin(base_text);
    inst(JIT_OP_iadd)->b = 1;
    inst(JIT_OP_icmp)->b = 1;
    inst(JIT_OP_extractlane)->aux = 9;
    cr_expect_eq(jit_func_verify(f, match, &e), JIT_ERR_VERIFY);
    cr_expect_eq(e.nfaults, 3);
    cr_expect_eq(e.nmatching, 2);
    end();
}

static void take_line(void *user, const jit_diagnostic *d)
{
    *(uint32_t *)user = d->line;
}

Test(verify, a_fault_has_the_line_of_its_instruction)
{
    uint32_t line = 0;

    begin(base_text);
    inst(JIT_OP_iadd)->b = 1;
    jit_func_verify(f, take_line, &line);
    cr_expect_eq(line, 14);
    end();
}

Test(verify, a_function_without_blocks_or_with_an_open_builder_is_not_sound)
{
    jit_func *g = jit_func_new(NULL, "base", JIT_SIG(JIT_VOID));
    jit_builder *b;

    cr_expect_eq(jit_func_verify(g, NULL, NULL), JIT_ERR_VERIFY);
    b = jit_build(g);
    jit_return_void(b);
    cr_expect_eq(jit_func_verify(g, NULL, NULL), JIT_ERR_VERIFY);
    jit_build_end(b);
    cr_expect_eq(jit_func_verify(g, NULL, NULL), JIT_OK);
    jit_func_free(g);
    cr_expect_eq(jit_func_verify(NULL, NULL, NULL), JIT_ERR_ARG);
}

static void ignore(void *user, const jit_diagnostic *d)
{
    *(size_t *)user += strlen(d->text) + (d->instruction ? strlen(d->instruction) : 0);
}

static void analyse(void *arg)
{
    arena *tmp = arg;
    ir_cfg c;
    ir_dom d;
    ir_loops l;

    jit_cfg_compute(&c, f, tmp);
    jit_dom_compute(&d, &c, tmp);
    jit_loops_compute(&l, &c, tmp);
}

static uint32_t odd_number(uint64_t *seed, uint32_t old)
{
    switch (test_random(seed) % 6) {
    case 0:  return test_random(seed) % 64;
    case 1:  return UINT32_MAX - test_random(seed) % 4;
    case 2:  return old + 1;
    case 3:  return old - 1;
    case 4:  return EH_RET(0) + test_random(seed) % 4;
    default: return test_random(seed) % 1000;
    }
}

/* One word somewhere becomes another one. */
static void damage(uint64_t *seed)
{
    uint32_t k;

    switch (test_random(seed) % 9) {
    case 0: {
        ir_inst *i = &f->insts.at[test_random(seed) % f->insts.len];
        i->op = (uint8_t)test_random(seed);
        break;
    }
    case 1: {
        ir_inst *i = &f->insts.at[test_random(seed) % f->insts.len];
        uint32_t *field[] = { &i->a, &i->b, &i->c };
        k = test_random(seed) % 3;
        *field[k] = odd_number(seed, *field[k]);
        break;
    }
    case 2: {
        ir_inst *i = &f->insts.at[test_random(seed) % f->insts.len];
        if (test_random(seed) % 2)
            i->aux = (uint16_t)odd_number(seed, i->aux);
        else
            i->type = (jit_type)odd_number(seed, i->type);
        break;
    }
    case 3:
    case 4:
        k = test_random(seed) % f->pool.len;
        f->pool.at[k] = odd_number(seed, f->pool.at[k]);
        break;
    case 5: {
        ir_value *v = &f->values.at[test_random(seed) % f->values.len];
        v->def = odd_number(seed, v->def);
        v->kind = test_random(seed) & 3u;
        v->type = odd_number(seed, v->type) & 255u;
        break;
    }
    case 6: {
        ir_block *x = &f->blocks.at[test_random(seed) % f->blocks.len];
        uint32_t *field[] = { &x->first, &x->end, &x->params, &x->nparams };
        k = test_random(seed) % 4;
        *field[k] = odd_number(seed, *field[k]);
        break;
    }
    case 7:
        k = test_random(seed) % f->layout.len;
        f->layout.at[k] = odd_number(seed, f->layout.at[k]);
        break;
    default:
        f->callees.at[0].sig.id = odd_number(seed, 1);
        f->gvs.at[2].base.id = odd_number(seed, 1);
        f->ehtables.at[0].normal = odd_number(seed, f->ehtables.at[0].normal);
        f->ehtables.at[0].entries[0].block_call = odd_number(seed, 5);
        f->stack_limit.id = odd_number(seed, 1);
    }
}

Test(verify, random_damage_is_reported_or_harmless)
{
    uint64_t seed = 11;
    size_t told = 0;

    for (int round = 0; round < 40000; round++) {
        begin(base_text);
        for (uint32_t k = test_random(&seed) % 3 + 1; k > 0; k--)
            damage(&seed);
        if (jit_func_verify(f, ignore, &told) == JIT_OK) {
            fail_ctx fc = { 0 };
            arena tmp;
            jit_arena_init(&tmp, &jit_libc_allocator, &fc);
            cr_assert_eq(jit_guard(&fc, analyse, &tmp), JIT_OK);
            jit_arena_free(&tmp);
            jit_string_free(NULL, jit_func_print(f, NULL));
        }
        end();
    }
    cr_expect_gt(told, 0);
}
