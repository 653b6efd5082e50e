/* a64_emit.h - what emission of instructions, of frames and printing share. */
#ifndef JIT_A64_EMIT_H
#define JIT_A64_EMIT_H

#include "backends/aarch64/a64_enc.h"

/* Fixup kinds, indices into the target's table. */
enum { A64_FIX_B26, A64_FIX_B19, A64_FIX_B14, A64_FIX_LITERAL, A64_FIX_TABLE32 };
/* Relocations. */
enum {
    A64_RELOC_CALL26,    /* bl to the function of the batch, else its thunk */
    A64_RELOC_PAGE,      /* adrp of the symbol's stable address, its thunk: func_addr */
    A64_RELOC_LOW12,     /* add of its low 12 bits */
    A64_RELOC_CELL_PAGE, /* adrp of the cell that holds the symbol's address */
    A64_RELOC_CELL_LOW12,/* ldr from its low 12 bits */
    A64_RELOC_ABS64,     /* the stable address itself */
    A64_RELOC_COUNT
};

void jit_a64_put(emit *e, unsigned op, const a64_args *a); /* one encoded instruction */
/* d = bits, by the shortest way. */
void jit_a64_put_hint(emit *e, unsigned which);
void jit_a64_put_imm(emit *e, unsigned d, uint64_t bits, unsigned size);
/* d = n + offset; either may be sp. Keeps the flags; beyond 16 MiB x17 is spoilt. */
void jit_a64_put_add(emit *e, unsigned d, unsigned n, int64_t offset);
/* A load or store row (not of pairs) of register d at [n + disp]; x16 and x17 are spoilt when that
 * is far. trap: code of its fault, 0: none. */
void jit_a64_put_access(emit *e, unsigned op, unsigned size, unsigned d, unsigned n, int64_t disp,
                        unsigned trap);

const char *jit_a64_cc_name(unsigned cc);
const char *jit_a64_reg_name(ra_loc reg, unsigned size); /* "w0", "x0", "s0", "d0", "q0" */
/* An instruction as it is encoded. */
void jit_a64_print_inst(strbuf *s, unsigned op, const a64_args *a);
void jit_a64_print_args(const emit *e, unsigned op, const a64_args *a); /* a line of e's listing */

#endif
