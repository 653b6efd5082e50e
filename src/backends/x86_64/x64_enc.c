/* x64_enc.c - puts x86-64 instructions: a row's format says how registers, memory and immediate
 * become bytes. One function per format; Intel SDM volume 2, chapter 2 "Instruction format". */
#include "backends/x86_64/x64_enc.h"
#include "support/bytes.h"

/* Each function takes where the next byte goes and returns where the one after its own does. No
 * format makes more than the longest instruction there is, but some write zeros behind it. */
#define LONGEST 15
_Static_assert(X64_MAX_BYTES >= LONGEST + 8, "put_le writes 8 bytes in any case");
typedef struct enc {
    mbuf *b;
    uint8_t *start;      /* of the instruction */
    const x64_info *row;
    const x64_args *a;
} enc;

static inline uint8_t *put1(uint8_t *p, unsigned x)
{
    *p = (uint8_t)x;
    return p + 1;
}

/* n bytes of x; all 8 are written, which there is room for. */
static inline uint8_t *put_le(uint8_t *p, uint64_t x, unsigned n)
{
    put_le64(p, x);
    return p + n;
}

/* The buffer offset of p. */
static uint32_t offset_of(const enc *e, const uint8_t *p)
{
    return (uint32_t)(p - e->b->at);
}

static _Noreturn void refuse(const enc *e, const char *what)
{
    jit_fail(e->b->fail, JIT_ERR_INTERNAL, "x86_64 %s (size %u): %s", e->row->mnemonic,
             e->a->size, what);
}

/* ---- Prefixes ---- */

enum { REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1 };

/* The mandatory prefix as VEX counts them: 0 none, 1 66, 2 F3, 3 F2. */
static inline unsigned prefix_code(const enc *e)
{
    static const uint8_t codes[][2] = { /* for size 4, for size 8 */
        [X64_PP_NP] = { 0, 0 },  [X64_PP_P66] = { 1, 1 }, [X64_PP_PF3] = { 2, 2 },
        [X64_PP_PF2] = { 3, 3 }, [X64_PP_PS] = { 2, 3 },  [X64_PP_PP] = { 0, 1 },
        [X64_PP_PS2] = { 2, 3 },
    };
    unsigned pp = e->row->pp;

    if (pp == X64_PP_NP)
        return 0;
    return codes[pp][(pp == X64_PP_PS2 ? e->a->size2 : e->a->size) == 8];
}

/* REX.X and REX.B of the rm operand. */
static inline unsigned rm_bits(const x64_args *a)
{
    if (!a->is_mem)
        return a->rm >> 3 & REX_B;
    return (a->mem.base >> 3 & REX_B) | (a->mem.index >> 2 & REX_X);
}
_Static_assert(!(X64_NO_REG & 8) && !(X64_RIP & 8), "they need no REX bit");

/* The bytes of the opcode map, and the opcode. */
static inline uint8_t *put_map(const enc *e, uint8_t *p, unsigned opcode)
{
    unsigned n = e->row->nlead;

    put_le32(p, e->row->lead | opcode << 8 * n);
    return p + n + 1;
}

/* Legacy prefixes, REX, map and opcode. `rex` without the rm operand's bits; force: an 8-bit
 * operand is one of spl to dil. */
static inline uint8_t *put_opcode(const enc *e, uint8_t *p, unsigned prefix, unsigned rex,
                                  bool force, unsigned opcode)
{
    static const uint8_t bytes[4] = { 0, 0x66, 0xf3, 0xf2 };

    *p = bytes[prefix];
    p += prefix != 0;
    *p = (uint8_t)(0x40 | rex);
    p += rex || force;
    return put_map(e, p, opcode);
}

/* Those of an integer instruction: 66 and REX.W by size; a mandatory prefix stands after 66. */
static inline uint8_t *put_int_opcode(const enc *e, uint8_t *p, unsigned rex, bool force,
                                      unsigned opcode)
{
    unsigned prefix = prefix_code(e);

    if (e->a->size == 8)
        rex |= REX_W;
    if (e->a->size == 2) {
        if (!prefix)
            prefix = 1;
        else
            p = put1(p, 0x66);
    }
    return put_opcode(e, p, prefix, rex, force, opcode);
}

/* VEX, map and opcode. reg and v are whole register numbers; v 0 when unused (encoded as 1111). */
static uint8_t *put_vex(const enc *e, uint8_t *p, unsigned reg, unsigned v, bool w, unsigned opcode)
{
    unsigned rm = rm_bits(e->a), pp = prefix_code(e);
    unsigned r = reg >> 3 ? 0 : 0x80;

    if (!(rm & (REX_X | REX_B)) && !w && e->row->map == 1) {
        p = put1(p, 0xc5);
        p = put1(p, r | (~v & 15) << 3 | pp);
    } else {
        p = put1(p, 0xc4);
        p = put1(p, r | (rm & REX_X ? 0 : 0x40) | (rm & REX_B ? 0 : 0x20) | e->row->map);
        p = put1(p, (w ? 0x80 : 0) | (~v & 15) << 3 | pp);
    }
    return put1(p, opcode);
}

/* ---- ModRM, SIB, displacement ---- */

/* [rip + ...]: the field counts from the end of the instruction, `imm_bytes` after its own end. */
static uint8_t *put_rip(const enc *e, uint8_t *p, unsigned imm_bytes)
{
    const x64_mem *m = &e->a->mem;
    mbuf *b = e->b;

    if (m->kind == X64_MEM_REG)
        return put_le(p, (uint32_t)m->disp, 4);
    uint32_t at = offset_of(e, p);
    p = put_le(p, 0, 4);
    if (m->kind == X64_MEM_LABEL)
        jit_mbuf_fixup(b, at, m->label, X64_FIX_REL32, 0, m->disp - (int32_t)imm_bytes);
    else
        jit_mbuf_reloc(b, at, m->reloc, m->symbol, (int64_t)m->disp - 4 - imm_bytes);
    return p;
}

/* What has no base: an address relative to rip, or disp32 with an index or nothing. */
static uint8_t *put_baseless(const enc *e, uint8_t *p, unsigned field, unsigned imm_bytes)
{
    const x64_mem *m = &e->a->mem;

    if (m->base == X64_RIP) {
        p = put1(p, field | 5);
        return put_rip(e, p, imm_bytes);
    }
    p = put1(p, field | 4);
    p = put1(p, (unsigned)m->shift << 6 | (m->index & 7u) << 3 | 5);
    return put_le(p, (uint32_t)m->disp, 4);
}

static inline uint8_t *put_mem(const enc *e, uint8_t *p, unsigned field, unsigned imm_bytes)
{
    const x64_mem *m = &e->a->mem;

    if (m->index == X64_RSP)
        refuse(e, "rsp as index");
    if (m->base >= 16)
        return put_baseless(e, p, field, imm_bytes);
    return x64_put_address(p, field, m->base, m->index, m->shift, m->disp);
}

static inline uint8_t *put_modrm(const enc *e, uint8_t *p, unsigned reg, unsigned imm_bytes)
{
    unsigned field = (reg & 7) << 3;

    return e->a->is_mem ? put_mem(e, p, field, imm_bytes) : put1(p, 0xc0 | field | (e->a->rm & 7u));
}

/* ---- Integer formats ---- */

/* spl, bpl, sil and dil need a REX prefix. */
static inline bool low_byte(unsigned r) { return r >= 4 && r < 8; }

/* opcode reg, rm with an operation of `size`; bytes have the opcode below. */
static inline uint8_t *modrm(const enc *e, uint8_t *p, unsigned reg, unsigned opcode,
                             unsigned imm_bytes)
{
    const x64_args *a = e->a;
    bool bytes = a->size == 1;
    unsigned rex = rm_bits(a) | (reg >> 3 ? REX_R : 0);

    p = put_int_opcode(e, p, rex, bytes && (low_byte(reg) || (!a->is_mem && low_byte(a->rm))),
                   bytes ? opcode - 1 : opcode);
    return put_modrm(e, p, reg, imm_bytes);
}

static uint8_t *enc_MODRM(const enc *e, uint8_t *p)
{
    return modrm(e, p, e->a->reg, e->row->opcode, 0);
}

static uint8_t *enc_MODRMI(const enc *e, uint8_t *p)
{
    p = modrm(e, p, e->a->reg, e->row->opcode, 1);
    return put1(p, (unsigned)e->a->imm);
}

/* opcode /digit: reg is part of the opcode, so it is no byte register. */
static uint8_t *digit(const enc *e, uint8_t *p, unsigned opcode, unsigned imm_bytes)
{
    const x64_args *a = e->a;
    bool bytes = a->size == 1;

    /* Calls and jumps (not inc and dec, /0 and /1) are of 8 bytes without REX.W. */
    if (e->row->opcode == 0xff && e->row->digit > 1)
        p = put_opcode(e, p, 0, rm_bits(a), false, opcode);
    else
        p = put_int_opcode(e, p, rm_bits(a), bytes && !a->is_mem && low_byte(a->rm),
                           bytes ? opcode - 1 : opcode);
    return put_modrm(e, p, e->row->digit, imm_bytes);
}

static uint8_t *enc_DIGIT(const enc *e, uint8_t *p) { return digit(e, p, e->row->opcode, 0); }

static uint8_t *enc_DIGITI(const enc *e, uint8_t *p)
{
    p = digit(e, p, e->row->opcode, 1);
    return put1(p, (unsigned)e->a->imm);
}

static uint8_t *enc_MOVX(const enc *e, uint8_t *p)
{
    const x64_args *a = e->a;
    unsigned rex = rm_bits(a) | (a->reg >> 3 ? REX_R : 0);

    p = put_int_opcode(e, p, rex, a->size2 == 1 && !a->is_mem && low_byte(a->rm),
                   e->row->opcode + (a->size2 == 2 ? 1u : 0u));
    return put_modrm(e, p, a->reg, 0);
}

/* The immediate as the operation sees it: sign-extended from its size. */
static int64_t imm_of(const enc *e)
{
    int64_t imm = e->a->imm;

    switch (e->a->size) {
    case 1:
        if (imm < -0x80 || imm > 0xff)
            refuse(e, "immediate exceeds a byte");
        return (int8_t)imm;
    case 2:
        if (imm < -0x8000 || imm > 0xffff)
            refuse(e, "immediate exceeds two bytes");
        return (int16_t)imm;
    case 4:
        if (imm < INT32_MIN || imm > UINT32_MAX)
            refuse(e, "immediate exceeds four bytes");
        return (int32_t)imm;
    default:
        if (imm != (int32_t)imm)
            refuse(e, "immediate exceeds a signed 32-bit number");
        return imm;
    }
}

static unsigned imm_bytes_of(unsigned size) { return size < 4 ? size : 4; }

static uint8_t *enc_MOVRI(const enc *e, uint8_t *p)
{
    const x64_args *a = e->a;
    uint64_t imm = (uint64_t)a->imm;
    unsigned rex = a->rm >> 3 ? REX_B : 0;

    if (a->size == 4)
        imm = (uint32_t)imm;
    if (imm <= UINT32_MAX) {
        p = put_opcode(e, p, 0, rex, false, 0xb8u | (a->rm & 7u));
        return put_le(p, imm, 4);
    }
    if ((int64_t)imm == (int32_t)imm) {
        p = put_opcode(e, p, 0, rex | REX_W, false, 0xc7);
        p = put1(p, 0xc0u | (a->rm & 7u));
        return put_le(p, imm, 4);
    }
    p = put_opcode(e, p, 0, rex | REX_W, false, 0xb8u | (a->rm & 7u));
    return put_le(p, imm, 8);
}

static uint8_t *enc_MOVSYM(const enc *e, uint8_t *p)
{
    const x64_args *a = e->a;

    p = put_opcode(e, p, 0, (a->rm >> 3 ? REX_B : 0) | REX_W, false, 0xb8u | (a->rm & 7u));
    jit_mbuf_reloc(e->b, offset_of(e, p), X64_RELOC_ABS64, a->symbol, a->imm);
    return put_le(p, 0, 8);
}

/* mov [m], imm and test rm, imm; test has a short form for the accumulator. */
static uint8_t *enc_IMM(const enc *e, uint8_t *p)
{
    const x64_args *a = e->a;
    unsigned n = imm_bytes_of(a->size);
    int64_t imm = imm_of(e);

    if (e->row->opcode == 0xf7 && !a->is_mem && a->rm == X64_RAX)
        p = put_int_opcode(e, p, 0, false, a->size == 1 ? 0xa8 : 0xa9);
    else
        p = digit(e, p, e->row->opcode, n);
    return put_le(p, (uint64_t)imm, n);
}

static uint8_t *enc_ALUI(const enc *e, uint8_t *p)
{
    const x64_args *a = e->a;
    int64_t imm = imm_of(e);
    bool is_short = imm == (int8_t)imm && a->size != 1;
    unsigned n = is_short ? 1 : imm_bytes_of(a->size);

    if (!is_short && !a->is_mem && a->rm == X64_RAX)
        p = put_int_opcode(e, p, 0, false, e->row->digit * 8u + (a->size == 1 ? 4 : 5));
    else
        p = digit(e, p, is_short ? 0x83 : 0x81, n);
    return put_le(p, (uint64_t)imm, n);
}

static uint8_t *enc_SHIFTI(const enc *e, uint8_t *p)
{
    if (e->a->imm == 1)
        return digit(e, p, 0xd1, 0);
    p = digit(e, p, e->row->opcode, 1);
    return put1(p, (unsigned)e->a->imm);
}

static uint8_t *enc_IMULI(const enc *e, uint8_t *p)
{
    int64_t imm = imm_of(e);
    bool is_short = imm == (int8_t)imm;
    unsigned n = is_short ? 1 : imm_bytes_of(e->a->size);

    p = modrm(e, p, e->a->reg, is_short ? 0x6b : 0x69, n);
    return put_le(p, (uint64_t)imm, n);
}

static uint8_t *enc_SELF(const enc *e, uint8_t *p)
{
    return modrm(e, p, e->a->rm, e->row->opcode, 0);
}

static uint8_t *enc_OP(const enc *e, uint8_t *p)
{
    return put_opcode(e, p, 0, e->a->size == 8 ? REX_W : 0, false, e->row->opcode);
}

/* bswap by size; push and pop are of 8 bytes as they are. */
static uint8_t *enc_OPREG(const enc *e, uint8_t *p)
{
    const x64_args *a = e->a;
    unsigned rex = (a->rm >> 3 ? REX_B : 0u) | (e->row->map && a->size == 8 ? REX_W : 0u);

    return put_opcode(e, p, 0, rex, false, e->row->opcode | (a->rm & 7u));
}

static uint8_t *enc_CC(const enc *e, uint8_t *p)
{
    const x64_args *a = e->a;
    bool set = a->size == 1;

    if (a->cc > X64_G)
        refuse(e, "condition");
    p = put_int_opcode(e, p, rm_bits(a) | (!set && a->reg >> 3 ? REX_R : 0),
                       set && !a->is_mem && low_byte(a->rm), e->row->opcode + (unsigned)a->cc);
    return put_modrm(e, p, set ? 0 : a->reg, 0);
}

static uint8_t *enc_CALLSYM(const enc *e, uint8_t *p)
{
    p = put1(p, e->row->opcode);
    jit_mbuf_reloc(e->b, offset_of(e, p), X64_RELOC_PCREL32, e->a->symbol, -4);
    return put_le(p, 0, 4);
}

static uint8_t *enc_RET(const enc *e, uint8_t *p)
{
    if (e->a->imm == 0)
        return put1(p, 0xc3);
    if (e->a->imm < 0 || e->a->imm > 0xffff)
        jit_fail(e->b->fail, JIT_ERR_LIMIT, "more than 65535 bytes of arguments to remove");
    p = put1(p, 0xc2);
    return put_le(p, (uint64_t)e->a->imm, 2);
}

static uint8_t *enc_PSEUDO(const enc *e, uint8_t *p)
{
    (void)p;
    refuse(e, "is no single instruction");
}

/* ---- VEX on integers (BMI) ---- */

static uint8_t *enc_VEX(const enc *e, uint8_t *p)
{
    p = put_vex(e, p, e->a->reg, e->a->v, e->a->size == 8, e->row->opcode);
    return put_modrm(e, p, e->a->reg, 0);
}

static uint8_t *enc_VEXI(const enc *e, uint8_t *p)
{
    p = put_vex(e, p, e->a->reg, 0, e->a->size == 8, e->row->opcode);
    p = put_modrm(e, p, e->a->reg, 1);
    return put1(p, (unsigned)e->a->imm);
}

static uint8_t *enc_VEXD(const enc *e, uint8_t *p)
{
    p = put_vex(e, p, 0, e->a->v, e->a->size == 8, e->row->opcode);
    return put_modrm(e, p, e->row->digit, 0);
}

static uint8_t *enc_FMA(const enc *e, uint8_t *p) { return enc_VEX(e, p); }

/* ---- SSE and AVX ---- */

static uint8_t *sse(const enc *e, uint8_t *p, unsigned opcode, bool w, unsigned imm_bytes)
{
    const x64_args *a = e->a;
    unsigned rex = (w ? REX_W : 0u) | rm_bits(a) | (a->reg >> 3 ? REX_R : 0u);

    p = put_opcode(e, p, prefix_code(e), rex, false, opcode);
    return put_modrm(e, p, a->reg, imm_bytes);
}

static uint8_t *vsse(const enc *e, uint8_t *p, unsigned opcode, unsigned v, bool w,
                     unsigned imm_bytes)
{
    p = put_vex(e, p, e->a->reg, v, w, opcode);
    return put_modrm(e, p, e->a->reg, imm_bytes);
}

static uint8_t *enc_SSE(const enc *e, uint8_t *p)
{
    return sse(e, p, e->row->opcode, false, 0);
}

static uint8_t *enc_VSSE(const enc *e, uint8_t *p)
{
    return vsse(e, p, e->row->opcode, e->a->v, false, 0);
}

/* The integer register's width: the size of movd, size of a conversion to an integer. */
static uint8_t *enc_SSEW(const enc *e, uint8_t *p)
{
    return sse(e, p, e->row->opcode, e->a->size == 8, 0);
}

static uint8_t *enc_VSSEW(const enc *e, uint8_t *p)
{
    return vsse(e, p, e->row->opcode, 0, e->a->size == 8, 0);
}

static uint8_t *enc_SSES(const enc *e, uint8_t *p)
{
    x64_args a = *e->a;
    enc same = *e;

    a.rm = a.reg;
    same.a = &a;
    return sse(&same, p, e->row->opcode, false, 0);
}

static uint8_t *enc_VSSES(const enc *e, uint8_t *p)
{
    x64_args a = *e->a;
    enc same = *e;

    a.rm = a.reg;
    same.a = &a;
    return vsse(&same, p, e->row->opcode, a.reg, false, 0);
}

static uint8_t *enc_SSEB(const enc *e, uint8_t *p)
{
    p = sse(e, p, e->row->opcode, false, 1);
    return put1(p, (unsigned)e->a->imm);
}

static uint8_t *enc_VSSEB(const enc *e, uint8_t *p)
{
    p = vsse(e, p, e->row->opcode, e->a->v, false, 1);
    return put1(p, (unsigned)e->a->imm);
}

static uint8_t *enc_SSEM(const enc *e, uint8_t *p)
{
    return sse(e, p, e->row->opcode, false, 0);
}

static uint8_t *enc_SSEI(const enc *e, uint8_t *p)
{
    return sse(e, p, e->row->opcode, e->a->size2 == 8, 0);
}

static uint8_t *enc_VSSEM(const enc *e, uint8_t *p)
{
    return vsse(e, p, e->row->opcode, e->a->v, false, 0);
}

static uint8_t *enc_VSSEI(const enc *e, uint8_t *p)
{
    return vsse(e, p, e->row->opcode, e->a->v, e->a->size2 == 8, 0);
}

static uint8_t *enc_SSER(const enc *e, uint8_t *p)
{
    p = sse(e, p, e->row->opcode + (e->a->size == 8 ? 1u : 0u), false, 1);
    return put1(p, (unsigned)e->a->imm);
}

static uint8_t *enc_VSSER(const enc *e, uint8_t *p)
{
    p = vsse(e, p, e->row->opcode + (e->a->size == 8 ? 1u : 0u), e->a->v, false, 1);
    return put1(p, (unsigned)e->a->imm);
}

/* ---- Entry ---- */

static uint8_t *(*const formats[X64_FORMAT_COUNT])(const enc *e, uint8_t *p) = {
#define FORMAT(name) enc_##name,
#include "backends/x86_64/x64_formats.def"
};

void jit_x64_encode(mbuf *b, unsigned op, const x64_args *a)
{
    mcursor c = jit_mbuf_open(b, X64_MAX_BYTES);
    const x64_info *row = x64_row(op);
    enc e = { b, c.at, row, a };

    if (!(row->sizes & a->size) || (row->sizes2 && !(row->sizes2 & a->size2)))
        refuse(&e, "no such size");
    c.at = formats[row->format](&e, c.at);
    if (c.at - e.start > LONGEST)
        jit_mbuf_overrun(b);
    mcursor_close(&c);
}

/* Intel SDM volume 2, NOP: "Recommended multi-byte sequence of NOP instruction". */
void jit_x64_put_nops(mcursor *c, uint32_t n)
{
    static const uint8_t nops[9][9] = {
        { 0x90 },
        { 0x66, 0x90 },
        { 0x0f, 0x1f, 0x00 },
        { 0x0f, 0x1f, 0x40, 0x00 },
        { 0x0f, 0x1f, 0x44, 0x00, 0x00 },
        { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
        { 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
        { 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
        { 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
    };

    while (n > 0) {
        uint32_t k = n < 9 ? n : 9;
        for (uint32_t j = 0; j < k; j++)
            mput1(c, nops[k - 1][j]);
        n -= k;
    }
}
