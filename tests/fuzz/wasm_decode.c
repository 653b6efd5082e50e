/* wasm_decode.c - any bytes may be decoded as WebAssembly: nothing crashes, memory stays within its
 * bound, and what was found valid reads through to its end as code that is trusted. */
#include "gw_mem.h"
#include "reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t live, peak;

/* Each piece has its size before it. */
static void *counting(void *old, size_t size)
{
    size_t *head = old ? (size_t *)old - 2 : NULL;

    live -= head ? *head : 0;
    if (size == 0) {
        free(head);
        return NULL;
    }
    head = realloc(head, size + 2 * sizeof *head);
    if (!head)
        abort();
    *head = size;
    live += size;
    peak = live > peak ? live : peak;
    return head + 2;
}

static void expect(bool good)
{
    if (!good)
        abort();
}

static void read_body(const gw_module *m, const gw_func *f)
{
    gw_reader r = gw_reader_of(f->body);
    uint32_t locals = m->types[f->type].nparams, depth = 1, deepest = 1;

    for (uint32_t n = gw_u32(&r); n > 0; n--) {
        locals += gw_u32(&r);
        gw_byte(&r);
    }
    expect(locals == f->nlocals);
    while (depth > 0) {
        gw_op op;
        expect(r.at < r.end);
        op = gw_read_op(&r);
        expect(op < GW_OPS && gw_op_imm[op] != GW_IMM_ILLEGAL);
        if (gw_op_imm[op] == GW_IMM_BLOCK) {
            gw_reader type = r;
            gw_blocktype t = gw_read_blocktype(&type, m);
            expect(t.nparams <= GW_MAX_PARAMS && t.nresults <= GW_MAX_PARAMS);
            depth++;
        }
        deepest = depth > deepest ? depth : deepest;
        depth -= op == GW_OP_end;
        gw_skip_immediates(&r, op);
    }
    expect(r.at == r.end && deepest == f->max_depth);
}

static void read_constant(const gw_constexpr *x)
{
    gw_reader r = gw_reader_of(x->code);

    expect(x->max_stack > 0);
    while (r.at < r.end) {
        gw_op op = gw_read_op(&r);
        expect(op != GW_OP_end);
        gw_skip_immediates(&r, op);
    }
    expect(r.at == r.end);
}

static void read_module(const gw_module *m)
{
    for (uint32_t k = 0; k < m->nfuncs; k++)
        if (!m->funcs[k].imported)
            read_body(m, &m->funcs[k]);
    for (uint32_t k = m->nimported_globals; k < m->nglobals; k++)
        read_constant(&m->globals[k].init);
    for (uint32_t k = 0; k < m->nelems; k++) {
        if (m->elems[k].mode == GW_ACTIVE)
            read_constant(&m->elems[k].offset);
        for (uint32_t i = 0; !m->elems[k].funcs && i < m->elems[k].count; i++)
            read_constant(&m->elems[k].exprs[i]);
        for (uint32_t i = 0; m->elems[k].funcs && i < m->elems[k].count; i++)
            expect(m->elems[k].funcs[i] < m->nfuncs);
    }
    for (uint32_t k = 0; k < m->ndatas; k++)
        if (m->datas[k].mode == GW_ACTIVE)
            read_constant(&m->datas[k].offset);
    for (uint32_t k = 0; k < m->nexports; k++)
        expect(m->exports[k].name.at != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1); /* of this very size, for sanitizers */
    gw_module *m;
    gw_error e, again;
    gw_status status;

    if (!copy)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    peak = live = 0;
    gw_mem_set_source(counting);
    status = gw_module_decode(copy, size, true, &m, &e);
    expect(status == e.status && (status == GW_OK) == (m != NULL) && e.offset <= size);
    expect(status <= GW_INVALID || status == GW_UNSUPPORTED || status == GW_LIMIT);
    expect(peak <= 48 * size + (1 << 18) + 3 * GW_MAX_OPERANDS);
    if (m)
        read_module(m);
    gw_module_free(m);
    expect(live == 0);
    expect(gw_module_decode(copy, size, false, &m, &again) == status && e.offset == again.offset);
    gw_module_free(m);
    gw_mem_set_source(NULL);
    free(copy);
    return 0;
}
