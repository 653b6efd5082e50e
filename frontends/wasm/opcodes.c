/* opcodes.c - the table of instructions as arrays. */
#include "reader.h"

#include <string.h>

const uint8_t gw_op_imm[GW_OPS] = {
#define OP(name, code, imm, operands, results, align) [GW_OPCODE(code)] = GW_IMM_##imm,
#include "wasm_opcodes.def"
#undef OP
};

const char *const gw_op_name[GW_OPS] = {
#define OP(name, code, imm, operands, results, align) [GW_OPCODE(code)] = #name,
#include "wasm_opcodes.def"
#undef OP
};

/* Two words are joined by a dot, but where they are one word in the text format, too. */
const char *gw_op_text(gw_op op, char text[GW_OP_TEXT])
{
    const char *name = op < GW_OPS ? gw_op_name[op] : NULL;
    char *joint;

    if (!name || op == GW_OP_select_t)
        return name ? "select" : "an instruction";
    memcpy(text, name, strlen(name) + 1);
    joint = strchr(text, '_');
    if (joint && strncmp(text, "br_", 3) != 0 && strncmp(text, "call_", 5) != 0)
        *joint = '.';
    return text;
}

const char *gw_type_name(gw_type t)
{
    switch (t) {
    case GW_I32: return "i32";
    case GW_I64: return "i64";
    case GW_F32: return "f32";
    case GW_F64: return "f64";
    case GW_V128: return "v128";
    case GW_FUNCREF: return "funcref";
    case GW_EXTERNREF: return "externref";
    default: return "bottom";
    }
}

void gw_skip_immediates(gw_reader *r, gw_op op)
{
    switch ((gw_imm)gw_op_imm[op]) {
    case GW_IMM_BLOCK: case GW_IMM_I32: case GW_IMM_I64: gw_s64(r); break;
    case GW_IMM_LABEL: case GW_IMM_FUNC: case GW_IMM_LOCAL: case GW_IMM_GLOBAL: case GW_IMM_TABLE:
    case GW_IMM_ELEM: case GW_IMM_DATA: gw_u32(r); break;
    case GW_IMM_TYPE_TABLE: case GW_IMM_TABLES: case GW_IMM_ELEM_TABLE: case GW_IMM_DATA_MEMORY:
    case GW_IMM_MEMARG:
        gw_u32(r);
        gw_u32(r);
        break;
    case GW_IMM_LABELS:
        for (uint32_t n = gw_u32(r); n > 0; n--)
            gw_u32(r);
        gw_u32(r);
        break;
    case GW_IMM_TYPES: r->at += gw_u32(r); break;
    case GW_IMM_REF: case GW_IMM_MEMORY: r->at += 1; break;
    case GW_IMM_MEMORIES: r->at += 2; break;
    case GW_IMM_F32: r->at += 4; break;
    case GW_IMM_F64: r->at += 8; break;
    case GW_IMM_NONE: case GW_IMM_ILLEGAL: break;
    }
}
