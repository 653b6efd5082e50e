/* rules.h - what the rewrite rules, compiled by tools/rulec from src/opt/rules, are made of. */
#ifndef JIT_OPT_RULES_H
#define JIT_OPT_RULES_H

#include "opt/graph.h"

/* The value that i, floating and with operands in the graph, comes to by a rule; 0: none fits. */
uint32_t jit_rules_apply(graph *g, const ir_inst *i);
/* Bits that are zero in the result of i whatever its operands are, by the rules for zeros().
 * Bits beyond its type mean nothing. */
uint64_t jit_rules_zeros(graph *g, const ir_inst *i);

/* ---- Expressions over constants: 64 bits, docs/rules.md ---- */

static inline uint64_t mask_of(jit_type t)
{
    unsigned bits = jit_type_bits(t);
    return bits >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << bits) - 1;
}
static inline uint64_t left_of(uint64_t x, uint64_t n) { return n < 64 ? x << n : 0; }
static inline uint64_t right_of(uint64_t x, uint64_t n) { return n < 64 ? x >> n : 0; }
static inline uint64_t low_of(uint64_t n) { return n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0; }
static inline bool pow2_of(uint64_t x) { return x && !(x & (x - 1)); }
/* Number of the lowest bit that is set; 64: none is. */
static inline uint64_t log2_of(uint64_t x)
{
    uint64_t n = 0;

    while (n < 64 && !(x >> n & 1))
        n++;
    return n;
}
/* Zeros above the highest bit that is set, of 64. */
static inline uint64_t lz_of(uint64_t x)
{
    uint64_t n = 0;

    while (n < 64 && !(x >> (63 - n) & 1))
        n++;
    return n;
}
/* The low bits, as many as mask has, as a signed number. */
static inline int64_t as_signed(uint64_t x, uint64_t mask)
{
    uint64_t sign = mask ^ mask >> 1;
    return (int64_t)(((x & mask) ^ sign) - sign);
}
/* Of what is true when x cc y is not; of y and x. */
static inline unsigned inv_condition(unsigned cc) { return cc ^ 1; }
static inline unsigned swap_condition(unsigned cc)
{
    static const uint8_t swapped[] = { [JIT_EQ] = JIT_EQ, [JIT_NE] = JIT_NE, [JIT_SLT] = JIT_SGT,
                                       [JIT_SGE] = JIT_SLE, [JIT_SGT] = JIT_SLT, [JIT_SLE] = JIT_SGE,
                                       [JIT_ULT] = JIT_UGT, [JIT_UGE] = JIT_ULE, [JIT_UGT] = JIT_ULT,
                                       [JIT_ULE] = JIT_UGE };
    return swapped[cc];
}

#endif
