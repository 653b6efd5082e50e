/* jit.h - the whole of Gantry: engines, contexts, compiling, code. Includes the other headers.
 *
 * Threads: an engine may be used by all threads at once; a context, function or module by one at a
 * time, except that compiling only reads a function. See docs/embedding.md. */
#ifndef GANTRY_JIT_H
#define GANTRY_JIT_H

#include <gantry/jit_base.h>
#include <gantry/jit_interp.h>
#include <gantry/jit_ir.h>
#include <gantry/jit_text.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jit_ctx jit_ctx;   /* what one compiling thread needs, from function to function */
typedef struct jit_unit jit_unit; /* the unlinked code of one function */
typedef struct jit_code jit_code; /* a published function */

/* ---- Engines ---- */

typedef enum jit_arch { JIT_ARCH_HOST = 0, JIT_ARCH_X86_64, JIT_ARCH_AARCH64 } jit_arch;

enum { /* x86-64 features beyond SSE2 */
    JIT_X86_SSE3 = 1 << 0, JIT_X86_SSSE3 = 1 << 1, JIT_X86_SSE41 = 1 << 2, JIT_X86_SSE42 = 1 << 3,
    JIT_X86_POPCNT = 1 << 4, JIT_X86_LZCNT = 1 << 5, JIT_X86_BMI1 = 1 << 6, JIT_X86_BMI2 = 1 << 7,
    JIT_X86_AVX = 1 << 8, JIT_X86_AVX2 = 1 << 9, JIT_X86_FMA = 1 << 10, JIT_X86_CX16 = 1 << 11
};
enum { /* AArch64 features beyond Armv8.0 */
    JIT_A64_LSE = 1 << 0, JIT_A64_FP16 = 1 << 1, JIT_A64_RCPC = 1 << 2, JIT_A64_FLAGM = 1 << 3,
    JIT_A64_PAUTH = 1 << 4, JIT_A64_DOTPROD = 1 << 5, JIT_A64_I8MM = 1 << 6, JIT_A64_CSSC = 1 << 7,
    /* What code does besides; on machines that know nothing of it, that is nothing. */
    JIT_A64_BTI = 1 << 16,       /* landing pads where indirect branches lead */
    JIT_A64_SIGN = 1 << 17,      /* return addresses are signed before they are stored */
    JIT_A64_SIGN_ALL = 1 << 18,  /* ... and where they stay in the link register */
    JIT_A64_SIGN_KEY_B = 1 << 19 /* ... with key B, not A */
};
#define JIT_FEATURES_HOST UINT64_MAX /* all that the host has (an engine made for the host) */

typedef enum jit_memory_provider {
    JIT_MEMORY_DEFAULT = 0, /* dual mapping where the system has it, else mprotect */
    JIT_MEMORY_DUAL,        /* one mapping to write, another one to execute */
    JIT_MEMORY_MPROTECT     /* pages are written, then turned executable for good */
} jit_memory_provider;

typedef struct jit_engine_settings {
    uint32_t size;                 /* sizeof(jit_engine_settings) */
    jit_arch arch;
    uint64_t features;             /* JIT_X86_*, JIT_A64_*; 0: baseline; see also host_features */
    bool host_features;            /* use what the host has as well. NULL settings: true */
    const jit_allocator *allocator;/* NULL: malloc and free; copied */
    size_t code_space;             /* bytes reserved for code; 0: 64 MiB */
    jit_memory_provider provider;
    bool perf_map;                 /* write /tmp/perf-PID.map */
    void (*log)(void *user, const char *line); /* allocations, when asked for; NULL: none */
    void *log_user;
    /* Exceptions of C++ pass through compiled code, and backtrace() sees it. Needs the unwinder of
     * libgcc, which programs in C++ have; link others with -lgcc_s. */
    bool unwind_tables;
    bool gdb;                      /* tell GDB and LLDB of each function, by GDB's JIT interface */
    bool jitdump;                  /* write jit-PID.dump in $JITDUMPDIR or here, for perf inject */
} jit_engine_settings;

/* NULL settings: this machine, all its features. NULL when there is no memory, or the settings
 * make no sense; jit_engine_create() tells which. */
JIT_API jit_engine *jit_engine_new(const jit_engine_settings *s);
JIT_API jit_status jit_engine_create(const jit_engine_settings *s, jit_engine **e);
/* Frees all. Live codes are freed with it; a debug build refuses (aborts with a message)
 * instead. */
JIT_API void jit_engine_free(jit_engine *e);
JIT_API jit_arch jit_engine_arch(const jit_engine *e);
JIT_API uint64_t jit_engine_features(const jit_engine *e);
JIT_API uint64_t jit_host_features(jit_arch *arch); /* of the machine this runs on */
JIT_API bool jit_engine_runs_here(const jit_engine *e); /* its code can be executed by this host */

/* Makes a host function or datum known by name, to be called or referred to by compiled code.
 * A second definition of a name replaces the first for later publishes. */
JIT_API jit_status jit_engine_define(jit_engine *e, const char *name, void *address);
/* The same for functions, which C does not let one cast to void *. Use JIT_FN(f) for fn. */
typedef void (*jit_entry)(void); /* any function, to be cast to its real type */
#define JIT_FN(f) ((jit_entry)(f))
JIT_API jit_status jit_engine_define_function(jit_engine *e, const char *name, jit_entry fn);
/* The stable address of a name: its slot's entry, usable before and after what it names changes.
 * NULL: unknown. */
JIT_API void *jit_engine_lookup(jit_engine *e, const char *name);

typedef struct jit_engine_stats {
    size_t code_reserved, code_committed, code_used; /* bytes */
    size_t codes;                                    /* live jit_code handles */
    size_t host_bytes, host_peak, host_allocs;       /* through the host's allocator */
} jit_engine_stats;
JIT_API void jit_engine_get_stats(const jit_engine *e, jit_engine_stats *s);

/* ---- Compiling ---- */

typedef enum jit_level { JIT_LEVEL_DEFAULT = 0, JIT_O0, JIT_O1, JIT_O2, JIT_O3 } jit_level;
enum { /* what a compile checks of itself; a finding is JIT_ERR_MISCOMPILE */
    JIT_CHECK_IR = 1,       /* the verifier on f, whatever no_verify says, and after the mid-end */
    JIT_CHECK_REGALLOC = 2, /* every use reads the value it names, on every path */
    JIT_CHECK_ALL = 3
};

typedef struct jit_limits {
    uint64_t instructions; /* of one function; 0: none */
    size_t arena_bytes;    /* of one compilation; 0: none */
    size_t code_bytes;     /* of one function; 0: none */
    /* Called now and then while compiling; true cancels (JIT_ERR_CANCELLED). May not leave by
     * longjmp nor re-enter the context. NULL: none. */
    bool (*cancel)(void *user);
    void *cancel_user;
} jit_limits;

typedef struct jit_settings {
    uint32_t size;              /* sizeof(jit_settings) */
    jit_level level;            /* default: O2 */
    uint32_t checks;            /* JIT_CHECK_* */
    bool nan_canonical;         /* every NaN that arithmetic makes is the canonical one */
    bool frame_pointers;        /* in all functions */
    bool no_verify;             /* the host vouches for the IR */
    bool no_probestack;         /* do not touch each page of frames larger than a guard page */
    uint8_t probestack_log2;    /* size of the guard; 0: 12 */
    bool keep_asm;              /* keep what jit_unit_disassemble() needs */
    uint8_t block_padding;      /* tests: pads each block by 1 << (n - 1) bytes; 0: not at all */
    jit_limits limits;
    bool accountable;           /* keep what jit_unit_map() tells; positions are then of no use */
} jit_settings;

JIT_API jit_ctx *jit_ctx_new(jit_engine *e); /* NULL: no memory */
JIT_API void jit_ctx_free(jit_ctx *c);
/* Settings of what jit_compile_function() compiles from now on; copied. NULL: the defaults. */
JIT_API jit_status jit_ctx_configure(jit_ctx *c, const jit_settings *s);
/* What the last failing call on c had to say; "" when none failed. Lives until the next call. */
JIT_API const char *jit_error_message(const jit_ctx *c);

/* Compiles f and makes it executable. f is only read and may change or go afterwards.
 * On success *code belongs to the caller, who ends it with jit_code_free(); otherwise it is NULL
 * and the result JIT_ERR_VERIFY (f breaks an IR rule), _UNSUPPORTED (no lowering here), _LIMIT
 * (branch or frame out of reach), _LINK (an unknown name), _CODE_FULL or _NOMEM. One thread per
 * ctx. */
JIT_API jit_status jit_compile_function(jit_ctx *ctx, const jit_func *f, jit_code **code);

/* Compiles f without placing it. *unit: jit_unit_free(), also after publishing. settings NULL:
 * ctx's. */
JIT_API jit_status jit_compile_unit(jit_ctx *ctx, const jit_func *f, const jit_settings *settings,
                                    jit_unit **unit);
JIT_API void jit_unit_free(jit_unit *u);

/* Places n units at once and makes them executable, so that they may refer to each other; names
 * are looked up in the batch, then in the engine. Colocated calls within the batch are direct.
 * codes gets n handles. All or nothing. c only carries the message of a failure; may be NULL. */
JIT_API jit_status jit_publish(jit_engine *e, jit_ctx *c, jit_unit *const *units, size_t n,
                               jit_code **codes);
/* Makes the data objects of m known to e by their names; they live until the engine goes. */
JIT_API jit_status jit_publish_data(jit_engine *e, jit_ctx *c, const jit_module *m);

/* The bytes of a unit before linking, as they are the same everywhere. */
JIT_API const uint8_t *jit_unit_bytes(const jit_unit *u, size_t *size);
typedef struct jit_reloc_info {
    uint32_t offset;       /* in the unit's bytes */
    const char *kind;      /* "pcrel32", "abs64", "gotslot32", ... */
    const char *name;      /* as printed */
    int64_t addend;
} jit_reloc_info;
JIT_API size_t jit_unit_reloc_count(const jit_unit *u);
JIT_API jit_reloc_info jit_unit_reloc(const jit_unit *u, size_t k);
/* Disassembly in the project's own form, one instruction a line, labels for blocks; NULL unless
 * settings.keep_asm was set (or no memory). Give back with jit_string_free(). */
JIT_API char *jit_unit_disassemble(const jit_unit *u, size_t *length);

/* For tools that hold the memory accesses of running code against those of the IR. */
typedef enum jit_site_kind {
    JIT_SITE_OWN,      /* the frame's own: spilled and saved registers, arguments; constants */
    JIT_SITE_IR,       /* accesses of instruction `inst` and of those folded into it */
    JIT_SITE_RESULTS,  /* as OWN, and stores to the area for results that the caller has made */
    JIT_SITE_PROLOGUE  /* as OWN, loads by which pages of the frame are touched, and those that make the
                        * stack limit, by instruction `inst` */
} jit_site_kind;
typedef struct jit_code_site {
    uint32_t offset;   /* in the code; the site reaches up to the next one */
    uint32_t inst;     /* index of the IR instruction */
    jit_site_kind kind;
} jit_code_site;
typedef struct jit_code_map {
    const jit_code_site *sites;      /* by rising offset, from 0 on */
    size_t nsites;
    const uint32_t *made_by;         /* by IR instruction: number of the group whose code is one */
    size_t ninsts;
    const uint32_t *slots;           /* by stack slot: bytes from it up to sp on entry */
    size_t nslots;
    uint32_t slot_bytes;             /* of all slots, from the lowest one up */
    uint32_t frame_bytes;            /* from sp on entry down to sp after the prologue */
    uint32_t args_above, arg_bytes;  /* arguments on the stack: from sp on entry; their size */
} jit_code_map;
/* NULL unless settings.accountable was set. Lives as long as u. */
JIT_API const jit_code_map *jit_unit_map(const jit_unit *u);

/* Nanoseconds and counts of the last successful compile on c. */
typedef struct jit_stats {
    uint64_t verify_ns, analyse_ns, opt_ns, lower_ns, regalloc_ns, emit_ns, total_ns;
    uint32_t ir_insts, machine_insts, code_bytes;
    uint32_t frame_accesses, moves, inner_loop_loads; /* of the emitted instructions */
    uint32_t spill_slots, frame_bytes;
    size_t arena_bytes;
} jit_stats;
JIT_API void jit_ctx_get_stats(const jit_ctx *c, jit_stats *s);
/* Stage times cost two clock reads a stage (and at O0 a block); off by default. */
JIT_API void jit_ctx_time_stages(jit_ctx *c, bool on);

/* ---- Code ---- */

JIT_API jit_entry jit_code_entry(const jit_code *c);
JIT_API size_t jit_code_size(const jit_code *c); /* bytes, constants included */
/* Frees the function's memory; NULL is fine. Its name's slot leads to a trap from then on. No
 * thread may still run it. A second free is reported and ignored in debug builds. */
JIT_API void jit_code_free(jit_code *c);
/* The trap code of the instruction at pc (its first byte), JIT_TRAP_NONE if none. Lock-free, may be
 * called in a signal handler. */
JIT_API unsigned jit_code_trap_at(const jit_code *c, const void *pc);
/* Source position of the instruction that holds pc (for a return address: pc - 1); ~0u: none. */
JIT_API uint32_t jit_code_position_at(const jit_code *c, const void *pc);
/* The code that holds pc, NULL: none. Lock-free, may be called in a signal handler. */
JIT_API jit_code *jit_engine_code_at(const jit_engine *e, const void *pc);

/* ---- Calling ---- */

typedef struct jit_call_result {
    jit_status status;  /* not JIT_OK: the call was not made */
    unsigned trap;      /* JIT_TRAP_NONE: returned */
    const void *pc;     /* of the trap */
    const void *fault_address; /* of a memory fault; NULL: none */
} jit_call_result;

/* Calls entry (of jit_code_entry or any function that follows sig) with args, by entry code made
 * for sig once and kept. results gets sig->nresults values. With jit_traps_install() a trap in code
 * of e is caught and returned here; without it the process gets the signal. Any thread. */
JIT_API jit_call_result jit_invoke(jit_engine *e, jit_entry entry, const jit_signature *sig,
                                   const jit_bits *args, jit_bits *results);
/* The counterpart: *address becomes a function that follows sig and calls fn(user, args, results).
 * Lives until the engine goes. */
JIT_API jit_status jit_host_function(jit_engine *e, const jit_signature *sig,
                                     void (*fn)(void *user, const jit_bits *args,
                                                jit_bits *results),
                                     void *user, jit_entry *address);

/* For hosts that run e's code elsewhere, in an emulator of its machine. The memory that the code
 * consists of and reads, constants, thunks and cells included: the code is linked for these very
 * addresses. Its bytes change with each publish and free. */
JIT_API const void *jit_engine_code_space(const jit_engine *e, size_t *size);
/* The entry code by which jit_invoke() calls functions of this signature, itself a function of C's
 * convention with two parameters: addresses of blocks of 16 bytes a value. The first block holds
 * the address to call, then the arguments; the other one takes the results. Lives until the engine
 * goes. */
JIT_API jit_status jit_invoke_adapter(jit_engine *e, const jit_signature *sig, jit_entry *adapter);

/* Opt in: handlers for SIGILL, SIGSEGV, SIGBUS, SIGFPE and SIGTRAP, which turn a fault at a trap
 * site of code run by jit_invoke() into its result and pass all others on to the handlers before
 * them. */
JIT_API jit_status jit_traps_install(void);
JIT_API void jit_traps_remove(void);
/* The addresses to which the frames of the last trap on this thread would have returned, innermost
 * first, up to jit_invoke()'s own code; at[0] is in the caller of the function that trapped. Only
 * functions with a frame pointer appear (jit_settings.frame_pointers; at O0 all), and of one that
 * traps in its prologue (stk_ovf) the caller may be missing. Writes at most `most`, returns how many
 * are known, 64 at most. */
JIT_API size_t jit_trap_frames(const void **at, size_t most);

#ifdef __cplusplus
}
#endif
#endif
