/* graph.c - makes functions of empty blocks by the raw makers. */
#include "tests/support/graph.h"

#include <assert.h>

jit_func *graph_new(uint32_t nblocks)
{
    static const ir_name name = { NAME_TEXT, 0, 0, "graph" };
    static const jit_signature sig = { 0 };
    jit_func *f = jit_func_create(&jit_libc_allocator, NULL, &name, &sig);

    assert(f);
    for (uint32_t k = 0; k < nblocks; k++)
        jit_func_add_block(f);
    return f;
}

void graph_block(jit_func *f, const uint32_t *successors, uint32_t n)
{
    ir_inst zero = { .op = JIT_OP_iconst, .type = JIT_I32 }, i = { 0 };
    jit_type i32 = JIT_I32;
    uint32_t c = 0;

    jit_func_place_block(f, f->layout.len);
    if (n > 1) {
        uint32_t at = jit_func_append(f, &zero, &i32, 1);
        c = f->insts.at[at - 1].c;
    }
    if (n == 0) {
        i.op = JIT_OP_return;
        i.a = jit_func_list(f, NULL, 0);
    } else if (n == 1) {
        i.op = JIT_OP_jump;
        i.a = jit_func_block_call(f, successors[0], NULL, 0);
    } else if (n == 2) {
        i.op = JIT_OP_brif;
        i.a = c;
        i.b = jit_func_block_call(f, successors[0], NULL, 0);
        i.c = jit_func_block_call(f, successors[1], NULL, 0);
    } else {
        uint32_t *calls = ARENA_ARRAY(&f->mem, uint32_t, n + 1);
        calls[0] = n - 1;
        for (uint32_t k = 0; k < n; k++) /* the first one as the default */
            calls[k + 1] = jit_func_block_call(f, successors[k], NULL, 0);
        i.op = JIT_OP_br_table;
        i.a = c;
        i.b = jit_func_list(f, calls, n + 1);
    }
    jit_func_append(f, &i, NULL, 0);
}

jit_func *graph_random(uint32_t nblocks, uint64_t *seed)
{
    jit_func *f = graph_new(nblocks);
    bool local = test_random(seed) % 2; /* edges near the diagonal make loops nest */

    for (uint32_t b = 0; b < nblocks; b++) {
        uint32_t n = nblocks == 1 ? 0 : test_random(seed) % 4, to[3] = { 0 };
        for (uint32_t k = 0; k < n; k++) {
            uint32_t far = test_random(seed) % (nblocks - 1) + 1;
            uint32_t near = b + test_random(seed) % 6;
            to[k] = local && near > 2 && near - 2 < nblocks ? near - 2 : far;
        }
        graph_block(f, to, n);
    }
    return f;
}
