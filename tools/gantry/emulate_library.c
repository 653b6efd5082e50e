/* emulate_library.c - what compiled code calls where the machine has no instruction, for code that
 * runs in the emulator. */
#include "tool.h"

#ifdef HAVE_UNICORN

#include "emulate_machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CEIL, FLOOR, TRUNC, NEAREST, FMA, MEMCPY, MEMSET, MEMMOVE, MEMCMP };
static const jit_abi_param f32s[] = { JIT_F32, JIT_F32, JIT_F32 };
static const jit_abi_param f64s[] = { JIT_F64, JIT_F64, JIT_F64 };
static const jit_abi_param i64s[] = { JIT_I64, JIT_I64, JIT_I64 };
static const jit_abi_param memset_params[] = { JIT_I64, JIT_I32, JIT_I64 }, i32s[] = { JIT_I32 };

typedef struct library_function {
    const char *name;
    unsigned which;
    jit_signature sig;
} library_function;

static const library_function library[LIBRARY] = {
    { "%CeilF32", CEIL, { JIT_CONV_SYSTEM_V, 1, 1, f32s, f32s } },
    { "%CeilF64", CEIL, { JIT_CONV_SYSTEM_V, 1, 1, f64s, f64s } },
    { "%FloorF32", FLOOR, { JIT_CONV_SYSTEM_V, 1, 1, f32s, f32s } },
    { "%FloorF64", FLOOR, { JIT_CONV_SYSTEM_V, 1, 1, f64s, f64s } },
    { "%TruncF32", TRUNC, { JIT_CONV_SYSTEM_V, 1, 1, f32s, f32s } },
    { "%TruncF64", TRUNC, { JIT_CONV_SYSTEM_V, 1, 1, f64s, f64s } },
    { "%NearestF32", NEAREST, { JIT_CONV_SYSTEM_V, 1, 1, f32s, f32s } },
    { "%NearestF64", NEAREST, { JIT_CONV_SYSTEM_V, 1, 1, f64s, f64s } },
    { "%FmaF32", FMA, { JIT_CONV_SYSTEM_V, 3, 1, f32s, f32s } },
    { "%FmaF64", FMA, { JIT_CONV_SYSTEM_V, 3, 1, f64s, f64s } },
    { "%Memcpy", MEMCPY, { JIT_CONV_SYSTEM_V, 3, 1, i64s, i64s } },
    { "%Memset", MEMSET, { JIT_CONV_SYSTEM_V, 3, 1, memset_params, i64s } },
    { "%Memmove", MEMMOVE, { JIT_CONV_SYSTEM_V, 3, 1, i64s, i64s } },
    { "%Memcmp", MEMCMP, { JIT_CONV_SYSTEM_V, 3, 1, i64s, i32s } },
};

/* A NaN is the canonical one, as the functions of the library have it. */
static void float_f32(unsigned which, const jit_bits *a, jit_bits *r)
{
    float x, y, z;

    memcpy(&x, a[0].at, sizeof x);
    memcpy(&y, a[1].at, sizeof y);
    memcpy(&z, a[2].at, sizeof z);
    x = which == CEIL ? ceilf(x) : which == FLOOR ? floorf(x) : which == TRUNC ? truncf(x)
        : which == NEAREST ? rintf(x) : fmaf(x, y, z);
    if (x != x)
        x = NAN;
    memcpy(r->at, &x, sizeof x);
}

static void float_f64(unsigned which, const jit_bits *a, jit_bits *r)
{
    double x, y, z;

    memcpy(&x, a[0].at, sizeof x);
    memcpy(&y, a[1].at, sizeof y);
    memcpy(&z, a[2].at, sizeof z);
    x = which == CEIL ? ceil(x) : which == FLOOR ? floor(x) : which == TRUNC ? trunc(x)
        : which == NEAREST ? rint(x) : fma(x, y, z);
    if (x != x)
        x = NAN;
    memcpy(r->at, &x, sizeof x);
}

/* A copy of the machine's memory; NULL: it is not all mapped. */
static uint8_t *fetch(const emulator *m, uint64_t address, uint64_t size)
{
    uint8_t *bytes = size <= STACK_BYTES ? tool_alloc(size + 1, 1) : NULL;

    if (bytes && (size == 0 || uc_mem_read(m->uc, address, bytes, size) == UC_ERR_OK))
        return bytes;
    free(bytes);
    return NULL;
}

static bool memory(const emulator *m, unsigned which, const jit_bits *a, jit_bits *r)
{
    uint64_t to, from, n;
    bool good;

    memcpy(&to, a[0].at, sizeof to);
    memcpy(&from, a[1].at, sizeof from);
    memcpy(&n, a[2].at, sizeof n);
    uint8_t *x = fetch(m, to, n), *y = which == MEMSET ? x : fetch(m, from, n);
    good = x && y;
    if (good && which == MEMCMP) {
        int order = memcmp(x, y, n);
        memcpy(r->at, &order, sizeof order);
    } else if (good) {
        if (which == MEMSET)
            memset(x, (int)(uint8_t)from, n);
        good = n == 0 || uc_mem_write(m->uc, to, y, n) == UC_ERR_OK;
        memcpy(r->at, &to, sizeof to);
    }
    free(x);
    if (y != x)
        free(y);
    return good;
}

static jit_outcome run_library(void *user, const jit_bits *args, jit_bits *results, unsigned *trap)
{
    const library_gate *g = user;
    const library_function *f = &library[g->index];

    (void)trap;
    if (f->which >= MEMCPY)
        return memory(g->machine, f->which, args, results) ? JIT_RETURNED : JIT_BREACH;
    if (f->sig.params == f32s)
        float_f32(f->which, args, results);
    else
        float_f64(f->which, args, results);
    return JIT_RETURNED;
}

bool tool_emulate_library(emulator *m)
{
    bool good = true;

    for (unsigned k = 0; k < LIBRARY; k++) {
        m->library[k] = (library_gate){ m, k };
        good &= tool_emulator_host(m, library[k].name, &library[k].sig, run_library,
                                   &m->library[k]);
    }
    return good;
}

#endif
