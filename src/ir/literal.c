/* literal.c - reads and prints integers, exact hexadecimal floats, vectors and type names. */
#include "ir/literal.h"

#include "ir/func.h"
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The value of a hexadecimal digit; 16 for anything else. */
static unsigned digit_value(char c)
{
    if (is_digit(c))
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

size_t jit_literal_span(const char *s, size_t n)
{
    size_t k = n > 0 && (s[0] == '+' || s[0] == '-');

    for (; k < n; k++) {
        bool sign = (s[k] == '+' || s[k] == '-') && k > 0 && s[k - 1] == 'p';
        bool payload = s[k] == ':' && k > 2 && memcmp(s + k - 3, "NaN", 3) == 0;
        if (!is_alnum(s[k]) && s[k] != '_' && s[k] != '.' && !sign && !payload)
            break;
    }
    return k;
}

/* ---- Integers ---- */

bool jit_literal_int(const char *s, size_t n, literal_int *out)
{
    unsigned base = 10, digits = 0;
    u128 x = 0;

    out->negative = n > 0 && s[0] == '-';
    if (n > 0 && (s[0] == '-' || s[0] == '+'))
        s++, n--;
    if (n > 2 && s[0] == '0' && s[1] == 'x')
        base = 16, s += 2, n -= 2;
    for (size_t k = 0; k < n; k++) {
        unsigned d = digit_value(s[k]);
        if (s[k] == '_' && digits > 0)
            continue;
        if (d >= base || (x >> 120 != 0 && x > (~(u128)0 - d) / base)) /* 16x + 15 fits below */
            return false;
        x = x * base + d;
        digits++;
    }
    out->magnitude = x;
    return digits > 0;
}

bool jit_literal_fits(literal_int x, unsigned bits, u128 *out)
{
    u128 mask = bits >= 128 ? ~(u128)0 : ((u128)1 << bits) - 1;

    if (x.negative ? x.magnitude > (mask >> 1) + 1 : x.magnitude > mask)
        return false;
    *out = (x.negative ? 0 - x.magnitude : x.magnitude) & mask;
    return true;
}

bool jit_literal_unsigned(const char *s, size_t n, uint64_t most, uint64_t *out)
{
    literal_int x;

    if (!jit_literal_int(s, n, &x) || (x.negative && x.magnitude != 0) || x.magnitude > most)
        return false;
    *out = (uint64_t)x.magnitude;
    return true;
}

bool jit_literal_signed(const char *s, size_t n, int64_t least, int64_t most, int64_t *out)
{
    literal_int x;

    if (!jit_literal_int(s, n, &x)
        || (x.negative ? x.magnitude > 0 - (uint64_t)least : x.magnitude > (uint64_t)most))
        return false;
    *out = (int64_t)(x.negative ? 0 - (uint64_t)x.magnitude : (uint64_t)x.magnitude);
    return true;
}

/* ---- Floats ---- */

typedef struct float_format {
    unsigned exponent, significand; /* widths in bits */
} float_format;

static float_format format_of(jit_type t)
{
    static const float_format formats[] = { { 5, 10 }, { 8, 23 }, { 11, 52 }, { 15, 112 } };

    return formats[jit_type_lane(t) - JIT_F16];
}

static bool equals(const char *s, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(s, word, n) == 0;
}

static bool starts(const char *s, size_t n, const char *word)
{
    return n > strlen(word) && memcmp(s, word, strlen(word)) == 0;
}

/* The forms without digits: 0.0, Inf, NaN, NaN:0x1, sNaN:0x1. */
static const char *special_float(float_format w, const char *s, size_t n, u128 *bits)
{
    u128 inf = (((u128)1 << w.exponent) - 1) << w.significand;
    u128 quiet = (u128)1 << (w.significand - 1);
    bool signaling = starts(s, n, "sNaN:0x");
    literal_int payload;

    *bits = inf;
    if (equals(s, n, "0.0"))
        *bits = 0;
    else if (equals(s, n, "NaN"))
        *bits = inf | quiet;
    else if (starts(s, n, "NaN:0x") || signaling) {
        size_t skip = signaling ? 5 : 4;
        if (memchr(s, '_', n) || !jit_literal_int(s + skip, n - skip, &payload)
            || payload.magnitude >= quiet || (signaling && payload.magnitude == 0))
            return "a NaN payload that fits below the quiet bit";
        *bits = inf | (signaling ? 0 : quiet) | payload.magnitude;
    } else if (!equals(s, n, "Inf"))
        return "a hexadecimal float like 0x1.8p3, or 0.0, Inf, NaN, NaN:0x1, sNaN:0x1";
    return NULL;
}

/* The digits of 0xH.Hp±D: a significand of at most 128 bits and the exponent of its last bit. */
static const char *scan_hex_float(const char *s, size_t n, u128 *significand, int *exponent)
{
    unsigned digits = 0;
    bool point = false, minus;
    int scale = 0, e = 0; /* bounded: the text of a module is at most 2^31 digits / 4 */
    size_t k;

    *significand = 0;
    for (k = 0; k < n && s[k] != 'p'; k++) {
        unsigned d = digit_value(s[k]);
        if (s[k] == '.') {
            if (point)
                return "one radix point in a float";
            point = true;
            continue;
        }
        if (d > 15)
            return "hexadecimal digits in a float";
        if (scale > 100000 || scale < -100000)
            return "a float of fewer digits";
        digits++;
        if (*significand >> 124 == 0) {
            *significand = *significand << 4 | d;
            scale -= point ? 4 : 0;
        } else if (d != 0)
            return "a float that is exact in its format (too many bits)";
        else
            scale += point ? 0 : 4;
    }
    if (digits == 0)
        return "digits in a float";
    *exponent = scale;
    if (k == n)
        return NULL;
    minus = ++k < n && s[k] == '-';
    if (k < n && (s[k] == '-' || s[k] == '+'))
        k++;
    if (k == n)
        return "a decimal exponent";
    for (; k < n; k++) {
        if (!is_digit(s[k]))
            return "a decimal exponent";
        if (e < 1000000)
            e = e * 10 + (s[k] - '0');
    }
    *exponent = scale + (minus ? -e : e);
    return NULL;
}

static unsigned bit_length(u128 x)
{
    uint64_t high = (uint64_t)(x >> 64), low = (uint64_t)x;
    unsigned n = high != 0 ? 64 : 0;

    for (uint64_t rest = high != 0 ? high : low; rest != 0; rest >>= 1)
        n++;
    return n;
}

/* x * 2^e as bits of a float, without a sign; x is not zero. */
static const char *encode_float(float_format w, u128 x, int e, u128 *bits)
{
    int length = (int)bit_length(x), bias = (1 << (w.exponent - 1)) - 1;
    int top = e + length - 1;  /* exponent of the leading bit */
    int least = 1 - bias;      /* ... of a normal number */
    int shift;                 /* of x so that its unit is the format's last bit */

    if (top > bias)
        return "a float within the range of its format (too large)";
    shift = e - ((top < least ? least : top) - (int)w.significand);
    if (shift < 0) {
        if (-shift >= 128 || (x & (((u128)1 << -shift) - 1)) != 0)
            return top < least - (int)w.significand
                ? "a float within the range of its format (too small)"
                : "a float that is exact in its format (too many bits)";
        x >>= -shift;
    } else
        x <<= shift; /* at most to significand + 1 bits */
    *bits = top < least ? x
        : (x & (((u128)1 << w.significand) - 1)) | (u128)(unsigned)(top + bias) << w.significand;
    return NULL;
}

const char *jit_literal_float(jit_type t, const char *s, size_t n, u128 *bits)
{
    float_format w = format_of(t);
    bool minus = n > 0 && s[0] == '-';
    const char *wrong;
    int exponent;
    u128 significand;

    if (n > 0 && (s[0] == '-' || s[0] == '+'))
        s++, n--;
    if (n > 2 && s[0] == '0' && s[1] == 'x') {
        wrong = scan_hex_float(s + 2, n - 2, &significand, &exponent);
        if (!wrong && significand == 0)
            *bits = 0;
        else if (!wrong)
            wrong = encode_float(w, significand, exponent, bits);
    } else
        wrong = special_float(w, s, n, bits);
    if (!wrong && minus)
        *bits |= (u128)1 << (w.exponent + w.significand);
    return wrong;
}

void jit_print_float(strbuf *s, jit_type t, u128 bits)
{
    static const char hex[] = "0123456789abcdef";
    float_format w = format_of(t);
    u128 significand = bits & (((u128)1 << w.significand) - 1);
    unsigned exponent = (unsigned)(bits >> w.significand) & ((1u << w.exponent) - 1);
    unsigned most = (1u << w.exponent) - 1, digits = (w.significand + 3) / 4;
    int bias = (1 << (w.exponent - 1)) - 1;
    bool minus = bits >> (w.exponent + w.significand) & 1;

    if (minus)
        jit_strbuf_putc(s, '-');
    if (exponent == most) {
        u128 quiet = (u128)1 << (w.significand - 1), payload = significand & (quiet - 1);
        bool is_quiet = (significand & quiet) != 0;
        if (!minus)
            jit_strbuf_putc(s, '+');
        if (significand == 0) {
            jit_strbuf_puts(s, "Inf");
            return;
        }
        jit_strbuf_puts(s, is_quiet ? "NaN" : "sNaN");
        if (payload != 0) {
            unsigned n = (bit_length(payload) + 3) / 4;
            jit_strbuf_puts(s, ":0x");
            while (n-- > 0)
                jit_strbuf_putc(s, hex[(unsigned)(payload >> 4 * n) & 15]);
        }
        return;
    }
    if (exponent == 0 && significand == 0) {
        jit_strbuf_puts(s, "0.0");
        return;
    }
    jit_strbuf_puts(s, exponent == 0 ? "0x0." : "0x1.");
    significand <<= 4 * digits - w.significand;
    for (unsigned n = digits; n-- > 0;)
        jit_strbuf_putc(s, hex[(unsigned)(significand >> 4 * n) & 15]);
    jit_strbuf_putc(s, 'p');
    jit_strbuf_i64(s, exponent == 0 ? 1 - bias : (int)exponent - bias);
}

/* ---- Scalars, byte strings, vectors ---- */

static void store_bytes(uint8_t *out, u128 x, unsigned size)
{
    for (unsigned k = 0; k < size; k++)
        out[k] = (uint8_t)(x >> 8 * k);
}

const char *jit_literal_scalar(jit_type t, const char *s, size_t n, uint8_t *out)
{
    static const char *const wanted[] = {
        "an 8-bit integer (-128 to 255)", "a 16-bit integer (-32768 to 65535)",
        "a 32-bit integer (-2147483648 to 4294967295)", "a 64-bit integer", "a 128-bit integer"
    };
    unsigned bits = jit_type_lane_bits(t);
    const char *wrong = NULL;
    u128 x = 0;

    if (jit_type_is_float(t))
        wrong = jit_literal_float(t, s, n, &x);
    else {
        literal_int i;
        if (!jit_literal_int(s, n, &i) || !jit_literal_fits(i, bits, &x))
            wrong = wanted[jit_type_lane(t) - JIT_I8];
    }
    if (!wrong)
        store_bytes(out, x, bits / 8);
    return wrong;
}

const char *jit_literal_bytes(const char *s, size_t n, uint8_t out[16], uint32_t *size)
{
    static const char wrong[] = "0x and an even number of hexadecimal digits, at most 32";
    unsigned digits = 0;

    if (n < 3 || s[0] != '0' || s[1] != 'x')
        return wrong;
    for (size_t k = n; k-- > 2;) {
        unsigned d = digit_value(s[k]);
        if (s[k] == '_')
            continue;
        if (d > 15 || digits == 32)
            return wrong;
        out[digits / 2] = (uint8_t)(digits % 2 == 0 ? d : out[digits / 2] | d << 4);
        digits++;
    }
    *size = digits / 2;
    return digits == 0 || digits % 2 != 0 ? wrong : NULL;
}

static void skip_blanks(const char **s, size_t *n)
{
    while (*n > 0 && (**s == ' ' || (**s >= '\t' && **s <= '\r')))
        ++*s, --*n;
}

static const char *read_scalar(jit_type t, const char **s, size_t *n, uint8_t *out)
{
    size_t length;
    const char *wrong;

    skip_blanks(s, n);
    length = jit_literal_span(*s, *n);
    wrong = jit_literal_scalar(t, *s, length, out);
    if (!wrong)
        *s += length, *n -= length;
    return wrong;
}

static const char *read_vector(jit_type t, const char **s, size_t *n, uint8_t out[16])
{
    unsigned lanes = jit_type_lanes(t), step = jit_type_lane_bits(t) / 8;
    const char *wrong = NULL;
    uint32_t size;
    size_t length;

    if (**s != '[') {
        length = jit_literal_span(*s, *n);
        wrong = jit_literal_bytes(*s, length, out, &size);
        if (!wrong && size > jit_type_bytes(t))
            return "a constant that is not longer than the vector";
        if (wrong)
            return "a vector: [ and its lanes, or 0x and an even number of digits";
        memset(out + size, 0, 16 - size);
        *s += length, *n -= length;
        return NULL;
    }
    ++*s, --*n;
    for (unsigned k = 0; k < lanes && !wrong; k++)
        wrong = read_scalar(jit_type_lane(t), s, n, out + k * step);
    skip_blanks(s, n);
    if (!wrong && (*n == 0 || **s != ']'))
        wrong = "] after the last lane of the vector";
    if (!wrong)
        ++*s, --*n;
    return wrong;
}

bool jit_text_value(jit_type t, const char **text, size_t *n, uint8_t out[16], const char **error)
{
    const char *wrong;

    memset(out, 0, 16);
    skip_blanks(text, n);
    if (!type_is_legal(t))
        wrong = "a value of a type of at most 128 bits";
    else if (*n == 0)
        wrong = "a value";
    else if (jit_type_is_vector(t))
        wrong = read_vector(t, text, n, out);
    else
        wrong = read_scalar(t, text, n, out);
    if (wrong && error)
        *error = wrong;
    return !wrong;
}

/* ---- Printing ---- */

static void print_decimal(strbuf *s, u128 x, unsigned bits)
{
    char digits[40];
    size_t at = sizeof digits;

    if (x >> (bits - 1) & 1) {
        jit_strbuf_putc(s, '-');
        x = 0 - x;
        if (bits < 128)
            x &= ((u128)1 << bits) - 1;
    }
    do {
        digits[--at] = (char)('0' + (unsigned)(x % 10));
        x /= 10;
    } while (x != 0);
    jit_strbuf_put(s, digits + at, sizeof digits - at);
}

static void print_scalar(strbuf *s, jit_type t, const uint8_t *bytes)
{
    unsigned bits = jit_type_lane_bits(t);
    u128 x = 0;

    for (unsigned k = bits / 8; k-- > 0;)
        x = x << 8 | bytes[k];
    if (jit_type_is_float(t))
        jit_print_float(s, t, x);
    else
        print_decimal(s, x, bits);
}

/* Memory for one value: the longest, i8x16 or f128, takes far less. */
typedef struct value_buffer { char at[1024]; } value_buffer;

static void *buffer_alloc(void *user, size_t size)
{
    value_buffer *b = user;

    return size <= sizeof b->at ? b->at : NULL;
}

static void buffer_free(void *user, void *memory, size_t size)
{
    (void)user;
    (void)memory;
    (void)size;
}

size_t jit_text_print_value(jit_type t, const uint8_t bytes[16], char *buffer, size_t size)
{
    value_buffer memory;
    jit_allocator host = { buffer_alloc, buffer_free, &memory };
    unsigned step = jit_type_lane_bits(t) / 8;
    strbuf s;
    size_t n;

    if (size > 0)
        buffer[0] = 0;
    if (!type_is_legal(t))
        return 0;
    jit_strbuf_init(&s, &host);
    if (jit_type_is_vector(t)) {
        jit_strbuf_putc(&s, '[');
        for (unsigned k = 0; k < jit_type_lanes(t); k++) {
            if (k > 0)
                jit_strbuf_putc(&s, ' ');
            print_scalar(&s, jit_type_lane(t), bytes + k * step);
        }
        jit_strbuf_putc(&s, ']');
    } else
        print_scalar(&s, t, bytes);
    n = s.len;
    if (size > 0) {
        size_t keep = n < size ? n : size - 1;
        memcpy(buffer, s.at, keep);
        buffer[keep] = 0;
    }
    return n;
}

void jit_print_hex(strbuf *s, uint64_t x)
{
    static const char hex[] = "0123456789abcdef";
    int groups = x >> 48 != 0 ? 4 : x >> 32 != 0 ? 3 : x >> 16 != 0 ? 2 : 1;

    jit_strbuf_puts(s, "0x");
    for (int g = groups; g-- > 0;) {
        char four[4];
        for (int k = 0; k < 4; k++)
            four[k] = hex[x >> (16 * g + 12 - 4 * k) & 15];
        jit_strbuf_put(s, four, 4);
        if (g > 0)
            jit_strbuf_putc(s, '_');
    }
}

void jit_print_imm64(strbuf *s, int64_t x)
{
    if (x < 10000)
        jit_strbuf_i64(s, x);
    else
        jit_print_hex(s, (uint64_t)x);
}

/* ---- Types ---- */

static const char *const lane_names[] = {
    "void", "i8", "i16", "i32", "i64", "i128", "f16", "f32", "f64", "f128"
};

jit_type jit_type_parse(const char *s, size_t n, bool *too_wide)
{
    size_t x = 0;
    uint64_t lanes = 1;
    unsigned log2 = 0;

    *too_wide = false;
    while (x < n && s[x] != 'x')
        x++;
    if (x < n) {
        if (x + 1 >= n || !is_digit(s[x + 1]) || s[x + 1] == '0' || n - x > 6
            || !jit_literal_unsigned(s + x + 1, n - x - 1, 0xffff, &lanes) || lanes < 2
            || (lanes & (lanes - 1)) != 0)
            return JIT_VOID;
        while (1u << log2 < lanes)
            log2++;
    }
    for (unsigned k = JIT_I8; k <= JIT_F128; k++)
        if (equals(s, x, lane_names[k])) {
            jit_type t = log2 < 8 ? JIT_VEC(k, log2) : JIT_VOID;
            if (type_is_legal(t))
                return t;
            *too_wide = true;
            break;
        }
    return JIT_VOID;
}

void jit_print_type(strbuf *s, jit_type t)
{
    unsigned lane = jit_type_lane(t);

    jit_strbuf_puts(s, lane <= JIT_F128 ? lane_names[lane] : "?");
    if (jit_type_is_vector(t)) {
        jit_strbuf_putc(s, 'x');
        jit_strbuf_u64(s, jit_type_lanes(t));
    }
}

const char *jit_type_name(jit_type t, char buffer[16])
{
    unsigned lane = jit_type_lane(t), lanes = jit_type_lanes(t);
    const char *name = lane <= JIT_F128 ? lane_names[lane] : "?";
    char digits[8];
    size_t n = strlen(name), k = sizeof digits;

    memcpy(buffer, name, n);
    if (lanes > 1) {
        buffer[n++] = 'x';
        for (; lanes != 0; lanes /= 10)
            digits[--k] = (char)('0' + lanes % 10);
        memcpy(buffer + n, digits + k, sizeof digits - k);
        n += sizeof digits - k;
    }
    buffer[n] = 0;
    return buffer;
}
