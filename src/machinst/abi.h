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
                      * ABI_STRUCT (sarg): area of `bytes` bytes at offset; the value is its
                      * address */
    uint32_t bytes;
} abi_loc;

typedef struct abi_sig {
    abi_loc *args;         /* one for each parameter */
    abi_loc *rets;         /* one for each result */
    uint32_t nargs, nrets;
    uint32_t arg_bytes;    /* stack argument area, a multiple of 16 */
    uint32_t ret_bytes;    /* hidden return area, a multiple of 16; 0: none */
    abi_loc ret_pointer;   /* where its address is passed, when ret_bytes > 0 (an extra last
                            * argument) */
    uint32_t callee_pops;  /* bytes that the callee removes: arg_bytes or 0 */
    uint8_t sret_reg;      /* register that returns the sret parameter's value; 0xff: none */
    regset clobbers;       /* registers that a call destroys, results included */
    regset callee_saved;   /* registers that a function of this convention preserves */
} abi_sig;

/* Registers that values of the two classes take, in order; floats from RA_FLOAT(0) on. */
typedef struct abi_regs { const uint8_t *ints; uint8_t nints, nfloats; } abi_regs;
#define ABI_NO_REG 0xff
/* A machine's conventions. fast is the same as system_v. tail: arguments as in system_v, the callee
 * removes those on the stack, more results travel in registers and less is preserved. */
typedef struct abi_rules {
    const char *machine;    /* for messages */
    abi_regs args, rets, tail_rets;
    bool has_apple;         /* apple_aarch64: as system_v, but arguments on the stack are packed */
    uint8_t sret_arg;       /* takes the first sret parameter; ABI_NO_REG: it is an ordinary one */
    uint8_t sret_ret;       /* returns its value when there are no results; ABI_NO_REG: none does */
    regset all;             /* that code may change */
    regset saved, tail_saved; /* preserved by a call */
    regset assignable;      /* an allocator may use */
    regset frame_pointer, pinned; /* of these, not with a frame pointer, not with a pinned
                                   * register */
    uint8_t scratch, int_scratch; /* as in ra_env */
} abi_rules;
/* Fills all of *a (arrays from tmp). Fails with UNSUPPORTED for what the conventions lack. */
void jit_abi_assign(const abi_rules *rules, const ir_sig *sig, abi_sig *a, arena *tmp,
                    fail_ctx *fail);
/* Registers an allocator may use in a function of this convention, fast: O0's choice. */
void jit_abi_env(const abi_rules *rules, ra_env *env, const abi_sig *abi, bool fp, bool fast,
                 bool pinned);

/* The frame, from high to low addresses:
 *   incoming arguments | return address | saved frame pointer | saved registers |
 *   stack slots | spill slots (growing down) | outgoing arguments and return areas  <- sp
 * R is the address where the frame pointer is, or would be, saved; incoming arguments are at R +
 * 16. On entry sp is R + entry_above (x86-64: 8, the return address has been pushed; AArch64: 16).
 * Without a frame pointer nothing is kept at R, so saved registers begin there. After the prologue
 * sp is `total` bytes below what it was on entry, a multiple of 16. */
typedef struct frame {
    bool fp;             /* a frame pointer is set up */
    bool fp_based;       /* slots are addressed from it: spills and what is below may still grow
                          * (O0) */
    bool leaf;           /* makes no call */
    uint8_t entry_above;
    regset saved;        /* callee-saved registers to be saved, lowest register first in memory
                          * order */
    uint32_t nsaved;     /* number of them */
    uint32_t slot_bytes; /* stack slots */
    uint32_t spill_bytes;
    uint32_t out_bytes;  /* largest outgoing argument area plus hidden return area of a call */
    uint32_t size;       /* from R down to sp; known last */
    uint32_t total;      /* from sp on entry down to sp after the prologue; 0: no frame at all */
    uint32_t *slot_offset; /* by stack slot: offset within the slot area, from its low end */
    uint32_t callee_pops;
    /* From the register that addresses the frame: incoming arguments, the slot area's low end, the
     * place above spill slot 0; set by jit_frame_settle(). */
    int32_t in_at, slots_at, spills_at;
} frame;

/* Lays out stack slots (slot_offset, slot_bytes). Fails with LIMIT above 2^31 - 1 bytes. */
void jit_frame_slots(frame *fr, const jit_func *f, arena *tmp);
/* Computes where things are, once saved registers and slots are known and, unless the frame is
 * addressed from the frame pointer, total. */
void jit_frame_settle(frame *fr);
/* Settles a frame whose spills, saved registers and outgoing areas are known. Fails LIMIT. */
void jit_frame_finish(frame *fr, fail_ctx *fail);
/* Offset of the spill slot of a value of `width` bytes whose first unit is `unit`: unit k + 1 is
 * below unit k. */
static inline int32_t frame_spill_at(const frame *fr, uint32_t unit, unsigned width)
{
    return (int32_t)(fr->spills_at - 8 * ((int64_t)unit + (width == 16) + 1));
}
/* Offset of MEM_SLOT ref + disp, MEM_IN, MEM_OUT (this one from sp in any case). */
int32_t jit_frame_offset(const frame *fr, unsigned kind, uint32_t ref, int32_t disp);

#endif
