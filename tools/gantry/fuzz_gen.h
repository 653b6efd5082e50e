/* fuzz_gen.h - the generator from the inside: what its statements have at hand. */
#ifndef GANTRY_TOOL_FUZZ_GEN_H
#define GANTRY_TOOL_FUZZ_GEN_H

#include "fuzz.h"

enum {
    GEN_SLOTS = 2, GEN_SLOT = 40,  /* slots of a function and bytes of each */
    GEN_AVAIL = 64, GEN_VARS = 10, GEN_DEEP = 40,
    GEN_SINKS = 2048               /* of the heap: from here to READONLY results are stored */
};

typedef struct fuzz_shape {
    jit_signature sig;
    jit_abi_param params[FUZZ_PARAMS], results[FUZZ_RESULTS];
} fuzz_shape;

typedef struct gen_callee {
    jit_fnref ref;
    jit_sigref sig;
    jit_gv symbol; /* none for functions of the host */
    const jit_signature *is;
} gen_callee;

typedef struct gen {
    fuzz_rng rng;
    const fuzz_settings *settings;
    fuzz_coverage *coverage;
    jit_builder *b;
    const jit_signature *sig;
    jit_value avail[GEN_AVAIL]; /* values that dominate here; scopes cut it off */
    uint32_t navail;
    jit_var vars[GEN_VARS];
    jit_type var_type[GEN_VARS];
    uint32_t nvars;
    jit_var heap;               /* addresses are never picked, so no result depends on them */
    jit_value sret;             /* address of memory for a struct; none: id 0 */
    jit_slot slots[GEN_SLOTS];
    /* offset of the bytes that are used, in slots that may be larger */
    int32_t slot_base[GEN_SLOTS];
    uint32_t nslots;
    jit_region regions[2];      /* of the heap, of the slots */
    gen_callee callees[FUZZ_FUNCTIONS + 2];
    uint32_t ncallees, nhosts;  /* functions of the host come first */
    jit_value deep[GEN_DEEP];   /* made at the entry, read at the end */
    uint32_t ndeep;
    uint32_t sink;              /* bytes of results stored so far */
    int budget;                 /* statements left */
    int depth, loops;           /* nesting */
} gen;

/* ---- fuzz_gen.c ---- */
static inline uint32_t below(gen *g, uint32_t n) { return fuzz_below(&g->rng, n); }
static inline bool one_in(gen *g, uint32_t n) { return below(g, n) == 0; }
static inline jit_type gen_int_type(gen *g) { return (jit_type)(JIT_I8 + below(g, 4)); }
static inline jit_type gen_float_type(gen *g) { return one_in(g, 2) ? JIT_F32 : JIT_F64; }
jit_type tool_gen_type(gen *g);
static inline void gen_count(gen *g, jit_opcode op, jit_type t, jit_type last)
{
    g->coverage->count[op][t < FUZZ_TYPES ? t : 0][last < FUZZ_TYPES ? last : 0]++;
}

/* Any instruction that computes values from values; t: its controlling type. */
jit_value tool_gen_op(gen *g, jit_opcode op, jit_type t, const jit_value *x, unsigned aux,
                      jit_value *second);
bool tool_gen_computes(jit_opcode op); /* op is one of these */
void tool_gen_compute(gen *g);           /* some computation */
void tool_gen_finish(gen *g);            /* the function's end */
extern const jit_signature tool_fuzz_host_mix, tool_fuzz_host_many;
jit_value tool_gen_1(gen *g, jit_opcode op, jit_value x);
jit_value tool_gen_2(gen *g, jit_opcode op, jit_value x, jit_value y);
jit_value tool_gen_3(gen *g, jit_opcode op, jit_value x, jit_value y, jit_value z);
jit_value tool_gen_convert(gen *g, jit_opcode op, jit_type t, jit_value x);
jit_value tool_gen_icmp(gen *g, unsigned cc, jit_value x, jit_value y);
jit_value tool_gen_fcmp(gen *g, unsigned cc, jit_value x, jit_value y);
jit_value tool_gen_int(gen *g, jit_type t, uint64_t bits);
jit_value tool_gen_constant(gen *g, jit_type t);       /* any */
jit_value tool_gen_pick(gen *g, jit_type t);           /* a value that is there, or a constant */
jit_value tool_gen_dirty(gen *g, jit_type t);          /* an integer with garbage above it */
void tool_gen_keep(gen *g, jit_value v);               /* makes v something to pick, or observed */
jit_mem tool_gen_flags(gen *g, int region, bool aligned, bool trapping);
jit_value tool_gen_load(gen *g, jit_opcode op, jit_type t, jit_mem m, jit_value p, int32_t offset);
void tool_gen_store(gen *g, jit_opcode op, jit_mem m, jit_value v, jit_value p, int32_t offset);
void tool_gen_observe(gen *g, jit_value v);            /* stores it where nothing else is stored */

/* ---- fuzz_memory.c ---- */
void tool_gen_access(gen *g);  /* a load or store of some kind */
void tool_gen_init_slots(gen *g);

/* ---- fuzz_shapes.c ---- */
void tool_gen_shape(gen *g);   /* instructions that lowerings and folding look for */
jit_value tool_gen_truth(gen *g); /* a condition, as code has them */

/* ---- fuzz_flow.c ---- */
void tool_gen_statements(gen *g, uint32_t n);
void tool_gen_return(gen *g);
void tool_gen_call(gen *g);

#endif
