/* float_ops.c - float arithmetic by integers: take apart, compute exactly, round once.
 *
 * A finite number is taken apart into a sign and sig * 2^exp with an integer sig. An operation
 * finds the exact result in the same shape, in 128 bits, the lowest of which may stand for "and a
 * little more" (sticky), and round_pack() is the one place that rounds: to nearest even, with
 * gradual underflow and overflow to infinity. */
#include "ir/float_ops.h"

#include <assert.h>
#include <string.h>

typedef struct {
    int mant;       /* bits of the fraction field */
    int bias;       /* also the largest exponent of a finite number */
    uint64_t inf;   /* the exponent field */
    uint64_t sign;
} format;

static const format formats[] = {
    { 10, 15, 0x7c00, 0x8000 },
    { 23, 127, 0x7f800000, 0x80000000 },
    { 52, 1023, 0x7ff0000000000000, 0x8000000000000000 }
};

static const format *format_of(jit_type t)
{
    assert(t >= JIT_F16 && t <= JIT_F64);
    return &formats[t - JIT_F16];
}

static uint64_t quiet_bit(const format *f) { return (uint64_t)1 << (f->mant - 1); }
static uint64_t magnitude_of(const format *f, uint64_t x) { return x & (f->sign - 1); }
static bool is_nan(const format *f, uint64_t x) { return magnitude_of(f, x) > f->inf; }
static bool is_inf(const format *f, uint64_t x) { return magnitude_of(f, x) == f->inf; }
static uint64_t default_nan(const format *f) { return f->inf | quiet_bit(f); }

/* The first NaN of the two, quieted. One of them is a NaN. */
static uint64_t first_nan(const format *f, uint64_t x, uint64_t y)
{
    return (is_nan(f, x) ? x : y) | quiet_bit(f);
}

uint64_t jit_float_nan(jit_type t) { return default_nan(format_of(t)); }
bool jit_float_is_nan(jit_type t, uint64_t x) { return is_nan(format_of(t), x); }

/* ---- Taking apart and rounding ---- */

typedef struct {
    bool neg;
    int exp;
    u128 sig; /* 0: zero */
} number;

static number unpack(const format *f, uint64_t x)
{
    uint64_t mag = magnitude_of(f, x);
    uint64_t fraction = mag & (((uint64_t)1 << f->mant) - 1);
    int field = (int)(mag >> f->mant);
    number n;

    n.neg = (x & f->sign) != 0;
    n.exp = (field ? field : 1) - f->bias - f->mant;
    n.sig = field ? fraction | (uint64_t)1 << f->mant : fraction;
    return n;
}

/* Position of the highest one bit plus one; 0 for 0. */
static int bit_length(u128 x)
{
    uint64_t high = (uint64_t)(x >> 64), low = (uint64_t)x;

    if (high)
        return 128 - __builtin_clzll(high);
    return low ? 64 - __builtin_clzll(low) : 0;
}

/* x >> s, where the lowest bit of the result also stands for all that was shifted out. */
static u128 shift_sticky(u128 x, int s)
{
    if (s <= 0)
        return x;
    if (s >= 128)
        return x != 0;
    return x >> s | ((x & (((u128)1 << s) - 1)) != 0);
}

static uint64_t round_pack(const format *f, number n)
{
    uint64_t sign = n.neg ? f->sign : 0;

    if (n.sig == 0)
        return sign;
    int top = n.exp + bit_length(n.sig) - 1;                 /* 2^top <= value < 2^(top + 1) */
    int unit = (top > 1 - f->bias ? top : 1 - f->bias) - f->mant; /* of the last place */
    if (top > f->bias)
        return sign | f->inf;

    u128 sig = n.sig;
    if (unit <= n.exp) {
        sig <<= n.exp - unit;
    } else {
        /* Two bits below the last place say on which side of the middle the rest is. */
        sig = shift_sticky(sig, unit - n.exp - 2) << (unit - n.exp < 2);
        unsigned rest = (unsigned)sig & 3;
        sig >>= 2;
        if (rest > 2 || (rest == 2 && (sig & 1)))
            sig++;
    }
    /* The implicit bit, when there is one, adds the last unit of the exponent field; so does a
     * carry out of the fraction. */
    uint64_t field = (uint64_t)(unit + f->mant + f->bias - 1);
    return sign | ((field << f->mant) + (uint64_t)sig);
}

/* ---- Arithmetic ---- */

/* a + b exactly, but for the sticky bit; the smaller one is far enough above it to round right. */
static number add_numbers(number a, number b)
{
    if (a.sig == 0 || b.sig == 0) {
        if (a.sig == 0 && b.sig == 0)
            a.neg = a.neg && b.neg;
        return a.sig ? a : b.sig ? b : a;
    }
    /* Both get their top bit at 125: room for a carry above. At most 106 bits were in use, so a
     * shift that loses bits goes over 19 places or more, and then no more than one bit cancels. */
    int up = 126 - bit_length(a.sig);
    a.sig <<= up;
    a.exp -= up;
    up = 126 - bit_length(b.sig);
    b.sig <<= up;
    b.exp -= up;
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        number t = a;
        a = b;
        b = t;
    }
    u128 aligned = shift_sticky(b.sig, a.exp - b.exp);
    if (a.neg == b.neg) {
        a.sig += aligned;
    } else {
        a.sig -= aligned;
        if (a.sig == 0)
            a.neg = false;
    }
    return a;
}

uint64_t jit_float_fma(jit_type t, uint64_t x, uint64_t y, uint64_t z)
{
    const format *f = format_of(t);

    if (is_nan(f, x) || is_nan(f, y))
        return first_nan(f, x, y);
    if (is_nan(f, z))
        return z | quiet_bit(f);

    uint64_t sign = (x ^ y) & f->sign;
    if (is_inf(f, x) || is_inf(f, y)) {
        bool by_zero = magnitude_of(f, x) == 0 || magnitude_of(f, y) == 0;
        bool minus_inf = is_inf(f, z) && ((z ^ sign) & f->sign);
        return by_zero || minus_inf ? default_nan(f) : sign | f->inf;
    }
    if (is_inf(f, z))
        return z;

    number a = unpack(f, x), b = unpack(f, y);
    number product = { sign != 0, a.exp + b.exp, a.sig * b.sig };
    return round_pack(f, add_numbers(product, unpack(f, z)));
}

/* The host's f32 and f64 arithmetic, for operands that are no NaN. */
#define HOST_ARITHMETIC(name, op) \
    static uint64_t host_##name(jit_type t, uint64_t x, uint64_t y) \
    { \
        if (t == JIT_F32) { \
            uint32_t xs = (uint32_t)x, ys = (uint32_t)y; \
            float a, b; \
            memcpy(&a, &xs, sizeof a); \
            memcpy(&b, &ys, sizeof b); \
            a = a op b; \
            memcpy(&xs, &a, sizeof a); \
            return xs; \
        } \
        double a, b; \
        memcpy(&a, &x, sizeof a); \
        memcpy(&b, &y, sizeof b); \
        a = a op b; \
        memcpy(&x, &a, sizeof a); \
        return x; \
    }
HOST_ARITHMETIC(add, +)
HOST_ARITHMETIC(mul, *)
HOST_ARITHMETIC(div, /)

/* The host's own default NaN may have another sign. */
static uint64_t with_default_nan(const format *f, uint64_t x)
{
    return is_nan(f, x) ? default_nan(f) : x;
}

uint64_t jit_float_add(jit_type t, uint64_t x, uint64_t y)
{
    const format *f = format_of(t);

    if (is_nan(f, x) || is_nan(f, y))
        return first_nan(f, x, y);
    if (t != JIT_F16)
        return with_default_nan(f, host_add(t, x, y));
    return jit_float_fma(t, x, 0x3c00, y); /* x * 1 + y */
}

uint64_t jit_float_sub(jit_type t, uint64_t x, uint64_t y)
{
    const format *f = format_of(t);

    if (is_nan(f, x) || is_nan(f, y)) /* the NaN keeps its sign */
        return first_nan(f, x, y);
    return jit_float_add(t, x, y ^ f->sign);
}

uint64_t jit_float_mul(jit_type t, uint64_t x, uint64_t y)
{
    const format *f = format_of(t);

    if (is_nan(f, x) || is_nan(f, y))
        return first_nan(f, x, y);
    if (t != JIT_F16)
        return with_default_nan(f, host_mul(t, x, y));
    return jit_float_fma(t, x, y, (x ^ y) & f->sign); /* x * y + 0 of the product's sign */
}

static uint64_t div_f16(const format *f, uint64_t x, uint64_t y)
{
    uint64_t sign = (x ^ y) & f->sign;
    number a = unpack(f, x), b = unpack(f, y);

    if (is_inf(f, x) || b.sig == 0)
        return is_inf(f, y) || a.sig == 0 ? default_nan(f) : sign | f->inf;
    if (is_inf(f, y))
        return sign;
    uint64_t above = (uint64_t)a.sig << 40, below = (uint64_t)b.sig;
    number q = { sign != 0, a.exp - b.exp - 41, above / below << 1 | (above % below != 0) };
    return round_pack(f, q);
}

uint64_t jit_float_div(jit_type t, uint64_t x, uint64_t y)
{
    const format *f = format_of(t);

    if (is_nan(f, x) || is_nan(f, y))
        return first_nan(f, x, y);
    if (t != JIT_F16)
        return with_default_nan(f, host_div(t, x, y));
    return div_f16(f, x, y);
}

/* The root by digits in base 2: `rest` is what is left of x, `root` twice the root so far. */
static u128 integer_root(u128 x, bool *exact)
{
    u128 root = 0, rest = x, bit = (u128)1 << ((bit_length(x) - 1) & ~1);

    while (bit != 0) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    *exact = rest == 0;
    return root;
}

uint64_t jit_float_sqrt(jit_type t, uint64_t x)
{
    const format *f = format_of(t);
    bool exact;

    if (is_nan(f, x))
        return x | quiet_bit(f);
    if (magnitude_of(f, x) == 0)
        return x;
    if (x & f->sign)
        return default_nan(f);
    if (is_inf(f, x))
        return x;

    /* A root of mant + 3 bits or more, so that all it lacks is the sticky bit. */
    number n = unpack(f, x);
    int up = 2 * f->mant + 6 - bit_length(n.sig);
    up += (n.exp - up) & 1;
    n.sig = integer_root(n.sig << up, &exact) << 1;
    n.sig |= !exact;
    n.exp = (n.exp - up) / 2 - 1;
    return round_pack(f, n);
}

/* ---- Order ---- */

float_order jit_float_compare(jit_type t, uint64_t x, uint64_t y)
{
    const format *f = format_of(t);

    if (is_nan(f, x) || is_nan(f, y))
        return ORDER_NONE;
    if (x == y || (magnitude_of(f, x) | magnitude_of(f, y)) == 0)
        return ORDER_EQUAL;
    /* By sign, then by magnitude, which orders as its bits do. */
    bool x_neg = (x & f->sign) != 0, y_neg = (y & f->sign) != 0;
    bool less = x_neg != y_neg ? x_neg : (x < y) != x_neg;
    return less ? ORDER_LESS : ORDER_GREATER;
}

bool jit_float_holds(jit_floatcc cc, float_order o)
{
    switch (cc) {
    case JIT_FEQ: return o == ORDER_EQUAL;
    case JIT_FNE: return o != ORDER_EQUAL;
    case JIT_FONE: return o == ORDER_LESS || o == ORDER_GREATER;
    case JIT_FUEQ: return o == ORDER_NONE || o == ORDER_EQUAL;
    case JIT_FLT: return o == ORDER_LESS;
    case JIT_FUGE: return o != ORDER_LESS;
    case JIT_FLE: return o == ORDER_LESS || o == ORDER_EQUAL;
    case JIT_FUGT: return o == ORDER_NONE || o == ORDER_GREATER;
    case JIT_FGT: return o == ORDER_GREATER;
    case JIT_FULE: return o != ORDER_GREATER;
    case JIT_FGE: return o == ORDER_GREATER || o == ORDER_EQUAL;
    case JIT_FULT: return o == ORDER_NONE || o == ORDER_LESS;
    case JIT_FORD: return o != ORDER_NONE;
    case JIT_FUNO: return o == ORDER_NONE;
    }
    return false;
}

/* Equal operands differ in the sign of zero at most: or makes the smaller, and the larger. */
uint64_t jit_float_min(jit_type t, uint64_t x, uint64_t y)
{
    switch (jit_float_compare(t, x, y)) {
    case ORDER_LESS: return x;
    case ORDER_GREATER: return y;
    case ORDER_EQUAL: return x | y;
    case ORDER_NONE: break;
    }
    return first_nan(format_of(t), x, y);
}

uint64_t jit_float_max(jit_type t, uint64_t x, uint64_t y)
{
    switch (jit_float_compare(t, x, y)) {
    case ORDER_LESS: return y;
    case ORDER_GREATER: return x;
    case ORDER_EQUAL: return x & y;
    case ORDER_NONE: break;
    }
    return first_nan(format_of(t), x, y);
}

/* ---- Integral values, other formats, integers ---- */

uint64_t jit_float_round(jit_type t, float_rounding how, uint64_t x)
{
    const format *f = format_of(t);
    uint64_t sign = x & f->sign, mag = magnitude_of(f, x);
    int exp = (int)(mag >> f->mant) - f->bias; /* 2^exp <= |x| for a normal number */

    if (is_nan(f, x))
        return x | quiet_bit(f);
    if (exp >= f->mant || mag == 0)
        return x;

    uint64_t one = (uint64_t)f->bias << f->mant;
    if (exp < 0) { /* between 0 and 1 */
        bool away = how == ROUND_UP ? !sign : how == ROUND_DOWN ? sign != 0
                  : how == ROUND_NEAREST && mag > one - ((uint64_t)1 << f->mant);
        return away ? sign | one : sign;
    }
    /* The bit worth 1. Of a number below 2 it is the lowest of the exponent field, which is the
     * bias there and odd, as the integer 1 is. A carry runs on into the exponent, as it should. */
    uint64_t unit = (uint64_t)1 << (f->mant - exp), fraction = unit - 1;
    switch (how) {
    case ROUND_ZERO: break;
    case ROUND_UP: mag += sign ? 0 : fraction; break;
    case ROUND_DOWN: mag += sign ? fraction : 0; break;
    case ROUND_NEAREST: mag += (unit >> 1) - 1 + ((mag & unit) != 0); break;
    }
    return sign | (mag & ~fraction);
}

uint64_t jit_float_convert(jit_type to, jit_type from, uint64_t x)
{
    const format *f = format_of(from), *g = format_of(to);
    uint64_t sign = x & f->sign ? g->sign : 0;

    if (is_nan(f, x)) {
        uint64_t payload = x & (quiet_bit(f) - 1);
        payload = g->mant >= f->mant ? payload << (g->mant - f->mant)
                                     : payload >> (f->mant - g->mant);
        return sign | default_nan(g) | payload;
    }
    if (is_inf(f, x))
        return sign | g->inf;
    return round_pack(g, unpack(f, x));
}

uint64_t jit_float_from_int(jit_type t, bool neg, u128 magnitude)
{
    number n = { neg && magnitude != 0, 0, magnitude };
    return round_pack(format_of(t), n);
}

float_int jit_float_to_int(jit_type t, uint64_t x, bool *neg, u128 *magnitude)
{
    const format *f = format_of(t);
    number n = unpack(f, x);

    *neg = n.neg;
    *magnitude = 0;
    if (is_nan(f, x))
        return INT_NAN;
    if (is_inf(f, x) || n.exp + bit_length(n.sig) > 128)
        return INT_BEYOND;
    *magnitude = n.exp >= 0 ? n.sig << n.exp : n.exp > -128 ? n.sig >> -n.exp : 0;
    return INT_WITHIN;
}

/* ---- The C ABI ---- */

static uint64_t bits_f32(float x)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static float f32_of(uint64_t bits)
{
    uint32_t b = (uint32_t)bits;
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}

static uint64_t bits_f64(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static double f64_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define SOFT_ROUNDING(name, how) \
    float jit_soft_##name##f(float x) \
    { return f32_of(jit_float_round(JIT_F32, how, bits_f32(x))); } \
    double jit_soft_##name(double x) \
    { return f64_of(jit_float_round(JIT_F64, how, bits_f64(x))); }
SOFT_ROUNDING(ceil, ROUND_UP)
SOFT_ROUNDING(floor, ROUND_DOWN)
SOFT_ROUNDING(trunc, ROUND_ZERO)
SOFT_ROUNDING(nearest, ROUND_NEAREST)

float jit_soft_fmaf(float x, float y, float z)
{
    return f32_of(jit_float_fma(JIT_F32, bits_f32(x), bits_f32(y), bits_f32(z)));
}

double jit_soft_fma(double x, double y, double z)
{
    return f64_of(jit_float_fma(JIT_F64, bits_f64(x), bits_f64(y), bits_f64(z)));
}
