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

#define X64_MAX_BYTES 24 /* what the longest instruction needs, with room to write 8 bytes at once */
/* Puts the instruction; fails the compile (INTERNAL) on what its row does not have. */
void jit_x64_encode(mbuf *b, unsigned op, const x64_args *a);
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
