/* fuzz.h - what the files of `gantry fuzz` share: programs, where they run, what is found.
 *
 * A seed stands for one program: a module of a few functions, the last of which is called with RUNS
 * sets of arguments. Its first parameter is the address of FUZZ_HEAP bytes that the program may
 * touch. The interpreter says what has to come of it. */
#ifndef GANTRY_TOOL_FUZZ_H
#define GANTRY_TOOL_FUZZ_H

#include "tool.h"

enum {
    FUZZ_HEAP = 4096,
    FUZZ_READONLY = 3072,  /* from here on nothing is ever written */
    FUZZ_POINTERS = 4064,  /* from here on stand addresses, which no result may depend on */
    FUZZ_LIMIT = 4080,     /* a zero: the lowest address that the stack may reach */
    FUZZ_RUNS = 3,
    FUZZ_FUNCTIONS = 4, FUZZ_PARAMS = 24, FUZZ_RESULTS = 9,
    FUZZ_TYPES = 10        /* scalar types: JIT_VOID to JIT_F128 */
};

typedef struct fuzz_rng { uint64_t state; } fuzz_rng;

static inline uint64_t fuzz_random(fuzz_rng *r) /* SplitMix64 */
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static inline uint32_t fuzz_below(fuzz_rng *r, uint32_t n)
{
    return (uint32_t)(fuzz_random(r) % n);
}

/* How often each opcode was made, by its controlling type and the type of its last operand. */
typedef struct fuzz_coverage {
    uint32_t count[JIT_OP_COUNT][FUZZ_TYPES][FUZZ_TYPES];
    uint32_t int_cc[10], float_cc[14];
} fuzz_coverage;

typedef struct fuzz_settings {
    bool traps;    /* programs may trap */
    unsigned size; /* of programs, in percent */
} fuzz_settings;

typedef struct fuzz_program {
    uint64_t seed;
    jit_module *module;
    uint32_t nargs;                 /* of the last function */
    jit_bits args[FUZZ_RUNS][FUZZ_PARAMS];
    uint32_t runs;
    uint8_t image[FUZZ_HEAP];       /* what the memory holds before each run */
} fuzz_program;

typedef struct fuzz_answer {
    bool trapped;
    unsigned trap;
    uint64_t results[FUZZ_RESULTS];
} fuzz_answer;

/* What a program came to somewhere. SKIPPED: it says nothing (no end, no support). INVALID: the
 * program itself is at fault, as reduced ones may be. */
typedef enum fuzz_verdict { FUZZ_SAME, FUZZ_SKIPPED, FUZZ_DIFFERENT, FUZZ_INVALID } fuzz_verdict;

/* ---- fuzz_gen.c, fuzz_flow.c, fuzz_shapes.c: programs ---- */
/* The program of a seed; heap is where it will be called with. False, and why: a fault of the
 * generator or the builder. Free p->module. */
bool tool_fuzz_generate(jit_engine *e, uint64_t seed, const fuzz_settings *s, const uint8_t *heap,
                        fuzz_coverage *c, fuzz_program *p, char *why, size_t size);
/* What its memory holds: filled by the function that fuzz_wrap.c writes as CLIF, too. */
void tool_fuzz_image(uint8_t *image, uint64_t seed, const uint8_t *heap);
/* Values that lie where rules change their minds; of up to 64 bits. */
uint64_t tool_fuzz_bits(fuzz_rng *r, jit_type t);

/* ---- fuzz_cover.c: what has to be generated ---- */
/* Prints how often what was made, when `print`, and each opcode and type that compiles on some
 * machine but was never made: their number. */
unsigned tool_fuzz_coverage(const fuzz_coverage *c, bool print);

/* ---- fuzz_run.c: where they run, and what has to come of it ---- */
typedef struct fuzz_bench fuzz_bench; /* the interpreter and all the machines, in this process */
typedef struct fuzz_place { unsigned machine, level; } fuzz_place;

typedef enum fuzz_where { FUZZ_NATIVE = 1, FUZZ_EMULATED = 2, FUZZ_ANYWHERE = 3 } fuzz_where;
/* Memory for programs, at one address for all processes forked from here. NULL: none. */
uint8_t *tool_fuzz_heap(void);
fuzz_bench *tool_fuzz_bench_new(uint8_t *heap, jit_arch arch, fuzz_where where);
void tool_fuzz_bench_free(fuzz_bench *b);
void tool_fuzz_without_host(fuzz_bench *b); /* for wrapped programs, before they are tried */
jit_engine *tool_fuzz_engine(fuzz_bench *b); /* to make programs with */
unsigned tool_fuzz_machines(const fuzz_bench *b);
unsigned tool_fuzz_levels(void);
/* "x86_64 has_sse41": as a target line has it; and how `gantry test` is told the level. */
const char *tool_fuzz_target(fuzz_bench *b, unsigned machine, bool *emulated);
const char *tool_fuzz_level(unsigned level);
/* Settings besides the level that a seed's program is compiled with, and as `set` lines. */
void tool_fuzz_variant(uint64_t seed, jit_settings *s);
void tool_fuzz_variant_lines(uint64_t seed, char *text, size_t size);
/* Whether a program of this seed runs there: on odd sets of features only some do. */
bool tool_fuzz_takes(const fuzz_bench *b, unsigned machine, uint64_t seed);

typedef struct fuzz_expected {
    fuzz_answer answer[FUZZ_RUNS];
    uint8_t heap[FUZZ_RUNS][FUZZ_HEAP];
    unsigned returned, trapped, endless; /* runs */
} fuzz_expected;
/* The interpreter's answers. */
fuzz_verdict tool_fuzz_expect(fuzz_bench *b, const fuzz_program *p, fuzz_expected *x, char *what,
                              size_t size);
/* Compiles it for one place, runs it there and says what differs. *run: which; RUNS: compiling. */
fuzz_verdict tool_fuzz_try(fuzz_bench *b, const fuzz_program *p, fuzz_place at,
                           const fuzz_expected *x, unsigned *run, char *what, size_t size);

/* Whether both programs, the same but for the sizes of their slots, have the same answers when
 * their
 * stacks lie at different addresses. */
bool tool_fuzz_is_settled(fuzz_bench *b, const fuzz_program *p, const fuzz_program *moved);

/* ---- fuzz_wrap.c: programs that need no host ---- */
/* Adds to p's module what the host gave: the functions called, the memory, and a last function
 * %main that calls the program and returns its results and a digest of the memory. p's arguments
 * become those of %main. False: no memory. */
bool tool_fuzz_wrap(fuzz_program *p);

/* ---- fuzz_reduce.c ---- */
/* Text of a program smaller than the given one for which `holds` is still true; bounded by `trials`
 * calls. Both are the caller's to free. args of the last function may become simpler, too. */
char *tool_fuzz_reduce(const char *text, jit_bits *args, unsigned trials,
                       bool (*holds)(void *user, const char *text, const jit_bits *args),
                       void *user);

/* ---- fuzz_log.c: campaigns ---- */
typedef struct fuzz_campaign {
    const char *path;  /* of the log */
    const char *note;  /* what was tested, say a commit */
    const char *where; /* "native", "emulated", "all" */
    fuzz_settings settings;
    uint64_t first, done; /* seeds */
    uint64_t functions;   /* in these programs */
    unsigned found;
    double seconds;
} fuzz_campaign;
/* The seed behind the last one that the log has for this place and these settings; *total:
 * functions
 * run at that place under all settings. 1 when there is no log yet. */
uint64_t tool_fuzz_log_next(const fuzz_campaign *c, uint64_t *total);
bool tool_fuzz_log_add(const fuzz_campaign *c);

/* ---- fuzz.c: the command ---- */
int tool_fuzz(int argc, char **argv);

#endif
