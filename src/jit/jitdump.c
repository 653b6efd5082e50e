/* jitdump.c - writes jit-PID.dump: the bytes and names of code, for perf.
 *
 * Format: Linux, tools/perf/Documentation/jitdump-specification.txt. Times are CLOCK_MONOTONIC's, so
 * record with `perf record -k 1`, then `perf inject --jit`. */
#include "jit/debug.h"
#include <string.h>

enum { MAGIC = 0x4a695444, VERSION = 1, HEADER_BYTES = 40, CODE_LOAD = 0, CODE_CLOSE = 3,
       PREFIX_BYTES = 16, LOAD_BYTES = 56 };

struct jitdump {
    os_dump os;
    uint64_t index; /* of the next code */
};

jitdump *jit_jitdump_open(jit_engine *e)
{
    jitdump *d = jit_pool_alloc(&e->pool, sizeof *d);
    uint8_t h[HEADER_BYTES] = { 0 };

    if (!d)
        return NULL;
    if (!jit_os_dump_open(&d->os)) {
        jit_pool_free(&e->pool, d, sizeof *d);
        return NULL;
    }
    put_le32(h, MAGIC);
    put_le32(h + 4, VERSION);
    put_le32(h + 8, HEADER_BYTES);
    put_le32(h + 12, e->target->elf.machine);
    put_le32(h + 20, (uint32_t)jit_os_process());
    put_le64(h + 24, jit_os_clock_ns());
    jit_os_dump_write(&d->os, h, sizeof h);
    return d;
}

void jit_jitdump_close(jit_engine *e, jitdump *d)
{
    uint8_t r[PREFIX_BYTES];

    if (!d)
        return;
    put_le32(r, CODE_CLOSE);
    put_le32(r + 4, PREFIX_BYTES);
    put_le64(r + 8, jit_os_clock_ns());
    jit_os_dump_write(&d->os, r, sizeof r);
    jit_os_dump_close(&d->os);
    jit_pool_free(&e->pool, d, sizeof *d);
}

void jit_jitdump_add(jitdump *d, const void *code, size_t size, const char *name)
{
    uint8_t r[LOAD_BYTES];
    size_t n = strlen(name) + 1;

    put_le32(r, CODE_LOAD);
    put_le32(r + 4, (uint32_t)(LOAD_BYTES + n + size));
    put_le64(r + 8, jit_os_clock_ns());
    put_le32(r + 16, (uint32_t)jit_os_process());
    put_le32(r + 20, (uint32_t)jit_os_thread());
    put_le64(r + 24, (uint64_t)(uintptr_t)code);
    put_le64(r + 32, (uint64_t)(uintptr_t)code);
    put_le64(r + 40, size);
    put_le64(r + 48, d->index++);
    jit_os_dump_write(&d->os, r, sizeof r);
    jit_os_dump_write(&d->os, name, n);
    jit_os_dump_write(&d->os, code, size);
}
