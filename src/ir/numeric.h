/* numeric.h - the meaning of every scalar instruction that computes from its operands alone.
 *
 * The interpreter executes by it and the optimizer folds by it, so that they cannot disagree. */
#ifndef JIT_IR_NUMERIC_H
#define JIT_IR_NUMERIC_H

#include "ir/func.h"

/* Evaluates op under controlling type t. args are the operands, masked to their types; argtype is
 * the type of the first one (a condition, the source of a conversion), JIT_VOID without operands.
 * aux is the instruction's: condition or trap code. Results are masked to their types. *trap is
 * the code it traps with (then there are no results), or 0. False for what is not a computation on
 * scalars of at most 64 bits: constants, memory, control flow, vectors, i128, f128. */
bool jit_eval(jit_opcode op, jit_type t, unsigned aux, const uint64_t *args, jit_type argtype,
              uint64_t *results, unsigned *trap);

/* Whether enable_nan_canonicalization concerns op: float arithmetic whose result may be a NaN. */
bool jit_eval_makes_nan(jit_opcode op);
/* bits of type t, a NaN of any kind replaced by the canonical one; t may be any scalar type. */
uint64_t jit_eval_canonical(jit_type t, uint64_t bits);

/* The low `width` bits (8 to 64) of x, and x read as a signed number of that width. */
static inline uint64_t low_bits(uint64_t x, unsigned width)
{
    return x & (~(uint64_t)0 >> (64 - width));
}
static inline int64_t signed_bits(uint64_t x, unsigned width)
{
    uint64_t sign = (uint64_t)1 << (width - 1);
    return (int64_t)((low_bits(x, width) ^ sign) - sign);
}
/* Comparison of two values of that width. */
bool jit_eval_icmp(jit_intcc cc, unsigned width, uint64_t x, uint64_t y);

#endif
