/* cfi.c - writes call frame information from the rows that prologues and calls record. */
#include "machinst/cfi.h"
#include <assert.h>

enum { /* DWARF 4, 7.23; DW_EH_PE_*: LSB Core 5.0, 10.5.1 */
    CFA_ADVANCE_LOC = 0x40, CFA_OFFSET = 0x80, CFA_NOP = 0,
    CFA_ADVANCE_LOC1 = 2, CFA_ADVANCE_LOC2 = 3, CFA_ADVANCE_LOC4 = 4,
    CFA_OFFSET_EXTENDED = 5, CFA_REMEMBER_STATE = 10, CFA_RESTORE_STATE = 11,
    CFA_AARCH64_NEGATE_RA_STATE = 0x2d, /* DWARF for the Arm 64-bit Architecture, 4.5 */
    CFA_DEF_CFA = 12, CFA_DEF_CFA_REGISTER = 13, CFA_DEF_CFA_OFFSET = 14,
    PE_ABSPTR = 0, PE_PCREL_SDATA4 = 0x1b,
    DATA_ALIGN = -8
};

static void put1(cfi_writer *w, unsigned x)
{
    if (w->at)
        w->at[w->len] = (uint8_t)x;
    w->len++;
}

static void put_le(cfi_writer *w, uint64_t x, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        put1(w, (unsigned)(x >> 8 * k) & 0xff);
}

static void put_uleb(cfi_writer *w, uint64_t x)
{
    for (; x >= 0x80; x >>= 7)
        put1(w, (unsigned)(x & 0x7f) | 0x80);
    put1(w, (unsigned)x);
}

/* The length field of an entry begun at `start`, once the entry is whole. */
static void close_entry(cfi_writer *w, size_t start)
{
    while ((w->len - start) % 8)
        put1(w, CFA_NOP);
    if (w->at)
        put_le32(w->at + start, (uint32_t)(w->len - start - 4));
}

void jit_cfi_cie(cfi_writer *w, const cfi_machine *m, cfi_form form, bool key_b)
{
    size_t start = w->len;

    put_le(w, 0, 4);                                /* length */
    put_le(w, form == CFI_DEBUG ? UINT32_MAX : 0, 4); /* a CIE */
    put1(w, 1);                                     /* version */
    if (form != CFI_DEBUG) {
        put1(w, 'z');
        put1(w, 'R');
        if (key_b)
            put1(w, 'B');
    }
    put1(w, 0);
    put_uleb(w, m->code_align);
    put1(w, (unsigned)DATA_ALIGN & 0x7f);           /* signed LEB128 in one byte */
    put_uleb(w, m->return_register);
    if (form != CFI_DEBUG) {
        put_uleb(w, 1);                             /* augmentation data: how addresses stand */
        put1(w, form == CFI_OBJECT ? PE_PCREL_SDATA4 : PE_ABSPTR);
    }
    put1(w, CFA_DEF_CFA);
    put_uleb(w, m->stack_register);
    put_uleb(w, m->cfa_offset);
    if (m->return_offset) {
        put1(w, CFA_OFFSET | m->return_register);
        put_uleb(w, (uint64_t)(m->return_offset / DATA_ALIGN));
    }
    close_entry(w, start);
}

static void put_advance(cfi_writer *w, uint32_t steps)
{
    if (steps == 0)
        return;
    if (steps < 64) {
        put1(w, CFA_ADVANCE_LOC | steps);
    } else if (steps < 1u << 8) {
        put1(w, CFA_ADVANCE_LOC1);
        put_le(w, steps, 1);
    } else if (steps < 1u << 16) {
        put1(w, CFA_ADVANCE_LOC2);
        put_le(w, steps, 2);
    } else {
        put1(w, CFA_ADVANCE_LOC4);
        put_le(w, steps, 4);
    }
}

static void put_row(cfi_writer *w, const mbuf_unwind *r)
{
    switch (r->kind) {
    case UNWIND_DEF_CFA_OFFSET:
        put1(w, CFA_DEF_CFA_OFFSET);
        put_uleb(w, (uint32_t)r->value);
        break;
    case UNWIND_DEF_CFA_REG:
        put1(w, CFA_DEF_CFA_REGISTER);
        put_uleb(w, r->reg);
        break;
    case UNWIND_SAVE: /* at a multiple of 8 below the CFA */
        if (r->reg < 64)
            put1(w, CFA_OFFSET | r->reg);
        else {
            put1(w, CFA_OFFSET_EXTENDED);
            put_uleb(w, r->reg);
        }
        put_uleb(w, (uint64_t)(r->value / DATA_ALIGN));
        break;
    case UNWIND_REMEMBER_STATE:
        put1(w, CFA_REMEMBER_STATE);
        break;
    case UNWIND_RESTORE_STATE:
        put1(w, CFA_RESTORE_STATE);
        break;
    case UNWIND_NEGATE_RA:
        put1(w, CFA_AARCH64_NEGATE_RA_STATE);
        break;
    default:
        assert(!"a row of no known kind");
    }
}

size_t jit_cfi_fde(cfi_writer *w, const cfi_machine *m, cfi_form form, size_t cie,
                   const mbuf_unwind *rows, uint32_t nrows, uint32_t code_size)
{
    size_t start = w->len, field;
    unsigned width = form == CFI_OBJECT ? 4 : 8;
    uint32_t at = 0;

    put_le(w, 0, 4);
    put_le(w, form == CFI_DEBUG ? cie : w->len - cie, 4);
    field = w->len;
    put_le(w, 0, width);
    put_le(w, code_size, width);
    if (form != CFI_DEBUG)
        put_uleb(w, 0); /* augmentation data: none */
    for (uint32_t k = 0; k < nrows; k++) {
        put_advance(w, (rows[k].offset - at) / m->code_align);
        at = rows[k].offset;
        put_row(w, &rows[k]);
    }
    close_entry(w, start);
    return field;
}

void jit_cfi_end(cfi_writer *w)
{
    put_le(w, 0, 4);
}
