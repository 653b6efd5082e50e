/* jit_base.h - what every public header of Gantry needs: statuses, entities, types, allocator.
 *
 * Plain C11, usable from C++. Sizes are in bytes. Every function is a real symbol; every handle
 * is opaque or a struct with one 32-bit index, so any FFI can bind them. */
#ifndef GANTRY_JIT_BASE_H
#define GANTRY_JIT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define JIT_API __attribute__((visibility("default")))
#define JIT_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define JIT_API
#define JIT_PRINTF(f, a)
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define JIT_VERSION_MAJOR 0
#define JIT_VERSION_MINOR 1
#define JIT_VERSION_PATCH 0

/* What a call came to. JIT_OK is zero; everything else is a failure that changed nothing. */
typedef enum jit_status {
    JIT_OK = 0,
    JIT_ERR_ARG,         /* the call's arguments make no sense (a NULL, a wrong size) */
    JIT_ERR_PARSE,       /* the text is not CLIF */
    JIT_ERR_VERIFY,      /* the IR breaks a rule */
    JIT_ERR_UNSUPPORTED, /* sound, but not implemented here; the message says what */
    JIT_ERR_LIMIT,       /* a limit of the host's or of an encoding was exceeded */
    JIT_ERR_CANCELLED,   /* the host's callback cancelled */
    JIT_ERR_NOMEM,       /* the host's allocator returned NULL */
    JIT_ERR_CODE_FULL,   /* the engine's code space is exhausted */
    JIT_ERR_LINK,        /* an unknown or duplicate name at publish */
    JIT_ERR_IO,          /* a file or an operating-system call failed */
    JIT_ERR_INTERNAL,    /* an invariant of Gantry's own was found broken; please report */
    JIT_ERR_MISCOMPILE   /* a self-check found the compiled code wrong; please report */
} jit_status;

/* The name of a status without its prefix, e.g. "VERIFY". Never NULL. */
JIT_API const char *jit_status_name(jit_status status);

/* The version of the library as "major.minor.patch". */
JIT_API const char *jit_version(void);

/* Typed 32-bit references to parts of a function or module. Zero memory holds "none": test
 * `if (v.id)`, compare `a.id == b.id`. Index 3 of jit_block is block3 in the text. */
#define JIT_ENTITY(T) \
    typedef struct T { uint32_t id; } T; /* 0: none, else index + 1 */ \
    static inline T T##_at(uint32_t index) { T x = { index + 1 }; return x; } \
    static inline uint32_t T##_index(T x) { return x.id - 1; }
JIT_ENTITY(jit_block)  /* a basic block of a function */
JIT_ENTITY(jit_value)  /* an SSA value of a function */
JIT_ENTITY(jit_inst)   /* an instruction of a function */
JIT_ENTITY(jit_slot)   /* a stack slot of a function (ss3) */
JIT_ENTITY(jit_gv)     /* a global value of a function (gv3) */
JIT_ENTITY(jit_sigref) /* a signature declared in a function (sig3) */
JIT_ENTITY(jit_fnref)  /* a callee declared in a function (fn3) */
JIT_ENTITY(jit_region) /* an alias region declared in a function (region3) */
JIT_ENTITY(jit_const)  /* a constant-pool entry of a function (const3) */
JIT_ENTITY(jit_var)    /* a mutable variable of a builder */
JIT_ENTITY(jit_sym)    /* a name in a module or engine */

/* A type: the kind of lane in the low four bits, log2 of the number of lanes above. */
typedef uint8_t jit_type;
enum {
    JIT_VOID = 0,
    JIT_I8 = 1, JIT_I16, JIT_I32, JIT_I64, JIT_I128, /* 1 to 5: 8 << (kind - 1) bits */
    JIT_F16 = 6, JIT_F32, JIT_F64, JIT_F128          /* 6 to 9: 16 << (kind - 6) bits */
};
#define JIT_VEC(lane, log2_lanes) ((jit_type)((lane) | (log2_lanes) << 4))
enum {
    JIT_I8X16 = JIT_I8 | 4 << 4, JIT_I16X8 = JIT_I16 | 3 << 4, JIT_I32X4 = JIT_I32 | 2 << 4,
    JIT_I64X2 = JIT_I64 | 1 << 4, JIT_F16X8 = JIT_F16 | 3 << 4, JIT_F32X4 = JIT_F32 | 2 << 4,
    JIT_F64X2 = JIT_F64 | 1 << 4
};

/* The lane type of t; t itself for a scalar. */
static inline jit_type jit_type_lane(jit_type t) { return (jit_type)(t & 15); }
/* Number of lanes, 1 for a scalar. */
static inline unsigned jit_type_lanes(jit_type t) { return 1u << (t >> 4); }
static inline bool jit_type_is_vector(jit_type t) { return t >> 4 != 0; }
/* Scalar integer of 8 to 128 bits. */
static inline bool jit_type_is_int(jit_type t) { return t >= JIT_I8 && t <= JIT_I128; }
/* Scalar float of 16 to 128 bits. */
static inline bool jit_type_is_float(jit_type t) { return t >= JIT_F16 && t <= JIT_F128; }
/* Width of one lane in bits; 0 for JIT_VOID. */
static inline unsigned jit_type_lane_bits(jit_type t)
{
    unsigned k = t & 15u;
    return k == 0 ? 0 : k <= 5 ? 8u << (k - 1) : 16u << (k - 6);
}
/* Width of a whole value in bits and in bytes. */
static inline unsigned jit_type_bits(jit_type t)
{
    return jit_type_lane_bits(t) << (t >> 4);
}
static inline unsigned jit_type_bytes(jit_type t) { return jit_type_bits(t) / 8; }

/* The host's allocator. alloc returns memory aligned to 16 or NULL; free gets the size back.
 * Both may be called from every thread that uses the engine, at the same time. */
typedef struct jit_allocator {
    void *(*alloc)(void *user, size_t size);
    void (*free)(void *user, void *memory, size_t size);
    void *user;
} jit_allocator;

/* A diagnostic. Strings live only during the callback. Lines and columns count from 1; 0: none. */
typedef struct jit_diagnostic {
    jit_status status;
    uint32_t line, column;
    const char *function;    /* as printed, e.g. "%sum" or "u0:12"; NULL: none */
    const char *instruction; /* as printed; NULL: none */
    const char *text;        /* what is wrong */
} jit_diagnostic;

typedef void (*jit_diagnostic_fn)(void *user, const jit_diagnostic *d);

#ifdef __cplusplus
}
#endif
#endif
