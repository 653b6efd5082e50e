/* a64_lower.h - what the files of AArch64 lowering share: second operands, addresses,
 * conditions. */
#ifndef JIT_A64_LOWER_H
#define JIT_A64_LOWER_H

#include "backends/aarch64/a64.h"
#include "machinst/rules.h"

static inline unsigned log2_bytes(unsigned bytes) { return (unsigned)__builtin_ctz(bytes); }
/* k as the immediate of a logical row, in the low `bytes` only: what stands above does not
 * matter. */
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

/* v, of the operation's type t, as a shift or extension of something, used here alone. Emits
 * nothing. */
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
/* The plain load that v is, used here alone and not of swapped bytes. */
const ir_inst *jit_a64_plain_load(const lower *l, uint32_t v);
/* The register of v is known to be zero above v's own bytes. */
bool jit_a64_is_zero_above(const lower *l, uint32_t v);
/* v extended from its own type to at least 32 bits: zero or sign; to all 64 with zeroes. */
vr jit_a64_zero_extended(lower *l, uint32_t v);
vr jit_a64_sign_extended(lower *l, uint32_t v);
vr jit_a64_zero_extended8(lower *l, uint32_t v);
void jit_a64_lower_load(lower *l, const ir_inst *i);
void jit_a64_lower_store(lower *l, const ir_inst *i);
void jit_a64_lower_extend(lower *l, const ir_inst *i);

/* ---- a64_lower_compare.c ---- */
/* An and whose flags the machine sets: with a constant, or with a register. */
typedef struct a64_mask {
    const ir_inst *and, *shift; /* shift: by a constant, of which imm makes up for; NULL: none */
    uint32_t x;
    uint64_t imm;
    bool constant;
    uint8_t size;               /* of the test */
} a64_mask;
/* The and that v is, used here alone. Emits nothing. */
bool jit_a64_masked(const lower *l, uint32_t v, a64_mask *m);
void jit_a64_sink_mask(lower *l, const a64_mask *m);
/* The flags Z and, from 32 bits on, N of v. fold: of what v is made of, which is used here
 * alone. */
void jit_a64_test_value(lower *l, uint32_t v, bool fold);
/* Compares, and returns the condition under which it holds: A64_UEQ and A64_ONE, too. */
unsigned jit_a64_flags_of(lower *l, const ir_inst *d, bool alone, bool inverted);
extern const uint8_t jit_a64_int_cc[]; /* by jit_intcc */
/* v is several compares joined by and and or: sets the flags for all of them; *cc: they hold. */
bool jit_a64_joined(lower *l, uint32_t v, unsigned *cc);
/* i, band or bor, likewise as a value. */
bool jit_a64_lower_joined(lower *l, const ir_inst *i);
/* Emits what sets the flags for "v is not zero" and returns the condition under which it holds,
 * which may be A64_UEQ or A64_ONE. */
unsigned jit_a64_condition(lower *l, uint32_t v);
/* d = cc ? 1 : 0 */
void jit_a64_truth_value(lower *l, vr d, unsigned cc);
void jit_a64_lower_icmp(lower *l, const ir_inst *i);
void jit_a64_lower_fcmp(lower *l, const ir_inst *i);

/* ---- a64_lower_control.c ---- */
void jit_a64_lower_select(lower *l, const ir_inst *i);
void jit_a64_lower_control(lower *l, const ir_inst *i); /* brif, br_table, traps */

/* ---- a64_lower_bits.c, _float.c, _convert.c ---- */
/* The bnot that v is, used here alone. */
const ir_inst *jit_a64_inverse(const lower *l, uint32_t v);
/* i, an extension of what a shift by a constant took down, as the move of a field. */
bool jit_a64_extended_field(lower *l, const ir_inst *i);
void jit_a64_lower_bits(lower *l, const ir_inst *i);
void jit_a64_lower_float(lower *l, const ir_inst *i);
void jit_a64_lower_convert(lower *l, const ir_inst *i);

#endif
