/* x64_regs.h - the registers of x86-64 by their hardware numbers, and their names. */
#ifndef JIT_X64_REGS_H
#define JIT_X64_REGS_H

#include "regalloc/regalloc.h"

enum { /* physical registers: RA_INT of the hardware number */
    X64_RAX, X64_RCX, X64_RDX, X64_RBX, X64_RSP, X64_RBP, X64_RSI, X64_RDI,
    X64_R8, X64_R9, X64_R10, X64_R11, X64_R12, X64_R13, X64_R14, X64_R15
};
#define X64_XMM(n) RA_FLOAT(n)
#define X64_SCRATCH X64_XMM(15) /* the allocator's, never assigned */

enum { /* what stands in place of a base or index register; the low bits are those of the
        * encoding */
    X64_NO_REG = 0x44,
    X64_RIP = 0x45
};

static inline bool x64_is_xmm(ra_loc l) { return l >= 32 && l < 48; }
static inline bool x64_is_int(ra_loc l) { return l < 16; }
/* The number that goes into an encoding, 0 to 15. */
static inline uint8_t x64_hw(ra_loc l) { return (uint8_t)(l & 15); }
/* "al", "ax", "eax", "rax", "xmm0" (size is ignored for xmm). */
const char *jit_x64_reg_name(ra_loc reg, unsigned size);

#endif
