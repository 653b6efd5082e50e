/* test_reader.c - the CLIF reader: what it accepts, what it refuses and where it says so. */
#include "gantry/jit.h"
#include "ir/func.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct faults {
    unsigned n;
    uint32_t line, column; /* of the first */
    char text[512];
} faults;

static void note_fault(void *user, const jit_diagnostic *d)
{
    faults *f = user;

    if (f->n++ == 0) {
        f->line = d->line;
        f->column = d->column;
        snprintf(f->text, sizeof f->text, "%s", d->text);
    }
}

static jit_module *read_text(const char *text, faults *f, jit_status *status)
{
    jit_module *m;

    memset(f, 0, sizeof *f);
    *status = jit_module_read(NULL, text, strlen(text), &m, note_fault, f);
    return m;
}

/* Reads a text that has one fault, at a place, whose message holds a word. */
static void refuses(const char *text, uint32_t line, uint32_t column, const char *word)
{
    faults f;
    jit_status status;
    jit_module *m = read_text(text, &f, &status);

    cr_expect_eq(status, JIT_ERR_PARSE, "%s", text);
    cr_expect_eq(f.n, 1, "%u faults in %s", f.n, text);
    cr_expect(f.line == line && f.column == column, "%u:%u instead of %u:%u: %s", f.line, f.column,
              line, column, f.text);
    cr_expect(strstr(f.text, word) != NULL, "no '%s' in '%s'", word, f.text);
    jit_module_free(m);
}

static void accepts(const char *text)
{
    faults f;
    jit_status status;
    jit_module *m = read_text(text, &f, &status);

    cr_expect_eq(status, JIT_OK, "%u:%u: %s in\n%s", f.line, f.column, f.text, text);
    jit_module_free(m);
}

/* One instruction in a function with v0: i64, v1: i32, v2: f32, v3: f64, v4: i32x4. */
#define BODY(line) \
    "function %f(i64, i32, f32, f64, i32x4) {\n" \
    "    ss0 = explicit_slot 8\n    gv0 = vmctx\n    sig0 = (i32) -> i32\n    fn0 = %g sig0\n" \
    "block0(v0: i64, v1: i32, v2: f32, v3: f64, v4: i32x4):\n" line "\n    return\n}\n"

Test(reader, names_line_and_column_and_what_was_expected)
{
    refuses("function %f() {\nblock0:\n    v0 = iconst.i32\n}\n", 4, 1, "expected an integer");
    refuses("function %f() {\nblock0:\n    v0 = iconst.i8 256\n    return\n}\n", 3, 20, "-128 to");
    refuses("function %f() {\nblock0:\n  jump block7\n}\n", 3, 8, "block7 is not defined");
    refuses("function %f() {\nblock0:\n  trapz.i32 v9, user1\n  return\n}\n", 3, 13, "v9");
    refuses("function f() {\n}\n", 1, 10, "expected a name");
    refuses("function %f(i32x8) {\n}\n", 1, 13, "128 bits");
    refuses("function %f() -> b1 {\n}\n", 1, 18, "no longer has");
    refuses("funktion %f() {\n}\n", 1, 1, "`function`");
    refuses("function %f() {\nblock0:\n    return\n", 4, 1, "the end of the text");
    refuses("function %f() {\nblock0:\n    return \x01\n}\n", 3, 12, "`?`");
}

Test(reader, refuses_instructions_that_are_gone_with_what_replaces_them)
{
    refuses(BODY("    v9 = iadd_imm v0, 1"), 7, 10, "iconst");
    refuses(BODY("    v9 = stack_load.i64 ss0"), 7, 10, "stack_addr");
    refuses(BODY("    v9 = global_value.i64 gv0"), 7, 10, "no longer");
    refuses(BODY("    v9 = bint.i32 v1"), 7, 10, "no longer");
    refuses(BODY("    brz v1, block0"), 7, 5, "brif");
    refuses(BODY("    frobnicate v1"), 7, 5, "expected an instruction");
}

Test(reader, refuses_what_has_no_type_or_the_wrong_one)
{
    refuses(BODY("    v9 = iadd v8, v8\n    v8 = iconst.i32 1"), 7, 10, "v8 is defined later");
    refuses(BODY("    v9 = iadd v2, v2"), 7, 10, "f32 is not a type of iadd");
    refuses(BODY("    v9 = iadd.f32 v2, v2"), 7, 15, "f32 is not a type of iadd");
    refuses(BODY("    v9 = load v0"), 7, 10, "a type after load");
    refuses(BODY("    jump.i32 block0"), 7, 10, "takes no type");
    refuses(BODY("    brif.i8 v1, block0, block0"), 7, 10, "suffix says i8");
    refuses(BODY("    v9, v10 = iadd v0, v0"), 7, 15, "1 result");
    refuses(BODY("    iadd v0, v0"), 7, 5, "1 result, but 0 are");
    refuses(BODY("    v9 = call fn0(v1), v8"), 7, 24, "stack_map");
    refuses(BODY("    v9, v9 = isplit v0"), 7, 14, "twice");
}

Test(reader, refuses_double_and_missing_definitions)
{
    refuses(BODY("    v1 = iconst.i32 1"), 7, 5, "v1 is already defined");
    refuses(BODY("    v9 = stack_addr.i64 ss1"), 7, 25, "ss1 is not declared");
    refuses("function %f() {\n    ss0 = explicit_slot 1\n    ss0 = explicit_slot 1\n}\n", 3, 5,
            "ss0 is already declared");
    refuses("function %f() {\nblock0:\n    return\nblock0:\n    return\n}\n", 4, 1, "already");
    refuses("function %f() {\n}\nfunction %f() {\n}\n", 3, 1, "%f");
    refuses("function %f() {\n    stack_limit = gv3\nblock0:\n    return\n}\n", 2, 19, "gv3");
}

Test(reader, knows_every_integer_literal)
{
    accepts(BODY("    v9 = iconst.i8 255\n    v10 = iconst.i8 -128\n    v11 = iconst.i8 -0x80"));
    accepts(BODY("    v9 = iconst.i64 0xffff_ffff_ffff_ffff\n"
                 "    v10 = iconst.i64 -9223372036854775808"));
    accepts(BODY("    v9 = iconst.i32 1_000_000\n    v10 = iconst.i16 +5"));
    refuses(BODY("    v9 = iconst.i8 -129"), 7, 20, "8-bit");
    refuses(BODY("    v9 = iconst.i64 18446744073709551616"), 7, 21, "64-bit");
    refuses(BODY("    v9 = iconst.i32 0x"), 7, 21, "32-bit");
    refuses(BODY("    v9 = iconst.i128 1"), 7, 17, "i128 is not a type");
    refuses(BODY("    v9 = iconst.i32 1.5"), 7, 21, "32-bit");
}

Test(reader, takes_floats_only_when_they_are_exact)
{
    accepts(BODY("    v9 = f32const 0x1.fffffep127\n    v10 = f32const 0x0.000002p-126"));
    accepts(BODY("    v9 = f64const sNaN:0x1\n    v10 = f64const -NaN:0x7\n"
                 "    v11 = f64const -Inf"));
    accepts(BODY("    v9 = f32const 0x1p+3\n    v10 = f32const 0x8\n    v11 = f32const -0.0"));
    refuses(BODY("    v9 = f32const 0x1.0000001p0"), 7, 19, "exact");
    refuses(BODY("    v9 = f32const 0x1.0p128"), 7, 19, "too large");
    refuses(BODY("    v9 = f32const 0x1.0p-150"), 7, 19, "too small");
    refuses(BODY("    v9 = f32const 1.5"), 7, 19, "hexadecimal");
    refuses(BODY("    v9 = f32const sNaN:0x0"), 7, 19, "payload");
    refuses(BODY("    v9 = f32const NaN:0x400000"), 7, 19, "payload");
}

Test(reader, resolves_values_and_aliases_that_come_later)
{
    faults fs;
    jit_status status;
    jit_module *m = read_text("function %f(i64) -> i64 {\nblock0(v0: i64):\n    v5 -> v4\n"
                              "    v4 -> v3\n    jump block2\nblock1:\n    v9 = iadd.i64 v5, v3\n"
                              "    v5 -> v4\n    return v9\nblock2:\n    v3 = iconst.i64 7\n"
                              "    jump block1\n}\n", &fs, &status);
    const jit_func *f;

    cr_assert_eq(status, JIT_OK, "%s", fs.text);
    f = jit_module_function_at(m, 0);
    cr_expect_eq(f->insts.at[1].op, JIT_OP_iadd);
    cr_expect_eq(f->insts.at[1].a, f->insts.at[1].b);
    cr_expect_eq(f->insts.at[1].a, f->insts.at[3].c);
    cr_expect_eq(value_type(f, f->insts.at[1].a), JIT_I64);
    jit_module_free(m);
}

Test(reader, refuses_aliases_that_stand_for_themselves)
{
    refuses(BODY("    v9 -> v9"), 7, 5, "stands for itself");
    refuses(BODY("    v9 -> v10\n    v10 -> v11\n    v11 -> v9"), 8, 5, "stands for itself");
    refuses(BODY("    v9 -> v0\n    v9 -> v1"), 8, 5, "already defined");
    refuses(BODY("    v9 -> v10"), 7, 11, "v10 is not defined");
}

Test(reader, goes_on_at_the_next_function)
{
    faults f;
    jit_status status;
    jit_module *m = read_text("function %a() {\nblock0:\n    oops\n}\nfunction %b() {\nblock0:\n"
                              "    return\n}\n; run: %b()\nfunction %c( {\nfunction %d() {\n}\n",
                              &f, &status);

    cr_expect_eq(status, JIT_ERR_PARSE);
    cr_expect_eq(f.n, 2);
    cr_assert_eq(jit_module_function_count(m), 2);
    cr_expect_str_eq(jit_func_name(jit_module_function_at(m, 0)), "%b");
    cr_expect_eq(jit_func_line(jit_module_function_at(m, 0)), 5);
    cr_expect_str_eq(jit_func_name(jit_module_function_at(m, 1)), "%d");
    cr_assert_eq(jit_module_directive_count(m), 1);
    cr_expect_eq(jit_module_directive(m, 0).function, 0);
    cr_expect_eq(jit_module_directive(m, 0).line, 9);
    jit_module_free(m);
}

Test(reader, keeps_directives_and_comments_with_their_places)
{
    faults f;
    jit_status status;
    jit_module *m = read_text("test run\nset opt_level=speed a=b ; why\ntarget x86_64 has_avx\n"
                              "feature \"x\"\n; head\nfunction %a() -> i32 {\nblock0: ; in\n"
                              "    v0 = iconst.i32 1\n    return v0  ; v0 = 1\n}\n"
                              ";;  run: %a() == 1  \n",
                              &f, &status);
    static const struct { jit_directive_kind kind; uint32_t line, function; const char *text; }
    want[] = {
        { JIT_DIR_TEST, 1, UINT32_MAX, "run" },
        { JIT_DIR_SET, 2, UINT32_MAX, "opt_level=speed a=b" },
        { JIT_DIR_COMMENT, 2, UINT32_MAX, "why" },
        { JIT_DIR_TARGET, 3, UINT32_MAX, "x86_64 has_avx" },
        { JIT_DIR_FEATURE, 4, UINT32_MAX, "\"x\"" },
        { JIT_DIR_COMMENT, 5, UINT32_MAX, "head" },
        { JIT_DIR_COMMENT, 7, 0, "in" },
        { JIT_DIR_COMMENT, 11, 0, "run: %a() == 1" }
    };

    cr_assert_eq(status, JIT_OK, "%s", f.text);
    cr_assert_eq(jit_module_directive_count(m), 8);
    for (size_t k = 0; k < 8; k++) {
        jit_directive d = jit_module_directive(m, k);
        cr_expect_eq(d.kind, want[k].kind);
        cr_expect_eq(d.line, want[k].line);
        cr_expect_eq(d.function, want[k].function);
        cr_expect_str_eq(d.text, want[k].text);
    }
    jit_module_free(m);
}

Test(reader, spends_no_memory_on_gaps_between_numbers)
{
    accepts("function u4294967295:4294967295() {\n    ss4000000000 = explicit_slot 4294967295\n"
            "block4000000000:\n    v4294967294 = iconst.i32 1\n    v3 -> v4294967294\n"
            "    trapz v3, user1\n    v2000000000 = stack_addr.i64 ss4000000000-2147483648\n"
            "    jump block4294967294\nblock4294967294:\n    return\n}\n");
    refuses("function %f() {\nblock4294967296:\n    return\n}\n", 2, 1, "a block");
    refuses(BODY("    v4294967295 = iconst.i32 1"), 7, 5, "an instruction");
}

Test(reader, survives_a_million_blocks_and_deep_nesting)
{
    enum { BLOCKS = 1000000 };
    size_t size = BLOCKS * 16 + 100, n;
    char *text = malloc(size);
    jit_module *m;

    cr_assert_not_null(text);
    n = (size_t)sprintf(text, "function %%f() {\n");
    for (unsigned k = 0; k < BLOCKS; k++)
        n += (size_t)sprintf(text + n, "block%u:\n", k);
    n += (size_t)sprintf(text + n, "}\n");
    cr_expect_eq(jit_module_read(NULL, text, n, &m, NULL, NULL), JIT_OK);
    cr_expect_eq(jit_func_block_count(jit_module_function_at(m, 0)), BLOCKS);
    jit_module_free(m);
    memset(text, '(', size);
    memcpy(text, "function %f", 11);
    cr_expect_eq(jit_module_read(NULL, text, size, &m, NULL, NULL), JIT_ERR_PARSE);
    jit_module_free(m);
    memset(text, '<', size);
    memcpy(text, "function %f() {\nblock0:\n", 24);
    cr_expect_eq(jit_module_read(NULL, text, size, &m, NULL, NULL), JIT_ERR_PARSE);
    jit_module_free(m);
    free(text);
}

static const char whole[] =
    "test run\nset a=b\ntarget x86_64\nfunction %f(i64 vmctx, i32 uext) -> i32, i64 sret tail {\n"
    "    ss0 = explicit_slot 8, align = 8, key = 1\n    region0 = 8 \"x\"\n    gv0 = vmctx\n"
    "    gv1 = load.i64 notrap aligned region0 gv0+8\n    sig0 = (i32) -> i32\n    fn0 = %g sig0\n"
    "    fn1 = colocated u0:1(i64)\n    const0 = i32x4 [1 2 3 4]\n    stack_limit = gv1\n"
    "block0(v0: i64, v1: i32):\n<1, ss0> @00af v2 = iadd.i32 v9, v1\n    v3 -> v2\n"
    "    v4 = vconst.i32x4 const0\n"
    "    v5 = shuffle v6, v6, [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15]\n"
    "    v6 = vconst.i8x16 0x00\n    v7 = call fn0(v1), stack_map=[i32 @ ss0+0]\n"
    "    br_table v1, block1(v3), [block1(v1), block1(v2)]\nblock1(v9: i32) cold:\n"
    "    try_call fn0(v1), sig0, block1(ret0), [ tag1: block2, context v0, default: block2 ]\n"
    "block2:\n    return v1, v0\n}\n; run: %f(0, 1) == [1, 2]\n";

Test(reader, takes_any_truncation_and_any_stray_byte)
{
    char text[sizeof whole];
    jit_module *m;

    accepts(whole);
    for (size_t n = 0; n < sizeof whole; n++) {
        cr_assert_neq(jit_module_read(NULL, whole, n, &m, NULL, NULL), JIT_ERR_INTERNAL);
        jit_module_free(m);
    }
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        memcpy(text, whole, sizeof whole);
        text[n] = "\0\xff)v\n"[n % 5];
        jit_module_read(NULL, text, sizeof whole - 1, &m, NULL, NULL);
        cr_assert_not_null(m);
        jit_module_free(m);
    }
}

/* An allocator whose n-th call fails, and which counts what is not given back. */
typedef struct failing { unsigned calls, fail_at; long live; } failing;

static void *failing_alloc(void *user, size_t size)
{
    failing *f = user;

    if (++f->calls == f->fail_at)
        return NULL;
    f->live++;
    return malloc(size);
}

static void failing_free(void *user, void *memory, size_t size)
{
    failing *f = user;

    (void)size;
    f->live--;
    free(memory);
}

Test(reader, gives_nomem_wherever_memory_ends_and_leaks_nothing)
{
    failing f = { 0, 0, 0 };
    jit_allocator host = { failing_alloc, failing_free, &f };
    jit_engine_settings s = { .size = sizeof s, .allocator = &host };
    jit_engine *e = NULL;
    bool ended = false;

    cr_assert_eq(jit_engine_create(&s, &e), JIT_OK);
    for (unsigned n = 1; n < 10000 && !ended; n++) {
        long before = f.live;
        jit_module *m = NULL;
        char *text = NULL;
        jit_status status;
        f.calls = 0;
        f.fail_at = n;
        status = jit_module_read(e, whole, sizeof whole - 1, &m, NULL, NULL);
        if (status == JIT_OK) {
            text = jit_module_print(m, NULL);
            ended = text != NULL && f.calls < n;
        } else {
            cr_assert_eq(status, JIT_ERR_NOMEM, "at call %u: %s", n, jit_status_name(status));
            cr_assert_null(m);
        }
        jit_string_free(e, text);
        jit_module_free(m);
        cr_assert_eq(f.live, before, "at call %u", n);
    }
    cr_expect(ended);
    f.fail_at = 0;
    jit_engine_free(e);
}
