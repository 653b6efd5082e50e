/* frames.c - tells the unwinder of the C++ runtime what frames compiled code has.
 *
 * libgcc's interface for code that no dynamic linker knows: __register_frame_info() takes an .eh_frame
 * and a block for its own use (gcc, libgcc/unwind-dw2-fde.c), so that it allocates nothing. It is
 * a weak symbol: a program without exceptions need not have it. */
#include "jit/debug.h"
#include <string.h>

#define OWN_BYTES 128 /* libgcc's struct object: at most eight words in any release */

struct code_frames {
    size_t bytes;               /* of this block */
    _Alignas(16) char own[OWN_BYTES];
    _Alignas(8) uint8_t table[];
};

static size_t write_table(cfi_writer *w, const jit_engine *e, const void *code, uint32_t size,
                          const mbuf_unwind *rows, uint32_t nrows)
{
    const target *t = e->target;
    bool key_b = t->arch == JIT_ARCH_AARCH64 && e->features & JIT_A64_SIGN_KEY_B;

    jit_cfi_cie(w, &t->cfi, CFI_MEMORY, key_b);
    size_t field = jit_cfi_fde(w, &t->cfi, CFI_MEMORY, 0, rows, nrows, size);
    if (w->at)
        put_le64(w->at + field, (uint64_t)(uintptr_t)code);
    jit_cfi_end(w);
    return w->len;
}

code_frames *jit_frames_add(jit_engine *e, const void *code, uint32_t size,
                            const mbuf_unwind *rows, uint32_t nrows)
{
    cfi_writer measure = { NULL, 0 };
    size_t n = write_table(&measure, e, code, size, rows, nrows);
    code_frames *f = jit_pool_alloc(&e->pool, sizeof *f + n);

    if (!f)
        return NULL;
    f->bytes = sizeof *f + n;
    cfi_writer w = { f->table, 0 };
    write_table(&w, e, code, size, rows, nrows);
    if (!jit_os_frames_register(f->table, f->own)) {
        jit_pool_free(&e->pool, f, f->bytes);
        return NULL;
    }
    return f;
}

void jit_frames_remove(jit_engine *e, code_frames *f)
{
    if (!f)
        return;
    jit_os_frames_deregister(f->table);
    jit_pool_free(&e->pool, f, f->bytes);
}
