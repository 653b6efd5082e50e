/* abi.h - where a signature's values travel, and the frame of a function. */
#ifndef JIT_ABI_H
#define JIT_ABI_H

#include "ir/func.h"
#include "regalloc/regalloc.h"

enum { ABI_REG, ABI_STACK, ABI_STRUCT };
typedef struct abi_loc {
    uint8_t kind;
    uint8_t reg;     /* ABI_REG: physical register */
    jit_type type;
    uint8_t ext;     /* 0, 1: zero-extended, 2: sign-extended to 8 bytes by the producer */
    uint32_t offset; /* ABI_STACK: args: in the argument area; results: in the hidden return area.
                      * ABI_STRUCT (sarg): area of `bytes` bytes at offset; the value is its address */
    uint32_t bytes;
} abi_loc;

typedef struct abi_sig {
    abi_loc *args;         /* one for each parameter */
    abi_loc *rets;         /* one for each result */
    uint32_t nargs, nrets;
    uint32_t arg_bytes;    /* stack argument area, a multiple of 16 */
    uint32_t ret_bytes;    /* hidden return area, a multiple of 16; 0: none */
    abi_loc ret_pointer;   /* where its address is passed, when ret_bytes > 0 (an extra last argument) */
    uint32_t callee_pops;  /* bytes that the callee removes: arg_bytes or 0 */
    uint8_t sret_reg;      /* register that returns the sret parameter's value; 0xff: none */
    uint8_t nvector_args;  /* x86-64: float registers used, for al of variadic callees (unused) */
    regset clobbers;       /* registers that a call destroys, results included */
    regset callee_saved;   /* registers that a function of this convention preserves */
} abi_sig;

/* The frame, from high to low addresses:
 *   incoming arguments | return address (x86) or saved lr (a64) | saved frame pointer | saved registers |
 *   stack slots | spill slots | hidden return areas | outgoing arguments  <- stack pointer
 * Offsets are from the stack pointer after the prologue, or, when fp_based, from the frame pointer
 * (then spill slots and everything below may still grow: O0). */
typedef struct frame {
    bool fp;             /* a frame pointer is set up */
    bool fp_based;       /* slots are addressed from it */
    bool leaf;           /* makes no call */
    regset saved;        /* callee-saved registers to be saved */
    uint32_t slot_bytes; /* stack slots */
    uint32_t spill_bytes;
    uint32_t ret_bytes;  /* largest hidden return area of a call made here */
    uint32_t out_bytes;  /* largest outgoing argument area */
    uint32_t saved_bytes;/* area of saved registers, as the target lays it out */
    uint32_t size;       /* what the prologue subtracts after saving return address and fp; known last */
    uint32_t slot_align; /* largest alignment of a stack slot */
    uint32_t *slot_offset; /* by stack slot: offset within the slot area, from its low end */
    uint32_t in_offset;  /* incoming arguments, from the frame pointer (16 on both machines) */
    uint32_t callee_pops;
} frame;

/* Lays out stack slots (slot_offset, slot_bytes). Fails with LIMIT above 2^31 - 1 bytes. */
void jit_frame_slots(frame *fr, const jit_func *f, arena *tmp);
/* Computes size once spills, saved registers and outgoing areas are known: 16-byte aligned. Fails LIMIT. */
void jit_frame_finish(frame *fr, fail_ctx *fail);
/* Offset of a frame location from sp (*from_fp false) or fp (true). kind: MEM_SLOT ref + disp, MEM_IN,
 * MEM_OUT, MEM_RET, or FRAME_SPILL with ref the 8-byte unit. */
enum { FRAME_SPILL = 100 };
int32_t jit_frame_offset(const frame *fr, unsigned kind, uint32_t ref, int32_t disp, bool *from_fp);

#endif
