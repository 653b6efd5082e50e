/* op_text.h - where an instruction's type stands in the text: a suffix, or in an operand. */
#ifndef JIT_IR_OP_TEXT_H
#define JIT_IR_OP_TEXT_H

#include "ir/func.h"

enum {
#define TYPESET(name, test) TYPES_##name,
#include "gantry/jit_typesets.def"
#undef TYPESET
    TYPES_COUNT
};

enum {
    SUFFIX_NONE,   /* the instruction has one type only and takes no suffix */
    SUFFIX_NEEDED, /* always written */
    SUFFIX_OPERAND /* the type of operand op_type_operand(); written when that is not at hand */
};

static inline int op_suffix(const op_info *o)
{
    switch (o->types) {
    case TYPES_NONE:
        return o->rule[0] == 's' || o->rule[0] == 'p' ? SUFFIX_OPERAND : SUFFIX_NONE;
    case TYPES_F16: case TYPES_F32: case TYPES_F64: case TYPES_F128:
    case TYPES_F32X4: case TYPES_F64X2: case TYPES_I8X16:
        return SUFFIX_NONE;
    case TYPES_I64: case TYPES_I16X8: case TYPES_I32X4: case TYPES_I64X2:
        return SUFFIX_OPERAND; /* wide loads: of the address */
    default:
        return o->props & OP_EXPLICIT ? SUFFIX_NEEDED : SUFFIX_OPERAND;
    }
}

/* The controlling type of an instruction that has only one; JIT_VOID otherwise. */
static inline jit_type op_fixed_type(const op_info *o)
{
    switch (o->types) {
    case TYPES_F16: return JIT_F16;
    case TYPES_F32: return JIT_F32;
    case TYPES_F64: return JIT_F64;
    case TYPES_F128: return JIT_F128;
    case TYPES_F32X4: return JIT_F32X4;
    case TYPES_F64X2: return JIT_F64X2;
    case TYPES_I8X16: return JIT_I8X16;
    case TYPES_I16X8: return JIT_I16X8;
    case TYPES_I32X4: return JIT_I32X4;
    case TYPES_I64X2: return JIT_I64X2;
    case TYPES_I64: return JIT_I64;
    default: return JIT_VOID;
    }
}

/* The operand whose type a SUFFIX_OPERAND repeats. */
static inline unsigned op_type_operand(const op_info *o)
{
    switch (o->format) {
    case FMT_TERNARY: case FMT_TERNARY2: return 1;
    case FMT_ATOMIC_CAS: return 2;
    default: return 0;
    }
}

#endif
