/* x64_matrix.c - enumerates operands of x86-64 rows: one place varies over all it may hold while
 * the others stand at distinct registers. */
#include "tests/support/x64_matrix.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct matrix {
    void (*visit)(void *user, const x64_case *c);
    void *user;
    unsigned n, failed;
    bool sparse;
    arena mem;
    fail_ctx fail;
    strbuf text;
    x64_case c;
} matrix;

static void *host_alloc(void *user, size_t size) { (void)user; return malloc(size); }
static void host_free(void *user, void *p, size_t size) { (void)user; (void)size; free(p); }
static const jit_allocator host = { host_alloc, host_free, NULL };

static void encode(void *arg)
{
    matrix *m = arg;
    mbuf b;

    jit_mbuf_init(&b, &m->mem, NULL, NULL, 0, 0);
    jit_x64_encode(&b, m->c.op, &m->c.args);
    m->c.nbytes = b.len;
    memcpy(m->c.bytes, b.at, b.len);
}

static void emit_case(matrix *m, const x64_args *a)
{
    if (m->n++ % (m->sparse ? 16 : 1))
        return;
    m->c.args = *a;
    jit_strbuf_init(&m->text, &host);
    jit_x64_print_inst(&m->text, NULL, m->c.op, a);
    snprintf(m->c.text, sizeof m->c.text, "%s", m->text.at);
    jit_strbuf_free(&m->text);
    if (jit_guard(&m->fail, encode, m) != JIT_OK) {
        printf("%s: %s\n", m->c.text, m->fail.message);
        m->failed++;
    } else {
        m->visit(m->user, &m->c);
    }
    jit_arena_reset(&m->mem);
}

/* ---- Immediates and conditions of one choice of registers ---- */

static const int64_t edges[] = {
    0, 1, -1, 2, 7, 127, 128, -128, -129, 255, 256, 32767, -32768, 65535, INT32_MAX, INT32_MIN,
    UINT32_MAX, (int64_t)UINT32_MAX + 1, INT64_MAX, INT64_MIN, (int64_t)INT32_MIN - 1
};

static bool imm_exists(const x64_info *row, const x64_args *a, int64_t imm)
{
    unsigned bits = 8u * a->size;

    switch (row->format) {
    case X64_FORMAT_SHIFTI: case X64_FORMAT_VEXI: case X64_FORMAT_MODRMI: case X64_FORMAT_DIGITI:
        return imm >= 0 && imm < bits;
    case X64_FORMAT_SSEB: case X64_FORMAT_VSSEB:
        return imm >= 0 && imm < 8;
    case X64_FORMAT_SSER: case X64_FORMAT_VSSER:
        return imm >= 0 && imm < 16;
    case X64_FORMAT_RET:
        return imm >= 0 && imm <= 0xffff;
    case X64_FORMAT_MOVRI:
        return a->size == 8 || (imm >= INT32_MIN && imm <= UINT32_MAX);
    case X64_FORMAT_IMM: case X64_FORMAT_ALUI: case X64_FORMAT_IMULI:
        if (bits == 64)
            return imm == (int32_t)imm;
        return imm >= -((int64_t)1 << (bits - 1)) && imm < (int64_t)1 << bits;
    default:
        return imm == 0;
    }
}

static void each_imm(matrix *m, x64_args a, bool all)
{
    const x64_info *row = x64_row(m->c.op);

    if (row->format == X64_FORMAT_CC) {
        for (unsigned cc = 0; cc <= (all ? X64_G : 0u); cc++) {
            a.cc = (uint8_t)(all ? cc : X64_NE);
            emit_case(m, &a);
        }
        return;
    }
    int64_t imms[sizeof edges / sizeof *edges];
    unsigned n = 0;
    for (unsigned k = 0; k < sizeof edges / sizeof *edges; k++)
        if (imm_exists(row, &a, edges[k]))
            imms[n++] = edges[k];
    for (unsigned k = all || n == 1 ? 0 : 1; k < (all ? n : n == 1 ? 1u : 2u); k++) {
        a.imm = imms[k];
        emit_case(m, &a);
    }
}

/* ---- Places ---- */

static uint8_t *place_of(x64_args *a, const x64_role *r)
{
    switch (r->place) {
    case X64_AT_REG: return &a->reg;
    case X64_AT_V: return &a->v;
    case X64_AT_RM: return a->is_mem ? NULL : &a->rm;
    default: return NULL;
    }
}

static void each_register(matrix *m, const x64_args *start)
{
    const x64_shape *s = x64_shape_of(m->c.op);
    unsigned format = x64_row(m->c.op)->format;
    x64_args a = *start;

    each_imm(m, a, true);
    for (unsigned k = 0; k < s->n; k++) {
        uint8_t *at = place_of(&a, &jit_x64_roles[s->role[k]]);
        for (unsigned r = 0; at && r < 16; r++) {
            uint8_t kept = *at;
            *at = (uint8_t)r;
            each_imm(m, a, false);
            *at = kept;
        }
    }
    if (x64_merges(format))
        for (unsigned r = 0; r < 16; r++) {
            a.v = (uint8_t)r;
            each_imm(m, a, false);
        }
}

static void each_address(matrix *m, x64_args a)
{
    static const int32_t disps[] = { 0, 1, -1, 127, 128, -128, -129, INT32_MAX, INT32_MIN };
    x64_mem *at = &a.mem;

    a.is_mem = true;
    memset(at, 0, sizeof *at);
    at->index = X64_NO_REG;
    at->base = X64_RBX;
    at->disp = 16;
    each_register(m, &a);
    for (unsigned b = 0; b < 16; b++)
        for (unsigned d = 0; d < sizeof disps / sizeof *disps; d++) {
            at->base = (uint8_t)b;
            at->disp = disps[d];
            each_imm(m, a, false);
        }
    for (unsigned x = 0; x < 16; x++) {
        at->index = (uint8_t)x;
        at->shift = (uint8_t)(x & 3);
        for (unsigned b = X64_RBP; x != X64_RSP && b < 16; b += 4) { /* rbp, r9, r13 */
            at->base = (uint8_t)b;
            at->disp = b == 9 ? -5 : 0;
            each_imm(m, a, false);
        }
    }
    for (unsigned b = 0; b < 16; b++)
        for (unsigned shift = 0; shift < 4; shift++) {
            at->base = (uint8_t)b;
            at->index = X64_R12;
            at->shift = (uint8_t)shift;
            at->disp = 1000;
            each_imm(m, a, false);
        }
    at->base = X64_NO_REG;
    each_imm(m, a, false);
    at->base = X64_RIP;
    at->index = X64_NO_REG;
    each_imm(m, a, true);
}

/* Whether VEX.vvvv holds a register: it must be 0 otherwise. */
static bool has_v(unsigned op)
{
    const x64_shape *s = x64_shape_of(op);
    unsigned format = x64_row(op)->format;

    for (unsigned k = 0; k < s->n; k++)
        if (jit_x64_roles[s->role[k]].place == X64_AT_V)
            return true;
    return x64_merges(format);
}

static void each_size(matrix *m)
{
    const x64_info *row = x64_row(m->c.op);
    const x64_shape *s = x64_shape_of(m->c.op);

    for (unsigned size = 1; size <= 16; size *= 2)
        for (unsigned size2 = 0; size2 <= 8; size2 = size2 ? size2 * 2 : 1) {
            x64_args a = { 0 };
            if (!(row->sizes & size) || (row->sizes2 ? !(row->sizes2 & size2) : size2 != 0))
                continue;
            if (m->c.op == X64_cvts2s || m->c.op == X64_vcvts2s ? size == size2 : false)
                continue;
            a.size = (uint8_t)size;
            a.size2 = (uint8_t)size2;
            a.reg = X64_RSI;
            a.rm = X64_R9;
            a.v = has_v(m->c.op) ? X64_RDX : 0;
            if (s->mem < 2)
                each_register(m, &a);
            /* From memory emission takes movss and movsd instead. */
            if (s->mem > 0 && m->c.op != X64_movd && m->c.op != X64_vmovd)
                each_address(m, a);
        }
}

unsigned x64_matrix(bool sparse, void (*visit)(void *user, const x64_case *c), void *user,
                    unsigned *failed)
{
    matrix *m = calloc(1, sizeof *m);

    if (!m)
        return 0;
    m->visit = visit;
    m->user = user;
    m->sparse = sparse;
    jit_arena_init(&m->mem, &host, &m->fail);
    for (m->c.op = MI_TARGET; m->c.op < X64_END; m->c.op++) {
        unsigned format = x64_row(m->c.op)->format;
        if (format != X64_FORMAT_PSEUDO && format != X64_FORMAT_CALLSYM
            && format != X64_FORMAT_MOVSYM)
            each_size(m);
    }
    unsigned n = m->n;
    *failed = m->failed;
    jit_arena_free(&m->mem);
    free(m);
    return n;
}
