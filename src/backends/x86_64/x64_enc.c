/* x64_enc.c - puts x86-64 instructions: a row's format says how registers, memory and immediate
 * become bytes. One function per format; Intel SDM volume 2, chapter 2 "Instruction format". */
#include "backends/x86_64/x64_enc.h"

typedef struct enc {
    mcursor *c;
    const x64_info *row;
    const x64_args *a;
} enc;

static void refuse(const enc *e, const char *what)
{
    mbuf *b = e->c->buf;
    jit_fail(b->fail, JIT_ERR_INTERNAL, "x86_64 %s (size %u): %s", e->row->mnemonic, e->a->size, what);
}

/* ---- Prefixes ---- */

enum { REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1 };

/* The mandatory prefix as VEX counts them: 0 none, 1 66, 2 F3, 3 F2. */
static unsigned prefix_code(const enc *e)
{
    switch (e->row->pp) {
    case X64_PP_P66: return 1;
    case X64_PP_PF3: return 2;
    case X64_PP_PF2: return 3;
    case X64_PP_PS: return e->a->size == 4 ? 2 : 3;
    case X64_PP_PS2: return e->a->size2 == 4 ? 2 : 3;
    case X64_PP_PP: return e->a->size == 4 ? 0 : 1;
    default: return 0;
    }
}

/* REX.X and REX.B of the rm operand. */
static unsigned rm_bits(const x64_args *a)
{
    unsigned x = 0;

    if (!a->is_mem)
        return a->rm >> 3 ? REX_B : 0;
    if (a->mem.base < 16 && a->mem.base >> 3)
        x |= REX_B;
    if (a->mem.index < 16 && a->mem.index >> 3)
        x |= REX_X;
    return x;
}

static void put_map(const enc *e, unsigned opcode)
{
    if (e->row->map) {
        mput1(e->c, 0x0f);
        if (e->row->map > 1)
            mput1(e->c, e->row->map == 2 ? 0x38 : 0x3a);
    }
    mput1(e->c, (uint8_t)opcode);
}

/* Legacy prefixes, REX, map and opcode. `rex` without the rm operand's bits; force: an 8-bit operand is
 * one of spl to dil. */
static void put_opcode(const enc *e, unsigned prefix, unsigned rex, bool force, unsigned opcode)
{
    static const uint8_t bytes[4] = { 0, 0x66, 0xf3, 0xf2 };

    if (prefix)
        mput1(e->c, bytes[prefix]);
    if (rex || force)
        mput1(e->c, (uint8_t)(0x40 | rex));
    put_map(e, opcode);
}

/* Those of an integer instruction: 66 and REX.W by size; a mandatory prefix stands after 66. */
static void put_int_opcode(const enc *e, unsigned rex, bool force, unsigned opcode)
{
    unsigned prefix = prefix_code(e);

    if (e->a->size == 8)
        rex |= REX_W;
    if (e->a->size == 2) {
        if (!prefix)
            prefix = 1;
        else
            mput1(e->c, 0x66);
    }
    put_opcode(e, prefix, rex, force, opcode);
}

/* VEX, map and opcode. reg and v are whole register numbers; v 0 when unused (encoded as 1111). */
static void put_vex(const enc *e, unsigned reg, unsigned v, bool w, unsigned opcode)
{
    unsigned rm = rm_bits(e->a), pp = prefix_code(e);
    unsigned r = reg >> 3 ? 0 : 0x80;

    if (!(rm & (REX_X | REX_B)) && !w && e->row->map == 1) {
        mput1(e->c, 0xc5);
        mput1(e->c, (uint8_t)(r | (~v & 15) << 3 | pp));
    } else {
        mput1(e->c, 0xc4);
        mput1(e->c, (uint8_t)(r | (rm & REX_X ? 0 : 0x40) | (rm & REX_B ? 0 : 0x20) | e->row->map));
        mput1(e->c, (uint8_t)((w ? 0x80 : 0) | (~v & 15) << 3 | pp));
    }
    mput1(e->c, (uint8_t)opcode);
}

/* ---- ModRM, SIB, displacement ---- */

/* [rip + ...]: the field counts from the end of the instruction, `imm_bytes` after its own end. */
static void put_rip(const enc *e, unsigned imm_bytes)
{
    const x64_mem *m = &e->a->mem;
    mbuf *b = e->c->buf;

    if (m->kind == X64_MEM_REG) {
        mput_le(e->c, (uint32_t)m->disp, 4);
        return;
    }
    uint32_t at = mcursor_offset(e->c);
    mput_le(e->c, 0, 4);
    if (m->kind == X64_MEM_LABEL)
        jit_mbuf_fixup(b, at, m->label, X64_FIX_REL32, 0, m->disp - (int32_t)imm_bytes);
    else
        jit_mbuf_reloc(b, at, m->reloc, m->symbol, (int64_t)m->disp - 4 - imm_bytes);
}

static void put_modrm(const enc *e, unsigned reg, unsigned imm_bytes)
{
    const x64_args *a = e->a;
    const x64_mem *m = &a->mem;
    unsigned field = (reg & 7) << 3;

    if (!a->is_mem) {
        mput1(e->c, (uint8_t)(0xc0 | field | (a->rm & 7)));
        return;
    }
    if (m->base == X64_RIP) {
        mput1(e->c, (uint8_t)(field | 5));
        put_rip(e, imm_bytes);
        return;
    }
    if (m->index == X64_RSP)
        refuse(e, "rsp as index");
    bool sib = m->index != X64_NO_REG || m->base == X64_NO_REG || (m->base & 7) == X64_RSP;
    unsigned sib_byte = (unsigned)m->shift << 6 | (m->index != X64_NO_REG ? m->index & 7u : 4u) << 3;
    if (m->base == X64_NO_REG) { /* no base: disp32 always */
        mput1(e->c, (uint8_t)(field | 4));
        mput1(e->c, (uint8_t)(sib_byte | 5));
        mput_le(e->c, (uint32_t)m->disp, 4);
        return;
    }
    unsigned mod = m->disp == 0 && (m->base & 7) != X64_RBP ? 0 /* rbp and r13 need a displacement */
                   : m->disp == (int8_t)m->disp ? 1 : 2;
    mput1(e->c, (uint8_t)(mod << 6 | field | (sib ? 4 : m->base & 7u)));
    if (sib)
        mput1(e->c, (uint8_t)(sib_byte | (m->base & 7u)));
    if (mod)
        mput_le(e->c, (uint32_t)m->disp, mod == 1 ? 1 : 4);
}

/* ---- Integer formats ---- */

/* spl, bpl, sil and dil need a REX prefix. */
static bool low_byte(unsigned r) { return r >= 4 && r < 8; }

/* opcode reg, rm with an operation of `size`; bytes have the opcode below. */
static void modrm(const enc *e, unsigned reg, unsigned opcode, unsigned imm_bytes)
{
    const x64_args *a = e->a;
    bool bytes = a->size == 1;
    unsigned rex = rm_bits(a) | (reg >> 3 ? REX_R : 0);

    put_int_opcode(e, rex, bytes && (low_byte(reg) || (!a->is_mem && low_byte(a->rm))),
                   bytes ? opcode - 1 : opcode);
    put_modrm(e, reg, imm_bytes);
}

static void enc_MODRM(const enc *e) { modrm(e, e->a->reg, e->row->opcode, 0); }

static void enc_MODRMI(const enc *e)
{
    modrm(e, e->a->reg, e->row->opcode, 1);
    mput1(e->c, (uint8_t)e->a->imm);
}

/* opcode /digit: reg is part of the opcode, so it is no byte register. */
static void digit(const enc *e, unsigned opcode, unsigned imm_bytes)
{
    const x64_args *a = e->a;
    bool bytes = a->size == 1;

    /* Calls, jumps and pushes are of 8 bytes without REX.W. */
    if (e->row->opcode == 0xff)
        put_opcode(e, 0, rm_bits(a), false, opcode);
    else
        put_int_opcode(e, rm_bits(a), bytes && !a->is_mem && low_byte(a->rm), bytes ? opcode - 1 : opcode);
    put_modrm(e, e->row->digit, imm_bytes);
}

static void enc_DIGIT(const enc *e) { digit(e, e->row->opcode, 0); }

static void enc_DIGITI(const enc *e)
{
    digit(e, e->row->opcode, 1);
    mput1(e->c, (uint8_t)e->a->imm);
}

static void enc_MOVX(const enc *e)
{
    const x64_args *a = e->a;
    unsigned rex = rm_bits(a) | (a->reg >> 3 ? REX_R : 0);

    put_int_opcode(e, rex, a->size2 == 1 && !a->is_mem && low_byte(a->rm),
                   e->row->opcode + (a->size2 == 2 ? 1u : 0u));
    put_modrm(e, a->reg, 0);
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

static void enc_MOVRI(const enc *e)
{
    const x64_args *a = e->a;
    uint64_t imm = (uint64_t)a->imm;
    unsigned rex = a->rm >> 3 ? REX_B : 0;

    if (a->size == 4)
        imm = (uint32_t)imm;
    if (imm <= UINT32_MAX) {
        put_opcode(e, 0, rex, false, 0xb8u | (a->rm & 7u));
        mput_le(e->c, imm, 4);
    } else if ((int64_t)imm == (int32_t)imm) {
        put_opcode(e, 0, rex | REX_W, false, 0xc7);
        mput1(e->c, (uint8_t)(0xc0 | (a->rm & 7)));
        mput_le(e->c, imm, 4);
    } else {
        put_opcode(e, 0, rex | REX_W, false, 0xb8u | (a->rm & 7u));
        mput_le(e->c, imm, 8);
    }
}

static void enc_MOVSYM(const enc *e)
{
    const x64_args *a = e->a;

    put_opcode(e, 0, (a->rm >> 3 ? REX_B : 0) | REX_W, false, 0xb8u | (a->rm & 7u));
    jit_mbuf_reloc(e->c->buf, mcursor_offset(e->c), X64_RELOC_ABS64, a->symbol, a->imm);
    mput_le(e->c, 0, 8);
}

/* mov [m], imm and test rm, imm; test has a short form for the accumulator. */
static void enc_IMM(const enc *e)
{
    const x64_args *a = e->a;
    unsigned n = imm_bytes_of(a->size);
    int64_t imm = imm_of(e);

    if (e->row->opcode == 0xf7 && !a->is_mem && a->rm == X64_RAX)
        put_int_opcode(e, 0, false, a->size == 1 ? 0xa8 : 0xa9);
    else
        digit(e, e->row->opcode, n);
    mput_le(e->c, (uint64_t)imm, n);
}

static void enc_ALUI(const enc *e)
{
    const x64_args *a = e->a;
    int64_t imm = imm_of(e);
    bool is_short = imm == (int8_t)imm && a->size != 1;
    unsigned n = is_short ? 1 : imm_bytes_of(a->size);

    if (!is_short && !a->is_mem && a->rm == X64_RAX)
        put_int_opcode(e, 0, false, e->row->digit * 8u + (a->size == 1 ? 4 : 5));
    else
        digit(e, is_short ? 0x83 : 0x81, n);
    mput_le(e->c, (uint64_t)imm, n);
}

static void enc_SHIFTI(const enc *e)
{
    if (e->a->imm == 1) {
        digit(e, 0xd1, 0);
        return;
    }
    digit(e, e->row->opcode, 1);
    mput1(e->c, (uint8_t)e->a->imm);
}

static void enc_IMULI(const enc *e)
{
    int64_t imm = imm_of(e);
    bool is_short = imm == (int8_t)imm;
    unsigned n = is_short ? 1 : imm_bytes_of(e->a->size);

    modrm(e, e->a->reg, is_short ? 0x6b : 0x69, n);
    mput_le(e->c, (uint64_t)imm, n);
}

static void enc_SELF(const enc *e)
{
    modrm(e, e->a->rm, e->row->opcode, 0);
}

static void enc_OP(const enc *e)
{
    put_opcode(e, 0, e->a->size == 8 ? REX_W : 0, false, e->row->opcode);
}

/* bswap by size; push and pop are of 8 bytes as they are. */
static void enc_OPREG(const enc *e)
{
    const x64_args *a = e->a;
    unsigned rex = (a->rm >> 3 ? REX_B : 0u) | (e->row->map && a->size == 8 ? REX_W : 0u);

    put_opcode(e, 0, rex, false, e->row->opcode | (a->rm & 7u));
}

static void enc_CC(const enc *e)
{
    const x64_args *a = e->a;
    bool set = a->size == 1;

    if (a->cc > X64_G)
        refuse(e, "condition");
    put_int_opcode(e, rm_bits(a) | (!set && a->reg >> 3 ? REX_R : 0), set && !a->is_mem && low_byte(a->rm),
                   e->row->opcode + (unsigned)a->cc);
    put_modrm(e, set ? 0 : a->reg, 0);
}

static void enc_CALLSYM(const enc *e)
{
    mput1(e->c, e->row->opcode);
    jit_mbuf_reloc(e->c->buf, mcursor_offset(e->c), X64_RELOC_PCREL32, e->a->symbol, -4);
    mput_le(e->c, 0, 4);
}

static void enc_RET(const enc *e)
{
    if (e->a->imm == 0) {
        mput1(e->c, 0xc3);
        return;
    }
    if (e->a->imm < 0 || e->a->imm > 0xffff)
        jit_fail(e->c->buf->fail, JIT_ERR_LIMIT, "more than 65535 bytes of arguments to remove");
    mput1(e->c, 0xc2);
    mput_le(e->c, (uint64_t)e->a->imm, 2);
}

static void enc_PSEUDO(const enc *e) { refuse(e, "is no single instruction"); }

/* ---- VEX on integers (BMI) ---- */

static void enc_VEX(const enc *e)
{
    put_vex(e, e->a->reg, e->a->v, e->a->size == 8, e->row->opcode);
    put_modrm(e, e->a->reg, 0);
}

static void enc_VEXI(const enc *e)
{
    put_vex(e, e->a->reg, 0, e->a->size == 8, e->row->opcode);
    put_modrm(e, e->a->reg, 1);
    mput1(e->c, (uint8_t)e->a->imm);
}

static void enc_VEXD(const enc *e)
{
    put_vex(e, 0, e->a->v, e->a->size == 8, e->row->opcode);
    put_modrm(e, e->row->digit, 0);
}

static void enc_FMA(const enc *e) { enc_VEX(e); }

/* ---- SSE and AVX ---- */

static void sse(const enc *e, unsigned opcode, bool w, unsigned imm_bytes)
{
    const x64_args *a = e->a;

    put_opcode(e, prefix_code(e), (w ? REX_W : 0) | rm_bits(a) | (a->reg >> 3 ? REX_R : 0), false, opcode);
    put_modrm(e, a->reg, imm_bytes);
}

static void vsse(const enc *e, unsigned opcode, unsigned v, bool w, unsigned imm_bytes)
{
    put_vex(e, e->a->reg, v, w, opcode);
    put_modrm(e, e->a->reg, imm_bytes);
}

static void enc_SSE(const enc *e) { sse(e, e->row->opcode, false, 0); }
static void enc_VSSE(const enc *e) { vsse(e, e->row->opcode, e->a->v, false, 0); }

/* The integer register's width: the size of movd, size of a conversion to an integer. */
static void enc_SSEW(const enc *e) { sse(e, e->row->opcode, e->a->size == 8, 0); }
static void enc_VSSEW(const enc *e) { vsse(e, e->row->opcode, 0, e->a->size == 8, 0); }

static void enc_SSES(const enc *e)
{
    x64_args a = *e->a;
    enc same = *e;

    a.rm = a.reg;
    same.a = &a;
    sse(&same, e->row->opcode, false, 0);
}

static void enc_VSSES(const enc *e)
{
    x64_args a = *e->a;
    enc same = *e;

    a.rm = a.reg;
    same.a = &a;
    vsse(&same, e->row->opcode, a.reg, false, 0);
}

static void enc_SSEB(const enc *e)
{
    sse(e, e->row->opcode, false, 1);
    mput1(e->c, (uint8_t)e->a->imm);
}

static void enc_VSSEB(const enc *e)
{
    vsse(e, e->row->opcode, e->a->v, false, 1);
    mput1(e->c, (uint8_t)e->a->imm);
}

static void enc_SSEM(const enc *e) { sse(e, e->row->opcode, false, 0); }
static void enc_SSEI(const enc *e) { sse(e, e->row->opcode, e->a->size2 == 8, 0); }
static void enc_VSSEM(const enc *e) { vsse(e, e->row->opcode, e->a->v, false, 0); }
static void enc_VSSEI(const enc *e) { vsse(e, e->row->opcode, e->a->v, e->a->size2 == 8, 0); }

static void enc_SSER(const enc *e)
{
    sse(e, e->row->opcode + (e->a->size == 8 ? 1u : 0u), false, 1);
    mput1(e->c, (uint8_t)e->a->imm);
}

static void enc_VSSER(const enc *e)
{
    vsse(e, e->row->opcode + (e->a->size == 8 ? 1u : 0u), e->a->v, false, 1);
    mput1(e->c, (uint8_t)e->a->imm);
}

/* ---- Entry ---- */

static void (*const formats[X64_FORMAT_COUNT])(const enc *e) = {
#define FORMAT(name) enc_##name,
#include "backends/x86_64/x64_formats.def"
};

void jit_x64_encode(mcursor *c, unsigned op, const x64_args *a)
{
    enc e = { c, x64_row(op), a };

    if (!(e.row->sizes & a->size) || (e.row->sizes2 && !(e.row->sizes2 & a->size2)))
        refuse(&e, "no such size");
    formats[e.row->format](&e);
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
