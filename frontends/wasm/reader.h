/* reader.h - reads code one instruction at a time: trusted code of a validated module (gw_reader),
 * and anything else byte by byte under control (gw_input).
 *
 *     gw_reader r = gw_reader_of(f->body);
 *     for (uint32_t n = gw_u32(&r); n > 0; n--) { count = gw_u32(&r); type = gw_byte(&r); ... }
 *     while (r.at < r.end)
 *         switch (gw_read_op(&r)) {
 *         case GW_OP_i32_const: k = gw_s32(&r); ...
 *         case GW_OP_i32_load: m = gw_read_memarg(&r); ...
 *         case GW_OP_block: t = gw_read_blocktype(&r, module); ...
 *         case GW_OP_br_table: for (n = gw_u32(&r) + 1; n > 0; n--) label = gw_u32(&r); ...
 *         case GW_OP_memory_size: gw_byte(&r); ...
 *
 * A function's body begins with the vector of its local declarations and ends after its `end`. */
#ifndef GW_READER_H
#define GW_READER_H

#include "module.h"

/* Instructions: one byte, or 0x100 and what follows the prefix 0xfc. */
#define GW_OPCODE(code) ((code) < 0x100 ? (code) : (code)-0xfc00 + 0x100)
typedef enum gw_op {
#define OP(name, code, imm, operands, results, align) GW_OP_##name = GW_OPCODE(code),
#include "wasm_opcodes.def"
#undef OP
    GW_OPS = 0x112 /* above them all; there are gaps */
} gw_op;

/* What follows an opcode; see wasm_opcodes.def. */
typedef enum gw_imm {
    GW_IMM_ILLEGAL, /* no such instruction */
    GW_IMM_NONE, GW_IMM_BLOCK, GW_IMM_LABEL, GW_IMM_LABELS, GW_IMM_FUNC, GW_IMM_TYPE_TABLE,
    GW_IMM_TYPES, GW_IMM_LOCAL, GW_IMM_GLOBAL, GW_IMM_TABLE, GW_IMM_TABLES, GW_IMM_ELEM,
    GW_IMM_ELEM_TABLE, GW_IMM_DATA, GW_IMM_DATA_MEMORY, GW_IMM_MEMORY, GW_IMM_MEMORIES,
    GW_IMM_MEMARG, GW_IMM_REF, GW_IMM_I32, GW_IMM_I64, GW_IMM_F32, GW_IMM_F64
} gw_imm;

extern const uint8_t gw_op_imm[GW_OPS];      /* gw_imm by instruction */
extern const char *const gw_op_name[GW_OPS]; /* as in wasm_opcodes.def; NULL: none */
const char *gw_type_name(gw_type t);         /* "i32"; "bottom" for GW_NOTYPE */

/* As in the text format: "i32.trunc_sat_f32_s". */
enum { GW_OP_TEXT = 32 };
const char *gw_op_text(gw_op op, char text[GW_OP_TEXT]);

/* A block's type. A single result's type is found in the code itself. */
typedef struct gw_blocktype {
    const gw_type *params, *results;
    uint32_t nparams, nresults;
} gw_blocktype;

typedef struct gw_memarg {
    uint32_t align; /* a power of two, by its exponent */
    uint32_t offset;
} gw_memarg;

/* ---- trusted code ---- */

typedef struct gw_reader {
    const uint8_t *at, *end;
} gw_reader;

static inline gw_reader gw_reader_of(gw_slice code)
{
    gw_reader r = { code.at, code.at + code.size };
    return r;
}

static inline uint8_t gw_byte(gw_reader *r)
{
    return *r->at++;
}

static inline uint32_t gw_u32(gw_reader *r)
{
    uint32_t x = *r->at++, more;

    if (x < 0x80)
        return x;
    x &= 0x7f;
    for (unsigned shift = 7;; shift += 7) {
        more = *r->at++;
        x |= (more & 0x7f) << shift;
        if (more < 0x80)
            return x;
    }
}

static inline int64_t gw_s64(gw_reader *r)
{
    uint64_t x = 0, more;
    unsigned shift = 0;

    do {
        more = *r->at++;
        x |= (more & 0x7f) << shift;
        shift += 7;
    } while (more >= 0x80);
    if ((more & 0x40) && shift < 64)
        x |= ~(uint64_t)0 << shift;
    return (int64_t)x;
}

static inline int32_t gw_s32(gw_reader *r)
{
    return (int32_t)gw_s64(r);
}

/* The bit patterns of floating-point constants. */
static inline uint32_t gw_f32_bits(gw_reader *r)
{
    uint32_t x = 0;

    for (unsigned i = 0; i < 4; i++)
        x |= (uint32_t)*r->at++ << 8 * i;
    return x;
}

static inline uint64_t gw_f64_bits(gw_reader *r)
{
    uint64_t low = gw_f32_bits(r);
    return low | (uint64_t)gw_f32_bits(r) << 32;
}

static inline gw_op gw_read_op(gw_reader *r)
{
    unsigned code = *r->at++;
    return (gw_op)(code == 0xfc ? 0x100 + gw_u32(r) : code);
}

static inline gw_memarg gw_read_memarg(gw_reader *r)
{
    gw_memarg m;

    m.align = gw_u32(r);
    m.offset = gw_u32(r);
    return m;
}

static inline gw_blocktype gw_blocktype_of(const gw_functype *t)
{
    gw_blocktype b = { t->params, t->results, t->nparams, t->nresults };
    return b;
}

static inline gw_blocktype gw_read_blocktype(gw_reader *r, const gw_module *m)
{
    gw_blocktype one = { NULL, r->at, 0, 1 };

    if (*r->at < 0x40 || *r->at >= 0x80) /* an index: not negative as a signed LEB128 number */
        return gw_blocktype_of(&m->types[gw_s64(r)]);
    if (*r->at == 0x40)
        one.nresults = 0;
    r->at++;
    return one;
}

/* Passes over the immediates of an instruction (in code that cannot be reached, say). */
void gw_skip_immediates(gw_reader *r, gw_op op);

/* ---- any bytes ---- */

/* Bytes from `at` to `end`, read until a first fault, after which at == end; what is then read is
 * 0. An invalid part is a fault that lets reading go on, since one of the format would hide it. */
typedef struct gw_input {
    const uint8_t *at, *end;
    const uint8_t *start; /* of the module, for offsets */
    gw_error *fault;      /* GW_OK: none yet */
} gw_input;

/* Notes a fault at a place, unless there is one already (GW_INVALID counts as none for others).
 * Returns false. */
bool gw_fault(gw_input *in, gw_status status, const uint8_t *at, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 4, 5), cold))
#endif
    ;

static inline bool gw_input_going(const gw_input *in)
{
    return in->fault->status == GW_OK || in->fault->status == GW_INVALID;
}

/* A LEB128 number of so many bits, as 5.2.2 has it: ceil(bits / 7) bytes at most, unused bits of
 * the last one equal to the sign. */
uint64_t gw_input_leb(gw_input *in, unsigned bits, bool is_signed);
uint8_t gw_input_byte(gw_input *in);
const uint8_t *gw_input_bytes(gw_input *in, size_t n); /* NULL after a fault */
gw_slice gw_input_vec(gw_input *in);                   /* a vector of bytes */
gw_type gw_input_type(gw_input *in);                   /* a value type */
gw_type gw_input_reftype(gw_input *in);

static inline uint32_t gw_input_u32(gw_input *in)
{
    if (in->at < in->end && *in->at < 0x80)
        return *in->at++;
    return (uint32_t)gw_input_leb(in, 32, false);
}

/* GW_OPS and a fault where there is no such instruction, or none that is supported. */
gw_op gw_input_rare_op(gw_input *in);

static inline gw_op gw_input_op(gw_input *in)
{
    if (in->at < in->end && gw_op_imm[*in->at] != GW_IMM_ILLEGAL)
        return (gw_op)*in->at++;
    return gw_input_rare_op(in);
}

/* A block type: an index into the types, 0 less a value type, or GW_NOBLOCKTYPE for []->[]. */
enum { GW_NOBLOCKTYPE = -256 };
int64_t gw_input_blocktype(gw_input *in);
gw_memarg gw_input_rare_memarg(gw_input *in);

static inline gw_memarg gw_input_memarg(gw_input *in)
{
    gw_memarg m;

    if (in->end - in->at < 2 || in->at[0] >= 32 || in->at[1] >= 0x80)
        return gw_input_rare_memarg(in);
    m.align = in->at[0];
    m.offset = in->at[1];
    in->at += 2;
    return m;
}

void gw_input_zero(gw_input *in); /* a byte 0 */
void gw_input_need_data_count(gw_input *in, const uint8_t *op, bool has_data_count);

/* Reads the instructions of an expression to its `end` without a look at their types. */
void gw_input_skim(gw_input *in, bool has_data_count);

#endif
