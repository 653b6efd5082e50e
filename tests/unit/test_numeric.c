/* test_numeric.c - the meaning of scalar instructions, held against wider arithmetic, the host's
 * hardware and exact fractions. */
#include "ir/float_ops.h"
#include "ir/numeric.h"

#include <criterion/criterion.h>
#include <string.h>

__extension__ typedef __int128 i128;

static uint64_t seed = 88172645463325252u;

static uint64_t any_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* A float that is interesting more often than a random one. */
static uint64_t any_float(jit_type t)
{
    unsigned w = jit_type_bits(t), mant = t == JIT_F16 ? 10 : t == JIT_F32 ? 23 : 52;
    uint64_t x = low_bits(any_bits(), w), pick = any_bits() % 8;
    uint64_t one = jit_float_from_int(t, false, 1);

    if (pick == 0) /* few bits set */
        x &= any_bits() & any_bits();
    if (pick == 1) /* near one, where sums cancel */
        x = one + (any_bits() & ((uint64_t)3 << mant)) + (any_bits() & 7);
    if (pick == 2) /* subnormal */
        x &= ((uint64_t)1 << mant) - 1;
    return low_bits(x, w);
}

static uint64_t bits32(float x)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static uint64_t bits64(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static float f32(uint64_t bits)
{
    uint32_t b = (uint32_t)bits;
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}

static double f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Evaluates op, which must be known; the first result. */
static uint64_t eval(jit_opcode op, jit_type t, jit_type argtype, uint64_t x, uint64_t y,
                     uint64_t z, uint64_t *second, unsigned *trap)
{
    uint64_t args[3] = { x, y, z }, results[2] = { 0, 0 };
    unsigned none;

    cr_assert(jit_eval(op, t, 0, args, argtype, results, trap ? trap : &none));
    if (second)
        *second = results[1];
    return results[0];
}

static uint64_t eval2(jit_opcode op, jit_type t, uint64_t x, uint64_t y)
{
    return eval(op, t, t, x, y, 0, NULL, NULL);
}

static uint64_t eval1(jit_opcode op, jit_type t, uint64_t x)
{
    return eval(op, t, t, x, 0, 0, NULL, NULL);
}

static uint64_t convert(jit_opcode op, jit_type to, jit_type from, uint64_t x)
{
    return eval(op, to, from, x, 0, 0, NULL, NULL);
}

/* ---- Integers, against 128-bit arithmetic ---- */

static i128 as_signed(uint64_t x, unsigned w)
{
    return x >> (w - 1) & 1 ? (i128)x - ((i128)1 << w) : (i128)x;
}

static uint64_t wrap(i128 x, unsigned w) { return low_bits((uint64_t)x, w); }

static bool fits_signed(i128 x, unsigned w)
{
    return x >= -((i128)1 << (w - 1)) && x < (i128)1 << (w - 1);
}

static void check_overflow(jit_type t, uint64_t x, uint64_t y)
{
    static const struct { jit_opcode op; int sign; bool is_signed, carries; } forms[] = {
        { JIT_OP_uadd_overflow, 1, false, false }, { JIT_OP_uadd_overflow_cin, 1, false, true },
        { JIT_OP_sadd_overflow, 1, true, false },  { JIT_OP_sadd_overflow_cin, 1, true, true },
        { JIT_OP_usub_overflow, -1, false, false }, { JIT_OP_usub_overflow_bin, -1, false, true },
        { JIT_OP_ssub_overflow, -1, true, false }, { JIT_OP_ssub_overflow_bin, -1, true, true }
    };
    unsigned w = jit_type_bits(t);

    for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++)
        for (uint64_t c = 0; c < 3; c++) {
            i128 a = forms[k].is_signed ? as_signed(x, w) : (i128)x;
            i128 b = forms[k].is_signed ? as_signed(y, w) : (i128)y;
            i128 exact = a + forms[k].sign * (b + (forms[k].carries && c));
            bool fits = forms[k].is_signed ? fits_signed(exact, w)
                                           : exact >= 0 && exact < (i128)1 << w;
            uint64_t flag, r = eval(forms[k].op, t, t, x, y, c * 127, &flag, NULL);
            cr_assert(r == wrap(exact, w) && flag == !fits, "%s %u: %llx, %llx",
                      jit_op_table[forms[k].op].name, w, (unsigned long long)x,
                      (unsigned long long)y);
        }
}

static void check_product(jit_type t, uint64_t x, uint64_t y)
{
    unsigned w = jit_type_bits(t);
    u128 product = (u128)x * y;
    i128 sx = as_signed(x, w), sy = as_signed(y, w);
    uint64_t flag, low = low_bits((uint64_t)product, w);

    cr_assert(eval2(JIT_OP_imul, t, x, y) == low);
    cr_assert(eval2(JIT_OP_umulhi, t, x, y) == (uint64_t)(product >> w));
    cr_assert(eval2(JIT_OP_smulhi, t, x, y) == wrap(sx * sy >> w, w));
    cr_assert(eval(JIT_OP_umul_overflow, t, t, x, y, 0, &flag, NULL) == low);
    cr_assert(flag == (product >> w != 0));
    cr_assert(eval(JIT_OP_smul_overflow, t, t, x, y, 0, &flag, NULL) == low);
    cr_assert(flag == !fits_signed(sx * sy, w));
}

static void check_division(jit_type t, uint64_t x, uint64_t y)
{
    unsigned w = jit_type_bits(t), traps[4];
    i128 sx = as_signed(x, w), sy = as_signed(y, w);
    bool overflows = sy == -1 && sx == -((i128)1 << (w - 1));
    uint64_t q = eval(JIT_OP_udiv, t, t, x, y, 0, NULL, &traps[0]);
    uint64_t r = eval(JIT_OP_urem, t, t, x, y, 0, NULL, &traps[1]);
    uint64_t sq = eval(JIT_OP_sdiv, t, t, x, y, 0, NULL, &traps[2]);
    uint64_t sr = eval(JIT_OP_srem, t, t, x, y, 0, NULL, &traps[3]);

    for (int k = 0; k < 4; k++) {
        unsigned expected = y == 0 ? JIT_TRAP_INT_DIVZ : k == 2 && overflows ? JIT_TRAP_INT_OVF : 0;
        cr_assert(traps[k] == expected);
    }
    if (y == 0)
        return;
    cr_assert(q == x / y && r == x % y);
    cr_assert(sr == wrap(sx % sy, w));
    if (!overflows)
        cr_assert(sq == wrap(sx / sy, w));
}

static void check_simple(jit_type t, uint64_t x, uint64_t y)
{
    unsigned w = jit_type_bits(t), n = (unsigned)(y % w);
    i128 sx = as_signed(x, w), sy = as_signed(y, w);

    cr_assert(eval2(JIT_OP_iadd, t, x, y) == wrap((i128)x + y, w));
    cr_assert(eval2(JIT_OP_isub, t, x, y) == wrap((i128)x - y, w));
    cr_assert(eval2(JIT_OP_smin, t, x, y) == (sx < sy ? x : y));
    cr_assert(eval2(JIT_OP_smax, t, x, y) == (sx < sy ? y : x));
    cr_assert(eval2(JIT_OP_umin, t, x, y) == (x < y ? x : y));
    cr_assert(eval2(JIT_OP_umax, t, x, y) == (x < y ? y : x));
    cr_assert(eval2(JIT_OP_ishl, t, x, y) == wrap((i128)((u128)x << n), w));
    cr_assert(eval2(JIT_OP_ushr, t, x, y) == x >> n);
    cr_assert(eval2(JIT_OP_sshr, t, x, y) == wrap(sx >> n, w));
    u128 twice = (u128)x << w | x;
    cr_assert(eval2(JIT_OP_rotl, t, x, y) == low_bits((uint64_t)(twice >> (w - n)), w));
    cr_assert(eval2(JIT_OP_rotr, t, x, y) == low_bits((uint64_t)(twice >> n), w));

    bool holds[] = { x == y, x != y, sx < sy, sx >= sy, sx <= sy, sx > sy,
                     x < y, x >= y, x <= y, x > y };
    for (unsigned cc = JIT_EQ; cc <= JIT_UGT; cc++)
        cr_assert(jit_eval_icmp((jit_intcc)cc, w, x, y) == holds[cc]);
}

static void check_pair(jit_type t, uint64_t x, uint64_t y)
{
    check_simple(t, x, y);
    check_product(t, x, y);
    check_division(t, x, y);
    check_overflow(t, x, y);
}

static void check_unary(jit_type t, uint64_t x)
{
    unsigned w = jit_type_bits(t), zeros = 0, ones = 0, trailing = 0, signs = 0;
    uint64_t reversed = 0, swapped = 0;

    while (zeros < w && !(x >> (w - 1 - zeros) & 1))
        zeros++;
    while (trailing < w && !(x >> trailing & 1))
        trailing++;
    while (signs + 1 < w && (x >> (w - 2 - signs) & 1) == x >> (w - 1))
        signs++;
    for (unsigned k = 0; k < w; k++) {
        ones += (unsigned)(x >> k & 1);
        reversed = reversed << 1 | (x >> k & 1);
    }
    for (unsigned k = 0; k < w; k += 8)
        swapped = swapped << 8 | (x >> k & 0xff);
    cr_assert(eval1(JIT_OP_clz, t, x) == zeros);
    cr_assert(eval1(JIT_OP_ctz, t, x) == trailing);
    cr_assert(eval1(JIT_OP_cls, t, x) == signs);
    cr_assert(eval1(JIT_OP_popcnt, t, x) == ones);
    cr_assert(eval1(JIT_OP_bitrev, t, x) == reversed);
    cr_assert(w == 8 || eval1(JIT_OP_bswap, t, x) == swapped);
    cr_assert(eval1(JIT_OP_ineg, t, x) == wrap(-(i128)x, w));
    i128 sx = as_signed(x, w);
    cr_assert(eval1(JIT_OP_iabs, t, x) == wrap(sx < 0 ? -sx : sx, w));
    cr_assert(eval1(JIT_OP_bnot, t, x) == low_bits(~x, w));
}

Test(numeric, every_pair_of_i8_agrees_with_wide_arithmetic)
{
    for (uint64_t x = 0; x < 256; x++) {
        check_unary(JIT_I8, x);
        for (uint64_t y = 0; y < 256; y++)
            check_pair(JIT_I8, x, y);
    }
}

Test(numeric, every_i16_agrees_with_counting_by_hand)
{
    for (uint64_t x = 0; x < 65536; x++)
        check_unary(JIT_I16, x);
}

Test(numeric, edges_and_random_pairs_of_all_widths_agree_with_wide_arithmetic)
{
    for (jit_type t = JIT_I16; t <= JIT_I64; t++) {
        unsigned w = jit_type_bits(t);
        uint64_t min = (uint64_t)1 << (w - 1), all = low_bits(~(uint64_t)0, w);
        uint64_t edges[] = { 0, 1, 2, 3, min - 2, min - 1, min, min + 1, all - 1, all,
                             w - 1, w, w + 1 };
        size_t n = sizeof edges / sizeof edges[0];

        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++) {
                check_unary(t, edges[i]);
                check_pair(t, edges[i], edges[k]);
            }
        for (int k = 0; k < 5000; k++) {
            uint64_t x = low_bits(any_bits() >> any_bits() % w, w);
            uint64_t y = low_bits(any_bits() >> any_bits() % w, w);
            check_unary(t, x);
            check_pair(t, x, y);
        }
    }
}

Test(numeric, conversions_between_integers_extend_cut_and_mask)
{
    cr_expect_eq(convert(JIT_OP_sextend, JIT_I16, JIT_I8, 0x80), 0xff80);
    cr_expect_eq(convert(JIT_OP_sextend, JIT_I64, JIT_I32, 0x80000000), 0xffffffff80000000u);
    cr_expect_eq(convert(JIT_OP_uextend, JIT_I64, JIT_I8, 0xff), 0xff);
    cr_expect_eq(convert(JIT_OP_ireduce, JIT_I8, JIT_I64, 0x1234567890abcdefu), 0xef);
    cr_expect_eq(convert(JIT_OP_bmask, JIT_I64, JIT_I8, 2), UINT64_MAX);
    cr_expect_eq(convert(JIT_OP_bmask, JIT_I8, JIT_I64, (uint64_t)1 << 40), 0xff);
    cr_expect_eq(convert(JIT_OP_bmask, JIT_I32, JIT_I16, 0), 0);
    cr_expect_eq(convert(JIT_OP_bitcast, JIT_F64, JIT_I64, 0x7ff0000000000001u),
                 0x7ff0000000000001u);

    uint64_t high, low = eval(JIT_OP_isplit, JIT_I16, JIT_I16, 0xabcd, 0, 0, &high, NULL);
    cr_expect(low == 0xcd && high == 0xab);
    cr_expect_eq(eval2(JIT_OP_iconcat, JIT_I32, 0x11111111, 0x22222222), 0x2222222211111111u);
}

Test(numeric, conditions_look_at_the_whole_value)
{
    cr_expect_eq(eval(JIT_OP_select, JIT_I8, JIT_I64, (uint64_t)1 << 63, 7, 9, NULL, NULL), 7);
    cr_expect_eq(eval(JIT_OP_select_spectre_guard, JIT_I8, JIT_I16, 0, 7, 9, NULL, NULL), 9);
    cr_expect_eq(eval(JIT_OP_bitselect, JIT_I8, JIT_I8, 0xf0, 0xaa, 0x55, NULL, NULL), 0xa5);
    cr_expect_eq(eval(JIT_OP_bitselect, JIT_F32, JIT_F32, 0x80000000, 0xffffffff, 0x3f800000,
                      NULL, NULL), 0xbf800000);
}

Test(numeric, explicit_traps_carry_their_own_code)
{
    uint64_t args[2] = { 0, 0 }, results[2];
    unsigned trap;

    cr_assert(jit_eval(JIT_OP_trapz, JIT_VOID, 7, args, JIT_I8, results, &trap));
    cr_expect_eq(trap, 7);
    cr_assert(jit_eval(JIT_OP_trapnz, JIT_VOID, 7, args, JIT_I8, results, &trap));
    cr_expect_eq(trap, 0);
    args[0] = 0x80000000;
    args[1] = 0x80000000;
    cr_assert(jit_eval(JIT_OP_uadd_overflow_trap, JIT_I32, 9, args, JIT_I32, results, &trap));
    cr_expect_eq(trap, 9);
    cr_assert(jit_eval(JIT_OP_uadd_overflow_trap, JIT_I64, 9, args, JIT_I64, results, &trap));
    cr_expect(trap == 0 && results[0] == 0x100000000);
}

Test(numeric, what_is_not_a_scalar_of_64_bits_is_left_alone)
{
    uint64_t args[3] = { 1, 1, 1 }, results[2];
    unsigned trap;

    cr_expect(!jit_eval(JIT_OP_iadd, JIT_I128, 0, args, JIT_I128, results, &trap));
    cr_expect(!jit_eval(JIT_OP_iadd, JIT_I32X4, 0, args, JIT_I32X4, results, &trap));
    cr_expect(!jit_eval(JIT_OP_fadd, JIT_F128, 0, args, JIT_F128, results, &trap));
    cr_expect(!jit_eval(JIT_OP_iconcat, JIT_I64, 0, args, JIT_I64, results, &trap));
    cr_expect(!jit_eval(JIT_OP_uextend, JIT_I128, 0, args, JIT_I64, results, &trap));
    cr_expect(!jit_eval(JIT_OP_load, JIT_I64, 0, args, JIT_I64, results, &trap));
    cr_expect(!jit_eval(JIT_OP_return, JIT_VOID, 0, args, JIT_I64, results, &trap));
    cr_expect(!jit_eval(JIT_OP_iconst, JIT_I64, 0, args, JIT_VOID, results, &trap));
}

/* ---- Floats ---- */

/* x, y, z and x * y + z by exact fractions, rounded once (tests/gen/exactfloat.py): sums that
 * cancel, ties decided far below, subnormal and overflowing results, zeros. */
static const uint32_t fma_f32[][4] = {
    { 0x3a328993, 0xb7094597, 0x31bf7850, 0xa46c4b50 },
    { 0x3a328993, 0xb7094597, 0x31bf784f, 0xa60ec4b5 },
    { 0x48076c82, 0xc59b7b3a, 0x4e247fc5, 0xc0616e80 },
    { 0x48076c82, 0xc59b7b3a, 0x4e247fc4, 0xc2870b74 },
    { 0x433586aa, 0x3d0b9c7b, 0xc0c5fe27, 0x33aa5d70 },
    { 0x433586aa, 0x3d0b9c7b, 0xc0c5fe28, 0xb4d568a4 },
    { 0x478fd8be, 0xbcd0b859, 0x44ea8f60, 0xb82ba838 },
    { 0x478fd8be, 0xbcd0b859, 0x44ea8f5f, 0xb92aea0e },
    { 0xc832c66d, 0x3c85f66b, 0x453b1a58, 0xb755b1e0 },
    { 0xc832c66d, 0x3c85f66b, 0x453b1a57, 0xb986ad8f },
    { 0x429276f3, 0xb94913b3, 0x3c661554, 0xae834e90 },
    { 0x429276f3, 0xb94913b3, 0x3c661555, 0x306f962e },
    { 0x40400001, 0x3f800000, 0x34000000, 0x40400002 },
    { 0x40400000, 0x3f800000, 0x34000001, 0x40400001 },
    { 0x40400001, 0x3f800000, 0x33000000, 0x40400001 },
    { 0x40400000, 0x3f800000, 0x33000001, 0x40400000 },
    { 0x3fc00001, 0x3f800000, 0xb3000000, 0x3fc00001 },
    { 0x3fc00000, 0x3f800000, 0xb3000001, 0x3fc00000 },
    { 0x40400001, 0x3f800000, 0x34000000, 0x40400002 },
    { 0x40400000, 0x3f800000, 0x34000001, 0x40400001 },
    { 0x42440f68, 0xbe36bb58, 0x80000001, 0xc10bf26f },
    { 0x423b98d7, 0xbe4af3b0, 0x80000001, 0xc114b92d },
    { 0x422e4854, 0xbe265ec3, 0x00000001, 0xc0e286d4 },
    { 0x335978a6, 0x838a7a39, 0x00266e90, 0x00266e73 },
    { 0xa02bf702, 0x9a24db25, 0x00000000, 0x00000dd8 },
    { 0x8835850c, 0x372bc87c, 0x8013743a, 0x80505b3d },
    { 0x1b7b2370, 0x9961dd75, 0x00000001, 0x80000001 },
    { 0x962cd2a5, 0xa4ca3a01, 0x00000000, 0x00002221 },
    { 0x3678eb4f, 0x04d938ac, 0x00000000, 0x000034ce },
    { 0xaf27a136, 0x8d7f1dc4, 0x805732c7, 0x8055e4ad },
    { 0x92b1619d, 0xab2c6aab, 0x8002e357, 0x00049421 },
    { 0x7f7fffff, 0x7f7fffff, 0x7f7fffff, 0x7f800000 },
    { 0x7f7fffff, 0x3f800001, 0x00000000, 0x7f800000 },
    { 0x7f7fffff, 0x3f800000, 0x73000000, 0x7f800000 },
    { 0x7f7fffff, 0x3f800000, 0x72ffffff, 0x7f7fffff },
    { 0x7f7fffff, 0x40000000, 0xff7fffff, 0x7f7fffff },
    { 0xff7fffff, 0x3f800000, 0xf3000000, 0xff800000 },
    { 0x00000000, 0x3f800000, 0x80000000, 0x00000000 },
    { 0x80000000, 0x3f800000, 0x80000000, 0x80000000 },
    { 0x3f800000, 0x3f800000, 0xbf800000, 0x00000000 },
    { 0x00000001, 0x00000001, 0x80000000, 0x00000000 },
    { 0x80000001, 0x00000001, 0x00000000, 0x80000000 },
    { 0x7f800000, 0x3f800000, 0x7f7fffff, 0x7f800000 },
    { 0x7f7fffff, 0x7f7fffff, 0xff800000, 0xff800000 },
};
static const uint64_t fma_f64[][4] = {
    { 0x3f51df9f9c653938, 0x3eec4aae37dc76fb, 0xbe4f9ac43233397d, 0x3ae437b4cefba7a0 },
    { 0x3f51df9f9c653938, 0x3eec4aae37dc76fb, 0xbe4f9ac43233397e, 0xbaf5e42598822c30 },
    { 0x3fa6415465dc9f50, 0xc0a2a96f14a0f9e7, 0x4059f52b7ff7329d, 0x3cf8aefab3ddbb40 },
    { 0x3fa6415465dc9f50, 0xc0a2a96f14a0f9e7, 0x4059f52b7ff7329e, 0x3d162bbeacf76ed0 },
    { 0x40ee22574720771f, 0x4068cdb3dd2e1609, 0xc1675b76d4d8c811, 0xbe00bcf3161a4bd2 },
    { 0x40ee22574720771f, 0x4068cdb3dd2e1609, 0xc1675b76d4d8c812, 0xbe242f3cc58692f4 },
    { 0xc055bd86fc891b4a, 0xc033b128f52ddf5d, 0xc09ac1c898226c03, 0x3cfe3332a597f880 },
    { 0xc055bd86fc891b4a, 0xc033b128f52ddf5d, 0xc09ac1c898226c02, 0x3d5078ccca965fe2 },
    { 0x3f63b61826bb7dbd, 0xbf97c2680316909e, 0x3f0d4542bfee12e9, 0x3b831f09c50155a0 },
    { 0x3f63b61826bb7dbd, 0xbf97c2680316909e, 0x3f0d4542bfee12e8, 0xbbbd9c1ec75fd54c },
    { 0x3fd254b0010c4759, 0x40d9c1ca5e8766ed, 0xc0bd8258662a8b51, 0x3d53f108aaea0d94 },
    { 0x3fd254b0010c4759, 0x40d9c1ca5e8766ed, 0xc0bd8258662a8b52, 0xbd66077baa8af936 },
    { 0x4008000000000001, 0x3ff0000000000000, 0xbcb0000000000000, 0x4008000000000000 },
    { 0x4008000000000000, 0x3ff0000000000000, 0xbcb0000000000001, 0x4007ffffffffffff },
    { 0x3ff8000000000001, 0x3ff0000000000000, 0x3cb0000000000000, 0x3ff8000000000002 },
    { 0x3ff8000000000000, 0x3ff0000000000000, 0x3cb0000000000001, 0x3ff8000000000001 },
    { 0x4028000000000001, 0x3ff0000000000000, 0x3ca0000000000000, 0x4028000000000001 },
    { 0x4028000000000000, 0x3ff0000000000000, 0x3ca0000000000001, 0x4028000000000000 },
    { 0x4028000000000001, 0x3ff0000000000000, 0x3ca0000000000000, 0x4028000000000001 },
    { 0x4028000000000000, 0x3ff0000000000000, 0x3ca0000000000001, 0x4028000000000000 },
    { 0x40466836a260cd0b, 0xbfc30cbc0fef7928, 0x0000000000000001, 0xc01aad96689fc19d },
    { 0x40435718fc132d0d, 0xbfc298cb70ccec31, 0x0000000000000001, 0xc0167aad7256a9f1 },
    { 0x40499c94570dc195, 0xbfc1a3580d75985d, 0x0000000000000001, 0xc01c3bd5b670ce06 },
    { 0x24519f99895fd7b3, 0x99b068739d1de2a0, 0x800dfd431200339d, 0x800dfd4312124643 },
    { 0x899f49984093f6de, 0x3567961f5d39d0a8, 0x8001d87c1f7296ab, 0x8001d8932f1fa936 },
    { 0x1ec15fc84fd58dbe, 0x1e357b6fbfeaa155, 0x8000000000000000, 0x000000000000000c },
    { 0x211f373c3488f876, 0x9d92587b5c9bcf35, 0x00006ec4ea057543, 0x00006ec45ada6475 },
    { 0x932dd02da49636a2, 0x2c342d87d86f40f6, 0x0000000000000001, 0x800004b321f5bcaf },
    { 0x3178aa428857f9a4, 0x8d2a2edd5464ecc2, 0x8000000000000000, 0x8000000050b9d59d },
    { 0x33a66934d17e4497, 0x8c2332dd3a0b9965, 0x0000000000000000, 0x8001ae42d5c4bc85 },
    { 0x3f64787fca44eb86, 0x001b14913192b704, 0x0000000000000001, 0x00001152d40441fe },
    { 0x7fefffffffffffff, 0x7fefffffffffffff, 0x7fefffffffffffff, 0x7ff0000000000000 },
    { 0x7fefffffffffffff, 0x3ff0000000000001, 0x0000000000000000, 0x7ff0000000000000 },
    { 0x7fefffffffffffff, 0x3ff0000000000000, 0x7c90000000000000, 0x7ff0000000000000 },
    { 0x7fefffffffffffff, 0x3ff0000000000000, 0x7c8fffffffffffff, 0x7fefffffffffffff },
    { 0x7fefffffffffffff, 0x4000000000000000, 0xffefffffffffffff, 0x7fefffffffffffff },
    { 0xffefffffffffffff, 0x3ff0000000000000, 0xfc90000000000000, 0xfff0000000000000 },
    { 0x0000000000000000, 0x3ff0000000000000, 0x8000000000000000, 0x0000000000000000 },
    { 0x8000000000000000, 0x3ff0000000000000, 0x8000000000000000, 0x8000000000000000 },
    { 0x3ff0000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x0000000000000000 },
    { 0x0000000000000001, 0x0000000000000001, 0x8000000000000000, 0x0000000000000000 },
    { 0x8000000000000001, 0x0000000000000001, 0x0000000000000000, 0x8000000000000000 },
    { 0x7ff0000000000000, 0x3ff0000000000000, 0x7fefffffffffffff, 0x7ff0000000000000 },
    { 0x7fefffffffffffff, 0x7fefffffffffffff, 0xfff0000000000000, 0xfff0000000000000 },
};

Test(numeric, fma_rounds_once_as_exact_fractions_do)
{
    for (size_t k = 0; k < sizeof fma_f32 / sizeof fma_f32[0]; k++) {
        const uint32_t *v = fma_f32[k];
        cr_expect(jit_float_fma(JIT_F32, v[0], v[1], v[2]) == v[3], "f32 %zu", k);
    }
    for (size_t k = 0; k < sizeof fma_f64 / sizeof fma_f64[0]; k++) {
        const uint64_t *v = fma_f64[k];
        cr_expect(jit_float_fma(JIT_F64, v[0], v[1], v[2]) == v[3], "f64 %zu", k);
    }
}

#ifdef __x86_64__
#define HARDWARE_FMA __attribute__((target("fma")))
#define HAS_FMA __builtin_cpu_supports("fma")
#else
#define HARDWARE_FMA
#define HAS_FMA 1
#endif

HARDWARE_FMA static uint64_t hardware_fma(jit_type t, uint64_t x, uint64_t y, uint64_t z)
{
    if (t == JIT_F32)
        return bits32(__builtin_fmaf(f32(x), f32(y), f32(z)));
    return bits64(__builtin_fma(f64(x), f64(y), f64(z)));
}

static bool same(jit_type t, uint64_t x, uint64_t y)
{
    return x == y || (jit_float_is_nan(t, x) && jit_float_is_nan(t, y));
}

Test(numeric, fma_agrees_with_the_hardware)
{
    if (!HAS_FMA)
        return;
    for (jit_type t = JIT_F32; t <= JIT_F64; t++)
        for (int k = 0; k < 400000; k++) {
            uint64_t x = any_float(t), y = any_float(t), z = any_float(t);
            if (k % 4 == 0) /* cancels but for what rounding lost */
                z = eval2(JIT_OP_fmul, t, x, y) ^ (uint64_t)1 << (jit_type_bits(t) - 1);
            cr_assert(same(t, jit_float_fma(t, x, y, z), hardware_fma(t, x, y, z)),
                      "%llx * %llx + %llx", (unsigned long long)x, (unsigned long long)y,
                      (unsigned long long)z);
        }
}

/* With z or y neutral, fma is the sum and the product that the host computes. */
Test(numeric, sums_and_products_are_fma_with_a_neutral_operand)
{
    for (jit_type t = JIT_F32; t <= JIT_F64; t++)
        for (int k = 0; k < 100000; k++) {
            uint64_t x = any_float(t), y = any_float(t), one = jit_float_from_int(t, false, 1);
            uint64_t sign = (uint64_t)1 << (jit_type_bits(t) - 1);
            uint64_t zero = (x ^ y) & sign;
            cr_assert(same(t, jit_float_fma(t, x, one, y), eval2(JIT_OP_fadd, t, x, y)));
            cr_assert(same(t, jit_float_fma(t, x, y, zero), eval2(JIT_OP_fmul, t, x, y)));
            if (!jit_float_is_nan(t, y))
                cr_assert(same(t, eval2(JIT_OP_fsub, t, x, y), eval2(JIT_OP_fadd, t, x, y ^ sign)));
        }
}

/* In double, sums, products and quotients of f16 are exact or close enough to round once more. */
Test(numeric, f16_arithmetic_agrees_with_double)
{
    for (int k = 0; k < 200000; k++) {
        uint64_t x = any_float(JIT_F16), y = any_float(JIT_F16);
        double a = f64(jit_float_convert(JIT_F64, JIT_F16, x));
        double b = f64(jit_float_convert(JIT_F64, JIT_F16, y));
        uint64_t sum = jit_float_convert(JIT_F16, JIT_F64, bits64(a + b));
        uint64_t product = jit_float_convert(JIT_F16, JIT_F64, bits64(a * b));
        uint64_t quotient = jit_float_convert(JIT_F16, JIT_F64, bits64(a / b));
        cr_assert(same(JIT_F16, eval2(JIT_OP_fadd, JIT_F16, x, y), sum));
        cr_assert(same(JIT_F16, eval2(JIT_OP_fmul, JIT_F16, x, y), product));
        cr_assert(same(JIT_F16, eval2(JIT_OP_fdiv, JIT_F16, x, y), quotient), "%llx / %llx",
                  (unsigned long long)x, (unsigned long long)y);
    }
}

/* Every f16 is below 2^17 and a multiple of 2^-24, so integers decide. */
Test(numeric, rounding_of_every_f16_agrees_with_integers)
{
    for (uint64_t x = 0; x < 65536; x++) {
        if ((x & 0x7fff) > 0x7c00)
            continue;
        uint64_t sign = x & 0x8000;
        double v = f64(jit_float_convert(JIT_F64, JIT_F16, x & 0x7fff));
        uint64_t up, down, near;
        if ((x & 0x7fff) == 0x7c00) {
            up = down = near = x & 0x7fff;
        } else {
            int64_t whole = (int64_t)v;
            double rest = v - (double)whole;
            bool away = rest > 0.5 || (rest >= 0.5 && (whole & 1));
            down = jit_float_from_int(JIT_F16, false, (u128)whole);
            up = jit_float_from_int(JIT_F16, false, (u128)(whole + (rest > 0)));
            near = away ? up : down;
        }
        cr_assert(eval1(JIT_OP_trunc, JIT_F16, x) == (sign | down));
        cr_assert(eval1(JIT_OP_ceil, JIT_F16, x) == (sign | (sign ? down : up)));
        cr_assert(eval1(JIT_OP_floor, JIT_F16, x) == (sign | (sign ? up : down)));
        cr_assert(eval1(JIT_OP_nearest, JIT_F16, x) == (sign | near), "%x", (unsigned)x);
    }
}

Test(numeric, rounding_of_f32_and_f64_agrees_with_integers)
{
    for (int k = 0; k < 300000; k++) {
        jit_type t = k & 1 ? JIT_F32 : JIT_F64;
        uint64_t sign = (uint64_t)1 << (jit_type_bits(t) - 1), exp = any_bits() % 66;
        uint64_t x = any_float(t) & (t == JIT_F32 ? 0x807fffff : 0x800fffffffffffffu);
        x |= t == JIT_F32 ? (exp + 120) << 23 : (exp + 1016) << 52;
        double v = f64(t == JIT_F32 ? jit_float_convert(JIT_F64, t, x & ~sign) : x & ~sign);
        u128 whole = (u128)v;
        double rest = v - (double)whole;
        bool away = rest > 0.5 || (rest >= 0.5 && (whole & 1));
        sign &= x;
        uint64_t down = sign | jit_float_from_int(t, false, whole);
        uint64_t up = sign | jit_float_from_int(t, false, whole + (rest > 0));
        cr_assert(eval1(JIT_OP_trunc, t, x) == down);
        cr_assert(eval1(JIT_OP_ceil, t, x) == (sign ? down : up));
        cr_assert(eval1(JIT_OP_floor, t, x) == (sign ? up : down));
        cr_assert(eval1(JIT_OP_nearest, t, x) == (away ? up : down), "%llx", (unsigned long long)x);
    }
}

Test(numeric, rounding_keeps_the_sign_of_zero)
{
    cr_expect_eq(eval1(JIT_OP_trunc, JIT_F64, bits64(-0.5)), bits64(-0.0));
    cr_expect_eq(eval1(JIT_OP_ceil, JIT_F32, bits32(-0.75f)), bits32(-0.0f));
    cr_expect_eq(eval1(JIT_OP_floor, JIT_F32, bits32(0.75f)), bits32(0.0f));
    cr_expect_eq(eval1(JIT_OP_nearest, JIT_F64, bits64(-0.5)), bits64(-0.0));
    cr_expect_eq(eval1(JIT_OP_nearest, JIT_F64, bits64(1.5)), bits64(2.0));
    cr_expect_eq(eval1(JIT_OP_nearest, JIT_F64, bits64(2.5)), bits64(2.0));
}

/* A root r of x is right when (2r - 1)^2 < 4x < (2r + 1)^2 in units of its last place. */
Test(numeric, square_roots_are_the_nearest_ones)
{
    for (int k = 0; k < 200000; k++) {
        jit_type t = k & 1 ? JIT_F32 : JIT_F64;
        int mant = t == JIT_F32 ? 23 : 52, bias = t == JIT_F32 ? 127 : 1023;
        uint64_t fraction = any_float(t) & (((uint64_t)1 << mant) - 1);
        int exp = (int)(any_bits() & 1) + 2 * (int)(any_bits() % 60) - 60;
        uint64_t x = fraction | (uint64_t)(exp + bias) << mant;
        uint64_t r = eval1(JIT_OP_sqrt, t, x);
        int half = exp >= 0 ? exp / 2 : -((1 - exp) / 2); /* of the root */
        cr_assert((int)(r >> mant) - bias == half);
        u128 root = (r & (((uint64_t)1 << mant) - 1)) | (uint64_t)1 << mant;
        u128 value = (u128)(fraction | (uint64_t)1 << mant) << (mant + exp - 2 * half) << 2;
        cr_assert((2 * root - 1) * (2 * root - 1) < value);
        cr_assert(value < (2 * root + 1) * (2 * root + 1));
    }
    cr_expect_eq(eval1(JIT_OP_sqrt, JIT_F64, bits64(-0.0)), bits64(-0.0));
    cr_expect_eq(eval1(JIT_OP_sqrt, JIT_F64, bits64(-1.0)), 0x7ff8000000000000u);
    cr_expect_eq(eval1(JIT_OP_sqrt, JIT_F64, 0x7ff0000000000000u), 0x7ff0000000000000u);
    cr_expect_eq(eval1(JIT_OP_sqrt, JIT_F64, 1), 0x1e60000000000000u);  /* 2^-1074 to 2^-537 */
    cr_expect_eq(eval1(JIT_OP_sqrt, JIT_F32, bits32(2.0f)), 0x3fb504f3);
}

Test(numeric, integers_become_floats_with_one_rounding)
{
    for (int k = 0; k < 200000; k++) {
        uint64_t x = any_bits() >> any_bits() % 64;
        if (k % 3 == 0) /* near a tie of f32 or f64 */
            x = ((uint64_t)1 << 63 | (uint64_t)1 << (k & 1 ? 39 : 10)) + any_bits() % 3 - 1;
        cr_assert(convert(JIT_OP_fcvt_from_uint, JIT_F32, JIT_I64, x) == bits32((float)x));
        cr_assert(convert(JIT_OP_fcvt_from_uint, JIT_F64, JIT_I64, x) == bits64((double)x));
        int64_t s = (int64_t)x;
        cr_assert(convert(JIT_OP_fcvt_from_sint, JIT_F32, JIT_I64, x) == bits32((float)s));
        cr_assert(convert(JIT_OP_fcvt_from_sint, JIT_F64, JIT_I64, x) == bits64((double)s));
        cr_assert(convert(JIT_OP_fcvt_from_sint, JIT_F32, JIT_I32, x & UINT32_MAX)
                  == bits32((float)(int32_t)(uint32_t)x));
    }
    cr_expect_eq(convert(JIT_OP_fcvt_from_sint, JIT_F32, JIT_I8, 0x80), bits32(-128.0f));
    cr_expect_eq(convert(JIT_OP_fcvt_from_uint, JIT_F32, JIT_I8, 0x80), bits32(128.0f));
}

static uint64_t to_int(jit_opcode op, jit_type to, double x, unsigned *trap)
{
    return eval(op, to, JIT_F64, bits64(x), 0, 0, NULL, trap);
}

Test(numeric, floats_become_integers_or_trap_at_the_exact_limits)
{
    unsigned trap;

    for (jit_type t = JIT_I8; t <= JIT_I64; t++) {
        unsigned w = jit_type_bits(t);
        double end = w == 64 ? 18446744073709551616.0 : (double)((uint64_t)1 << w);
        double half = end / 2, inside = w == 64 ? 1024 : 0.5;
        to_int(JIT_OP_fcvt_to_uint, t, end, &trap);
        cr_expect_eq(trap, JIT_TRAP_INT_OVF);
        to_int(JIT_OP_fcvt_to_uint, t, end - (w == 64 ? 2048 : 0.5), &trap);
        cr_expect_eq(trap, 0);
        to_int(JIT_OP_fcvt_to_uint, t, -1.0, &trap);
        cr_expect_eq(trap, JIT_TRAP_INT_OVF);
        cr_expect(to_int(JIT_OP_fcvt_to_uint, t, -0.9, &trap) == 0 && trap == 0);
        to_int(JIT_OP_fcvt_to_sint, t, half, &trap);
        cr_expect_eq(trap, JIT_TRAP_INT_OVF);
        to_int(JIT_OP_fcvt_to_sint, t, half - inside, &trap);
        cr_expect_eq(trap, 0);
        cr_expect(to_int(JIT_OP_fcvt_to_sint, t, -half, &trap) == (uint64_t)1 << (w - 1));
        cr_expect_eq(trap, 0);
        to_int(JIT_OP_fcvt_to_sint, t, -half - (w == 64 ? 2048 : 1), &trap);
        cr_expect_eq(trap, JIT_TRAP_INT_OVF);
        eval(JIT_OP_fcvt_to_sint, t, JIT_F32, 0x7fa00000, 0, 0, NULL, &trap);
        cr_expect_eq(trap, JIT_TRAP_BAD_TOINT);
        eval(JIT_OP_fcvt_to_uint, t, JIT_F64, 0x7ff0000000000000u, 0, 0, NULL, &trap);
        cr_expect_eq(trap, JIT_TRAP_INT_OVF);

        uint64_t all = low_bits(UINT64_MAX, w), max = all >> 1;
        cr_expect_eq(to_int(JIT_OP_fcvt_to_uint_sat, t, end, &trap), all);
        cr_expect_eq(to_int(JIT_OP_fcvt_to_uint_sat, t, -5.0, &trap), 0);
        cr_expect_eq(to_int(JIT_OP_fcvt_to_sint_sat, t, 1e300, &trap), max);
        cr_expect_eq(to_int(JIT_OP_fcvt_to_sint_sat, t, -1e300, &trap), max + 1);
        cr_expect_eq(convert(JIT_OP_fcvt_to_sint_sat, t, JIT_F64, 0x7ff8000000000000u), 0);
        cr_expect_eq(convert(JIT_OP_fcvt_to_uint_sat, t, JIT_F64, 0xfff0000000000000u), 0);
    }
}

Test(numeric, floats_in_range_truncate_as_in_c)
{
    for (int k = 0; k < 100000; k++) {
        double x = (double)(int64_t)any_bits() / (double)((uint64_t)1 << any_bits() % 63 | 1);
        if (x >= 9223372036854775808.0 || x < -9223372036854775808.0)
            continue;
        uint64_t b = bits64(x), cut = (uint64_t)(int64_t)x;
        cr_assert(convert(JIT_OP_fcvt_to_sint, JIT_I64, JIT_F64, b) == cut);
        cr_assert(convert(JIT_OP_fcvt_to_sint_sat, JIT_I64, JIT_F64, b) == cut);
    }
}

Test(numeric, formats_convert_as_in_c_and_keep_payloads)
{
    for (int k = 0; k < 200000; k++) {
        uint64_t x = any_float(JIT_F64);
        if (k % 2) /* within the exponents of f32, subnormal ones too */
            x = (x & 0x800fffffffffffffu) | (any_bits() % 290 + 868) << 52;
        if (!jit_float_is_nan(JIT_F64, x))
            cr_assert(convert(JIT_OP_fdemote, JIT_F32, JIT_F64, x) == bits32((float)f64(x)));
        uint64_t y = any_float(JIT_F32);
        if (!jit_float_is_nan(JIT_F32, y))
            cr_assert(convert(JIT_OP_fpromote, JIT_F64, JIT_F32, y) == bits64((double)f32(y)));
    }
    cr_expect_eq(convert(JIT_OP_fpromote, JIT_F64, JIT_F32, 0xffa00001), 0xfffc000020000000u);
    cr_expect_eq(convert(JIT_OP_fdemote, JIT_F32, JIT_F64, 0x7ff4000020000000u), 0x7fe00001);
}

Test(numeric, every_f16_survives_a_wider_format)
{
    for (uint64_t x = 0; x < 65536; x++) {
        uint64_t quiet = jit_float_is_nan(JIT_F16, x) ? x | 0x200 : x;
        uint64_t single = jit_float_convert(JIT_F32, JIT_F16, x);
        uint64_t wide = jit_float_convert(JIT_F64, JIT_F16, x);
        cr_assert(jit_float_convert(JIT_F16, JIT_F32, single) == quiet);
        cr_assert(jit_float_convert(JIT_F16, JIT_F64, wide) == quiet);
    }
}

Test(numeric, comparisons_agree_with_c)
{
    for (int k = 0; k < 100000; k++) {
        uint64_t x = any_float(JIT_F64), y = k % 3 ? any_float(JIT_F64) : x;
        if (k % 7 == 0)
            x = (uint64_t)(k & 1) << 63, y = (uint64_t)(k >> 1 & 1) << 63;
        if (k % 11 == 0)
            y = 0x7ff0000000000001u;
        double a = f64(x), b = f64(y);
        bool unordered = jit_float_is_nan(JIT_F64, x) || jit_float_is_nan(JIT_F64, y);
        bool eq = a >= b && a <= b, holds[] = {
            eq, !eq, a < b || a > b, eq || unordered, a < b, !(a < b), a <= b, !(a <= b), a > b,
            !(a > b), a >= b, !(a >= b), !unordered, unordered
        };
        for (unsigned cc = JIT_FEQ; cc <= JIT_FUNO; cc++) {
            uint64_t args[2] = { x, y }, r[2];
            unsigned trap;
            cr_assert(jit_eval(JIT_OP_fcmp, JIT_F64, cc, args, JIT_F64, r, &trap));
            cr_assert(r[0] == holds[cc], "condition %u", cc);
        }
    }
}

Test(numeric, minimum_and_maximum_order_zeros_and_propagate_nan)
{
    uint64_t zero = 0, minus = 0x80000000, nan = 0x7fc00000, snan = 0xff800001;

    cr_expect_eq(eval2(JIT_OP_fmin, JIT_F32, zero, minus), minus);
    cr_expect_eq(eval2(JIT_OP_fmin, JIT_F32, minus, zero), minus);
    cr_expect_eq(eval2(JIT_OP_fmax, JIT_F32, zero, minus), zero);
    cr_expect_eq(eval2(JIT_OP_fmax, JIT_F32, minus, zero), zero);
    cr_expect_eq(eval2(JIT_OP_fmin, JIT_F32, bits32(1.0f), nan), nan);
    cr_expect_eq(eval2(JIT_OP_fmax, JIT_F32, snan, bits32(1.0f)), 0xffc00001);
    cr_expect_eq(eval2(JIT_OP_fmin, JIT_F32, bits32(-1.0f), bits32(2.0f)), bits32(-1.0f));
    cr_expect_eq(eval2(JIT_OP_fmax, JIT_F32, bits32(-1.0f), bits32(2.0f)), bits32(2.0f));
}

Test(numeric, arithmetic_quiets_nans_and_bit_operations_do_not)
{
    uint64_t snan = 0x7ff0000000000001u, one = bits64(1.0), inf = 0x7ff0000000000000u;
    static const jit_opcode arithmetic[] = { JIT_OP_fadd, JIT_OP_fsub, JIT_OP_fmul, JIT_OP_fdiv };
    static const jit_opcode unary[] = { JIT_OP_sqrt, JIT_OP_ceil, JIT_OP_floor, JIT_OP_trunc,
                                        JIT_OP_nearest };

    for (size_t k = 0; k < 4; k++) {
        cr_expect_eq(eval2(arithmetic[k], JIT_F64, snan, one), 0x7ff8000000000001u);
        cr_expect_eq(eval2(arithmetic[k], JIT_F64, one, snan), 0x7ff8000000000001u);
    }
    for (size_t k = 0; k < 5; k++)
        cr_expect_eq(eval1(unary[k], JIT_F64, snan), 0x7ff8000000000001u);
    cr_expect_eq(eval1(JIT_OP_fneg, JIT_F64, snan), 0xfff0000000000001u);
    cr_expect_eq(eval1(JIT_OP_fabs, JIT_F64, 0xfff0000000000001u), snan);
    cr_expect_eq(eval2(JIT_OP_fcopysign, JIT_F64, snan, bits64(-1.0)), 0xfff0000000000001u);
    cr_expect_eq(eval2(JIT_OP_fsub, JIT_F64, inf, inf), 0x7ff8000000000000u);
    cr_expect_eq(eval2(JIT_OP_fmul, JIT_F64, inf, 0), 0x7ff8000000000000u);
    cr_expect_eq(eval2(JIT_OP_fdiv, JIT_F64, 0, 0), 0x7ff8000000000000u);
    cr_expect_eq(jit_eval_canonical(JIT_F32, 0xff800001), 0x7fc00000);
    cr_expect_eq(jit_eval_canonical(JIT_F32, 0xff800000), 0xff800000);
    cr_expect(jit_eval_makes_nan(JIT_OP_fma) && !jit_eval_makes_nan(JIT_OP_fneg));
}

Test(numeric, libcalls_compute_what_instructions_do)
{
    cr_expect_eq(bits32(jit_soft_ceilf(1.25f)), bits32(2.0f));
    cr_expect_eq(bits64(jit_soft_floor(-1.25)), bits64(-2.0));
    cr_expect_eq(bits64(jit_soft_trunc(-1.75)), bits64(-1.0));
    cr_expect_eq(bits32(jit_soft_nearestf(3.5f)), bits32(4.0f));
    cr_expect_eq(bits64(jit_soft_fma(3.0, 5.0, -15.0)), 0);
    cr_expect_eq(bits32(jit_soft_fmaf(-3.0f, 5.0f, 1.0f)), bits32(-14.0f));
}
