/* jit_interp.h - the reference interpreter: the meaning of the IR. */
#ifndef GANTRY_JIT_INTERP_H
#define GANTRY_JIT_INTERP_H

#include <gantry/jit_ir.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jit_interp jit_interp;

/* One value of any type, little-endian from byte 0. */
typedef struct jit_bits { uint8_t at[16]; } jit_bits;

typedef enum jit_outcome {
    JIT_RETURNED,    /* results are set */
    JIT_TRAPPED,     /* trap is set */
    JIT_BREACH,      /* the IR broke a promise or read what is not defined; message says which */
    JIT_OUT_OF_FUEL, /* the fuel ran out */
    JIT_REFUSED      /* not interpretable here; message says what (status) */
} jit_outcome;
typedef struct jit_run {
    jit_outcome outcome;
    jit_status status;    /* REFUSED: why */
    unsigned trap;        /* TRAPPED: the code */
    const jit_func *func; /* where it ended; NULL: at the start */
    uint32_t inst;        /* instruction index there */
    const char *message;  /* BREACH, REFUSED; lives until the next run */
} jit_run;

/* A host function that interpreted code may call by name. args and results by the signature. */
typedef jit_outcome (*jit_interp_host)(void *user, const jit_bits *args, jit_bits *results,
                                       unsigned *trap);

JIT_API jit_interp *jit_interp_new(jit_engine *e, const jit_module *m); /* m: for calls by name */
JIT_API void jit_interp_free(jit_interp *in);
JIT_API jit_status jit_interp_define(jit_interp *in, const char *name, jit_interp_host fn,
                                     void *user);
/* Memory of the host that loads and stores may touch; slots and data objects are known already. */
JIT_API jit_status jit_interp_memory(jit_interp *in, void *base, size_t size, bool writable);
/* Each load and store, after it was found to be in order, before it is done. */
typedef struct jit_access {
    const jit_func *func;
    uint32_t inst;        /* index of the instruction */
    uint64_t address;
    uint32_t size;
    bool write;
    uint32_t frame, slot; /* stack slot it begins in: depth of the call, 0 outermost; ~0u: in none */
    uint64_t offset;      /* in the slot */
} jit_access;
/* fn NULL: no longer. Accesses by libcalls and host functions are not told. */
JIT_API void jit_interp_watch(jit_interp *in, void (*fn)(void *user, const jit_access *a),
                              void *user);
JIT_API void jit_interp_nan_canonical(jit_interp *in, bool on);
/* Runs f; fuel counts instructions, 0: no bound. Call depth is bounded (trap stk_ovf). */
JIT_API jit_run jit_interp_run(jit_interp *in, const jit_func *f, const jit_bits *args,
                               jit_bits *results, uint64_t fuel);
/* Instructions executed since jit_interp_new. */
JIT_API uint64_t jit_interp_steps(const jit_interp *in);

#ifdef __cplusplus
}
#endif
#endif
