/* text_names.h - words of the text for conditions, conventions, atomic operations. */
#ifndef JIT_IR_TEXT_NAMES_H
#define JIT_IR_TEXT_NAMES_H

#include "gantry/jit_ir.h"

enum { RMW_ADD, RMW_SUB, RMW_AND, RMW_NAND, RMW_OR, RMW_XOR, RMW_XCHG, RMW_UMIN, RMW_UMAX, RMW_SMIN,
       RMW_SMAX, RMW_COUNT };
/* aux of an ATOMIC_RMW. */
#define RMW_AUX(mem, op) ((uint16_t)((mem) | (op) << 12))
#define RMW_MEM(aux) ((aux) & 0xfffu)
#define RMW_OP(aux) ((unsigned)(aux) >> 12)

const char *jit_intcc_name(unsigned cc);
const char *jit_floatcc_name(unsigned cc);
const char *jit_rmw_name(unsigned op);
const char *jit_conv_name(unsigned conv); /* "" for JIT_CONV_DEFAULT */

/* The index of a word of n bytes in such a list; -1: it is none of them. */
int jit_intcc_parse(const char *s, size_t n);
int jit_floatcc_parse(const char *s, size_t n);
int jit_rmw_parse(const char *s, size_t n);
int jit_conv_parse(const char *s, size_t n);
/* The trap code of that name; 0: none. */
unsigned jit_trap_parse(const char *s, size_t n);

#endif
