/* rules.h - what the rules of all machines are written with: short names, and matches that no
 * machine has for itself. Included by the lowering files of backends. */
#ifndef JIT_RULES_H
#define JIT_RULES_H

#include "machinst/target.h"

/* Short names, as rules read them. */
static inline uint32_t arg(const lower *l, const ir_inst *i, uint32_t k)
{
    return inst_args(l->f, i).at[k];
}
static inline vr in(lower *l, uint32_t v) { return jit_lower_in(l, v); }
static inline vr out(lower *l, const ir_inst *i) { return jit_lower_out(l, i, 0); }
static inline vr temp(lower *l) { return jit_lower_temp(l, RC_INT, 8); }
static inline vr ftemp(lower *l) { return jit_lower_temp(l, RC_FLOAT, 8); }
static inline unsigned bytes_of(const lower *l, uint32_t v)
{
    return jit_type_bytes(lower_type(l, v));
}
/* Operation size for integers of type t: arithmetic on narrow ones is done in 32 bits. */
static inline unsigned op_size(jit_type t) { return jit_type_bytes(t) > 4 ? 8 : 4; }

/* ---- Memory ---- */

/* Bytes that a load or store accesses. */
unsigned jit_rule_access_bytes(const ir_inst *i);
/* Bytes that may be non-zero in the register of a load that extends with zeroes to all 8; 16: no
 * promise. */
unsigned jit_rule_load_nonzero(const jit_func *f, const ir_inst *i);
/* The code of a fault of an access with these flags; 0: it cannot fault. */
unsigned jit_rule_trap_of(const lower *l, uint16_t mem);
/* The access is of more than one byte, in the other order than the machine's. */
static inline bool is_big(const lower *l, uint16_t mem, unsigned bytes)
{
    return bytes > 1 && l->f->mems.at[mem].bits & JIT_MEM_BIG;
}
/* v is computed elsewhere, or by something that is no part of an address: then it is a base. */
static inline bool is_base(const lower *l, uint32_t v)
{
    const ir_inst *d = lower_def_here(l, v);

    return !lower_is_made(l, v) && (!d || d->op != JIT_OP_iadd || d->type != JIT_I64);
}
/* x + k with k added to *offset, when that still fits; x is returned. An addition with several uses
 * is computed again here; then what x is made of may be needed elsewhere, too: *alone is false. */
uint32_t jit_rule_peel_constants(const lower *l, uint32_t v, int32_t *offset, bool *alone);
/* v is the address of a stack slot: *offset then counts from the slot's start. */
bool jit_rule_slot_of(const lower *l, uint32_t v, int32_t *offset, uint32_t *slot);

/* ---- Control ---- */

/* x of icmp eq/ne (x, 0), a compare through which truth is only passed on or inverted; NULL:
 * none. */
const ir_inst *jit_rule_inner_truth(const lower *l, const ir_inst *d, bool alone, bool *inverted);
/* The compare that v's truth is that of, *inverted or not; NULL: there is none. Those used here
 * alone are folded. */
const ir_inst *jit_rule_truth_of(lower *l, uint32_t v, bool *alone, bool *inverted);
/* Ends the block: to then_block on cc, else to the other (mblock indices: l->target_block[k]). */
minst *jit_rule_branch(lower *l, unsigned cc, uint32_t then_block, uint32_t else_block);
/* br_table all of whose entries lead to one block is a jump. */
bool jit_rule_one_way(lower *l, const ir_inst *i);

#endif
