/* a64_regs.h - the registers of AArch64 by their hardware numbers, and their names. */
#ifndef JIT_A64_REGS_H
#define JIT_A64_REGS_H

#include "regalloc/regalloc.h"

enum { /* physical registers: RA_INT of the hardware number */
    A64_X0, A64_X1, A64_X2, A64_X3, A64_X4, A64_X5, A64_X6, A64_X7,
    A64_X8, A64_X9, A64_X10, A64_X11, A64_X12, A64_X13, A64_X14, A64_X15,
    A64_X16, A64_X17, /* scratch, never assigned: emission's; its, and between instructions of moves */
    A64_X18,          /* the platform's, never touched */
    A64_X19, A64_X20, A64_X21, A64_X22, A64_X23, A64_X24, A64_X25, A64_X26,
    A64_X27, A64_X28,
    A64_FP,           /* x29 */
    A64_LR,           /* x30, never assigned */
    A64_R31           /* in an encoding: sp or zr, as the instruction has it */
};
#define A64_V(n) RA_FLOAT(n)
/* The allocator's, never assigned. Moves and what they may repeat leave x17 alone. */
#define A64_SCRATCH A64_V(31)
#define A64_INT_SCRATCH A64_X17

static inline bool a64_is_float(ra_loc l) { return l >= 32 && l < 64; }
static inline bool a64_is_int(ra_loc l) { return l < 31; }
/* The number that goes into an encoding, 0 to 31. */
static inline uint8_t a64_hw(ra_loc l) { return (uint8_t)(l & 31); }

#endif
