/* test_decode.c - what a decoded module says, and where faults are. The rules themselves are held
 * by gen_binary.py, gen_rules.py and the scripts in spec/. */
#include "reader.h"
#include "tests/wasm/kit.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static gw_module *module_of(const wasm_bytes *b)
{
    gw_module *m;
    gw_error e;

    cr_assert_eq(gw_module_decode(b->at, b->n, true, &m, &e), GW_OK, "%s", e.text);
    return m;
}

static bool is(gw_slice s, const char *text)
{
    return s.size == strlen(text) && memcmp(s.at, text, s.size) == 0;
}

Test(wasm_decode, index_spaces_hold_imports_first)
{
    wasm_bytes b = wasm_begin();
    gw_module *m;

    WASM_PUT(&b, 1, 8, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 0);
    wasm_section(&b, 2);
    WASM_PUT(&b, 3, 1, 'm', 1, 'f', 0, 1, 1, 'm', 1, 'g', 3, 0x7e, 1);
    WASM_PUT(&b, 1, 'm', 1, 't', 1, 0x6f, 0, 4);
    wasm_close(&b);
    WASM_PUT(&b, 3, 2, 1, 0);
    WASM_PUT(&b, 6, 6, 1, 0x7f, 0, 0x41, 5, 0x0b);
    WASM_PUT(&b, 10, 4, 1, 2, 0, 0x0b);
    m = module_of(&b);
    cr_expect_eq(m->nimports, 3);
    cr_expect(is(m->imports[1].module, "m") && is(m->imports[1].name, "g"));
    cr_expect(m->nfuncs == 2 && m->nimported_funcs == 1 && m->nglobals == 2 && m->ntables == 1);
    cr_expect(m->nimported_globals == 1 && m->nimported_tables == 1 && m->nmemories == 0);
    cr_expect(m->funcs[0].imported && m->funcs[0].type == 1 && !m->funcs[1].imported);
    cr_expect(m->globals[0].mutable && m->globals[0].type == GW_I64 && !m->globals[0].init.code.at);
    cr_expect(m->globals[1].init.code.size == 2 && m->globals[1].init.code.at[1] == 5);
    cr_expect(m->globals[1].init.max_stack == 1);
    cr_expect(m->tables[0].type == GW_EXTERNREF && m->tables[0].range.min == 4);
    cr_expect_eq(m->funcs[1].body.size, 2);
    cr_expect_eq(m->bytes.at + m->funcs[1].offset, m->funcs[1].body.at);
    cr_expect_eq(m->start, ~0u);
    gw_module_free(m);
    wasm_free(&b);
}

Test(wasm_decode, equal_types_share_the_lowest_index)
{
    wasm_bytes b = wasm_begin();
    gw_module *m;
    static const uint32_t same[] = { 0, 1, 0, 3, 1, 5, 0 };

    wasm_section(&b, 1);
    WASM_PUT(&b, 7, 0x60, 1, 0x7f, 0, 0x60, 0, 1, 0x7f, 0x60, 1, 0x7f, 0, 0x60, 1, 0x7e, 0, 0x60, 0,
             1, 0x7f, 0x60, 0, 0, 0x60, 0x81, 0, 0x7f, 0);
    wasm_close(&b);
    m = module_of(&b);
    cr_assert_eq(m->ntypes, 7);
    for (uint32_t k = 0; k < 7; k++)
        cr_expect_eq(m->types[k].same, same[k], "type %u", k);
    gw_module_free(m);
    wasm_free(&b);
}

Test(wasm_decode, a_body_says_how_much_its_code_needs)
{
    wasm_bytes b = wasm_begin();
    gw_module *m;

    wasm_begin_function(&b, "\2\2\x7f\3\x7c", 5);
    /* three operands in two blocks, then one */
    WASM_PUT(&b, 0x02, 0x40, 0x03, 0x40, 0x41, 1, 0x41, 2, 0x41, 3, 0x6a, 0x6a, 0x1a, 0x0b, 0x0b);
    WASM_PUT(&b, 0x41, 0, 0x1a);
    wasm_end_function(&b);
    m = module_of(&b);
    cr_expect_eq(m->funcs[0].nlocals, 5);
    cr_expect_eq(m->funcs[0].max_stack, 3);
    cr_expect_eq(m->funcs[0].max_depth, 3);
    gw_module_free(m);
    wasm_free(&b);
}

Test(wasm_decode, functions_are_referenced_by_exports_elements_and_globals)
{
    wasm_bytes b = wasm_begin();
    gw_module *m;

    WASM_PUT(&b, 1, 4, 1, 0x60, 0, 0, 3, 6, 5, 0, 0, 0, 0, 0);
    WASM_PUT(&b, 6, 6, 1, 0x70, 0, 0xd2, 0, 0x0b, 7, 5, 1, 1, 'x', 0, 1);
    wasm_section(&b, 9);
    WASM_PUT(&b, 2, 3, 0, 1, 2, 5, 0x70, 1, 0xd2, 3, 0x0b);
    wasm_close(&b);
    wasm_section(&b, 10);
    WASM_PUT(&b, 5, 2, 0, 0x0b, 2, 0, 0x0b, 2, 0, 0x0b, 2, 0, 0x0b, 2, 0, 0x0b);
    wasm_close(&b);
    m = module_of(&b);
    for (uint32_t k = 0; k < 5; k++)
        cr_expect_eq(m->funcs[k].referenced, k < 4, "function %u", k);
    cr_expect(m->elems[0].mode == GW_DECLARATIVE && m->elems[0].count == 1);
    cr_expect(m->elems[0].funcs && m->elems[0].funcs[0] == 2 && !m->elems[1].funcs);
    cr_expect(m->elems[1].exprs && m->elems[1].exprs[0].code.size == 2);
    gw_module_free(m);
    wasm_free(&b);
}

Test(wasm_decode, names_of_functions_are_found_and_strange_ones_passed_over)
{
    wasm_bytes b = wasm_begin();
    gw_module *m;

    WASM_PUT(&b, 1, 4, 1, 0x60, 0, 0, 3, 3, 2, 0, 0, 10, 7, 2, 2, 0, 0x0b, 2, 0, 0x0b);
    wasm_section(&b, 0);
    WASM_PUT(&b, 4, 'n', 'a', 'm', 'e', 0, 3, 2, 'm', 'y', 1, 10, 2, 1, 3, 'o', 'n', 'e', 9, 2, 'n',
             'o', 7, 1, 0);
    wasm_close(&b);
    m = module_of(&b);
    cr_expect(is(m->name, "my"));
    cr_assert(m->func_names);
    cr_expect(is(m->func_names[1], "one"));
    cr_expect_eq(m->func_names[0].size, 0);
    gw_module_free(m);
    b.at[b.n - 2] = 5; /* a last subsection that is not all there */
    m = module_of(&b);
    cr_expect(!m->func_names && m->name.size == 0, "a malformed section of names is none");
    gw_module_free(m);
    wasm_free(&b);
}

Test(wasm_decode, bytes_are_copied_unless_they_are_kept)
{
    uint8_t bytes[] = { 0, 'a', 's', 'm', 1, 0, 0, 0, 0, 2, 1, 'x' };
    gw_module *kept, *copied;
    gw_error e;

    cr_assert_eq(gw_module_decode(bytes, sizeof bytes, true, &kept, &e), GW_OK);
    cr_assert_eq(gw_module_decode(bytes, sizeof bytes, false, &copied, &e), GW_OK);
    cr_expect_eq(kept->bytes.at, bytes);
    cr_expect_neq(copied->bytes.at, bytes);
    memset(bytes, 0, sizeof bytes);
    cr_expect_eq(copied->bytes.at[1], 'a');
    gw_module_free(kept);
    gw_module_free(copied);
    gw_module_free(NULL);
}

/* Faults stand where the wrong thing begins. */
Test(wasm_decode, a_fault_has_its_place)
{
    static const struct {
        gw_status status;
        size_t offset;
        const char *text;
        uint8_t code[8];
    } faults[] = {
        { GW_INVALID, 25, "type mismatch", { 0x42, 0, 0x45, 0x1a, 1, 1, 1, 1 } },
        { GW_INVALID, 23, "unknown local 9", { 0x20, 9, 0x1a, 1, 1, 1, 1, 1 } },
        { GW_MALFORMED, 25, "illegal opcode ff", { 0x41, 0, 0xff, 0x1a, 1, 1, 1, 1 } },
        { GW_UNSUPPORTED, 24, "tail calls", { 1, 0x12, 0, 1, 1, 1, 1, 1 } },
        { GW_UNSUPPORTED, 23, "vectors", { 0xfd, 0x0c, 0, 1, 1, 1, 1, 1 } },
        { GW_MALFORMED, 24, "integer too large", { 0x41, 0x80, 0x80, 0x80, 0x80, 0x70, 0x1a, 1 } },
    };

    for (size_t k = 0; k < sizeof faults / sizeof faults[0]; k++) {
        wasm_bytes b = wasm_begin();
        gw_error e;
        wasm_begin_function(&b, "\0", 1);
        wasm_put(&b, faults[k].code, 8);
        wasm_end_function(&b);
        cr_expect_eq(wasm_decode(b.at, b.n, &e), faults[k].status, "%s", e.text);
        cr_expect_eq(e.offset, faults[k].offset, "%zu for %s", e.offset, faults[k].text);
        cr_expect_eq(strncmp(e.text, faults[k].text, strlen(faults[k].text)), 0, "%s", e.text);
        wasm_free(&b);
    }
}

/* Trusted readers give what the checked ones accept. */
Test(wasm_reader, numbers_of_any_length_are_read)
{
    static const struct {
        uint8_t bytes[10];
        size_t n;
        int64_t value;
    } cases[] = {
        { { 0 }, 1, 0 },
        { { 0x3f }, 1, 63 },
        { { 0x40 }, 1, -64 },
        { { 0x7f }, 1, -1 },
        { { 0xc0, 0 }, 2, 64 },
        { { 0xff, 0x7f }, 2, -1 },
        { { 0x80, 0x80, 0x80, 0x80, 0x78 }, 5, INT32_MIN },
        { { 0xff, 0xff, 0xff, 0xff, 0x07 }, 5, INT32_MAX },
        { { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f }, 10, INT64_MIN },
        { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0 }, 10, INT64_MAX },
    };

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        gw_error e = { GW_OK, 0, "" };
        const uint8_t *end = cases[k].bytes + cases[k].n;
        gw_reader r = { cases[k].bytes, end };
        gw_input in = { cases[k].bytes, end, cases[k].bytes, &e };
        cr_expect_eq(gw_s64(&r), cases[k].value);
        cr_expect_eq(r.at, end);
        cr_expect_eq((int64_t)gw_input_leb(&in, 64, true), cases[k].value);
        cr_expect(in.at == end && e.status == GW_OK);
        r.at = in.at = cases[k].bytes;
        if (cases[k].n <= 5) {
            cr_expect_eq(gw_s32(&r), (int32_t)cases[k].value);
            cr_expect_eq((int32_t)gw_input_leb(&in, 32, true), (int32_t)cases[k].value);
            cr_expect_eq(e.status, GW_OK);
        }
    }
}

Test(wasm_reader, instructions_are_named_as_in_the_text_format)
{
    static const struct {
        gw_op op;
        const char *text;
    } names[] = { { GW_OP_i32_trunc_sat_f32_s, "i32.trunc_sat_f32_s" },
                  { GW_OP_local_get, "local.get" },
                  { GW_OP_memory_copy, "memory.copy" },
                  { GW_OP_br_table, "br_table" },
                  { GW_OP_call_indirect, "call_indirect" },
                  { GW_OP_select_t, "select" },
                  { GW_OP_end, "end" },
                  { (gw_op)0x27, "an instruction" },
                  { GW_OPS, "an instruction" } };

    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        char text[GW_OP_TEXT];
        cr_expect_str_eq(gw_op_text(names[k].op, text), names[k].text);
    }
    for (unsigned op = 0; op < GW_OPS; op++)
        cr_expect(!gw_op_name[op] || strlen(gw_op_name[op]) < GW_OP_TEXT);
}

Test(wasm_reader, each_instruction_is_passed_over_whole)
{
    size_t n;
    uint8_t *bytes = wasm_read_file("tests/corpus/wasm_decode/everything.wasm", &n);
    gw_module *m;
    gw_error e;

    cr_assert(bytes, "run this from the root of the source tree");
    cr_assert_eq(gw_module_decode(bytes, n, true, &m, &e), GW_OK, "%s", e.text);
    for (uint32_t f = m->nimported_funcs; f < m->nfuncs; f++) {
        gw_reader r = gw_reader_of(m->funcs[f].body);
        uint32_t depth = 1;
        for (uint32_t k = gw_u32(&r); k > 0; k--) {
            gw_u32(&r);
            gw_byte(&r);
        }
        while (r.at < r.end && depth > 0) {
            gw_op op = gw_read_op(&r);
            cr_assert(op < GW_OPS && gw_op_name[op]);
            depth += gw_op_imm[op] == GW_IMM_BLOCK;
            depth -= op == GW_OP_end;
            gw_skip_immediates(&r, op);
        }
        cr_expect(r.at == r.end && depth == 0, "function %u", f);
    }
    gw_module_free(m);
    free(bytes);
}
