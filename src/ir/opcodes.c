/* opcodes.c - the table of instructions, expanded from the .def files, and what its rules mean. */
#include "ir/func.h"

enum {
#define TYPESET(name, test) TYPES_##name,
#include "gantry/jit_typesets.def"
#undef TYPESET
    TYPES_COUNT
};

enum { /* operands of a format */
#define FORMAT(name, nargs, pooled, text) NARGS_##name = (nargs), POOLED_##name = (pooled),
#include "gantry/jit_formats.def"
#undef FORMAT
};

/* A rule has a letter for each operand, '>', and a letter for each result. */
#define NRESULTS(format, rule, props)                                     \
    (NARGS_##format >= 0   ? (int)sizeof(rule) - 2 - NARGS_##format       \
     : (props) & OP_TERM   ? 0                                            \
                           : OP_RESULTS_BY_SIG)

const op_info jit_op_table[JIT_OP_COUNT] = {
    { "none", ">", "no instruction", 0, FMT_NULLARY, TYPES_NONE, 0, 0, 0 },
#define OP(name, format, types, rule, props, meaning)                                            \
    { #name, rule, meaning, (props), FMT_##format, TYPES_##types, NARGS_##format, POOLED_##format, \
      (uint8_t)NRESULTS(format, rule, props) },
#include "gantry/jit_opcodes.def"
#undef OP
};

bool jit_typeset_has(unsigned typeset, jit_type t)
{
    if (!type_is_legal(t))
        return false;
    switch (typeset) {
#define TYPESET(name, test) case TYPES_##name: return (test);
#include "gantry/jit_typesets.def"
#undef TYPESET
    }
    return false;
}

const char *jit_typeset_name(unsigned typeset)
{
    static const char *const names[] = {
#define TYPESET(name, test) #name,
#include "gantry/jit_typesets.def"
#undef TYPESET
    };
    return typeset < TYPES_COUNT ? names[typeset] : "?";
}

/* t with its lanes replaced, and by how much their number's logarithm changes. */
static jit_type with_lanes(jit_type t, unsigned lane, int more)
{
    jit_type r = (jit_type)(lane | (unsigned)((t >> 4) + more) << 4);

    return (t >> 4) + more >= 0 && type_is_legal(r) ? r : JIT_VOID;
}

/* An integer type as wide as t's lanes are, in t's shape. */
static jit_type truth_type(jit_type t)
{
    unsigned lane = jit_type_lane(t);

    if (!jit_type_is_vector(t))
        return JIT_I8;
    return with_lanes(t, lane >= JIT_F16 ? lane - JIT_F16 + JIT_I16 : lane, 0);
}

jit_type jit_rule_type(char c, jit_type t)
{
    unsigned lane = jit_type_lane(t);
    bool is_int = lane >= JIT_I8 && lane <= JIT_I128;

    switch (c) {
    case 'T': return t;
    case 'a': return JIT_I8;
    case 'w': return JIT_I32;
    case 'p': return JIT_I64;
    case 'L': return (jit_type)lane;
    case 'H': return is_int && lane > JIT_I8 ? with_lanes(t, lane - 1, 0) : JIT_VOID;
    case 'D': return is_int && lane < JIT_I128 ? with_lanes(t, lane + 1, 0) : JIT_VOID;
    case 'K': return is_int && lane > JIT_I8 ? with_lanes(t, lane - 1, 1) : JIT_VOID;
    case 'G': return is_int && lane < JIT_I128 ? with_lanes(t, lane + 1, -1) : JIT_VOID;
    case 'C': return t == JIT_VOID ? JIT_VOID : truth_type(t);
    case 'd': return JIT_F32X4;
    case 'e': return JIT_F64X2;
    default:  return JIT_VOID; /* s v n W f F M y z and '.' leave a choice */
    }
}
