/* The builder: what it refuses, that whatever it accepts verifies, and that no id crashes it. */
#include "gantry/jit_text.h"
#include "ir/builder.h"
#include "ir/rules.h"
#include "tests/support/fault_alloc.h"
#include "tests/support/graph.h"

#include <signal.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jit_func *f;
static jit_builder *b;

/* A function (i32, i64, f64) -> i32 whose entry block is started. */
static void begin(void)
{
    f = jit_func_new(NULL, "f", JIT_SIG(JIT_I32, JIT_I32, JIT_I64, JIT_F64));
    b = jit_build(f);
}

/* Ends the function and expects its first error to hold this text. */
static void expect_error(const char *what)
{
    const char *message;

    jit_build_end(b);
    cr_expect_eq(jit_func_error(f, &message), JIT_ERR_VERIFY, "%s", what);
    cr_expect_not_null(strstr(message, what), "\"%s\" has no \"%s\"", message, what);
    cr_expect_eq(strncmp(message, "%f: ", 4), 0);
    cr_expect_eq(jit_func_verify(f, NULL, NULL), JIT_ERR_VERIFY);
    jit_func_free(f);
}

static void print_fault(void *user, const jit_diagnostic *d)
{
    (void)user;
    fprintf(stderr, "%s: %s: %s\n", d->function, d->instruction ? d->instruction : "", d->text);
}

static void expect_sound(void)
{
    const char *message;

    jit_build_end(b);
    cr_expect_eq(jit_func_error(f, &message), JIT_OK, "%s", message);
    cr_expect_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
    jit_func_free(f);
}

#define P(k) jit_param(b, (k)) /* 0: i32, 1: i64, 2: f64 */

Test(builder, instructions_give_values_of_the_right_type)
{
    jit_value high, carry;

    begin();
    cr_expect_eq(jit_builder_type(b, jit_iadd(b, P(0), P(0))), JIT_I32);
    cr_expect_eq(jit_builder_type(b, jit_icmp(b, JIT_EQ, P(1), P(1))), JIT_I8);
    cr_expect_eq(jit_builder_type(b, jit_uextend(b, JIT_I64, P(0))), JIT_I64);
    cr_expect_eq(jit_builder_type(b, jit_isplit(b, P(1), &high)), JIT_I32);
    cr_expect_eq(jit_builder_type(b, high), JIT_I32);
    cr_expect_eq(jit_builder_type(b, jit_uadd_overflow(b, P(1), P(1), &carry)), JIT_I64);
    cr_expect_eq(jit_builder_type(b, carry), JIT_I8);
    cr_expect_eq(jit_builder_type(b, jit_splat(b, JIT_I32X4, P(0))), JIT_I32X4);
    cr_expect_eq(jit_builder_type(b, jit_f32const(b, 1.5f)), JIT_F32);
    cr_expect_eq(jit_builder_type(b, jit_select(b, P(0), P(2), P(2))), JIT_F64);
    cr_expect_eq(jit_builder_type(b, jit_ishl(b, P(1), P(0))), JIT_I64);
    cr_expect_eq(jit_builder_type(b, jit_value_at(100000)), JIT_VOID);
    cr_expect_eq(jit_builder_type(b, (jit_value){ 0 }), JIT_VOID);
    jit_return(b, P(0));
    expect_sound();
}

Test(builder, constants_are_masked_to_their_width)
{
    begin();
    jit_iconst(b, JIT_I8, -1);
    jit_iconst(b, JIT_I8, 255);
    cr_expect_eq(inst_imm64(inst_at(f, 0)), 255);
    cr_expect_eq(inst_imm64(inst_at(f, 1)), 255);
    jit_iconst(b, JIT_I64, INT64_MIN);
    cr_expect_eq(inst_imm64(inst_at(f, 2)), (uint64_t)INT64_MIN);
    jit_return(b, P(0));
    expect_sound();
}

Test(builder, calls_follow_their_signature_and_give_several_results)
{
    static const jit_abi_param params[] = { JIT_I32, JIT_F64 }, results[] = { JIT_I64, JIT_I32 };
    jit_signature sig = { JIT_CONV_DEFAULT, 2, 2, params, results };
    jit_value args[2];

    begin();
    jit_sigref ref = jit_sig_declare(f, &sig);
    jit_fnref fn = jit_callee_declare(f, "g", ref, false);
    args[0] = P(0);
    args[1] = P(2);
    jit_inst call = jit_call(b, fn, 2, args);
    cr_expect_eq(jit_builder_type(b, jit_result(b, call, 0)), JIT_I64);
    call = jit_call_indirect(b, ref, jit_func_addr(b, fn), 2, args);
    jit_return(b, jit_result(b, call, 1));
    expect_sound();
}

Test(builder, source_positions_belong_to_what_follows_them)
{
    begin();
    jit_iconst(b, JIT_I8, 1);
    jit_source_position(b, 7);
    jit_iconst(b, JIT_I8, 2);
    jit_source_position(b, ~0u);
    jit_return(b, P(0));
    cr_expect_eq(f->srcpos.len, 2);
    cr_expect_eq(f->srcpos.at[0], ~0u);
    cr_expect_eq(f->srcpos.at[1], 7);
    expect_sound();
}

Test(builder, an_operand_of_another_type_is_named_in_the_error)
{
    begin();
    jit_iadd(b, P(1), P(0));
    expect_error("iadd: operand 2 has type i32, which does not go with i64");
}

Test(builder, an_operand_that_is_none_is_an_error)
{
    begin();
    jit_iadd(b, P(1), (jit_value){ 0 });
    expect_error("iadd: operand 2 is no value");
}

Test(builder, a_type_outside_the_set_is_an_error)
{
    begin();
    jit_fadd(b, P(0), P(0));
    expect_error("fadd: type i32 is not one of FLOATV");
}

Test(builder, an_extension_must_widen)
{
    begin();
    jit_uextend(b, JIT_I32, P(1));
    expect_error("uextend: operand 1 has type i64");
}

Test(builder, a_constant_wider_than_its_type_is_an_error)
{
    begin();
    jit_iconst(b, JIT_I8, 256);
    expect_error("too wide");
}

Test(builder, lanes_conditions_and_trap_codes_have_a_range)
{
    begin();
    jit_extractlane(b, jit_splat(b, JIT_I32X4, P(0)), 4);
    expect_error("no such lane");
    begin();
    jit_icmp(b, (jit_intcc)10, P(0), P(0));
    expect_error("no such condition");
    begin();
    jit_fcmp(b, (jit_floatcc)-1, P(2), P(2));
    expect_error("no such condition");
    begin();
    jit_trap(b, 0);
    expect_error("no such trap code");
    begin();
    jit_trapz(b, P(0), 256);
    expect_error("no such trap code");
}

Test(builder, shuffle_masks_and_bitcasts_are_checked)
{
    uint8_t mask[16] = { 0 };

    begin();
    mask[15] = 32;
    jit_value x = jit_splat(b, JIT_I8X16, jit_ireduce(b, JIT_I8, P(0)));
    jit_shuffle(b, x, x, mask);
    expect_error("above 31");
    begin();
    jit_bitcast(b, JIT_VEC(JIT_I32, 1), (jit_mem){ 0 }, P(1));
    expect_error("little");
    begin();
    jit_bitcast(b, JIT_I32, (jit_mem){ 0 }, P(1));
    expect_error("bitcast: operand 1");
}

Test(builder, memory_flags_are_checked)
{
    begin();
    jit_load(b, JIT_I32, (jit_mem){ .bits = JIT_MEM_BIG | JIT_MEM_LITTLE }, P(1), 0);
    expect_error("contradict");
    begin();
    jit_store(b, (jit_mem){ .region = { 9 } }, P(0), P(1), 0);
    expect_error("region");
    begin();
    jit_load(b, JIT_I32, (jit_mem){ 0 }, P(0), 0);
    expect_error("load: operand 1 has type i32");
}

Test(builder, references_must_be_declared)
{
    begin();
    jit_stack_addr(b, (jit_slot){ 3 }, 0);
    expect_error("slot is not declared");
    begin();
    jit_symbol_value(b, (jit_gv){ 0 });
    expect_error("global value is not declared");
    begin();
    jit_call(b, (jit_fnref){ 77 }, 0, NULL);
    expect_error("callee is not declared");
}

Test(builder, calls_and_returns_must_match_their_signature)
{
    begin();
    jit_fnref fn = jit_callee_declare(f, "g", jit_sig_declare(f, JIT_SIG(JIT_I32, JIT_I32)), false);
    jit_call(b, fn, 0, NULL);
    expect_error("the signature has 1 values, not 0");
    begin();
    jit_return(b, P(1));
    expect_error("return: operand 1 has type i64");
    begin();
    jit_return_void(b);
    expect_error("return: the signature has 1 values, not 0");
}

Test(builder, nothing_follows_a_terminator)
{
    begin();
    jit_return(b, P(0));
    jit_iconst(b, JIT_I32, 1);
    expect_error("has its terminator already");
}

Test(builder, a_block_needs_a_terminator_before_the_next_one)
{
    begin();
    jit_block_start(b, jit_block_new(b));
    expect_error("block0 has no terminator");
    begin();
    expect_error("block0 has no terminator");
}

Test(builder, a_target_must_be_filled_and_may_not_be_the_entry)
{
    begin();
    jit_jump(b, jit_block_new(b));
    expect_error("block1 is a target, but never started");
    begin();
    jit_jump(b, jit_block_at(0));
    expect_error("entry block is no target");
    begin();
    jit_jump(b, jit_block_at(5));
    expect_error("target is no block");
}

Test(builder, branches_bring_what_their_target_takes)
{
    jit_value arg;

    begin();
    jit_block to = jit_block_new(b);
    jit_block_param(b, to, JIT_I64);
    arg = P(0);
    jit_jump_args(b, to, 1, &arg);
    expect_error("argument 1 of block1 has a wrong type");
    begin();
    to = jit_block_new(b);
    jit_block_param(b, to, JIT_I64);
    jit_jump(b, to);
    expect_error("block1 takes 1 arguments, not 0");
}

Test(builder, a_sealed_block_gets_no_more_branches)
{
    begin();
    jit_block to = jit_block_new(b);
    jit_block_seal(b, to);
    jit_jump(b, to);
    expect_error("block1 is sealed");
}

Test(builder, parameters_come_before_branches)
{
    begin();
    jit_block to = jit_block_new(b);
    jit_jump(b, to);
    jit_block_param(b, to, JIT_I32);
    expect_error("before branches");
    begin();
    jit_block_param(b, jit_block_at(0), JIT_I32);
    expect_error("comes from the signature");
}

Test(builder, parameters_are_found_by_their_number_before_and_after_the_branches)
{
    begin();
    jit_block to = jit_block_new(b);
    jit_value x = jit_block_param(b, to, JIT_I32), y = jit_block_param(b, to, JIT_I64);
    jit_value args[2] = { jit_iconst(b, JIT_I32, 1), jit_iconst(b, JIT_I64, 2) };

    cr_expect_eq(jit_block_param_at(b, to, 1).id, y.id);
    jit_jump_args(b, to, 2, args);
    jit_block_start(b, to);
    cr_expect_eq(jit_block_param_at(b, to, 0).id, x.id);
    jit_block_param_at(b, to, 2);
    expect_error("block1 has no parameter 2");
    begin();
    jit_block_param_at(b, jit_block_at(7), 0);
    expect_error("no such block");
}

Test(builder, a_block_is_started_once)
{
    begin();
    jit_return(b, P(0));
    jit_block_start(b, jit_block_at(0));
    expect_error("started twice");
}

Test(builder, variables_have_a_type)
{
    begin();
    jit_var_set(b, jit_var_new(b, JIT_I32), P(1));
    expect_error("variable 0 has type i32, the value i64");
    begin();
    jit_var_get(b, (jit_var){ 4 });
    expect_error("no such variable");
    begin();
    jit_var_new(b, JIT_VOID);
    expect_error("needs a type");
    begin();
    jit_var v = jit_var_new(b, JIT_I32);
    jit_return(b, P(0));
    jit_var_get(b, v);
    expect_error("outside any block");
}

Test(builder, the_first_error_stays_and_all_later_calls_return_none)
{
    begin();
    cr_expect_eq(jit_fadd(b, P(0), P(0)).id, 0);
    cr_expect_eq(jit_iadd(b, P(0), P(0)).id, 0);
    cr_expect_eq(jit_block_new(b).id, 0);
    cr_expect_eq(jit_var_new(b, JIT_I32).id, 0);
    jit_jump(b, jit_block_at(9));
    expect_error("fadd");
}

Test(builder, one_function_has_one_builder_and_is_built_once)
{
    begin();
    jit_builder *second = jit_build(f);
    cr_expect_eq(jit_iconst(second, JIT_I32, 1).id, 0);
    jit_build_end(second);
    cr_expect_eq(jit_func_error(f, NULL), JIT_ERR_ARG);
    jit_build_end(b);
    jit_func_free(f);

    begin();
    jit_return(b, P(0));
    jit_build_end(b);
    cr_expect_eq(jit_iconst(b, JIT_I32, 1).id, 0); /* the builder has ended */
    jit_build_end(jit_build(f));
    cr_expect_eq(jit_func_error(f, NULL), JIT_ERR_ARG);
    jit_func_free(f);
}

Test(builder, without_a_function_every_call_returns_none)
{
    b = jit_build(NULL);
    jit_var v = jit_var_new(b, JIT_I32);
    jit_var_set(b, v, jit_iconst(b, JIT_I32, 1));
    cr_expect_eq(jit_iadd(b, jit_param(b, 0), jit_var_get(b, v)).id, 0);
    jit_block_start(b, jit_block_new(b));
    jit_block_seal(b, jit_block_at(0));
    jit_load(b, JIT_I32, (jit_mem){ .bits = 1 }, jit_param(b, 0), 0);
    jit_source_position(b, 3);
    jit_jump(b, jit_block_at(0));
    jit_return(b, jit_param(b, 0));
    jit_build_end(b);
}

Test(builder, a_function_may_be_freed_while_it_is_built)
{
    begin();
    for (int k = 0; k < 1000; k++)
        jit_var_set(b, jit_var_new(b, JIT_I32), P(0));
    jit_func_free(f);
}

/* ---- Every row of the table, with operands that fit and with any ids ---- */

typedef struct operands { /* what a random call may use */
    jit_type t;
    jit_value v[3];
    jit_mem mem;
    uint32_t number;
} operands;

#define CALL_NULLARY(n) jit_##n(b);
#define CALL_NULLARY_ADDR(n) jit_##n(b);
#define CALL_UNARY(n) jit_##n(b, o->v[0]);
#define CALL_UNARY2(n) jit_##n(b, o->v[0], &second);
#define CALL_CONVERT(n) jit_##n(b, o->t, o->v[0]);
#define CALL_BINARY(n) jit_##n(b, o->v[0], o->v[1]);
#define CALL_BINARY2(n) jit_##n(b, o->v[0], o->v[1], &second);
#define CALL_BINARY_IMM8(n) jit_##n(b, o->v[0], (uint8_t)o->number);
#define CALL_TERNARY(n) jit_##n(b, o->v[0], o->v[1], o->v[2]);
#define CALL_TERNARY2(n) jit_##n(b, o->v[0], o->v[1], o->v[2], &second);
#define CALL_TERNARY_IMM8(n) jit_##n(b, o->v[0], o->v[1], (uint8_t)o->number);
#define CALL_ICONST(n) jit_##n(b, o->t, (int64_t)o->number);
#define CALL_F16CONST(n) jit_##n(b, (uint16_t)o->number);
#define CALL_F32CONST(n) jit_##n(b, 1.0f);
#define CALL_F64CONST(n) jit_##n(b, 1.0);
#define CALL_CONST(n) jit_##n(b, o->t, "0123456789abcde");
#define CALL_GLOBAL_VALUE(n) jit_##n(b, (jit_gv){ o->number });
#define CALL_INT_CMP(n) jit_##n(b, (jit_intcc)o->number, o->v[0], o->v[1]);
#define CALL_FLOAT_CMP(n) jit_##n(b, (jit_floatcc)o->number, o->v[0], o->v[1]);
#define CALL_JUMP(n) jit_##n(b, (jit_block){ o->number });
#define CALL_BRIF(n) jit_##n(b, o->v[0], (jit_block){ o->number }, (jit_block){ o->number });
#define CALL_BR_TABLE(n) jit_##n(b, o->v[0], (jit_block){ o->number }, 2, \
                                 (jit_block[]){ { o->number }, { o->number / 2 } });
#define CALL_TRAP(n) jit_##n(b, o->number);
#define CALL_COND_TRAP(n) jit_##n(b, o->v[0], o->number);
#define CALL_ADD_TRAP(n) jit_##n(b, o->v[0], o->v[1], o->number);
#define CALL_MULTI(n) jit_##n(b, o->v[0]);
#define CALL_CALL(n) jit_##n(b, (jit_fnref){ o->number }, 1, o->v);
#define CALL_CALL_INDIRECT(n) jit_##n(b, (jit_sigref){ o->number }, o->v[0], 1, o->v + 1);
#define CALL_TRY_CALL(n)
#define CALL_TRY_CALL_INDIRECT(n)
#define CALL_FUNC_ADDR(n) jit_##n(b, (jit_fnref){ o->number });
#define CALL_LOAD(n) jit_##n(b, o->t, o->mem, o->v[0], (int32_t)o->number);
#define CALL_STORE(n) jit_##n(b, o->mem, o->v[0], o->v[1], (int32_t)o->number);
#define CALL_LOAD_NO_OFFSET(n) jit_##n(b, o->t, o->mem, o->v[0]);
#define CALL_STORE_NO_OFFSET(n) jit_##n(b, o->mem, o->v[0], o->v[1]);
#define CALL_BITCAST(n) jit_##n(b, o->t, o->mem, o->v[0]);
#define CALL_STACK_ADDR(n) jit_##n(b, (jit_slot){ o->number }, 4);
#define CALL_DYNAMIC_STACK_ADDR(n)
#define CALL_ATOMIC_RMW(n)
#define CALL_ATOMIC_CAS(n)
#define CALL_SHUFFLE(n) \
    jit_##n(b, o->v[0], o->v[1], (const uint8_t *)"\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10");
#define CALL_EH_ADDR(n)

static void call_op(unsigned op, const operands *o)
{
    jit_value second;

    switch (op) {
#define OP(name, format, types, rule, props, meaning) case JIT_OP_##name: CALL_##format(name) break;
#include "gantry/jit_opcodes.def"
#undef OP
    }
}

static void declare_some(void)
{
    jit_sigref sig = jit_sig_declare(f, JIT_SIG(JIT_I64, JIT_I64));

    jit_callee_declare(f, "g", sig, false);
    jit_slot_declare(f, 16, 16);
    jit_gv_symbol(f, "s", 0, false, false);
    jit_region_declare(f, 1, "r");
}

Test(builder, no_id_whatever_crashes_it_and_what_it_accepts_verifies)
{
    static const uint32_t ids[] = { 0, 1, 2, 3, 4, 7, 1000000, UINT32_MAX - 1, UINT32_MAX };
    uint64_t seed = 1;
    uint32_t sound = 0;

    for (int round = 0; round < 60000; round++) {
        begin();
        declare_some();
        jit_block other = jit_block_new(b);
        for (int k = 0; k < 3; k++) {
            operands o = { .number = ids[test_random(&seed) % 9] };
            unsigned op = test_random(&seed) % JIT_OP_COUNT;
            o.t = (jit_type)(test_random(&seed) % 2 ? test_random(&seed) % 10 : test_random(&seed));
            o.mem.bits = (uint8_t)(test_random(&seed) % 4 == 0 ? test_random(&seed) : 0);
            o.mem.region.id = test_random(&seed) % 8 == 0 ? ids[test_random(&seed) % 9] : 0;
            for (int i = 0; i < 3; i++)
                o.v[i].id = ids[test_random(&seed) % (test_random(&seed) % 4 ? 5 : 9)];
            call_op(op, &o);
        }
        if (f->layout.len == 1 && b->current == 1)
            jit_return(b, P(0));
        jit_block_start(b, other);
        jit_return(b, P(0));
        jit_build_end(b);
        if (jit_func_error(f, NULL) == JIT_OK) {
            sound++;
            cr_assert_eq(jit_func_verify(f, print_fault, NULL), JIT_OK);
        }
        jit_func_free(f);
    }
    cr_expect_gt(sound, 100);
}

/* A value of f that fits letter c under t; none: there is none. */
static jit_value fitting(char c, jit_type t, uint64_t *seed)
{
    uint32_t n = f->values.len, from = test_random(seed) % n;

    for (uint32_t k = 0; k < n; k++) {
        uint32_t index = (from + k) % n;
        if (rule_accepts(c, t, (jit_type)f->values.at[index].type))
            return jit_value_at(index);
    }
    return (jit_value){ 0 };
}

static bool is_plain(unsigned op) /* its operands are all that its rule speaks of */
{
    const op_info *o = &jit_op_table[op];
    return o->nargs >= 0 && !(o->props & OP_TERM) && op != JIT_OP_none;
}

Test(builder, every_instruction_of_every_type_verifies)
{
    static const jit_type types[] = { JIT_I8, JIT_I16, JIT_I32, JIT_I64, JIT_F16, JIT_F32, JIT_F64,
                                      JIT_F128, JIT_I8X16, JIT_I16X8, JIT_I32X4, JIT_I64X2,
                                      JIT_F16X8, JIT_F32X4, JIT_F64X2, JIT_VEC(JIT_I8, 3) };
    static bool built[JIT_OP_COUNT];
    uint64_t seed = 7;

    for (int round = 0; round < 300; round++) {
        begin();
        declare_some();
        for (unsigned k = 0; k < sizeof types / sizeof types[0]; k++) /* a value of each type */
            if (types[k] >= JIT_I8 && types[k] <= JIT_I64)
                jit_iconst(b, types[k], 1);
            else if (types[k] == JIT_F128)
                jit_f128const(b, types[k], "0123456789abcde");
            else if (jit_type_is_vector(types[k]))
                jit_vconst(b, types[k], "0123456789abcde");
            else
                jit_load(b, types[k], (jit_mem){ 0 }, P(1), 0);
        jit_uextend(b, JIT_I128, P(1));
        for (int k = 0; k < 200 && jit_func_error(f, NULL) == JIT_OK; k++) {
            unsigned op = test_random(&seed) % JIT_OP_COUNT;
            const op_info *info = &jit_op_table[op];
            operands o = { .number = 1 };
            bool fits = is_plain(op);
            o.t = (jit_type)f->values.at[test_random(&seed) % f->values.len].type;
            if (info->types != 0 && !jit_typeset_has(info->types, o.t))
                continue;
            for (int i = 0; fits && i < info->nargs; i++) {
                o.v[i] = fitting(info->rule[i], o.t, &seed);
                fits = o.v[i].id != 0;
            }
            if (info->format == FMT_BITCAST)
                o.mem.bits = JIT_MEM_LITTLE;
            if (info->format == FMT_GLOBAL_VALUE)
                fits = fits && op == JIT_OP_symbol_value;
            if (!fits)
                continue;
            call_op(op, &o);
            built[op] = true;
        }
        jit_return(b, P(0));
        expect_sound();
    }
    for (unsigned op = 1; op < JIT_OP_COUNT; op++) {
        const op_info *info = &jit_op_table[op];
        if (is_plain(op) && op != JIT_OP_tls_value)
            cr_expect(built[op], "%s was never built", info->name);
    }
}

/* ---- Memory ---- */

static void build_much(void)
{
    jit_var x = jit_var_new(b, JIT_I32), y = jit_var_new(b, JIT_I128);
    jit_block head = jit_block_new(b), body = jit_block_new(b), done = jit_block_new(b);

    declare_some();
    jit_source_position(b, 1);
    jit_var_set(b, x, P(0));
    jit_jump(b, head);
    jit_block_start(b, head);
    jit_brif(b, jit_var_get(b, x), body, done);
    jit_block_start(b, body);
    for (int k = 0; k < 200; k++)
        jit_var_set(b, x, jit_select(b, P(0), jit_var_get(b, x), jit_iconst(b, JIT_I32, k)));
    jit_var_set(b, y, jit_iadd(b, jit_var_get(b, y), jit_uextend(b, JIT_I128, P(1))));
    jit_br_table(b, jit_var_get(b, x), done, 2, (jit_block[]){ head, done });
    jit_block_start(b, done);
    jit_value high;
    jit_isplit(b, jit_var_get(b, y), &high);
    jit_return(b, jit_var_get(b, x));
}

Test(builder, every_allocation_may_fail_over_build_and_verify_and_nothing_leaks)
{
    static const ir_name name = { NAME_TEXT, 0, 0, "f" };
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        fault_alloc host;
        jit_status status;
        fault_alloc_init(&host, n);
        f = jit_func_create(&host.host, NULL, &name, JIT_SIG(JIT_I32, JIT_I32, JIT_I64, JIT_F64));
        if (f) {
            b = jit_build(f);
            build_much();
            jit_build_end(b);
            status = jit_func_verify(f, NULL, NULL);
            cr_assert(status == JIT_OK || status == JIT_ERR_NOMEM);
            failed = status != JIT_OK;
            jit_func_free(f);
        }
        cr_assert_eq(host.live, 0);
        cr_assert_not(host.wrong_size);
        cr_assert_eq(failed, host.calls >= n);
        cr_assert_lt(n, 1000);
    }
}
