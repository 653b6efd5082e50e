/* fold.h - constant folding and identities of single instructions. */
#ifndef JIT_OPT_FOLD_H
#define JIT_OPT_FOLD_H

#include "ir/func.h"

/* The instruction that makes v; NULL: v is a parameter. */
static inline const ir_inst *definition_of(const jit_func *f, uint32_t v)
{
    const ir_value *d = &f->values.at[v - 1];
    return d->kind == VALUE_RESULT ? inst_at(f, d->def) : NULL;
}

/* Whether v is a constant of an integer or float type of at most 64 bits; *bits: zero-extended. */
bool jit_fold_constant(const jit_func *f, uint32_t v, uint64_t *bits);
/* Turns i, whose result has type t, into that constant. */
void jit_fold_become(ir_inst *i, jit_type t, uint64_t bits);
/* The value that i, an instruction without effects on memory and with one result of type t, comes
 * to, or 0. It may be changed: constants to the right, or into a constant. */
uint32_t jit_fold_inst(const jit_func *f, ir_inst *i, jit_type t);

#endif
