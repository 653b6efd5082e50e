/* a64_lower.h - what the files of AArch64 lowering share: second operands, addresses, conditions. */
#ifndef JIT_A64_LOWER_H
#define JIT_A64_LOWER_H

#include "backends/aarch64/a64.h"
#include "machinst/rules.h"

static inline unsigned log2_bytes(unsigned bytes) { return (unsigned)__builtin_ctz(bytes); }
/* k as the immediate of a logical row, in the low `bytes` only: what stands above does not matter. */
bool jit_a64_mask_imm(int64_t k, unsigned bytes, uint64_t *imm);

/* ---- a64_lower_int.c: second operands ---- */

/* What the machine does to a second operand on the way. */
enum { A64_PLAIN, A64_SHIFTED, A64_EXTENDED };
enum { A64_MAY_SHIFT = 1, A64_MAY_ROTATE = 2, A64_MAY_EXTEND = 4 };
typedef struct a64_fold {
    uint32_t v;                   /* the value that is read */
    uint8_t form, how, amount;
    const ir_inst *outer, *inner; /* instructions that are computed on the way; NULL: none */
} a64_fold;
typedef struct a64_operand { vr r; uint8_t form, how, amount; } a64_operand;

/* v, of the operation's type t, as a shift or extension of something, used here alone. Emits nothing. */
bool jit_a64_folds(const lower *l, uint32_t v, jit_type t, unsigned may, a64_fold *f);
a64_operand jit_a64_take(lower *l, const a64_fold *f);
/* Folded where it may be, else v itself. */
a64_operand jit_a64_operand_of(lower *l, uint32_t v, jit_type t, unsigned may);
/* d = n op m; add, sub, adds, subs and the logical rows. */
minst *jit_a64_op(lower *l, unsigned op, unsigned size, vr d, vr n, a64_operand m);

void jit_a64_lower_int(lower *l, const ir_inst *i);
void jit_a64_lower_overflow(lower *l, const ir_inst *i);

/* ---- a64_lower_mem.c ---- */
/* The memory operand of an access of `size` bytes to address + offset. */
a64_addr jit_a64_address_of(lower *l, uint32_t address, int32_t offset, unsigned size, unsigned trap);
/* The register of v is known to be zero above v's own bytes. */
bool jit_a64_is_zero_above(const lower *l, uint32_t v);
/* v extended from its own type to at least 32 bits: zero or sign; to all 64 with zeroes. */
vr jit_a64_zero_extended(lower *l, uint32_t v);
vr jit_a64_sign_extended(lower *l, uint32_t v);
vr jit_a64_zero_extended8(lower *l, uint32_t v);
void jit_a64_lower_load(lower *l, const ir_inst *i);
void jit_a64_lower_store(lower *l, const ir_inst *i);
void jit_a64_lower_extend(lower *l, const ir_inst *i);

/* ---- a64_lower_control.c ---- */
/* Emits what sets the flags for "v is not zero" and returns the condition under which it holds, which may
 * be A64_UEQ or A64_ONE. */
unsigned jit_a64_condition(lower *l, uint32_t v);
void jit_a64_lower_icmp(lower *l, const ir_inst *i);
void jit_a64_lower_fcmp(lower *l, const ir_inst *i);
void jit_a64_lower_select(lower *l, const ir_inst *i);
void jit_a64_lower_control(lower *l, const ir_inst *i); /* brif, br_table, traps */

/* ---- a64_lower_bits.c, _float.c, _convert.c ---- */
void jit_a64_lower_bits(lower *l, const ir_inst *i);
void jit_a64_lower_float(lower *l, const ir_inst *i);
void jit_a64_lower_convert(lower *l, const ir_inst *i);

#endif
