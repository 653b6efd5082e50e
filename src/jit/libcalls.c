/* libcalls.c - what compiled code calls where the machine has no instruction. */
#include "ir/float_ops.h"
#include "jit/engine.h"
#include <assert.h>
#include <string.h>

/* A NaN is the canonical one, so that the caller need not know whether it has to be. */
static float canonical_f32(float x) { return x == x ? x : __builtin_nanf(""); }
static double canonical_f64(double x) { return x == x ? x : __builtin_nan(""); }

static float ceil_f32(float x) { return canonical_f32(jit_soft_ceilf(x)); }
static double ceil_f64(double x) { return canonical_f64(jit_soft_ceil(x)); }
static float floor_f32(float x) { return canonical_f32(jit_soft_floorf(x)); }
static double floor_f64(double x) { return canonical_f64(jit_soft_floor(x)); }
static float trunc_f32(float x) { return canonical_f32(jit_soft_truncf(x)); }
static double trunc_f64(double x) { return canonical_f64(jit_soft_trunc(x)); }
static float nearest_f32(float x) { return canonical_f32(jit_soft_nearestf(x)); }
static double nearest_f64(double x) { return canonical_f64(jit_soft_nearest(x)); }
static float fma_f32(float x, float y, float z) { return canonical_f32(jit_soft_fmaf(x, y, z)); }
static double fma_f64(double x, double y, double z) { return canonical_f64(jit_soft_fma(x, y, z)); }

/* ISO C has no conversion from function to data pointer; POSIX makes both one size. */
static void *address_of(jit_entry f)
{
    void *p;

    static_assert(sizeof p == sizeof f, "function pointers are addresses");
    memcpy(&p, &f, sizeof p);
    return p;
}

void *jit_libcall_address(unsigned libcall)
{
    switch (libcall) {
    case LIBCALL_CeilF32: return address_of((jit_entry)ceil_f32);
    case LIBCALL_CeilF64: return address_of((jit_entry)ceil_f64);
    case LIBCALL_FloorF32: return address_of((jit_entry)floor_f32);
    case LIBCALL_FloorF64: return address_of((jit_entry)floor_f64);
    case LIBCALL_TruncF32: return address_of((jit_entry)trunc_f32);
    case LIBCALL_TruncF64: return address_of((jit_entry)trunc_f64);
    case LIBCALL_NearestF32: return address_of((jit_entry)nearest_f32);
    case LIBCALL_NearestF64: return address_of((jit_entry)nearest_f64);
    case LIBCALL_FmaF32: return address_of((jit_entry)fma_f32);
    case LIBCALL_FmaF64: return address_of((jit_entry)fma_f64);
    case LIBCALL_Memcpy: return address_of((jit_entry)memcpy);
    case LIBCALL_Memset: return address_of((jit_entry)memset);
    case LIBCALL_Memmove: return address_of((jit_entry)memmove);
    case LIBCALL_Memcmp: return address_of((jit_entry)memcmp);
    default: return NULL;
    }
}
