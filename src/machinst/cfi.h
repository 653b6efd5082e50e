/* cfi.h - unwind rows as call frame information: what stands in .eh_frame and .debug_frame.
 *
 * Linux Standard Base Core 5.0, 10.6 "Exception Frames"; DWARF 4, 6.4. One CIE for all functions of
 * a machine, one FDE for each function. */
#ifndef JIT_CFI_H
#define JIT_CFI_H

#include "machinst/machbuf.h"

/* Bytes go to `at`; when it is NULL they are only counted. */
typedef struct cfi_writer { uint8_t *at; size_t len; } cfi_writer;

/* How a machine's frames begin, and the numbers that DWARF gives its registers. */
typedef struct cfi_machine {
    uint8_t code_align;      /* instructions begin at multiples of it */
    uint8_t return_register; /* DWARF's number of the return address column */
    uint8_t stack_register;
    uint8_t cfa_offset;      /* CFA - stack pointer at a function's first instruction */
    int8_t return_offset;    /* where the return address is, from the CFA; 0: in its register */
} cfi_machine;

typedef enum cfi_form {
    CFI_OBJECT, /* .eh_frame of an object: addresses of 4 bytes, relative to themselves */
    CFI_MEMORY, /* .eh_frame in memory: addresses of 8 bytes */
    CFI_DEBUG   /* .debug_frame: likewise (DWARF 4, 6.4.1) */
} cfi_form;

/* key_b: return addresses that rows say are signed are so with key B. */
void jit_cfi_cie(cfi_writer *w, const cfi_machine *m, cfi_form form, bool key_b);
/* The FDE of a function of code_size bytes, for the CIE at offset `cie`. Returns the offset of the
 * field for the function's address, which the caller (or a relocation) fills in. */
size_t jit_cfi_fde(cfi_writer *w, const cfi_machine *m, cfi_form form, size_t cie,
                   const mbuf_unwind *rows, uint32_t nrows, uint32_t code_size);
void jit_cfi_end(cfi_writer *w); /* the zero that ends a table given to __register_frame() */

#endif
