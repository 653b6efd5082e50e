/* runtime.h - engines, compiled modules, stores and instances of WebAssembly from the inside.
 *
 *   gw_engine   one jit_engine, the canonical function types, trampolines; shared by all threads
 *   gw_code     a module decoded, compiled and published; immutable, counted, of many instances
 *   gw_store    all that is instantiated, in one list, freed together; one thread at a time
 *   gw_instance a module's instance: its context (context.h), what it imports and owns
 *
 * Objects of a store are addresses that stay until the store goes, so instances may refer to each
 * other freely and nothing is counted. Two stores share nothing but engine and code. */
#ifndef GW_RUNTIME_H
#define GW_RUNTIME_H

#include "context.h"
#include <gantry/jit.h>
#include <pthread.h>
#include <stdatomic.h>

#if defined(__GNUC__)
#define GW_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define GW_PRINTF(f, a)
#endif

/* ---- error.c ---- */
/* Fills in *e and returns its status. */
gw_status gw_error_set(gw_error *e, gw_status status, size_t offset, const char *format, ...)
    GW_PRINTF(4, 5);
/* The specification's words for a trap code. */
const char *gw_trap_text(unsigned code);

/* ---- Engines: engine.c ---- */

/* Of compiled functions; the reason is in README.md. */
#define GW_CONVENTION JIT_CONV_TAIL

/* A function type, the same object for equal types of all modules of an engine. */
typedef struct gw_sigtype {
    struct gw_sigtype *next;   /* in its bucket */
    uint32_t id, hash, nparams, nresults;
    jit_signature sig;         /* of compiled code: context first */
    jit_code *code;            /* by which host functions are entered; NULL: not made yet */
    gw_type types[];           /* parameters, then results */
} gw_sigtype;

typedef struct gw_options {
    jit_level level;
    bool explicit_bounds;      /* compare and branch instead of guard pages */
    bool interruptible;
    bool nan_canonical;
    bool positions;            /* byte offsets of instructions for traps and backtraces */
    uint32_t checks;           /* JIT_CHECK_* */
    size_t code_space;         /* 0: 512 MiB on x86-64, 128 MiB elsewhere */
    size_t compile_bytes;      /* for IR, working memory, code not yet published; 0: 1 GiB */
} gw_options;

typedef struct gw_engine {
    jit_engine *jit;
    gw_options options;
    pthread_mutex_t lock;      /* of types, their trampolines, and ctx */
    gw_sigtype **buckets, **types;
    uint32_t nbuckets, ntypes, types_cap;
    jit_ctx *ctx;              /* compiles trampolines */
    atomic_uint nmodules;      /* namespaces of function names given so far */
    atomic_size_t bytes;       /* in use of options.compile_bytes */
    atomic_uint users;
} gw_engine;

gw_engine *gw_engine_new(const gw_options *o); /* NULL options: defaults. NULL: no memory */
void gw_engine_hold(gw_engine *e);
void gw_engine_release(gw_engine *e); /* ends it with its last holder */
/* The type's one object; NULL: no memory. */
gw_sigtype *gw_engine_type(gw_engine *e, const gw_functype *t);
gw_sigtype *gw_engine_type_at(gw_engine *e, uint32_t id);
/* Code that a host function of this type is entered by; NULL: it cannot be made. */
const void *gw_engine_trampoline(gw_engine *e, gw_sigtype *t);
static inline jit_type gw_jit_type(gw_type t)
{
    return t == GW_I32 ? JIT_I32 : t == GW_F32 ? JIT_F32 : t == GW_F64 ? JIT_F64 : JIT_I64;
}

/* ---- Compiled modules: compile.c ---- */

typedef struct gw_code {
    gw_engine *engine;
    gw_module *module;
    gw_sigtype **types;        /* by the module's type index */
    gw_layout layout;
    uint32_t space;            /* namespace of its functions' names */
    jit_unit **units;          /* by own function, until published */
    jit_code **codes;          /* by own function */
    uint32_t *order;           /* own functions by address */
    atomic_uint next, done;    /* own functions handed out to compiling threads; compiled */
    atomic_int status;         /* gw_status of the first failure */
    atomic_flag failing;
    gw_error error;
    atomic_uint users;
    bool guarded;              /* memory is reached without checks */
    bool published;
} gw_code;

/* Decodes and validates; compiles nothing. keep as in gw_module_decode(). */
gw_status gw_code_new(gw_engine *e, const void *bytes, size_t size, bool keep, gw_code **code,
                      gw_error *err);
/* Compiles functions that nobody has taken yet, until there are none; any number of threads at
 * once. */
void gw_code_compile_some(gw_code *c);
/* After all threads are back: links and publishes. */
gw_status gw_code_finish(gw_code *c, gw_error *err);
void gw_code_hold(gw_code *c);
void gw_code_release(gw_code *c);
/* The function that holds pc, its index in the module and the byte offset in it; false: not of this
 * code. */
bool gw_code_place(const gw_code *c, const void *pc, uint32_t *func, uint32_t *offset);

/* ---- Stores and what is in them: store.c ---- */

typedef enum gw_object_kind {
    GW_OBJ_FUNC, GW_OBJ_TABLE, GW_OBJ_MEMORY, GW_OBJ_GLOBAL, GW_OBJ_INSTANCE
} gw_object_kind;
typedef struct gw_object {
    struct gw_object *next; /* of its store */
    gw_object_kind kind;
    struct gw_store *store;
} gw_object;

typedef union gw_val {
    uint32_t i32;
    uint64_t i64;
    float f32;
    double f64;
    void *ref; /* gw_funcref *, or the host's */
} gw_val;

typedef struct gw_trap gw_trap;

/* A host function: returns NULL, or a trap that it gives away. */
typedef gw_trap *(*gw_host_fn)(void *user, struct gw_store *store, const gw_val *args,
                               gw_val *results);
typedef struct gw_hostfunc {
    gw_object base;
    gw_host_fn fn;
    void *user;
    void (*finalize)(void *user);
    gw_sigtype *type;
    gw_funcref ref; /* what it is known by */
} gw_hostfunc;

typedef struct gw_memory_inst {
    gw_object base;
    gw_memdef def;
    uint32_t pages, max; /* of 64 KiB; max: what the type says, 65536 when nothing */
    bool has_max;
    size_t reserved;     /* bytes of address space; 0: not guarded, malloc's */
} gw_memory_inst;

typedef struct gw_table_inst {
    gw_object base;
    gw_tabledef def;
    gw_type type;
    uint32_t max, capacity;
    uint32_t declared_max; /* what the type says */
    bool has_max;
} gw_table_inst;

typedef struct gw_global_inst {
    gw_object base;
    gw_type type;
    bool mutable;
    uint64_t *cell; /* its own, or in the context of the instance that defines it */
    uint64_t own;
} gw_global_inst;

/* What an import is given, and what an export is. */
typedef struct gw_extern {
    gw_kind kind;
    union {
        gw_funcref *func;
        gw_table_inst *table;
        gw_memory_inst *memory;
        gw_global_inst *global;
        void *any;
    } of;
} gw_extern;

struct gw_instance {
    gw_object base;
    gw_code *code;
    gw_extern *exports;       /* by export */
    gw_table_inst **tables;   /* by index, imports first */
    gw_global_inst **globals; /* by index; NULL: nobody asked for it */
    gw_memory_inst *memory;
    gw_funcref **imports;     /* by imported function: what it was given */
    bool *dropped_elems, *dropped_datas;
    gw_context *context;
};

typedef struct gw_limits {
    uint64_t memory_bytes;   /* of all memories together; 0: none */
    uint64_t table_elements; /* of all tables; 0: none */
    size_t stack_bytes;      /* for compiled code below the first call; 0: 1 MiB */
} gw_limits;

typedef struct gw_store {
    gw_engine *engine;
    gw_object *objects;
    gw_limits limits;
    uint64_t memory_bytes, table_elements; /* in use */
    uint64_t stack_limit;
    gw_interrupt interrupt;
    uint64_t epoch;          /* its own, until the host gives another */
    gw_trap *pending;        /* GW_TRAP_HOST: what a host function returned */
    unsigned depth;          /* calls of the host into compiled code now */
} gw_store;

/* Zeroed memory for an object, in the store's list from now on; NULL: none. */
void *gw_object_new(gw_store *s, gw_object_kind kind, size_t size);
gw_store *gw_store_new(gw_engine *e, const gw_limits *limits);
void gw_store_free(gw_store *s);

gw_funcref *gw_func_host(gw_store *s, gw_sigtype *type, gw_host_fn fn, void *user,
                         void (*finalize)(void *));
/* NULL: no memory, or over a limit. */
gw_memory_inst *gw_memory_new(gw_store *s, const gw_range *r);
bool gw_memory_grow(gw_memory_inst *m, uint32_t pages, uint32_t *before);
gw_table_inst *gw_table_new(gw_store *s, gw_type type, const gw_range *r, void *init);
bool gw_table_grow(gw_table_inst *t, uint32_t n, void *init, uint32_t *before);
gw_global_inst *gw_global_new(gw_store *s, gw_type type, bool mutable, uint64_t bits);

/* ---- Instances: instance.c ---- */

/* imports: one for each of the module's. Runs active segments, not the start function. A trap in a
 * segment is GW_TRAP with *trap; the instance exists then all the same, for what it has written
 * stays written. */
gw_status gw_instance_new(gw_store *s, gw_code *code, const gw_extern *imports, gw_instance **out,
                          gw_trap **trap, gw_error *err);
gw_trap *gw_instance_start(gw_instance *i); /* runs the start function, if there is one */
/* NULL: none of this name. */
const gw_extern *gw_instance_export(const gw_instance *i, const char *name, size_t length);
/* The record by which a function of this instance is known; NULL: it is not one that can be
 * referenced. */
gw_funcref *gw_instance_func(gw_instance *i, uint32_t index);
gw_global_inst *gw_instance_global(gw_instance *i, uint32_t index);

/* ---- Calling: call.c ---- */

typedef struct gw_frame {
    gw_instance *instance;
    uint32_t func;
    uint32_t offset; /* in the module; ~0u: not known */
} gw_frame;
enum { GW_MAX_FRAMES = 64 };
struct gw_trap {
    unsigned code;  /* a trap code; 0: made by the host */
    char *message;  /* NULL: gw_trap_text(code) */
    void *payload;  /* the host's */
    uint32_t nframes;
    gw_frame frames[GW_MAX_FRAMES];
};
gw_trap *gw_trap_new(unsigned code, const char *message, size_t length);
void gw_trap_free(gw_trap *t);
const char *gw_trap_message(const gw_trap *t);

/* NULL: returned. */
gw_trap *gw_call(gw_store *s, const gw_funcref *f, const gw_val *args, gw_val *results);

/* ---- What compiled code calls: libcalls.c ---- */
/* Name, parameters behind the context (w: 32 bits, d: 64), result ('-': none; '!': not 0: trap). */
#define GW_LIBCALLS(X) \
    X(memory_grow, "w", 'w') \
    X(memory_init, "wwww", '!') \
    X(memory_copy, "www", '!') \
    X(memory_fill, "www", '!') \
    X(data_drop, "w", '-') \
    X(table_grow, "wdw", 'w') \
    X(table_init, "wwwww", '!') \
    X(table_copy, "wwwww", '!') \
    X(table_fill, "wdww", '!') \
    X(elem_drop, "w", '-')
typedef enum gw_libcall {
#define X(name, params, result) GW_LIB_##name,
    GW_LIBCALLS(X)
#undef X
    GW_LIB_COUNT
} gw_libcall;
bool gw_libcalls_define(jit_engine *e);
/* The same from outside; false: out of bounds. */
bool gw_memory_init(gw_instance *i, uint32_t seg, uint32_t to, uint32_t from, uint32_t n);
bool gw_table_init(gw_instance *i, uint32_t seg, uint32_t table, uint32_t to, uint32_t from,
                   uint32_t n);
/* Bits of a constant expression by an instance's globals and functions; false: no memory. */
bool gw_constexpr_value(gw_instance *i, const gw_constexpr *x, uint64_t *bits);

/* ---- The operating system: os.c ---- */
size_t gw_os_page(void);
void *gw_os_reserve(size_t size);            /* address space nobody may touch; NULL: none */
bool gw_os_commit(void *p, size_t size);     /* zeroed, readable, writable */
void gw_os_release(void *p, size_t size);
uintptr_t gw_os_stack_bottom(void);          /* of this thread, without its guard; 0: unknown */
bool gw_os_signal_stack(void);               /* so that a thread without stack can handle a fault */

#endif
