/* rules.h - what the letters of an opcode's type rule demand, for builder and verifier alike. */
#ifndef JIT_IR_RULES_H
#define JIT_IR_RULES_H

#include "ir/func.h"

/* Whether an operand of type x fits letter c under controlling type t (both legal types). */
static inline bool rule_accepts(char c, jit_type t, jit_type x)
{
    switch (c) {
    case 'T': return x == t;
    case 'a': return x == JIT_I8;
    case 'w': return x == JIT_I32;
    case 'p': return x == JIT_I64;
    case 's': return jit_type_is_int(x);
    case '.': return true;
    case 'v': return jit_type_is_vector(x);
    case 'L': return x == jit_type_lane(t);
    case 'n': return jit_type_is_int(x) && x < t;
    case 'W': return jit_type_is_int(x) && x > t;
    case 'f': return jit_type_is_float(x) && x < t;
    case 'F': return jit_type_is_float(x) && x > t;
    case 'M': return jit_type_bits(x) == jit_type_bits(t);
    case 'y': /* scalars of any width, vectors of the same shape */
        return x >> 4 == t >> 4 && jit_type_is_float(jit_type_lane(x))
               && (!jit_type_is_vector(t) || jit_type_lane_bits(x) == jit_type_lane_bits(t));
    case 'z':
        return x >> 4 == t >> 4 && jit_type_is_int(jit_type_lane(x))
               && (!jit_type_is_vector(t) || jit_type_lane_bits(x) == jit_type_lane_bits(t));
    default: return x != JIT_VOID && x == jit_rule_type(c, t);
    }
}

/* jit_rule_type for the common letters without a call. */
static inline jit_type rule_result(char c, jit_type t)
{
    return c == 'T'   ? t
           : c == 'a' ? (jit_type)JIT_I8
           : c == 'L' ? jit_type_lane(t)
                      : jit_rule_type(c, t);
}

/* The default convention is SYSTEM_V. */
static inline uint32_t sig_conv(const ir_sig *s)
{
    return s->conv == JIT_CONV_DEFAULT ? (uint32_t)JIT_CONV_SYSTEM_V : s->conv;
}

#endif
