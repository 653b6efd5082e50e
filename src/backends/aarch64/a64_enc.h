/* a64_enc.h - the encoder: one instruction's row, registers and immediate to its word. */
#ifndef JIT_A64_ENC_H
#define JIT_A64_ENC_H

#include "backends/aarch64/a64.h"

enum { /* a64_info.format: one encoder function each */
#define FORMAT(name) A64_FORMAT_##name,
#include "backends/aarch64/a64_formats.def"
    A64_FORMAT_COUNT
};

enum { /* a64_args.mode: the address of a load or store */
    A64_AT_SCALED,   /* [n, #imm], a multiple of the bytes accessed */
    A64_AT_UNSCALED, /* [n, #imm], -256 to 255 */
    A64_AT_PRE,      /* [n, #imm]! */
    A64_AT_POST,     /* [n], #imm */
    A64_AT_INDEX     /* [n, m, ext #shift]: cc the extension, shift 0 or log2 of the bytes */
};

/* What the places of an encoding hold. Registers are hardware numbers, 31 zr or sp; which file they
 * are in is the row's affair. */
typedef struct a64_args {
    uint8_t size, size2, cc, shift, mode;
    union {
        struct { uint8_t none, d, n, m, a; };
        uint8_t place[5]; /* by A64_AT_* */
    };
    int64_t imm;     /* branches: distance in bytes */
    const char *to;  /* what a branch leads to, a symbol: for the listing; NULL: imm is shown */
} a64_args;

/* How mov_i makes a constant: at most four instructions, each of them on the result of the ones
 * before. */
typedef struct a64_step {
    uint16_t op;    /* A64_movz, movn, movk, orr_i (of zero) */
    uint8_t shift;  /* 0, 16, 32, 48 */
    uint64_t imm;
} a64_step;
unsigned jit_a64_imm_steps(uint64_t bits, unsigned size, a64_step *steps);

/* The word. Fails the compile (INTERNAL) on what its row does not have. */
uint32_t jit_a64_encode(fail_ctx *fail, unsigned op, const a64_args *a);

#endif
