/* test_writer.c - printing CLIF: the form is Cranelift's, and it reads back the same. */
#include "gantry/jit_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Text as Cranelift prints it comes out as it went in. */
static void unchanged(const char *text)
{
    jit_module *m;
    size_t n = 0;
    char *out;

    cr_assert_eq(jit_module_read(NULL, text, strlen(text), &m, NULL, NULL), JIT_OK, "%s", text);
    out = jit_module_print(m, &n);
    cr_assert_not_null(out);
    cr_expect_eq(n, strlen(out));
    cr_expect_str_eq(out, text);
    jit_string_free(NULL, out);
    jit_module_free(m);
}

Test(writer, prints_declarations_in_order)
{
    unchanged("function %f(i64 vmctx, i32 uext, i64 sarg(64), i64 sret) -> i8 sext tail {\n"
              "    ss0 = explicit_slot 4\n"
              "    ss2 = explicit_slot 16, align = 16, key = 5\n"
              "    region0 = 8 \"VMContext+0x8\"\n"
              "    gv0 = vmctx\n"
              "    gv1 = load.i64 notrap aligned readonly region0 gv0+0x4a98\n"
              "    gv2 = iadd_imm.i64 gv1, -16\n"
              "    gv3 = symbol colocated tls %x-8\n"
              "    sig0 = (f32x4, i128) -> f16, f128 windows_fastcall\n"
              "    fn0 = colocated patchable u1:2 sig0\n"
              "    fn3 = %CeilF32 sig0\n"
              "    const0 = 0x0011\n"
              "    stack_limit = gv1\n"
              "\nblock0:\n    trap user1\n}\n");
}

Test(writer, prints_constants_as_values_and_as_remarks)
{
    unchanged("function %f() -> i64 {\nblock0:\n    v0 = iconst.i8 -1\n    v1 = iconst.i64 9999\n"
              "    v2 = iconst.i64 0x2710\n    v3 = iconst.i64 0x0001_0000_0000\n"
              "    v4 = f32const 0x1.800000p1\n    v5 = f64const -0x0.0000000000001p-1022\n"
              "    v6 = f64const +NaN\n    v7 = f64const -sNaN:0x1\n    v8 = f64const 0.0\n"
              "    v9 = fneg v6  ; v6 = +NaN\n    v10 = iadd v1, v2  ; v1 = 9999, v2 = 0x2710\n"
              "    jump block1(v10, v0)  ; v0 = -1\n\nblock1(v11: i64, v12: i8) cold:\n"
              "    return v11\n}\n");
}

Test(writer, writes_the_suffix_when_the_operand_comes_from_another_block)
{
    unchanged("function %f(i32, i64) {\n    sig0 = ()\n\nblock0(v0: i32, v1: i64):\n"
              "    v2 = iadd v0, v0\n    brif v0, block1, block2\n\nblock1:\n"
              "    v3 = iadd.i32 v0, v2\n    v4 = iadd v3, v0\n    v5 = uload32.i64 v1\n"
              "    istore8.i32 v0, v1+4\n    call_indirect.i64 sig0, v1()\n"
              "    trapz.i32 v0, int_divz\n    brif.i32 v0, block2, block2\n\nblock2:\n"
              "    return\n}\n");
}

Test(writer, keeps_aliases_positions_tags_and_stack_maps)
{
    unchanged("function u0:12(i32) -> i32 {\n    ss0 = explicit_slot 8\n    sig0 = (i32) -> i32\n"
              "    fn0 = %g sig0\n\n"
              "                                block0(v0: i32):\n"
              "                                    v9 -> v0\n"
              "<1, ss0> @00af                      v1 = iadd v0, v0\n"
              "                                    v7 -> v1\n"
              "                                    v8 -> v1\n"
              "@12345                              v2 = call fn0(v1), "
              "stack_map=[i32 @ ss0+0, i64 @ ss0+4]\n"
              "                                    return v2\n}\n");
}

Test(writer, prints_the_header_and_the_run_lines)
{
    unchanged("test run\nset opt_level=speed\ntarget x86_64 has_avx\n\n"
              "function %a() -> i32 {\nblock0:\n    v0 = iconst.i32 1\n    return v0  ; v0 = 1\n}\n"
              "; run: %a() == 1\n; print: %a()\n\nfunction %b() {\n}\n");
}

Test(writer, prints_tables_and_exceptions)
{
    unchanged("function %f(i32) {\n    sig0 = (i32) -> i32\n    fn0 = %g sig0\n\n"
              "block0(v0: i32):\n    br_table v0, block1, [block2(v0), block1]\n\nblock1:\n"
              "    try_call fn0(v0), sig0, block2(ret0), "
              "[ context v0, tag1: block3(exn0, exn1), default: block1 ]\n"
              "\nblock2(v1: i32):\n    v2 = func_addr.i64 fn0\n"
              "    try_call_indirect v2(v0), sig0, block1, []\n\nblock3(v3: i64, v4: i64):\n"
              "    return\n}\n");
}

/* ---- Values ---- */

static void value_prints(jit_type t, const char *text, const char *printed)
{
    const char *at = text, *error = "";
    size_t n = strlen(text), length;
    uint8_t bytes[16];
    char buffer[256];

    cr_assert(jit_text_value(t, &at, &n, bytes, &error), "%s: %s", text, error);
    cr_expect_eq(n, 0, "%zu bytes of %s are left", n, text);
    length = jit_text_print_value(t, bytes, buffer, sizeof buffer);
    cr_expect_eq(length, strlen(printed));
    cr_expect_str_eq(buffer, printed);
}

Test(writer, reads_and_prints_values_as_run_lines_have_them)
{
    value_prints(JIT_I8, "255", "-1");
    value_prints(JIT_I8, "-0x80", "-128");
    value_prints(JIT_I64, "0xffff_ffff_ffff_fffe", "-2");
    value_prints(JIT_I128, "-170141183460469231731687303715884105728",
                 "-170141183460469231731687303715884105728");
    value_prints(JIT_I128, "340282366920938463463374607431768211455", "-1");
    value_prints(JIT_F32, "0x1.8p+1", "0x1.800000p1");
    value_prints(JIT_F32, "0xC", "0x1.800000p3");
    value_prints(JIT_F32, "0x0.8", "0x1.000000p-1");
    value_prints(JIT_F32, "+Inf", "+Inf");
    value_prints(JIT_F64, "NaN:0x5", "+NaN:0x5");
    value_prints(JIT_F64, "-sNaN:0x1", "-sNaN:0x1");
    value_prints(JIT_F64, "0x1p-1074", "0x0.0000000000001p-1022");
    value_prints(JIT_F16, "0x1.ffcp15", "0x1.ffcp15");
    value_prints(JIT_F128, "-0x1.ffffffffffffffffffffffffffffp16383",
                 "-0x1.ffffffffffffffffffffffffffffp16383");
    value_prints(JIT_I32X4, "[1 -2 0x3 4]", "[1 -2 3 4]");
    value_prints(JIT_I32X4, "0x0102", "[258 0 0 0]");
    value_prints(JIT_VEC(JIT_I8, 1), "0x0102", "[2 1]");
    value_prints(JIT_F32X4, " [ 0.0 -0.0 Inf 0x1.0p0 ]", "[0.0 -0.0 +Inf 0x1.000000p0]");
}

Test(writer, says_what_is_wrong_with_a_value)
{
    static const struct { jit_type t; const char *text; } wrong[] = {
        { JIT_I8, "256" }, { JIT_I8, "-129" }, { JIT_I32, "" }, { JIT_I32, "x" },
        { JIT_I32, "1.0" }, { JIT_F32, "1.5" }, { JIT_F32, "0x1.0000001p0" },
        { JIT_F32, "0x1p128" },
        { JIT_F32, "0x1p-150" }, { JIT_F32, "0x1p" }, { JIT_F32, "sNaN" }, { JIT_I32X4, "[1 2 3]" },
        { JIT_I32X4, "[1 2 3 4" }, { JIT_I32X4, "0x123" }, { JIT_I32X4, "5" }, { JIT_VOID, "0" }
    };

    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        const char *at = wrong[k].text, *error = NULL;
        size_t n = strlen(at);
        uint8_t bytes[16];
        cr_expect_not(jit_text_value(wrong[k].t, &at, &n, bytes, &error), "%s", wrong[k].text);
        cr_expect_not_null(error);
    }
}

Test(writer, cuts_a_value_to_the_buffer)
{
    const uint8_t bytes[16] = { 0xff, 0xff, 0xff, 0xff };
    char buffer[4];

    cr_expect_eq(jit_text_print_value(JIT_I32X4, bytes, buffer, sizeof buffer), 10);
    cr_expect_str_eq(buffer, "[-1");
    cr_expect_eq(jit_text_print_value(JIT_I32, bytes, NULL, 0), 2);
}
