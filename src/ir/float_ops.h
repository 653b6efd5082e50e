/* float_ops.h - arithmetic on the bits of f16, f32 and f64: what the IR's float instructions mean.
 *
 * Every function takes the type of its operands, bits masked to it, and is pure: it depends on no
 * rounding mode, no flag and no instruction of the host beyond + - * / of f32 and f64. A NaN that
 * arithmetic makes is the first NaN operand made quiet, or jit_float_nan() when there was none. */
#ifndef JIT_IR_FLOAT_OPS_H
#define JIT_IR_FLOAT_OPS_H

#include "gantry/jit_ir.h"

__extension__ typedef unsigned __int128 u128;

uint64_t jit_float_nan(jit_type t); /* the canonical NaN: positive, quiet, no payload */
bool jit_float_is_nan(jit_type t, uint64_t x);

uint64_t jit_float_add(jit_type t, uint64_t x, uint64_t y);
uint64_t jit_float_sub(jit_type t, uint64_t x, uint64_t y);
uint64_t jit_float_mul(jit_type t, uint64_t x, uint64_t y);
uint64_t jit_float_div(jit_type t, uint64_t x, uint64_t y);
uint64_t jit_float_fma(jit_type t, uint64_t x, uint64_t y, uint64_t z); /* one rounding */
uint64_t jit_float_sqrt(jit_type t, uint64_t x);
uint64_t jit_float_min(jit_type t, uint64_t x, uint64_t y); /* NaN wins; -0 below +0 */
uint64_t jit_float_max(jit_type t, uint64_t x, uint64_t y);

/* To an integral value: ceil, floor, trunc, nearest with ties to even. The sign of zero stays. */
typedef enum float_rounding { ROUND_UP, ROUND_DOWN, ROUND_ZERO, ROUND_NEAREST } float_rounding;
uint64_t jit_float_round(jit_type t, float_rounding how, uint64_t x);

/* How x stands to y; zeros are equal, a NaN is unordered. */
typedef enum float_order { ORDER_LESS, ORDER_EQUAL, ORDER_GREATER, ORDER_NONE } float_order;
float_order jit_float_compare(jit_type t, uint64_t x, uint64_t y);
bool jit_float_holds(jit_floatcc cc, float_order order);

/* Another format: exact when wider, else rounded to nearest even; payloads keep their top bits. */
uint64_t jit_float_convert(jit_type to, jit_type from, uint64_t x);
/* (neg ? -magnitude : magnitude), rounded once to nearest even. */
uint64_t jit_float_from_int(jit_type t, bool neg, u128 magnitude);
/* The integer that x truncates to. BEYOND: not below 2^128 in magnitude (infinities too). */
typedef enum float_int { INT_NAN, INT_WITHIN, INT_BEYOND } float_int;
float_int jit_float_to_int(jit_type t, uint64_t x, bool *neg, u128 *magnitude);

/* The same with the C ABI: libcalls of machine code whose target has no such instruction. */
float jit_soft_ceilf(float x);
float jit_soft_floorf(float x);
float jit_soft_truncf(float x);
float jit_soft_nearestf(float x);
float jit_soft_fmaf(float x, float y, float z);
double jit_soft_ceil(double x);
double jit_soft_floor(double x);
double jit_soft_trunc(double x);
double jit_soft_nearest(double x);
double jit_soft_fma(double x, double y, double z);

#endif
