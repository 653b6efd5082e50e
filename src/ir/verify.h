/* verify.h - the state of the verifier, shared by the files verify*.c. */
#ifndef JIT_IR_VERIFY_H
#define JIT_IR_VERIFY_H

#include "ir/func.h"

typedef struct verify_use { uint32_t inst, value; } verify_use;

typedef struct verifier {
    jit_func *f;
    jit_diagnostic_fn report; /* may be NULL */
    void *user;
    arena tmp;
    fail_ctx fail;
    uint32_t nfaults;
    bool shape_ok;        /* no index seen so far leads out of its array */
    uint32_t inst;        /* being checked, + 1; 0: none */
    uint32_t block;       /* being checked, + 1; 0: none */
    uint32_t line;        /* of the declaration being checked; 0: none, or it was not read */
    uint32_t *def_block;  /* by value index: block of its definition + 1, once that was met */
    VEC(verify_use) far;  /* uses of values not defined before in their block, nor in the entry */
} verifier;

/* Records a fault of the instruction, block or function being checked (verify_text.c). */
void jit_verify_fault(verifier *v, const char *format, ...) JIT_PRINTF(2, 3);
/* The same when an index leads out of its array, so that other code may not follow it. */
void jit_verify_bad_index(verifier *v, const char *format, ...) JIT_PRINTF(2, 3);
/* Signatures, callees, slots, global values, constants, memory flags, exception tables. */
void jit_verify_declarations(verifier *v);
/* Operands, types, immediates and references of one instruction. */
void jit_verify_inst(verifier *v, const ir_inst *i);
/* v17, with the number of the text when there is one. */
const char *jit_verify_value_name(const verifier *v, uint32_t id, char buffer[16]);
uint32_t jit_verify_block_number(const verifier *v, uint32_t block);

#endif
