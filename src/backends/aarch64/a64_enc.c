/* a64_enc.c - builds A64 instruction words: a row's format says where registers, size and immediate
 * stand. One function per format; names and fields: Arm ARM (DDI 0487), C4.1 "A64 instruction set
 * encoding". */
#include "backends/aarch64/a64_enc.h"

typedef struct enc {
    fail_ctx *fail;
    const a64_info *row;
    const a64_args *a;
} enc;

static _Noreturn void refuse(const enc *e, const char *what)
{
    jit_fail(e->fail, JIT_ERR_INTERNAL, "aarch64 %s (size %u): %s", e->row->mnemonic, e->a->size,
             what);
}

/* ---- Immediates ---- */

static bool is_run(uint64_t v) /* ones without a gap, from bit 0 on */
{
    return v && !(v & (v + 1));
}

/* A bit mask is an element of 2, 4 ... 64 bits, repeated; the element is a run of ones, rotated
 * (Arm ARM, "DecodeBitMasks"). */
bool jit_a64_logical_imm(uint64_t v, unsigned size, uint32_t *field)
{
    unsigned n = 64, ones, low;

    if (size == 4)
        v = (uint32_t)v | v << 32;
    if (v == 0 || v == UINT64_MAX)
        return false;
    while (n > 2 && !((v ^ v >> n / 2) & (((uint64_t)1 << n / 2) - 1)))
        n /= 2;
    uint64_t mask = n == 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1, element = v & mask;
    ones = (unsigned)__builtin_popcountll(element);
    if (!(element & 1) || is_run(element)) {
        low = (unsigned)__builtin_ctzll(element);
        if (!is_run(element >> low))
            return false;
    } else { /* the run goes round: what lies between its ends is one */
        uint64_t gap = ~element & mask;
        unsigned at = (unsigned)__builtin_ctzll(gap);
        if (!is_run(gap >> at))
            return false;
        low = at + (n - ones);
    }
    if (field) {
        uint32_t imms = ((~(n - 1) << 1) & 0x3f) | (ones - 1);
        *field = (n == 64 ? 1u << 12 : 0) | ((n - low) & (n - 1)) << 6 | imms;
    }
    return true;
}

/* A sign, a narrow exponent and four bits of fraction (Arm ARM, "VFPExpandImm"). */
bool jit_a64_fmov_imm(uint64_t bits, unsigned size, uint8_t *imm8)
{
    unsigned fraction = size == 4 ? 23 : 52, exponent = size == 4 ? 8 : 11;
    uint64_t low = ((uint64_t)1 << (fraction - 4)) - 1, top = bits >> (fraction - 4);
    unsigned sign = (unsigned)(bits >> (8 * size - 1)) & 1;
    uint64_t repeated = top >> 6 & (((uint64_t)1 << (exponent - 3)) - 1);
    unsigned not_b = (unsigned)(bits >> (8 * size - 2)) & 1;

    if (bits & low || repeated != (not_b ? 0 : ((uint64_t)1 << (exponent - 3)) - 1))
        return false;
    if (imm8)
        *imm8 = (uint8_t)(sign << 7 | (not_b ? 0u : 0x40u) | (unsigned)(top & 0x3f));
    return true;
}

static unsigned step(a64_step *s, unsigned op, uint64_t imm, unsigned shift)
{
    *s = (a64_step){ (uint16_t)op, (uint8_t)shift, imm };
    return 1;
}

/* One halfword after the other, all but those that movz or movn gives by itself. */
static unsigned by_halves(uint64_t bits, unsigned halves, bool inverted, a64_step *steps)
{
    unsigned n = 0, skipped = inverted ? 0xffff : 0;

    for (unsigned k = 0; k < halves; k++) {
        unsigned half = (unsigned)(bits >> 16 * k) & 0xffff;
        if (half == skipped)
            continue;
        if (n)
            n += step(&steps[n], A64_movk, half, 16 * k);
        else
            n += step(&steps[n], inverted ? A64_movn : A64_movz, inverted ? half ^ 0xffff : half,
                      16 * k);
    }
    return n ? n : step(steps, inverted ? A64_movn : A64_movz, 0, 0);
}

/* A bit mask in which one halfword is then replaced: it was most likely like one of the others. */
static unsigned by_mask(uint64_t bits, a64_step *steps)
{
    for (unsigned k = 0; k < 4; k++)
        for (unsigned from = 0; from < 4; from++) {
            uint64_t like = bits >> 16 * from & 0xffff;
            uint64_t mask = (bits & ~((uint64_t)0xffff << 16 * k)) | like << 16 * k;
            if (from == k || !jit_a64_logical_imm(mask, 8, NULL))
                continue;
            step(&steps[0], A64_orr_i, mask, 0);
            return 1 + step(&steps[1], A64_movk, bits >> 16 * k & 0xffff, 16 * k);
        }
    return 0;
}

unsigned jit_a64_imm_steps(uint64_t bits, unsigned size, a64_step *steps)
{
    unsigned halves = size / 2, zeroes = 0, ones = 0, masked;

    if (size == 4)
        bits = (uint32_t)bits;
    for (unsigned k = 0; k < halves; k++) {
        zeroes += (bits >> 16 * k & 0xffff) == 0;
        ones += (bits >> 16 * k & 0xffff) == 0xffff;
    }
    if (zeroes + 1 < halves && ones + 1 < halves && jit_a64_logical_imm(bits, size, NULL))
        return step(steps, A64_orr_i, bits, 0);
    if (size == 8 && zeroes + 2 < halves && ones + 2 < halves) {
        masked = by_mask(bits, steps);
        if (masked)
            return masked;
    }
    return by_halves(bits, halves, ones > zeroes, steps);
}

unsigned jit_a64_imm_words(uint64_t bits, unsigned size)
{
    a64_step steps[4];

    return jit_a64_imm_steps(bits, size, steps);
}

/* ---- Fields ---- */

static uint32_t sf(unsigned size) { return size == 8 ? 1u << 31 : 0; }
static uint32_t ftype(unsigned size) { return size == 8 ? 1u << 22 : 0; }

static unsigned log2_of(unsigned bytes)
{
    return bytes >= 16 ? 4 : bytes >= 8 ? 3 : bytes >= 4 ? 2 : bytes >= 2 ? 1 : 0;
}

static uint32_t unsigned_field(const enc *e, int64_t v, unsigned bits, unsigned at)
{
    if (v < 0 || v >> bits)
        refuse(e, "immediate out of range");
    return (uint32_t)v << at;
}

static uint32_t signed_field(const enc *e, int64_t v, unsigned bits, unsigned at)
{
    if (v < -((int64_t)1 << (bits - 1)) || v >= (int64_t)1 << (bits - 1))
        refuse(e, "immediate out of range");
    return ((uint32_t)v & ((1u << bits) - 1)) << at;
}

static int64_t divided(const enc *e, int64_t v, int64_t by)
{
    if (v % by)
        refuse(e, "immediate not a multiple");
    return v / by;
}

static uint32_t condition(const enc *e, unsigned cc, unsigned at)
{
    if (cc > A64_NV)
        refuse(e, "condition");
    return (uint32_t)cc << at;
}

/* ---- Formats: what stands in the word besides its bits and registers ---- */

static uint32_t enc_FIXED(const enc *e) { (void)e; return 0; }
static uint32_t enc_SF(const enc *e) { return sf(e->a->size); }
static uint32_t enc_REV(const enc *e) { return e->a->size == 8 ? 0x80000400 : 0; }

static uint32_t enc_ADDI(const enc *e)
{
    uint64_t v = (uint64_t)e->a->imm;

    if (!jit_a64_fits_imm12(v))
        refuse(e, "immediate out of range");
    return sf(e->a->size) | (v > 0xfff ? 1u << 22 | (uint32_t)(v >> 12) << 10 : (uint32_t)v << 10);
}

static uint32_t enc_LOGICALI(const enc *e)
{
    uint32_t field;

    if (!jit_a64_logical_imm((uint64_t)e->a->imm, e->a->size, &field))
        refuse(e, "not a bit mask");
    return sf(e->a->size) | field << 10;
}

static uint32_t enc_SHIFTED(const enc *e)
{
    const a64_args *a = e->a;
    bool adds = e->row->bits & 1u << 24; /* add and sub do not rotate */

    if (a->cc > (adds ? A64_ASR : A64_ROR))
        refuse(e, "kind of shift");
    return sf(a->size) | (uint32_t)a->cc << 22
           | unsigned_field(e, a->shift, a->size == 8 ? 6 : 5, 10);
}

static uint32_t enc_EXTENDED(const enc *e)
{
    const a64_args *a = e->a;

    if (a->cc > A64_SXTX || a->shift > 4)
        refuse(e, "kind of extension");
    return sf(a->size) | (uint32_t)a->cc << 13 | (uint32_t)a->shift << 10;
}

static uint32_t enc_BITFIELD(const enc *e)
{
    const a64_args *a = e->a;
    unsigned bits = a->size == 8 ? 6 : 5;

    return sf(a->size) | ftype(a->size) | unsigned_field(e, a->imm >> 6, bits, 16)
           | unsigned_field(e, a->imm & 63, bits, 10);
}

static uint32_t enc_EXTR(const enc *e)
{
    const a64_args *a = e->a;

    return sf(a->size) | ftype(a->size) | unsigned_field(e, a->imm, a->size == 8 ? 6 : 5, 10);
}

static uint32_t enc_COND(const enc *e) { return sf(e->a->size) | condition(e, e->a->cc, 12); }

static uint32_t enc_CSET(const enc *e)
{
    if (e->a->cc >= A64_AL) /* it would not be inverted */
        refuse(e, "condition");
    return sf(e->a->size) | condition(e, a64_invert(e->a->cc), 12);
}

static uint32_t enc_CCMP(const enc *e)
{
    return enc_COND(e) | unsigned_field(e, e->a->shift, 4, 0);
}

static uint32_t enc_CCMPI(const enc *e)
{
    return enc_CCMP(e) | unsigned_field(e, e->a->imm, 5, 16);
}

static uint32_t enc_WIDE(const enc *e)
{
    const a64_args *a = e->a;

    return sf(a->size) | unsigned_field(e, divided(e, a->shift, 16), a->size == 8 ? 2 : 1, 21)
           | unsigned_field(e, a->imm, 16, 5);
}

static uint32_t enc_ADR(const enc *e)
{
    uint32_t imm = signed_field(e, e->a->imm, 21, 0);

    return (imm & 3) << 29 | imm >> 2 << 5;
}

static uint32_t enc_ADRP(const enc *e)
{
    uint32_t imm = signed_field(e, divided(e, e->a->imm, 4096), 21, 0);

    return (imm & 3) << 29 | imm >> 2 << 5;
}

/* The address of a load or store of `bytes` bytes. */
static uint32_t address(const enc *e, unsigned bytes)
{
    const a64_args *a = e->a;

    switch (a->mode) {
    case A64_AT_SCALED: return 1u << 24 | unsigned_field(e, divided(e, a->imm, bytes), 12, 10);
    case A64_AT_UNSCALED: return signed_field(e, a->imm, 9, 12);
    case A64_AT_POST: return signed_field(e, a->imm, 9, 12) | 1u << 10;
    case A64_AT_PRE: return signed_field(e, a->imm, 9, 12) | 3u << 10;
    case A64_AT_INDEX:
        if (!(a->cc & 2) || a->cc > A64_SXTX || (a->shift && a->shift != log2_of(bytes)))
            refuse(e, "index");
        return 1u << 21 | 2u << 10 | (uint32_t)a->cc << 13 | (a->shift ? 1u << 12 : 0);
    default: refuse(e, "addressing mode");
    }
}

static uint32_t enc_LOAD(const enc *e)
{
    return (uint32_t)log2_of(e->a->size) << 30 | address(e, e->a->size);
}

static uint32_t enc_LOADS(const enc *e)
{
    if (e->a->size2 >= e->a->size)
        refuse(e, "nothing to extend");
    return (uint32_t)log2_of(e->a->size2) << 30 | (e->a->size == 4 ? 1u << 22 : 0)
           | address(e, e->a->size2);
}

static uint32_t enc_FLOAD(const enc *e)
{
    unsigned size = e->a->size;

    return (size == 16 ? 1u << 23 : (uint32_t)log2_of(size) << 30) | address(e, size);
}

static uint32_t pair(const enc *e)
{
    static const uint32_t modes[] = {
        [A64_OFFSET] = 2u << 23, [A64_PRE] = 3u << 23, [A64_POST] = 1u << 23
    };

    if (e->a->cc > A64_POST)
        refuse(e, "addressing mode");
    return modes[e->a->cc] | signed_field(e, divided(e, e->a->imm, e->a->size), 7, 15);
}

static uint32_t enc_PAIR(const enc *e) { return sf(e->a->size) | pair(e); }
static uint32_t enc_FPAIR(const enc *e) { return (log2_of(e->a->size) - 2) << 30 | pair(e); }

static uint32_t words(const enc *e, unsigned bits, unsigned at)
{
    return signed_field(e, divided(e, e->a->imm, 4), bits, at);
}

static uint32_t enc_LITERAL(const enc *e)
{
    return (e->a->size == 8 ? 1u << 30 : 0) | words(e, 19, 5);
}
static uint32_t enc_FLITERAL(const enc *e)
{
    return (log2_of(e->a->size) - 2) << 30 | words(e, 19, 5);
}

static uint32_t enc_F(const enc *e) { return ftype(e->a->size); }
static uint32_t enc_FCOND(const enc *e) { return ftype(e->a->size) | condition(e, e->a->cc, 12); }
static uint32_t enc_FCCMP(const enc *e)
{
    return enc_FCOND(e) | unsigned_field(e, e->a->shift, 4, 0);
}

static uint32_t enc_FMOVI(const enc *e)
{
    uint8_t imm8;

    if (!jit_a64_fmov_imm((uint64_t)e->a->imm, e->a->size, &imm8))
        refuse(e, "not an immediate float");
    return ftype(e->a->size) | (uint32_t)imm8 << 13;
}

static uint32_t enc_FCVT(const enc *e)
{
    if (e->a->size == e->a->size2)
        refuse(e, "nothing to convert");
    return ftype(e->a->size2) | (e->a->size == 8 ? 1u << 15 : 0);
}

static uint32_t enc_INTF(const enc *e) { return sf(e->a->size) | ftype(e->a->size2); }
static uint32_t enc_FINT(const enc *e) { return sf(e->a->size2) | ftype(e->a->size); }
static uint32_t enc_FMOVR(const enc *e) { return sf(e->a->size) | ftype(e->a->size); }
static uint32_t enc_VEC(const enc *e) { return e->a->size == 16 ? 1u << 30 : 0; }
static uint32_t enc_VMOV(const enc *e) { return enc_VEC(e) | (uint32_t)e->a->n << 16; }

/* Two lanes of 4 bytes, or the scalar form. */
static uint32_t lanes(const enc *e) { return e->a->size == 8 ? 0x50000000 : 0; }

static uint32_t enc_VSHR(const enc *e)
{
    unsigned bits = 8u * e->a->size;

    if (e->a->imm < 1 || e->a->imm > bits)
        refuse(e, "amount of shift");
    return lanes(e) | (uint32_t)(2 * bits - (uint64_t)e->a->imm) << 16;
}

static uint32_t enc_VSHL(const enc *e)
{
    unsigned bits = 8u * e->a->size;

    if (e->a->imm < 0 || e->a->imm >= bits)
        refuse(e, "amount of shift");
    return lanes(e) | (uint32_t)(bits + (uint64_t)e->a->imm) << 16;
}

static uint32_t enc_BRANCH(const enc *e) { return words(e, 26, 0); }
static uint32_t enc_BCOND(const enc *e) { return words(e, 19, 5) | condition(e, e->a->cc, 0); }
static uint32_t enc_CB(const enc *e) { return sf(e->a->size) | words(e, 19, 5); }

static uint32_t enc_TB(const enc *e)
{
    unsigned bit = e->a->shift;

    if (bit >= 8u * e->a->size)
        refuse(e, "bit number");
    return (bit & 32 ? 1u << 31 : 0) | (bit & 31u) << 19 | words(e, 14, 5);
}

static uint32_t enc_IMM16(const enc *e) { return unsigned_field(e, e->a->imm, 16, 5); }
static uint32_t enc_UDF(const enc *e) { return unsigned_field(e, e->a->imm, 16, 0); }
static uint32_t enc_HINT(const enc *e) { return unsigned_field(e, e->a->imm, 7, 5); }
static uint32_t enc_PSEUDO(const enc *e) { refuse(e, "is no single instruction"); }

/* ---- Entry ---- */

static uint32_t (*const formats[A64_FORMAT_COUNT])(const enc *e) = {
#define FORMAT(name) enc_##name,
#include "backends/aarch64/a64_formats.def"
};

uint32_t jit_a64_encode(fail_ctx *fail, unsigned op, const a64_args *a)
{
    enc e = { fail, a64_row(op), a };

    if (!(e.row->sizes & a->size) || (e.row->sizes2 && !(e.row->sizes2 & a->size2)))
        refuse(&e, "no such size");
    if ((a->d | a->n | a->m | a->a) > 31)
        refuse(&e, "no such register");
    return e.row->bits | formats[e.row->format](&e) | a->d | (uint32_t)a->n << 5
           | (uint32_t)a->m << 16 | (uint32_t)a->a << 10;
}
