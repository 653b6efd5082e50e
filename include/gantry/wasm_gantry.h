/* wasm_gantry.h - what <gantry/wasm.h> lacks: errors with their place, levels, limits, threads,
 * interruption, WASI. */
#ifndef GANTRY_WASM_GANTRY_H
#define GANTRY_WASM_GANTRY_H

#include <gantry/wasm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gantry_wasm_status {
    GANTRY_WASM_OK,
    GANTRY_WASM_MALFORMED,   /* not a module by the binary format */
    GANTRY_WASM_INVALID,     /* breaks a validation rule */
    GANTRY_WASM_UNLINKABLE,  /* an import that is missing or does not fit */
    GANTRY_WASM_TRAP,        /* a segment or the start function trapped */
    GANTRY_WASM_UNSUPPORTED, /* a feature that this build does not have; the text names it */
    GANTRY_WASM_LIMIT,       /* a limit of the store's, of the host's or of this engine */
    GANTRY_WASM_NOMEM,
    GANTRY_WASM_INTERNAL     /* a fault of Gantry's own; please report */
} gantry_wasm_status;

typedef struct gantry_wasm_error {
    gantry_wasm_status status;
    size_t offset;  /* of the fault in the module, in bytes; SIZE_MAX: it has no place */
    char text[232]; /* the specification's words where it has some, a colon, particulars */
} gantry_wasm_error;

/* ---- Configuration, before wasm_engine_new_with_config() ---- */

/* 0 to 3; 2 unless it is set. */
WASM_API_EXTERN void gantry_wasm_config_level(wasm_config_t *c, unsigned level);
/* Memory accesses are compared with the memory's size, instead of 8 GiB of address space for each
 * memory. */
WASM_API_EXTERN void gantry_wasm_config_explicit_bounds(wasm_config_t *c, bool on);
/* Code looks at its store's epoch at each function and loop; see gantry_wasm_store_deadline(). */
WASM_API_EXTERN void gantry_wasm_config_interruptible(wasm_config_t *c, bool on);
/* Every NaN that arithmetic makes is the canonical one. */
WASM_API_EXTERN void gantry_wasm_config_nan_canonical(wasm_config_t *c, bool on);
/* JIT_CHECK_* of <gantry/jit.h> for each compile. */
WASM_API_EXTERN void gantry_wasm_config_checks(wasm_config_t *c, uint32_t checks);
/* Memory in bytes that compiling may take at once, all threads together, whatever the module is; 0:
 * 1 GiB. */
WASM_API_EXTERN void gantry_wasm_config_compile_bytes(wasm_config_t *c, size_t bytes);
/* Address space for code in bytes; 0: 512 MiB on x86-64, 128 MiB on AArch64. */
WASM_API_EXTERN void gantry_wasm_config_code_space(wasm_config_t *c, size_t bytes);

/* ---- Stores ---- */

/* Of all memories together in bytes, all tables together in elements, and of the stack below a call
 * from the host in bytes; 0: no limit (stack: 4 MiB). What is there already stays. */
WASM_API_EXTERN void gantry_wasm_store_limits(wasm_store_t *s, uint64_t memory_bytes,
                                              uint64_t table_elements, size_t stack_bytes);
/* Interruptible code of s traps ("interrupted") from when *epoch is at least the deadline. epoch
 * NULL: a counter of the store's own, which stands at 0. Another thread may count *epoch up at any
 * time. */
WASM_API_EXTERN void gantry_wasm_store_deadline(wasm_store_t *s, const volatile uint64_t *epoch,
                                                uint64_t deadline);

/* ---- Modules ---- */

/* As wasm_module_new(); on failure NULL, and *e says why. */
WASM_API_EXTERN wasm_module_t *gantry_wasm_module_new(wasm_store_t *s,
                                                      const wasm_byte_vec_t *binary,
                                                      gantry_wasm_error *e);
/* The same in steps, for several threads: begin, then any number of threads call compile_some,
 * which returns when no function is left to take; when all are back, finish gives the module, or
 * NULL and *e. finish ends the compilation in any case (alone it compiles everything). */
typedef struct gantry_wasm_compilation gantry_wasm_compilation;
WASM_API_EXTERN gantry_wasm_compilation *gantry_wasm_module_begin(wasm_engine_t *engine,
                                                                  const wasm_byte_vec_t *binary,
                                                                  gantry_wasm_error *e);
WASM_API_EXTERN void gantry_wasm_module_compile_some(gantry_wasm_compilation *c);
/* Functions compiled so far, and all there are; any thread. */
WASM_API_EXTERN void gantry_wasm_module_progress(const gantry_wasm_compilation *c, uint32_t *done,
                                                 uint32_t *all);
WASM_API_EXTERN wasm_module_t *gantry_wasm_module_finish(gantry_wasm_compilation *c,
                                                         wasm_store_t *s, gantry_wasm_error *e);

/* ---- Instances and traps ---- */

/* As wasm_instance_new(), but says which import does not fit and why. */
WASM_API_EXTERN wasm_instance_t *gantry_wasm_instance_new(wasm_store_t *s, const wasm_module_t *m,
                                                          const wasm_extern_vec_t *imports,
                                                          wasm_trap_t **trap, gantry_wasm_error *e);
/* The export of this name, to be deleted by the caller; NULL: there is none. */
WASM_API_EXTERN wasm_extern_t *gantry_wasm_instance_export(const wasm_instance_t *i,
                                                           const char *name, size_t length);
/* Whether the trap is the end of the stack. */
WASM_API_EXTERN bool gantry_wasm_trap_is_exhaustion(const wasm_trap_t *t);
/* The name of the function that a frame is in, from the name section; length 0: none. Not
 * terminated; the module's. */
WASM_API_EXTERN void gantry_wasm_frame_name(const wasm_frame_t *f, const char **name,
                                            size_t *length);

/* ---- WASI preview 1 ---- */

/* What one program is given: arguments, environment, directories, the host's standard streams, exit
 * code. It outlives the store whose instance uses it. */
typedef struct gantry_wasm_wasi gantry_wasm_wasi;
WASM_API_EXTERN gantry_wasm_wasi *gantry_wasm_wasi_new(void);
WASM_API_EXTERN void gantry_wasm_wasi_delete(gantry_wasm_wasi *w);
/* Strings are copied. The first argument is the program's name. False: no memory. */
WASM_API_EXTERN bool gantry_wasm_wasi_arg(gantry_wasm_wasi *w, const char *arg);
WASM_API_EXTERN bool gantry_wasm_wasi_env(gantry_wasm_wasi *w, const char *name_value);
/* A directory of the host that the program sees by the guest's name, with all in it and nothing
 * outside of it. False: errno says why. */
WASM_API_EXTERN bool gantry_wasm_wasi_dir(gantry_wasm_wasi *w, const char *guest, const char *host);
/* The function for an import of wasi_snapshot_preview1, to be deleted by the caller; one that is
 * not implemented answers ENOSYS. NULL: the import is another module's, or no memory. */
WASM_API_EXTERN wasm_extern_t *gantry_wasm_wasi_import(gantry_wasm_wasi *w, wasm_store_t *s,
                                                       const wasm_importtype_t *want);
/* The memory in which the functions find what pointers mean: the instance's export "memory". */
WASM_API_EXTERN void gantry_wasm_wasi_bind(gantry_wasm_wasi *w, wasm_memory_t *m);
/* Whether the program called proc_exit, which ended its call with a trap. */
WASM_API_EXTERN bool gantry_wasm_wasi_exited(const gantry_wasm_wasi *w, uint32_t *code);

#ifdef __cplusplus
}
#endif
#endif
