/* x64_enc.h - the encoder: one instruction's row, registers, memory operand and immediate to
 * bytes. */
#ifndef JIT_X64_ENC_H
#define JIT_X64_ENC_H

#include "backends/x86_64/x64.h"

enum { /* x64_info.format: one encoder function each */
#define FORMAT(name) X64_FORMAT_##name,
#include "backends/x86_64/x64_formats.def"
    X64_FORMAT_COUNT
};
enum { X64_PP_NP, X64_PP_P66, X64_PP_PF3, X64_PP_PF2, X64_PP_PS, X64_PP_PP, X64_PP_PS2 };

enum { X64_MEM_REG, X64_MEM_LABEL, X64_MEM_RELOC }; /* what a displacement counts from */
/* A memory operand with its registers known. */
typedef struct x64_mem {
    uint8_t base;     /* hardware number, X64_NO_REG, X64_RIP */
    uint8_t index;    /* hardware number but rsp's, X64_NO_REG */
    uint8_t shift;    /* 0 to 3 */
    uint8_t kind;     /* X64_MEM_*; others than _REG with X64_RIP only */
    uint8_t reloc;    /* X64_RELOC_* */
    int32_t disp;
    uint32_t symbol;  /* index */
    mlabel label;
} x64_mem;

/* What the places of an encoding hold. Registers are hardware numbers; which file they are in is
 * the row's affair. */
typedef struct x64_args {
    uint8_t size, size2, cc;
    union {
        struct { uint8_t none, reg, rm, v; };
        uint8_t place[4]; /* by X64_AT_* */
    };
    bool is_mem;         /* mem, not rm */
    x64_mem mem;
    int64_t imm;
    uint32_t symbol;     /* call_sym, mov_sym */
    uint8_t reloc;
} x64_args;

/* VEX formats that take the upper bytes of their result from vvvv. */
static inline bool x64_merges(unsigned format)
{
    return format == X64_FORMAT_VSSEM || format == X64_FORMAT_VSSEI || format == X64_FORMAT_VSSER;
}

#define X64_MAX_BYTES 24 /* what the longest instruction needs, with room to write 8 bytes at
                          * once */
/* Puts the instruction; fails the compile (INTERNAL) on what its row does not have. */
void jit_x64_encode(mbuf *b, unsigned op, const x64_args *a);

/* ---- The short way of what is put most ---- */

/* modrm, sib and displacement of [base + (index << shift) + disp]. */
static inline uint8_t *x64_put_address(uint8_t *p, unsigned field, unsigned base, unsigned index,
                                       unsigned shift, int32_t disp)
{
    static const uint8_t disp_bytes[] = { 0, 1, 4 }; /* by mod */

    base &= 7;
    /* rbp and r13 need a displacement. */
    unsigned mod = disp == 0 && base != X64_RBP ? 0 : disp == (int8_t)disp ? 1 : 2;
    bool sib = index != X64_NO_REG || base == X64_RSP;
    p[0] = (uint8_t)(mod << 6 | field | (sib ? 4 : base));
    p[1] = (uint8_t)(shift << 6 | (index & 7u) << 3 | base);
    p += 1 + sib;
    put_le32(p, (uint32_t)disp);
    return p + disp_bytes[mod];
}

/* Rows mov and mov_m (opcode) of a frame location, sizes 4 and 8: from rbp, or from rsp. */
static inline void x64_put_frame_mov(mbuf *b, unsigned opcode, unsigned size, unsigned reg,
                                     bool from_rbp, int32_t disp)
{
    mcursor c = jit_mbuf_open(b, X64_MAX_BYTES);
    unsigned rex = (size & 8) | reg >> 3 << 2, mod = disp == (int8_t)disp ? 1 : 2;
    uint8_t *p = c.at;

    mod = disp == 0 && !from_rbp ? 0 : mod;
    *p = (uint8_t)(0x40 | rex);
    p += rex != 0;
    p[0] = (uint8_t)opcode;
    p[1] = (uint8_t)(mod << 6 | (reg & 7) << 3 | (from_rbp ? 5u : 4u));
    p[2] = 0x24; /* no index, rsp */
    p += from_rbp ? 2 : 3;
    put_le32(p, (uint32_t)disp);
    c.at = p + (mod == 0 ? 0 : mod == 1 ? 1 : 4);
    mcursor_close(&c);
}

/* Rows vmovs and vmovs_m (opcode) of a frame location. */
static inline void x64_put_frame_vmovs(mbuf *b, unsigned opcode, unsigned size, unsigned reg,
                                       bool from_rbp, int32_t disp)
{
    mcursor c = jit_mbuf_open(b, X64_MAX_BYTES);

    c.at[0] = 0xc5;
    c.at[1] = (uint8_t)((reg >> 3 ? 0u : 0x80u) | 0x78u | (size == 8 ? 3u : 2u));
    c.at[2] = (uint8_t)opcode;
    c.at = x64_put_address(c.at + 3, (reg & 7) << 3, from_rbp ? X64_RBP : X64_RSP, X64_NO_REG, 0,
                           disp);
    mcursor_close(&c);
}

/* Row mov_i. */
static inline void x64_put_mov_i(mbuf *b, unsigned size, unsigned reg, uint64_t imm)
{
    mcursor c = jit_mbuf_open(b, X64_MAX_BYTES);
    uint8_t *p = c.at;
    unsigned high = reg >> 3;

    if (size == 4)
        imm = (uint32_t)imm;
    *p = (uint8_t)(0x40 | high);
    if (imm <= UINT32_MAX) {
        p += high;
        *p = (uint8_t)(0xb8 | (reg & 7));
        put_le32(p + 1, (uint32_t)imm);
        c.at = p + 5;
    } else if ((int64_t)imm == (int32_t)imm) {
        p[0] |= 8;
        p[1] = 0xc7;
        p[2] = (uint8_t)(0xc0 | (reg & 7));
        put_le32(p + 3, (uint32_t)imm);
        c.at = p + 7;
    } else {
        p[0] |= 8;
        p[1] = (uint8_t)(0xb8 | (reg & 7));
        put_le64(p + 2, imm);
        c.at = p + 10;
    }
    mcursor_close(&c);
}

/* Register `reg` and a register or address, as the rows of formats MODRM and MOVX have them (of
 * plain shapes, without a mandatory prefix): the same bytes as jit_x64_encode() makes. */
typedef struct x64_plain {
    uint8_t size;      /* of the operation */
    uint8_t byte_rm;   /* the rm operand is a byte */
    uint8_t lead;      /* 0x0f, or 0 for none */
    uint8_t opcode;
    uint8_t reg;
    bool is_mem;
    uint8_t base;      /* is_mem: never rip; else the register */
    uint8_t index, shift;
    int32_t disp;
} x64_plain;
static inline void x64_put_plain(mbuf *b, x64_plain a)
{
    mcursor c = jit_mbuf_open(b, X64_MAX_BYTES);
    uint8_t *p = c.at;
    unsigned rex = (a.size & 8u) | (a.reg >> 3 & 1u) << 2 | (a.index >> 2 & 2u)
                   | (a.base >> 3 & 1u);
    bool low = (a.size == 1 && (a.reg & 0x1c) == 4)
               || (a.byte_rm && !a.is_mem && (a.base & 0x1c) == 4); /* spl to dil */

    *p = 0x66;
    p += a.size == 2;
    *p = (uint8_t)(0x40 | rex);
    p += rex || low;
    *p = a.lead;
    p += a.lead != 0;
    *p++ = a.opcode;
    if (a.is_mem) {
        c.at = x64_put_address(p, (a.reg & 7u) << 3, a.base, a.index, a.shift, a.disp);
    } else {
        *p = (uint8_t)(0xc0 | (a.reg & 7) << 3 | (a.base & 7));
        c.at = p + 1;
    }
    mcursor_close(&c);
}

/* Several bytes of nothing: n of them. */
void jit_x64_put_nops(mcursor *c, uint32_t n);

/* Fixup kinds, indices into the target's table. */
enum { X64_FIX_REL32, X64_FIX_TABLE32 };
/* Shrink forms, index + 1. */
enum { X64_SHRINK_JMP = 1, X64_SHRINK_JCC };
/* Relocations. */
enum {
    X64_RELOC_PCREL32,  /* from the field to the function of the batch, else its thunk: calls */
    X64_RELOC_STABLE32, /* from the field to the symbol's stable address, its thunk: func_addr */
    X64_RELOC_SLOT32,   /* from the field to the cell that holds the symbol's address */
    X64_RELOC_ABS64,    /* the stable address itself */
    X64_RELOC_COUNT
};

#endif
