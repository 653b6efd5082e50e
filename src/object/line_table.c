/* line_table.c - DWARF 4 line numbers of an object: source positions as lines of one file.
 *
 * DWARF 4, 6.2 "Line Number Information", 7.21; and the smallest compilation unit that leads a
 * debugger there (3.1.1, 7.5). A function is a sequence of its own. */
#include "object/object.h"
#include <string.h>

enum {
    LNS_COPY = 1, LNS_ADVANCE_PC = 2, LNS_ADVANCE_LINE = 3,
    LNE_END_SEQUENCE = 1, LNE_SET_ADDRESS = 2,
    OPCODE_BASE = 13, DW_VERSION = 4,
    DW_TAG_compile_unit = 0x11, DW_AT_name = 0x03, DW_AT_stmt_list = 0x10, DW_AT_low_pc = 0x11,
    DW_AT_high_pc = 0x12, DW_AT_producer = 0x25,
    DW_FORM_addr = 0x01, DW_FORM_data8 = 0x07, DW_FORM_string = 0x08, DW_FORM_sec_offset = 0x17
};
#define NO_POSITION UINT32_MAX

static void put1(jit_object *o, object_part p, unsigned x) { jit_object_put_le(o, p, x, 1); }

static void put_string(jit_object *o, object_part p, const char *s)
{
    jit_object_put(o, p, s, strlen(s) + 1);
}

static void put_uleb(jit_object *o, object_part p, uint64_t x)
{
    for (; x >= 0x80; x >>= 7)
        put1(o, p, (unsigned)(x & 0x7f) | 0x80);
    put1(o, p, (unsigned)x);
}

static void put_sleb(jit_object *o, object_part p, int64_t x)
{
    for (; x < -64 || x > 63; x = x < 0 ? -(int64_t)(~(uint64_t)x >> 7) - 1 : x >> 7)
        put1(o, p, (unsigned)((uint64_t)x & 0x7f) | 0x80);
    put1(o, p, (unsigned)((uint64_t)x & 0x7f));
}

/* Fills in the 4-byte length at `at`: of what follows it. */
static void close_length(jit_object *o, object_part p, uint32_t at)
{
    put_le32(o->parts[p].bytes.at + at, o->parts[p].bytes.len - at - 4);
}

static void put_header(jit_object *o)
{
    static const uint8_t operands[OPCODE_BASE - 1] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1 };
    uint32_t at;

    jit_object_put_le(o, PART_LINE, 0, 4);
    jit_object_put_le(o, PART_LINE, DW_VERSION, 2);
    at = o->parts[PART_LINE].bytes.len;
    jit_object_put_le(o, PART_LINE, 0, 4);
    put1(o, PART_LINE, o->engine->target->cfi.code_align); /* minimum_instruction_length */
    put1(o, PART_LINE, 1);           /* maximum_operations_per_instruction */
    put1(o, PART_LINE, 1);           /* default_is_stmt */
    put1(o, PART_LINE, 0xff & -5);   /* line_base */
    put1(o, PART_LINE, 14);          /* line_range */
    put1(o, PART_LINE, OPCODE_BASE);
    jit_object_put(o, PART_LINE, operands, sizeof operands);
    put1(o, PART_LINE, 0);           /* no include directories */
    put_string(o, PART_LINE, o->source);
    put1(o, PART_LINE, 0);           /* directory, time, size */
    put1(o, PART_LINE, 0);
    put1(o, PART_LINE, 0);
    put1(o, PART_LINE, 0);           /* no more files */
    close_length(o, PART_LINE, at);
}

/* The line program of one function. Line 0: not from the source. */
static void put_sequence(jit_object *o, const object_function *f)
{
    unsigned step = o->engine->target->cfi.code_align;
    uint32_t at = 0, line = 1;

    put1(o, PART_LINE, 0);
    put_uleb(o, PART_LINE, 9);
    put1(o, PART_LINE, LNE_SET_ADDRESS);
    jit_object_reloc(o, PART_LINE, o->parts[PART_LINE].bytes.len, PART_TEXT | SYMBOL_OF_PART,
                     o->engine->target->elf.abs64, (int64_t)f->offset);
    jit_object_put_le(o, PART_LINE, 0, 8);
    for (uint32_t k = 0; k < f->nrows; k++) {
        object_row r = o->rows.at[f->first_row + k];
        uint32_t next = r.position == NO_POSITION ? 0 : r.position;
        if (r.offset != at) {
            put1(o, PART_LINE, LNS_ADVANCE_PC);
            put_uleb(o, PART_LINE, (r.offset - at) / step);
        }
        put1(o, PART_LINE, LNS_ADVANCE_LINE);
        put_sleb(o, PART_LINE, (int64_t)next - (int64_t)line);
        put1(o, PART_LINE, LNS_COPY);
        at = r.offset;
        line = next;
    }
    put1(o, PART_LINE, LNS_ADVANCE_PC);
    put_uleb(o, PART_LINE, (f->code_size - at) / step);
    put1(o, PART_LINE, 0);
    put_uleb(o, PART_LINE, 1);
    put1(o, PART_LINE, LNE_END_SEQUENCE);
}

static void put_abbreviation(jit_object *o)
{
    static const uint8_t bytes[] = {
        1, DW_TAG_compile_unit, 0, /* no children */
        DW_AT_producer, DW_FORM_string, DW_AT_name, DW_FORM_string,
        DW_AT_stmt_list, DW_FORM_sec_offset, DW_AT_low_pc, DW_FORM_addr,
        DW_AT_high_pc, DW_FORM_data8, 0, 0, 0
    };
    jit_object_put(o, PART_ABBREV, bytes, sizeof bytes);
}

static void put_unit(jit_object *o)
{
    const target *t = o->engine->target;
    object_section *s = &o->parts[PART_INFO];

    jit_object_put_le(o, PART_INFO, 0, 4);
    jit_object_put_le(o, PART_INFO, DW_VERSION, 2);
    jit_object_reloc(o, PART_INFO, s->bytes.len, PART_ABBREV | SYMBOL_OF_PART, t->elf.abs32, 0);
    jit_object_put_le(o, PART_INFO, 0, 4);
    put1(o, PART_INFO, 8); /* bytes of an address */
    put1(o, PART_INFO, 1); /* the abbreviation */
    put_string(o, PART_INFO, "Gantry");
    put_string(o, PART_INFO, o->source);
    jit_object_reloc(o, PART_INFO, s->bytes.len, PART_LINE | SYMBOL_OF_PART, t->elf.abs32, 0);
    jit_object_put_le(o, PART_INFO, 0, 4);
    jit_object_reloc(o, PART_INFO, s->bytes.len, PART_TEXT | SYMBOL_OF_PART, t->elf.abs64, 0);
    jit_object_put_le(o, PART_INFO, 0, 8);
    jit_object_put_le(o, PART_INFO, o->parts[PART_TEXT].bytes.len, 8);
    close_length(o, PART_INFO, 0);
}

void jit_object_lines(jit_object *o)
{
    put_header(o);
    for (uint32_t k = 0; k < o->functions.len; k++)
        if (o->functions.at[k].nrows)
            put_sequence(o, &o->functions.at[k]);
    close_length(o, PART_LINE, 0);
    put_abbreviation(o);
    put_unit(o);
}
