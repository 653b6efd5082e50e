/* The parts of a function: makers, names, questions, the table of opcodes; and modules. */
#include "ir/func.h"
#include "tests/support/fault_alloc.h"
#include "tests/support/graph.h"

#include <signal.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static jit_func *new_func(void)
{
    return jit_func_new(NULL, "f", JIT_SIG(JIT_I32, JIT_I64, JIT_F32));
}

/* ---- The table ---- */

Test(opcodes, each_rule_has_a_letter_for_each_operand_and_result)
{
    for (unsigned op = 1; op < JIT_OP_COUNT; op++) {
        const op_info *o = &jit_op_table[op];
        const char *gt = strchr(o->rule, '>');
        cr_assert_not_null(gt, "%s", o->name);
        if (o->nargs >= 0) {
            cr_expect_eq(gt - o->rule, o->nargs, "%s", o->name);
            cr_expect_eq(strlen(gt + 1), o->nresults, "%s", o->name);
        }
        cr_expect(strspn(o->rule, "Tawps.vLHDnWfFMCyzKGde>") == strlen(o->rule), "%s", o->name);
    }
    cr_expect_eq(jit_op_table[JIT_OP_store].nresults, 0);
    cr_expect_eq(jit_op_table[JIT_OP_isplit].nresults, 2);
    cr_expect_eq(jit_op_table[JIT_OP_call].nresults, OP_RESULTS_BY_SIG);
    cr_expect_eq(jit_op_table[JIT_OP_return_call].nresults, 0);
}

Test(opcodes, types_follow_from_the_controlling_type)
{
    cr_expect_eq(jit_rule_type('C', JIT_I64), JIT_I8);
    cr_expect_eq(jit_rule_type('C', JIT_F64X2), JIT_I64X2);
    cr_expect_eq(jit_rule_type('C', JIT_I16X8), JIT_I16X8);
    cr_expect_eq(jit_rule_type('H', JIT_I128), JIT_I64);
    cr_expect_eq(jit_rule_type('D', JIT_I8), JIT_I16);
    cr_expect_eq(jit_rule_type('K', JIT_I32X4), JIT_I16X8);
    cr_expect_eq(jit_rule_type('G', JIT_I8X16), JIT_I16X8);
    cr_expect_eq(jit_rule_type('L', JIT_F32X4), JIT_F32);
    cr_expect_eq(jit_rule_type('H', JIT_I8), JIT_VOID);
    cr_expect_eq(jit_rule_type('s', JIT_I8), JIT_VOID);
}

Test(opcodes, only_vectors_of_16_to_128_bits_are_types)
{
    static const struct { jit_type t; bool legal; } cases[] = {
        { JIT_VOID, false }, { JIT_I8, true }, { JIT_I128, true }, { JIT_F16, true },
        { JIT_F128, true }, { JIT_I8X16, true }, { JIT_VEC(JIT_I8, 1), true },
        { JIT_VEC(JIT_I8, 5), false }, { JIT_VEC(JIT_I64, 2), false },
        { JIT_VEC(JIT_I128, 1), false },
        { JIT_VEC(JIT_F32, 1), true }, { 10, false }, { 15, false }, { 0x10, false },
        { 0xf1, false }
    };
    for (unsigned k = 0; k < sizeof cases / sizeof cases[0]; k++)
        cr_expect_eq(type_is_legal(cases[k].t), cases[k].legal, "%u", cases[k].t);
}

Test(opcodes, statuses_traps_and_libcalls_have_names)
{
    cr_expect_str_eq(jit_status_name(JIT_OK), "OK");
    cr_expect_str_eq(jit_status_name(JIT_ERR_MISCOMPILE), "MISCOMPILE");
    cr_expect_str_eq(jit_status_name((jit_status)99), "?");
    cr_expect_str_eq(jit_trap_name(0), "?");
    cr_expect_str_eq(jit_trap_name(1), "user1");
    cr_expect_str_eq(jit_trap_name(10), "user10");
    cr_expect_str_eq(jit_trap_name(249), "user249");
    cr_expect_str_eq(jit_trap_name(250), "user250");
    cr_expect_str_eq(jit_trap_name(JIT_TRAP_STK_OVF), "stk_ovf");
    cr_expect_str_eq(jit_trap_name(JIT_TRAP_BAD_TOINT), "bad_toint");
    cr_expect_str_eq(jit_trap_name(256), "?");
    cr_expect_str_eq(jit_libcall_name(LIBCALL_Memcpy), "Memcpy");
    cr_expect_str_eq(jit_version(), "0.1.0");
}

/* ---- Names ---- */

Test(names, identifiers_and_pairs_are_told_apart_and_printed_as_in_the_text)
{
    static const struct { const char *text, *printed; int kind; } cases[] = {
        { "sum", "%sum", NAME_TEXT }, { "%sum", "%sum", NAME_TEXT }, { "%9_a", "%9_a", NAME_TEXT },
        { "u0:12", "u0:12", NAME_USER },
        { "u4294967295:4294967295", "u4294967295:4294967295", NAME_USER },
        { "u0", "%u0", NAME_TEXT }, { "CeilF32", "%CeilF32", NAME_LIBCALL },
        { "%Memcpy", "%Memcpy", NAME_LIBCALL }, { "Memcpy2", "%Memcpy2", NAME_TEXT }
    };
    char text[64];
    ir_name n;

    for (unsigned k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        cr_expect(jit_name_scan(cases[k].text, &n));
        cr_expect_eq(n.kind, cases[k].kind, "%s", cases[k].text);
        cr_expect_eq(jit_name_print(&n, text, sizeof text), strlen(cases[k].printed));
        cr_expect_str_eq(text, cases[k].printed);
    }
}

Test(names, what_is_no_identifier_is_refused)
{
    static const char *const cases[] = { "", "%", "%%a", "a b", "a-b", "%u0:1", "u0:",
                                         "u0:4294967296",
                                         "u99999999999:1", "a:1", "\xc3\xa4" };
    ir_name n;

    for (unsigned k = 0; k < sizeof cases / sizeof cases[0]; k++)
        cr_expect_not(jit_name_scan(cases[k], &n), "%s", cases[k]);
}

Test(names, a_function_defined_under_a_libcalls_name_is_none)
{
    jit_func *f = jit_func_new(NULL, "%Memcpy", JIT_SIG(JIT_VOID));

    cr_expect_str_eq(jit_func_name(f), "%Memcpy");
    cr_expect_eq(f->name.kind, NAME_TEXT);
    jit_func_free(f);
}

/* ---- Functions ---- */

Test(func, it_copies_name_and_signature)
{
    jit_abi_param params[] = { JIT_I64 | JIT_VMCTX, JIT_I8 | JIT_SEXT }, results[] = { JIT_F64 };
    jit_signature sig = { JIT_CONV_TAIL, 2, 1, params, results };
    char name[] = "u1:2";
    jit_func *f = jit_func_new(NULL, name, &sig);

    memset(name, 0, sizeof name);
    memset(params, 0, sizeof params);
    memset(results, 0, sizeof results);
    cr_expect_str_eq(jit_func_name(f), "u1:2");
    cr_expect_eq(jit_func_signature(f)->conv, JIT_CONV_TAIL);
    cr_expect_eq(jit_func_signature(f)->params[1], JIT_I8 | JIT_SEXT);
    cr_expect_eq(jit_func_signature(f)->results[0], JIT_F64);
    cr_expect_eq(jit_func_error(f, NULL), JIT_OK);
    jit_func_free(f);
    jit_func_free(NULL);
}

Test(func, a_bad_name_or_no_signature_is_its_first_error)
{
    const char *message;
    jit_func *f = jit_func_new(NULL, "not a name", NULL);

    cr_expect_eq(jit_func_error(f, &message), JIT_ERR_VERIFY);
    cr_expect_not_null(strstr(message, "name"));
    jit_func_free(f);
}

Test(func, more_parameters_than_can_be_counted_are_an_error_without_reading_them)
{
    static const jit_abi_param one = JIT_I32;
    jit_signature sig = { JIT_CONV_DEFAULT, UINT32_MAX, 0, &one, NULL };
    jit_func *f = jit_func_new(NULL, "f", &sig);

    cr_expect_eq(jit_func_error(f, NULL), JIT_ERR_LIMIT);
    jit_func_free(f);
}

Test(func, instructions_of_a_block_are_contiguous_and_results_consecutive)
{
    jit_func *f = new_func();
    jit_type types[2] = { JIT_I64, JIT_I64 };
    ir_inst i = { .op = JIT_OP_isplit, .type = JIT_I128, .a = 1 };

    cr_expect_eq(jit_func_append(f, &i, types, 2), 0);
    cr_expect_eq(jit_func_error(f, NULL), JIT_ERR_VERIFY); /* outside any block */
    cr_expect_eq(jit_func_add_block(f), 1);
    cr_expect(jit_func_place_block(f, 0));
    cr_expect_eq(jit_func_add_param(f, 0, JIT_I128), 1);
    cr_expect_eq(jit_func_append(f, &i, types, 2), 1);
    cr_expect_eq(f->insts.at[0].c, 2);
    cr_expect_eq(f->values.at[2].num, 1);
    cr_expect_eq(f->values.at[2].def, 0);
    cr_expect_eq(f->blocks.at[0].end, 1);
    cr_expect_not(jit_func_place_block(f, 0));
    cr_expect_not(jit_func_place_block(f, 7));
    cr_expect_eq(jit_func_add_param(f, 7, JIT_I8), 0);
    jit_func_free(f);
}

Test(func, parameters_and_block_arguments_grow_without_losing_their_order)
{
    jit_func *f = new_func();
    uint32_t call, other;

    jit_func_add_block(f);
    jit_func_add_block(f);
    call = jit_func_block_call(f, 1, NULL, 0);
    other = jit_func_block_call(f, 0, NULL, 0);
    for (uint32_t k = 0; k < 1000; k++) {
        uint32_t id = jit_func_add_param(f, k % 2, JIT_I32);
        call = jit_func_block_call_push(f, call, id);
        other = jit_func_block_call_push(f, other, id + 5000);
    }
    for (uint32_t k = 0; k < 500; k++) {
        cr_assert_eq(f->pool.at[f->blocks.at[0].params + k], 2 * k + 1);
        cr_assert_eq(f->pool.at[f->blocks.at[1].params + k], 2 * k + 2);
    }
    cr_expect_eq(block_call(f, call).block, 1);
    cr_expect_eq(block_call(f, call).nargs, 1000);
    for (uint32_t k = 0; k < 1000; k++) {
        cr_assert_eq(block_call(f, call).args[k], k + 1);
        cr_assert_eq(block_call(f, other).args[k], k + 5001);
    }
    jit_func_free(f);
}

Test(func, equal_memory_flags_share_an_index_and_zero_is_plain)
{
    jit_func *f = new_func();
    jit_mem plain = { 0 }, aligned = { .bits = JIT_MEM_ALIGNED }, heap = { .trap = 3 };

    cr_expect_eq(jit_func_mem(f, plain), 0);
    cr_expect_eq(jit_func_mem(f, aligned), 1);
    cr_expect_eq(jit_func_mem(f, heap), 2);
    cr_expect_eq(jit_func_mem(f, aligned), 1);
    for (uint32_t k = 0; k < 70000; k++)
        jit_func_mem(f, (jit_mem){ .region = jit_region_at(k) });
    cr_expect_eq(jit_func_error(f, NULL), JIT_ERR_LIMIT);
    jit_func_free(f);
}

Test(func, targets_are_counted_entries_first_and_default_last)
{
    jit_func *f = graph_new(4);

    graph_block(f, (uint32_t[]){ 3, 1, 2 }, 3); /* 3 is the default */
    const ir_inst *i = inst_at(f, f->blocks.at[0].end - 1);
    cr_expect_eq(jit_inst_target_count(f, i), 3);
    cr_expect_eq(block_call(f, jit_inst_target(f, i, 0)).block, 1);
    cr_expect_eq(block_call(f, jit_inst_target(f, i, 1)).block, 2);
    cr_expect_eq(block_call(f, jit_inst_target(f, i, 2)).block, 3);
    jit_func_free(f);
}

Test(func, a_load_has_an_effect_unless_it_cannot_trap)
{
    jit_func *f = new_func();
    ir_inst load = { .op = JIT_OP_load, .type = JIT_I32 };
    ir_inst add = { .op = JIT_OP_iadd, .type = JIT_I32 };

    cr_expect(jit_inst_has_effect(f, &load));
    load.aux = (uint16_t)jit_func_mem(f, (jit_mem){ .bits = JIT_MEM_NOTRAP });
    cr_expect_not(jit_inst_has_effect(f, &load));
    cr_expect_not(jit_inst_has_effect(f, &add));
    jit_func_free(f);
}

Test(func, declarations_refuse_what_is_missing)
{
    jit_func *f = new_func();
    jit_sigref sig = jit_sig_declare(f, JIT_SIG(JIT_I32, JIT_I32)), no_sig = { 0 };

    cr_expect_eq(sig.id, 1);
    cr_expect_eq(jit_callee_declare(f, "CeilF32", sig, false).id, 1);
    cr_expect_eq(f->callees.at[0].name.kind, NAME_LIBCALL);
    cr_expect_eq(jit_slot_declare(f, 16, 8).id, 1);
    cr_expect_eq(jit_region_declare(f, 5, "heap").id, 1);
    cr_expect_eq(jit_gv_symbol(f, "%table", 8, true, false).id, 1);
    cr_expect_eq(jit_func_error(f, NULL), JIT_OK);
    cr_expect_eq(jit_callee_declare(f, "g", no_sig, false).id, 0);
    cr_expect_eq(jit_callee_declare(f, "no name!", sig, false).id, 0);
    cr_expect_eq(jit_callee_declare(f, NULL, sig, false).id, 0);
    cr_expect_eq(jit_gv_symbol(f, NULL, 0, false, false).id, 0);
    cr_expect_eq(jit_sig_declare(f, NULL).id, 0);
    cr_expect_eq(jit_func_error(f, NULL), JIT_ERR_VERIFY);
    jit_func_free(f);
}

static void declare_much(jit_func *f)
{
    jit_sigref sig = jit_sig_declare(f, JIT_SIG(JIT_I32, JIT_I64, JIT_I64));
    jit_gv gv = jit_gv_vmctx(f);

    for (uint32_t k = 0; k < 100; k++) {
        jit_callee_declare(f, "callee", sig, false);
        jit_slot_declare(f, k, 8);
        jit_region_declare(f, k, "a region");
        gv = jit_gv_load(f, JIT_I64, (jit_mem){ .trap = (uint8_t)k }, gv, 8);
        gv = jit_gv_iadd_imm(f, JIT_I64, gv, 1);
        jit_func_add_const(f, "0123456789abcdef", 16);
        jit_func_add_param(f, jit_func_add_block(f) - 1, JIT_I32);
    }
}

Test(func, every_allocation_may_fail_and_nothing_leaks)
{
    static const ir_name name = { NAME_TEXT, 0, 0, "f" };
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        fault_alloc host;
        fault_alloc_init(&host, n);
        jit_func *f = jit_func_create(&host.host, NULL, &name, JIT_SIG(JIT_I32, JIT_I64));
        failed = !f;
        if (f) {
            declare_much(f);
            failed = jit_func_error(f, NULL) == JIT_ERR_NOMEM;
            cr_expect(failed || jit_func_error(f, NULL) == JIT_OK);
            jit_func_free(f);
        }
        cr_assert_eq(host.live, 0);
        cr_assert_not(host.wrong_size);
        cr_assert_eq(failed, host.calls >= n);
    }
}

/* ---- Modules ---- */

Test(module, names_are_found_and_taken_only_once)
{
    jit_module *m = jit_module_new(NULL);
    jit_func *f = jit_module_function(m, "f", JIT_SIG(JIT_I32), JIT_EXPORT);
    jit_func *g = jit_module_function(m, "u0:7", JIT_SIG(JIT_I32), JIT_LOCAL);
    static const char bytes[] = "data";

    cr_assert(f && g);
    cr_expect_eq(jit_module_find(m, "%f"), f);
    cr_expect_eq(jit_module_find(m, "u0:7"), g);
    cr_expect_null(jit_module_find(m, "h"));
    cr_expect_null(jit_module_find(m, "no name!"));
    cr_expect_null(jit_module_function(m, "f", JIT_SIG(JIT_I32), JIT_LOCAL));
    cr_expect_eq(jit_module_data(m, "d", bytes, sizeof bytes, 8, false, JIT_EXPORT), JIT_OK);
    cr_expect_eq(jit_module_data(m, "d", bytes, sizeof bytes, 8, false, JIT_EXPORT), JIT_ERR_LINK);
    cr_expect_eq(jit_module_data(m, "f", bytes, sizeof bytes, 8, false, JIT_EXPORT), JIT_ERR_LINK);
    cr_expect_eq(jit_module_data(m, "e", NULL, 100, 3, true, JIT_EXPORT), JIT_ERR_ARG);
    cr_expect_eq(jit_module_data(m, "e", NULL, 100, 16, true, JIT_EXPORT), JIT_OK);
    cr_expect_null(jit_module_find(m, "d"));
    cr_expect_eq(jit_module_function_count(m), 2);
    cr_expect_eq(jit_module_function_at(m, 1), g);
    cr_expect_null(jit_module_function_at(m, 2));
    cr_expect_eq(m->data.at[1].bytes[99], 0);
    jit_func_free(f); /* goes with the module */
    jit_module_free(m);
    jit_module_free(NULL);
}

Test(module, thousands_of_names_are_all_found)
{
    jit_module *m = jit_module_new(NULL);
    char name[32];

    for (unsigned k = 0; k < 3000; k++) {
        snprintf(name, sizeof name, k % 2 ? "u%u:5" : "f%u", k);
        cr_assert_not_null(jit_module_function(m, name, JIT_SIG(JIT_VOID), JIT_LOCAL));
    }
    for (unsigned k = 0; k < 3000; k++) {
        snprintf(name, sizeof name, k % 2 ? "u%u:5" : "%%f%u", k);
        cr_assert_eq(jit_module_find(m, name), jit_module_function_at(m, k));
    }
    jit_module_free(m);
}
