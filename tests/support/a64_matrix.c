/* a64_matrix.c - enumerates operands of AArch64 rows: one place varies over all it may hold while
 * the others stand at distinct registers. */
#include "tests/support/a64_matrix.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct matrix {
    void (*visit)(void *user, const a64_case *c);
    void *user;
    unsigned n, failed;
    bool sparse;
    fail_ctx fail;
    strbuf text;
    a64_case c;
} matrix;

static void *host_alloc(void *user, size_t size) { (void)user; return malloc(size); }
static void host_free(void *user, void *p, size_t size) { (void)user; (void)size; free(p); }
static const jit_allocator host = { host_alloc, host_free, NULL };

static void encode(void *arg)
{
    matrix *m = arg;
    m->c.word = jit_a64_encode(&m->fail, m->c.op, &m->c.args);
}

static void emit_case(matrix *m, const a64_args *a)
{
    if (m->n++ % (m->sparse ? 16 : 1))
        return;
    m->c.args = *a;
    m->text.len = 0;
    jit_a64_print_inst(&m->text, m->c.op, a);
    snprintf(m->c.text, sizeof m->c.text, "%s", m->text.at);
    if (jit_guard(&m->fail, encode, m) != JIT_OK) {
        printf("%s: %s\n", m->c.text, m->fail.message);
        m->failed++;
    } else {
        m->visit(m->user, &m->c);
    }
}

/* ---- Immediates of one choice of registers; all: every one of them, else one or two ---- */

static void each_of(matrix *m, a64_args a, const int64_t *imms, unsigned n, bool all)
{
    for (unsigned k = all ? 0 : n - 1; k < n; k++) {
        a.imm = imms[k];
        emit_case(m, &a);
    }
}
#define EACH(...)                                                                    \
    each_of(m, a, (const int64_t[]){ __VA_ARGS__ },                                  \
            sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), all)

/* Runs of ones of each length, at each rotation, in each element. */
static void each_mask(matrix *m, a64_args a, bool all)
{
    for (unsigned e = 8u * a.size; e >= 2; e /= 2)
        for (unsigned ones = 1; ones < e; ones++)
            for (unsigned by = 0; by < e; by++) {
                uint64_t run = ((uint64_t)1 << ones) - 1, v;
                v = by ? run << by | run >> (e - by) : run;
                if (e < 64)
                    v &= ((uint64_t)1 << e) - 1;
                for (unsigned w = e; w < 64; w *= 2)
                    v |= v << w;
                a.imm = (int64_t)(a.size == 4 ? (uint32_t)v : v);
                if (all || (ones == 1 && by == e / 2))
                    emit_case(m, &a);
            }
}

static void each_shift(matrix *m, a64_args a, bool all)
{
    bool adds = a64_row(m->c.op)->bits & 1u << 24;

    for (unsigned how = 0; how <= (adds ? A64_ASR : A64_ROR); how++)
        for (unsigned k = 0; k < 8u * a.size; k++) {
            a.cc = (uint8_t)how;
            a.shift = (uint8_t)k;
            if (all || (k == 3 && how == A64_LSR) || k + how == 0)
                emit_case(m, &a);
        }
}

static void each_extension(matrix *m, a64_args a, bool all)
{
    for (unsigned how = A64_UXTB; how <= A64_SXTX; how++)
        for (unsigned k = 0; k <= 4; k++) {
            a.cc = (uint8_t)how;
            a.shift = (uint8_t)k;
            if (a.size2 == 1u << (how & 3) && (all || k == 2))
                emit_case(m, &a);
        }
}

static void each_condition(matrix *m, a64_args a, bool all, unsigned most)
{
    for (unsigned cc = all ? 0 : A64_HI; cc <= (all ? most : A64_HI); cc++) {
        a.cc = (uint8_t)cc;
        emit_case(m, &a);
    }
}

static void each_field(matrix *m, a64_args a, bool all)
{
    unsigned bits = 8u * a.size;

    for (unsigned immr = 0; immr < bits; immr++)
        for (unsigned imms = 0; imms < bits; imms++) {
            a.imm = A64_BF(immr, imms);
            if (all || (immr == 5 && (imms == 3 || imms == 8)))
                emit_case(m, &a);
        }
}

static void each_address(matrix *m, a64_args a, int64_t bytes, bool all)
{
    a.mode = A64_AT_SCALED;
    EACH(bytes, 0, 4095 * bytes, 17 * bytes);
    /* Where both would do, assemblers take the scaled form. */
    a.mode = A64_AT_UNSCALED;
    if (bytes > 1)
        EACH(1, 255, -256, -bytes);
    else
        EACH(-1, -255, -256, -17);
    a.mode = A64_AT_PRE;
    EACH(0, 1, 255, -256, -16);
    a.mode = A64_AT_POST;
    EACH(0, 1, 255, -256, 16);
}

static void each_index(matrix *m, a64_args a, unsigned bytes)
{
    static const uint8_t exts[] = { A64_UXTW, A64_UXTX, A64_SXTW, A64_SXTX };

    a.mode = A64_AT_INDEX;
    for (unsigned k = 0; k < 8; k++)
        for (unsigned x = 0; x < 32; x++) {
            a.cc = exts[k & 3];
            a.m = (uint8_t)x;
            a.shift = (uint8_t)(k & 4 ? __builtin_ctz(bytes) : 0);
            if (bytes > 1 || !(k & 4))
                emit_case(m, &a);
        }
}

/* Registers that no pair or update of the base may name twice. */
static bool is_unpredictable(const matrix *m, const a64_args *a)
{
    const a64_info *row = a64_row(m->c.op);
    bool load = row->bits & 1u << 22, floats = row->format == A64_FORMAT_FPAIR;

    if (load && a->d == a->a)
        return true;
    return !floats && a->cc != A64_OFFSET && a->n != A64_R31 && (a->n == a->d || a->n == a->a);
}

static void each_pair(matrix *m, a64_args a, bool all)
{
    int64_t size = a.size;

    for (unsigned mode = A64_OFFSET; mode <= A64_POST; mode++) {
        a.cc = (uint8_t)mode;
        if (!is_unpredictable(m, &a))
            EACH(0, size, 63 * size, -64 * size, -size);
    }
}

static void each_float(matrix *m, a64_args a, bool all)
{
    for (unsigned imm8 = 0; imm8 < (all ? 256u : 1u); imm8++) {
        uint64_t sign = imm8 >> 7, b = imm8 >> 6 & 1, low = imm8 & 0x3f;
        if (a.size == 8)
            a.imm = (int64_t)(sign << 63 | (b ? (uint64_t)0x3fc << 52 : (uint64_t)0x400 << 52)
                              | low << 48);
        else
            a.imm = (int64_t)(sign << 31 | (b ? 0x3e000000u : 0x40000000u) | low << 19);
        emit_case(m, &a);
    }
}

static void each_imm(matrix *m, a64_args a, bool all)
{
    const a64_info *row = a64_row(m->c.op);
    int64_t top = 8 * (int64_t)a.size - 1, mib = (int64_t)1 << 20;

    switch (row->format) {
    case A64_FORMAT_ADDI: EACH(0, 1, 0xfff, 0x1000, 0xfff000, 0x5000, 77); break;
    case A64_FORMAT_LOGICALI: each_mask(m, a, all); break;
    case A64_FORMAT_SHIFTED: each_shift(m, a, all); break;
    case A64_FORMAT_EXTENDED: each_extension(m, a, all); break;
    case A64_FORMAT_BITFIELD: each_field(m, a, all); break;
    case A64_FORMAT_COND: case A64_FORMAT_FCOND: case A64_FORMAT_BCOND:
        a.imm = row->format == A64_FORMAT_BCOND ? 64 : 0;
        each_condition(m, a, all, A64_NV);
        break;
    case A64_FORMAT_CSET: each_condition(m, a, all, A64_LE); break;
    case A64_FORMAT_CCMP: case A64_FORMAT_CCMPI: case A64_FORMAT_FCCMP:
        for (unsigned nzcv = 0; nzcv < 16; nzcv++) {
            a.shift = (uint8_t)nzcv;
            a.imm = row->format == A64_FORMAT_CCMPI ? 31 - nzcv : 0;
            each_condition(m, a, all, A64_NV);
        }
        break;
    case A64_FORMAT_WIDE:
        for (unsigned k = 0; k < a.size / 2u; k++) {
            a.shift = (uint8_t)(16 * k);
            EACH(0, 1, 0xffff, 0x8000, 0x7fff, 0x1234);
        }
        break;
    case A64_FORMAT_ADR: EACH(0, 1, 2, 3, mib - 1, -mib, -5); break;
    case A64_FORMAT_ADRP: EACH(0, 4096, 4096 * (mib - 1), -4096 * mib, 7 * 4096); break;
    case A64_FORMAT_LOAD: case A64_FORMAT_FLOAD:
        each_address(m, a, a.size, all);
        break;
    case A64_FORMAT_LOADS: each_address(m, a, a.size2, all); break;
    case A64_FORMAT_PAIR: case A64_FORMAT_FPAIR: each_pair(m, a, all); break;
    case A64_FORMAT_LITERAL: case A64_FORMAT_FLITERAL: case A64_FORMAT_CB:
        EACH(0, 4, mib - 4, -mib, 64);
        break;
    case A64_FORMAT_BRANCH: EACH(0, 4, 128 * mib - 4, -128 * mib, 64); break;
    case A64_FORMAT_TB:
        for (unsigned bit = 0; bit <= top; bit++) {
            a.shift = (uint8_t)bit; /* below 32 it is w that is named */
            if (bit >= 32 || a.size == 4)
                EACH(0, 32764, -32768, 64);
        }
        break;
    case A64_FORMAT_FMOVI: each_float(m, a, all); break;
    case A64_FORMAT_EXTR: EACH(0, 1, top, 9); break;
    case A64_FORMAT_VSHR: EACH(1, 2, top, top + 1, 9); break;
    case A64_FORMAT_VSHL: EACH(0, 1, top, 9); break;
    case A64_FORMAT_IMM16: case A64_FORMAT_UDF: EACH(0, 1, 0xffff, 0x1234); break;
    case A64_FORMAT_HINT: EACH(0, 1, 5, 7, 25, 27, 29, 31, 34, 36, 38, 127); break;
    default: emit_case(m, &a);
    }
}

/* ---- Places ---- */

static bool is_access(unsigned format)
{
    return format == A64_FORMAT_LOAD || format == A64_FORMAT_LOADS || format == A64_FORMAT_FLOAD;
}

static bool is_pair(unsigned format)
{
    return format == A64_FORMAT_PAIR || format == A64_FORMAT_FPAIR;
}

/* A base that is updated may not be what is loaded or stored. */
static void vary(matrix *m, a64_args a, unsigned place)
{
    unsigned format = a64_row(m->c.op)->format;

    for (unsigned r = 0; r < 32; r++) {
        a.place[place] = (uint8_t)r;
        if (is_access(format) && format != A64_FORMAT_FLOAD && a.n == a.d && a.n != A64_R31)
            continue;
        each_imm(m, a, false);
    }
}

static void each_register(matrix *m, a64_args a)
{
    const a64_shape *s = a64_shape_of(m->c.op);
    unsigned format = a64_row(m->c.op)->format;

    a.d = a.n = a.m = a.a = 0;
    for (unsigned k = 0; k < s->n; k++) {
        unsigned place = jit_a64_roles[s->role[k]].place;
        a.place[place] = (uint8_t)(5 + 6 * place);
    }
    a.none = 0;
    if (is_access(format) || is_pair(format))
        a.n = 19;
    each_imm(m, a, true);
    if (is_access(format))
        each_index(m, a, format == A64_FORMAT_LOADS ? a.size2 : a.size);
    for (unsigned place = A64_AT_D; place <= A64_AT_A; place++)
        if (a.place[place])
            vary(m, a, place);
    if (a.n && a.m) { /* one register as both: what aliases depend on */
        a.n = a.m = 3;
        each_imm(m, a, false);
        a.n = a.m = A64_R31;
        each_imm(m, a, false);
    }
}

static void each_size(matrix *m)
{
    const a64_info *row = a64_row(m->c.op);

    for (unsigned size = 1; size <= 16; size *= 2)
        for (unsigned size2 = 0; size2 <= 8; size2 = size2 ? size2 * 2 : 1) {
            a64_args a = { .size = (uint8_t)size, .size2 = (uint8_t)size2 };
            if (!(row->sizes & size) || (row->sizes2 ? !(row->sizes2 & size2) : size2 != 0))
                continue;
            if (row->format == A64_FORMAT_FCVT && size == size2)
                continue;
            if (row->format == A64_FORMAT_LOADS && size2 >= size)
                continue;
            if (row->format == A64_FORMAT_EXTENDED && size2 > size)
                continue;
            each_register(m, a);
        }
}

unsigned a64_matrix(bool sparse, void (*visit)(void *user, const a64_case *c), void *user,
                    unsigned *failed)
{
    matrix *m = calloc(1, sizeof *m);

    if (!m)
        return 0;
    m->visit = visit;
    m->user = user;
    m->sparse = sparse;
    jit_strbuf_init(&m->text, &host);
    for (m->c.op = MI_TARGET; m->c.op < A64_END; m->c.op++)
        if (a64_row(m->c.op)->format != A64_FORMAT_PSEUDO)
            each_size(m);
    unsigned n = m->n;
    *failed = m->failed;
    jit_strbuf_free(&m->text);
    free(m);
    return n;
}
