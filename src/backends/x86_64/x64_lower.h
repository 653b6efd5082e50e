/* x64_lower.h - what the files of x86-64 lowering share: rm operands, addresses, conditions. */
#ifndef JIT_X64_LOWER_H
#define JIT_X64_LOWER_H

#include "backends/x86_64/x64.h"
#include "machinst/rules.h"

static inline bool fits32(int64_t k) { return k == (int32_t)k; }
static inline bool has(const lower *l, uint64_t feature) { return (l->features & feature) != 0; }

/* v is a constant that fits a sign-extended 32-bit immediate. */
static inline bool is_imm32(const lower *l, uint32_t v, int64_t *k)
{
    return jit_lower_const(l, v, k) && fits32(*k);
}

/* ---- x64_lower_mem.c ---- */
/* The memory operand of an access to address + offset. */
x64_rm jit_x64_address_of(lower *l, uint32_t address, int32_t offset, unsigned trap);
/* v as an rm operand read at `size` bytes: a load of exactly that size is folded when fold is
 * set. */
x64_rm jit_x64_rm_of(lower *l, uint32_t v, unsigned size, bool fold);
/* x, and not y, would be folded as such a load: then the operands of what commutes change
 * places. */
bool jit_x64_folds_left(lower *l, uint32_t x, uint32_t y, unsigned size);
/* The same for floats; a constant comes from the pool. */
x64_rm jit_x64_frm_of(lower *l, uint32_t v, unsigned size);
/* v extended from its own type to at least 32 bits: zero or sign. */
vr jit_x64_zero_extended(lower *l, uint32_t v);
vr jit_x64_sign_extended(lower *l, uint32_t v);
void jit_x64_lower_load(lower *l, const ir_inst *i);
void jit_x64_lower_store(lower *l, const ir_inst *i);
void jit_x64_lower_extend(lower *l, const ir_inst *i);

/* ---- x64_lower_control.c ---- */
/* Emits what sets the flags for "v is not zero" and returns the condition under which it holds. */
unsigned jit_x64_condition(lower *l, uint32_t v);
void jit_x64_lower_icmp(lower *l, const ir_inst *i);
void jit_x64_lower_fcmp(lower *l, const ir_inst *i);
void jit_x64_lower_select(lower *l, const ir_inst *i);
void jit_x64_lower_control(lower *l, const ir_inst *i); /* brif, br_table, traps */

/* ---- x64_lower_int.c, _bits.c, _float.c ---- */
void jit_x64_lower_int(lower *l, const ir_inst *i);
void jit_x64_lower_overflow(lower *l, const ir_inst *i);
void jit_x64_lower_bits(lower *l, const ir_inst *i);
void jit_x64_lower_float(lower *l, const ir_inst *i);
void jit_x64_lower_convert(lower *l, const ir_inst *i);
/* d = rm, 16 bytes of the pool repeated from `bits` of size bytes. */
x64_rm jit_x64_mask16(lower *l, unsigned size, uint64_t bits);

#endif
