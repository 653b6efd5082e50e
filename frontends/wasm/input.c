/* input.c - reads numbers, types and instructions of the binary format from any bytes. Each fault
 * has the specification's name and its place; a feature that is not there is refused by name. */
#include "gw_mem.h"
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>

bool gw_fault(gw_input *in, gw_status status, const uint8_t *at, const char *format, ...)
{
    gw_error *e = in->fault;
    va_list args;

    if (status != GW_INVALID)
        in->at = in->end;
    if (e->status != GW_OK && (e->status != GW_INVALID || status == GW_INVALID))
        return false;
    e->status = status;
    e->offset = (size_t)(at - in->start);
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    return false;
}

static void malformed(gw_input *in, const uint8_t *at, const char *text)
{
    gw_fault(in, GW_MALFORMED, at, "%s", text);
}

uint64_t gw_input_leb(gw_input *in, unsigned bits, bool is_signed)
{
    const uint8_t *first = in->at;
    uint64_t x = 0;
    unsigned shift = 0, byte, left, top;

    for (;; shift += 7) {
        if (in->at == in->end) {
            malformed(in, in->at, "unexpected end: of a number");
            return 0;
        }
        byte = *in->at++;
        x |= (uint64_t)(byte & 0x7f) << shift;
        left = bits - shift; /* bits that this byte may fill */
        if (left <= 7)
            break;
        if (byte < 0x80) {
            if (is_signed && (byte & 0x40) && shift + 7 < 64)
                x |= ~(uint64_t)0 << (shift + 7);
            return x;
        }
    }
    /* The last byte that the number may have. */
    if (byte >= 0x80) {
        malformed(in, first, "integer representation too long");
        return 0;
    }
    top = byte >> (is_signed ? left - 1 : left); /* with the sign, if there is one */
    if (top != 0 && !(is_signed && top == 0x7fu >> (left - 1))) {
        malformed(in, first, "integer too large");
        return 0;
    }
    if (is_signed && (byte & 0x40) && shift + 7 < 64)
        x |= ~(uint64_t)0 << (shift + 7);
    return x;
}

uint8_t gw_input_byte(gw_input *in)
{
    if (in->at < in->end)
        return *in->at++;
    malformed(in, in->at, "unexpected end");
    return 0;
}

const uint8_t *gw_input_bytes(gw_input *in, size_t n)
{
    const uint8_t *at = in->at;

    if (n > (size_t)(in->end - at)) {
        malformed(in, at, "unexpected end");
        return NULL;
    }
    in->at += n;
    return at;
}

gw_slice gw_input_vec(gw_input *in)
{
    gw_slice s = { NULL, 0 };
    const uint8_t *first = in->at;
    uint32_t n = gw_input_u32(in);

    if (n > (size_t)(in->end - in->at)) {
        malformed(in, first, "length out of bounds: unexpected end");
        return s;
    }
    s.at = in->at;
    s.size = n;
    in->at += n;
    return s;
}

/* ---- types ---- */

/* A byte of later versions where a type may stand: the proposal that it belongs to, or NULL. */
static const char *later_type(unsigned byte)
{
    switch (byte) {
    case GW_V128: return "vectors (SIMD)";
    case 0x63: case 0x64: return "typed function references";
    case 0x6a: case 0x6b: case 0x6c: case 0x6d: case 0x6e:
    case 0x71: case 0x72: case 0x73: return "garbage collection";
    case 0x69: case 0x74: return "exceptions";
    default: return NULL;
    }
}

static bool is_type(unsigned byte, bool ref)
{
    return gw_type_is_ref((gw_type)byte) || (!ref && byte >= GW_F64 && byte <= GW_I32);
}

static gw_type type_or(gw_input *in, bool ref, const char *fault)
{
    const uint8_t *at = in->at;
    unsigned byte = gw_input_byte(in);

    if (in->at == at || is_type(byte, ref))
        return (gw_type)byte;
    if (later_type(byte))
        gw_fault(in, GW_UNSUPPORTED, at, "%s", later_type(byte));
    else
        malformed(in, at, fault);
    return GW_NOTYPE;
}

gw_type gw_input_type(gw_input *in)
{
    return type_or(in, false, "malformed value type");
}

gw_type gw_input_reftype(gw_input *in)
{
    return type_or(in, true, "malformed reference type");
}

int64_t gw_input_blocktype(gw_input *in)
{
    const uint8_t *at = in->at;
    int64_t x;

    if (at < in->end && *at >= 0x40 && *at < 0x80) /* one byte, negative */
        return *at == 0x40 ? (in->at++, GW_NOBLOCKTYPE)
                           : -(int64_t)type_or(in, false, "malformed block type");
    x = (int64_t)gw_input_leb(in, 33, true);
    if (x < 0)
        malformed(in, at, "malformed block type");
    return x < 0 ? 0 : x;
}

/* ---- instructions ---- */

static const char *later_op(unsigned byte)
{
    switch (byte) {
    case 0x06: case 0x07: case 0x08: case 0x09: case 0x0a: case 0x18: case 0x19: case 0x1f:
        return "exceptions";
    case 0x12: case 0x13: return "tail calls";
    case 0x14: case 0x15: case 0xd4: case 0xd5: case 0xd6: return "typed function references";
    case 0xd3: case 0xfb: return "garbage collection";
    case 0xfd: return "vectors (SIMD)";
    case 0xfe: return "threads (atomic instructions)";
    default: return NULL;
    }
}

static gw_op no_op(gw_input *in, const uint8_t *at)
{
    if (*at == 0xfc)
        gw_fault(in, GW_MALFORMED, at, "illegal opcode fc %02x", at[1] & 0x7f);
    else if (later_op(*at))
        gw_fault(in, GW_UNSUPPORTED, at, "%s", later_op(*at));
    else
        gw_fault(in, GW_MALFORMED, at, "illegal opcode %02x", *at);
    return GW_OPS;
}

gw_op gw_input_rare_op(gw_input *in)
{
    const uint8_t *at = in->at;
    uint32_t code;

    if (at == in->end) {
        malformed(in, at, "unexpected end: END opcode expected");
        return GW_OPS;
    }
    code = *in->at++;
    if (code == 0xfc) {
        code = gw_input_u32(in);
        if (!gw_input_going(in))
            return GW_OPS;
        code = code < GW_OPS - 0x100 ? 0x100 + code : 0xfc;
    }
    return gw_op_imm[code] != GW_IMM_ILLEGAL ? (gw_op)code : no_op(in, at);
}

void gw_input_zero(gw_input *in)
{
    const uint8_t *at = in->at;

    if (gw_input_byte(in) != 0)
        malformed(in, at, "zero byte expected");
}

gw_memarg gw_input_rare_memarg(gw_input *in)
{
    const uint8_t *at = in->at;
    gw_memarg m;

    m.align = gw_input_u32(in);
    if (m.align >= 32) {
        malformed(in, at, "malformed memop flags");
        m.align = 0;
    }
    m.offset = gw_input_u32(in);
    return m;
}

void gw_input_need_data_count(gw_input *in, const uint8_t *op, bool has_data_count)
{
    if (!has_data_count)
        malformed(in, op, "data count section required");
}

/* Immediates of an instruction that began at `op`. */
static void skim_immediates(gw_input *in, gw_imm imm, const uint8_t *op, bool has_data_count)
{
    switch (imm) {
    case GW_IMM_BLOCK: gw_input_blocktype(in); break;
    case GW_IMM_LABEL: case GW_IMM_FUNC: case GW_IMM_LOCAL: case GW_IMM_GLOBAL: case GW_IMM_TABLE:
    case GW_IMM_ELEM: gw_input_u32(in); break;
    case GW_IMM_LABELS:
        for (uint64_t n = (uint64_t)gw_input_u32(in) + 1; n > 0 && gw_input_going(in); n--)
            gw_input_u32(in);
        break;
    case GW_IMM_TYPE_TABLE: case GW_IMM_TABLES: case GW_IMM_ELEM_TABLE:
        gw_input_u32(in);
        gw_input_u32(in);
        break;
    case GW_IMM_TYPES:
        for (uint32_t n = gw_input_u32(in); n > 0 && gw_input_going(in); n--)
            gw_input_type(in);
        break;
    case GW_IMM_DATA: case GW_IMM_DATA_MEMORY:
        gw_input_need_data_count(in, op, has_data_count);
        gw_input_u32(in);
        if (imm == GW_IMM_DATA_MEMORY)
            gw_input_zero(in);
        break;
    case GW_IMM_MEMORIES: gw_input_zero(in); /* fallthrough */
    case GW_IMM_MEMORY: gw_input_zero(in); break;
    case GW_IMM_MEMARG: gw_input_memarg(in); break;
    case GW_IMM_REF: gw_input_reftype(in); break;
    case GW_IMM_I32: gw_input_leb(in, 32, true); break;
    case GW_IMM_I64: gw_input_leb(in, 64, true); break;
    case GW_IMM_F32: gw_input_bytes(in, 4); break;
    case GW_IMM_F64: gw_input_bytes(in, 8); break;
    case GW_IMM_NONE: case GW_IMM_ILLEGAL: break;
    }
}

/* One bit for each open block: may it have an else? */
typedef struct {
    uint8_t *bits;
    size_t n, capacity; /* in bits */
} nesting;

static bool open_block(nesting *k, bool is_if)
{
    if (k->n == k->capacity) {
        size_t more = k->capacity ? 2 * k->capacity : 1024;
        uint8_t *bits = gw_mem_realloc(k->bits, more / 8);
        if (!bits)
            return false;
        k->bits = bits;
        k->capacity = more;
    }
    k->bits[k->n / 8] = (uint8_t)((k->bits[k->n / 8] & ~(1u << k->n % 8))
                                  | (unsigned)is_if << k->n % 8);
    k->n++;
    return true;
}

static bool take_else(nesting *k)
{
    uint8_t *bits = k->bits + (k->n - 1) / 8, bit;

    if (k->n == 0)
        return false;
    bit = (uint8_t)(1u << (k->n - 1) % 8);
    if (!(*bits & bit))
        return false;
    *bits ^= bit;
    return true;
}

void gw_input_skim(gw_input *in, bool has_data_count)
{
    nesting k = { NULL, 0, 0 };

    for (;;) {
        const uint8_t *at = in->at;
        gw_op op = gw_input_op(in);
        if (op == GW_OPS)
            break;
        if (op == GW_OP_end && k.n-- == 0)
            break;
        if (op == GW_OP_else && !take_else(&k))
            malformed(in, at, "END opcode expected: an else without if");
        skim_immediates(in, (gw_imm)gw_op_imm[op], at, has_data_count);
        if (gw_op_imm[op] == GW_IMM_BLOCK && !open_block(&k, op == GW_OP_if))
            gw_fault(in, GW_NOMEM, at, "out of memory");
    }
    gw_mem_realloc(k.bits, 0);
}
