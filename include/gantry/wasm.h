/* wasm.h - the C API for WebAssembly that engines have in common (wasm-c-api), by its names.
 *
 * Programs written for it find this file as <wasm.h> with the flags of `pkg-config gantry-wasm`.
 * What it lacks (errors with their place, limits, interruption, levels, WASI) is in
 * <gantry/wasm_gantry.h>.
 *
 * Ownership: `own` marks what is handed over; everything else is borrowed. Objects of a store
 * (functions, tables, memories, globals, instances) live in it; a handle only names one,
 * wasm_X_delete() ends the handle, and wasm_store_delete() ends the objects: handles are deleted
 * before. An engine may be used by all threads, a store and what is in it by one at a time, a
 * module by all. Lists (wasm_X_vec_t) own their elements. */
#ifndef GANTRY_WASM_H
#define GANTRY_WASM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef WASM_API_EXTERN
#if defined(__GNUC__)
#define WASM_API_EXTERN __attribute__((visibility("default")))
#else
#define WASM_API_EXTERN
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define own /* handed over to whoever receives it */

typedef char byte_t;
typedef float float32_t;
typedef double float64_t;

/* ---- Lists ---- */

#define WASM_DECLARE_VEC_OF(name, element) \
    typedef struct wasm_##name##_vec_t { \
        size_t size; \
        element *data; \
    } wasm_##name##_vec_t; \
    WASM_API_EXTERN void wasm_##name##_vec_new_empty(own wasm_##name##_vec_t *out); \
    WASM_API_EXTERN void wasm_##name##_vec_new_uninitialized(own wasm_##name##_vec_t *out, \
                                                             size_t size); \
    WASM_API_EXTERN void wasm_##name##_vec_new(own wasm_##name##_vec_t *out, size_t size, \
                                               own element const elements[]); \
    WASM_API_EXTERN void wasm_##name##_vec_copy(own wasm_##name##_vec_t *out, \
                                                const wasm_##name##_vec_t *from); \
    WASM_API_EXTERN void wasm_##name##_vec_delete(own wasm_##name##_vec_t *list);
#define WASM_DECLARE_OWN(name) \
    typedef struct wasm_##name##_t wasm_##name##_t; \
    WASM_API_EXTERN void wasm_##name##_delete(own wasm_##name##_t *);
#define WASM_DECLARE_VEC(name, star) WASM_DECLARE_VEC_OF(name, wasm_##name##_t star)

typedef byte_t wasm_byte_t;
WASM_DECLARE_VEC_OF(byte, wasm_byte_t)

typedef wasm_byte_vec_t wasm_name_t;
#define wasm_name wasm_byte_vec
#define wasm_name_new wasm_byte_vec_new
#define wasm_name_new_empty wasm_byte_vec_new_empty
#define wasm_name_new_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_copy wasm_byte_vec_copy
#define wasm_name_delete wasm_byte_vec_delete

static inline void wasm_name_new_from_string(own wasm_name_t *out, const char *s)
{
    wasm_byte_vec_new(out, strlen(s), s);
}
static inline void wasm_name_new_from_string_nt(own wasm_name_t *out, const char *s)
{
    wasm_byte_vec_new(out, strlen(s) + 1, s);
}

/* ---- Engines and stores ---- */

WASM_DECLARE_OWN(config)
WASM_API_EXTERN own wasm_config_t *wasm_config_new(void);

WASM_DECLARE_OWN(engine)
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new(void);
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new_with_config(own wasm_config_t *);

WASM_DECLARE_OWN(store)
WASM_API_EXTERN own wasm_store_t *wasm_store_new(wasm_engine_t *);

/* ---- Types ---- */

typedef uint8_t wasm_mutability_t;
enum wasm_mutability_enum { WASM_CONST, WASM_VAR };

typedef struct wasm_limits_t {
    uint32_t min;
    uint32_t max;
} wasm_limits_t;
static const uint32_t wasm_limits_max_default = 0xffffffff;

#define WASM_DECLARE_TYPE(name) \
    WASM_DECLARE_OWN(name) \
    WASM_DECLARE_VEC(name, *) \
    WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *);

WASM_DECLARE_TYPE(valtype)
typedef uint8_t wasm_valkind_t;
enum wasm_valkind_enum {
    WASM_I32, WASM_I64, WASM_F32, WASM_F64,
    WASM_EXTERNREF = 128, WASM_FUNCREF
};
#define WASM_ANYREF WASM_EXTERNREF /* its earlier name */

WASM_API_EXTERN own wasm_valtype_t *wasm_valtype_new(wasm_valkind_t);
WASM_API_EXTERN wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *);

static inline bool wasm_valkind_is_num(wasm_valkind_t k) { return k < WASM_EXTERNREF; }
static inline bool wasm_valkind_is_ref(wasm_valkind_t k) { return k >= WASM_EXTERNREF; }
static inline bool wasm_valtype_is_num(const wasm_valtype_t *t)
{
    return wasm_valkind_is_num(wasm_valtype_kind(t));
}
static inline bool wasm_valtype_is_ref(const wasm_valtype_t *t)
{
    return wasm_valkind_is_ref(wasm_valtype_kind(t));
}

WASM_DECLARE_TYPE(functype)
WASM_API_EXTERN own wasm_functype_t *wasm_functype_new(own wasm_valtype_vec_t *params,
                                                       own wasm_valtype_vec_t *results);
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *);
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *);

WASM_DECLARE_TYPE(globaltype)
WASM_API_EXTERN own wasm_globaltype_t *wasm_globaltype_new(own wasm_valtype_t *, wasm_mutability_t);
WASM_API_EXTERN const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *);
WASM_API_EXTERN wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *);

WASM_DECLARE_TYPE(tabletype)
WASM_API_EXTERN own wasm_tabletype_t *wasm_tabletype_new(own wasm_valtype_t *,
                                                         const wasm_limits_t *);
WASM_API_EXTERN const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *);
WASM_API_EXTERN const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *);

WASM_DECLARE_TYPE(memorytype)
WASM_API_EXTERN own wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *);
WASM_API_EXTERN const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *);

WASM_DECLARE_TYPE(externtype)
typedef uint8_t wasm_externkind_t;
enum wasm_externkind_enum {
    WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL, WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY
};
WASM_API_EXTERN wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *);

/* An external type and the type in it are one object; X is NULL where it is of another kind. */
#define WASM_DECLARE_EXTERNTYPE(name) \
    WASM_API_EXTERN wasm_externtype_t *wasm_##name##_as_externtype(wasm_##name##_t *); \
    WASM_API_EXTERN const wasm_externtype_t *wasm_##name##_as_externtype_const( \
        const wasm_##name##_t *); \
    WASM_API_EXTERN wasm_##name##_t *wasm_externtype_as_##name(wasm_externtype_t *); \
    WASM_API_EXTERN const wasm_##name##_t *wasm_externtype_as_##name##_const( \
        const wasm_externtype_t *);
WASM_DECLARE_EXTERNTYPE(functype)
WASM_DECLARE_EXTERNTYPE(globaltype)
WASM_DECLARE_EXTERNTYPE(tabletype)
WASM_DECLARE_EXTERNTYPE(memorytype)

WASM_DECLARE_TYPE(importtype)
WASM_API_EXTERN own wasm_importtype_t *wasm_importtype_new(own wasm_name_t *module,
                                                           own wasm_name_t *name,
                                                           own wasm_externtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *);

WASM_DECLARE_TYPE(exporttype)
WASM_API_EXTERN own wasm_exporttype_t *wasm_exporttype_new(own wasm_name_t *,
                                                           own wasm_externtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *);

/* ---- Values and references ---- */

struct wasm_ref_t;
typedef struct wasm_val_t {
    wasm_valkind_t kind;
    union {
        int32_t i32;
        int64_t i64;
        float32_t f32;
        float64_t f64;
        struct wasm_ref_t *ref;
    } of;
} wasm_val_t;
WASM_API_EXTERN void wasm_val_delete(own wasm_val_t *v);
WASM_API_EXTERN void wasm_val_copy(own wasm_val_t *out, const wasm_val_t *);
WASM_DECLARE_VEC(val, )

/* References: a handle each. Copies name the same object, which wasm_X_same() tells. */
#define WASM_DECLARE_REF_BASE(name) \
    WASM_DECLARE_OWN(name) \
    WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *); \
    WASM_API_EXTERN bool wasm_##name##_same(const wasm_##name##_t *, const wasm_##name##_t *); \
    WASM_API_EXTERN void *wasm_##name##_get_host_info(const wasm_##name##_t *); \
    WASM_API_EXTERN void wasm_##name##_set_host_info(wasm_##name##_t *, void *); \
    WASM_API_EXTERN void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t *, void *, \
                                                                    void (*)(void *));
#define WASM_DECLARE_REF(name) \
    WASM_DECLARE_REF_BASE(name) \
    WASM_API_EXTERN wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *); \
    WASM_API_EXTERN const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *); \
    WASM_API_EXTERN wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *); \
    WASM_API_EXTERN const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *);
#define WASM_DECLARE_SHARABLE_REF(name) \
    WASM_DECLARE_REF(name) \
    typedef struct wasm_shared_##name##_t wasm_shared_##name##_t; \
    WASM_API_EXTERN void wasm_shared_##name##_delete(own wasm_shared_##name##_t *); \
    WASM_API_EXTERN own wasm_shared_##name##_t *wasm_##name##_share(const wasm_##name##_t *); \
    WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_obtain(wasm_store_t *, \
                                                              const wasm_shared_##name##_t *);

WASM_DECLARE_REF_BASE(ref)

typedef wasm_name_t wasm_message_t; /* null terminated */

WASM_DECLARE_OWN(frame)
WASM_DECLARE_VEC(frame, *)
WASM_API_EXTERN own wasm_frame_t *wasm_frame_copy(const wasm_frame_t *);
WASM_API_EXTERN struct wasm_instance_t *wasm_frame_instance(const wasm_frame_t *);
WASM_API_EXTERN uint32_t wasm_frame_func_index(const wasm_frame_t *);
WASM_API_EXTERN size_t wasm_frame_func_offset(const wasm_frame_t *);
WASM_API_EXTERN size_t wasm_frame_module_offset(const wasm_frame_t *);

WASM_DECLARE_REF(trap)
WASM_API_EXTERN own wasm_trap_t *wasm_trap_new(wasm_store_t *, const wasm_message_t *);
WASM_API_EXTERN void wasm_trap_message(const wasm_trap_t *, own wasm_message_t *out);
WASM_API_EXTERN own wasm_frame_t *wasm_trap_origin(const wasm_trap_t *);
WASM_API_EXTERN void wasm_trap_trace(const wasm_trap_t *, own wasm_frame_vec_t *out);

WASM_DECLARE_REF(foreign)
WASM_API_EXTERN own wasm_foreign_t *wasm_foreign_new(wasm_store_t *);

/* ---- Modules ---- */

WASM_DECLARE_SHARABLE_REF(module)
WASM_API_EXTERN own wasm_module_t *wasm_module_new(wasm_store_t *, const wasm_byte_vec_t *binary);
WASM_API_EXTERN bool wasm_module_validate(wasm_store_t *, const wasm_byte_vec_t *binary);
WASM_API_EXTERN void wasm_module_imports(const wasm_module_t *, own wasm_importtype_vec_t *out);
WASM_API_EXTERN void wasm_module_exports(const wasm_module_t *, own wasm_exporttype_vec_t *out);
WASM_API_EXTERN void wasm_module_serialize(const wasm_module_t *, own wasm_byte_vec_t *out);
WASM_API_EXTERN own wasm_module_t *wasm_module_deserialize(wasm_store_t *, const wasm_byte_vec_t *);

/* ---- What modules import and export ---- */

WASM_DECLARE_REF(func)
typedef own wasm_trap_t *(*wasm_func_callback_t)(const wasm_val_vec_t *args,
                                                 own wasm_val_vec_t *results);
typedef own wasm_trap_t *(*wasm_func_callback_with_env_t)(void *env, const wasm_val_vec_t *args,
                                                          wasm_val_vec_t *results);
WASM_API_EXTERN own wasm_func_t *wasm_func_new(wasm_store_t *, const wasm_functype_t *,
                                               wasm_func_callback_t);
WASM_API_EXTERN own wasm_func_t *wasm_func_new_with_env(wasm_store_t *, const wasm_functype_t *type,
                                                        wasm_func_callback_with_env_t, void *env,
                                                        void (*finalizer)(void *));
WASM_API_EXTERN own wasm_functype_t *wasm_func_type(const wasm_func_t *);
WASM_API_EXTERN size_t wasm_func_param_arity(const wasm_func_t *);
WASM_API_EXTERN size_t wasm_func_result_arity(const wasm_func_t *);
WASM_API_EXTERN own wasm_trap_t *wasm_func_call(const wasm_func_t *, const wasm_val_vec_t *args,
                                                wasm_val_vec_t *results);

WASM_DECLARE_REF(global)
WASM_API_EXTERN own wasm_global_t *wasm_global_new(wasm_store_t *, const wasm_globaltype_t *,
                                                   const wasm_val_t *);
WASM_API_EXTERN own wasm_globaltype_t *wasm_global_type(const wasm_global_t *);
WASM_API_EXTERN void wasm_global_get(const wasm_global_t *, own wasm_val_t *out);
WASM_API_EXTERN void wasm_global_set(wasm_global_t *, const wasm_val_t *);

WASM_DECLARE_REF(table)
typedef uint32_t wasm_table_size_t;
WASM_API_EXTERN own wasm_table_t *wasm_table_new(wasm_store_t *, const wasm_tabletype_t *,
                                                 wasm_ref_t *init);
WASM_API_EXTERN own wasm_tabletype_t *wasm_table_type(const wasm_table_t *);
WASM_API_EXTERN own wasm_ref_t *wasm_table_get(const wasm_table_t *, wasm_table_size_t index);
WASM_API_EXTERN bool wasm_table_set(wasm_table_t *, wasm_table_size_t index, wasm_ref_t *);
WASM_API_EXTERN wasm_table_size_t wasm_table_size(const wasm_table_t *);
WASM_API_EXTERN bool wasm_table_grow(wasm_table_t *, wasm_table_size_t delta, wasm_ref_t *init);

WASM_DECLARE_REF(memory)
typedef uint32_t wasm_memory_pages_t;
static const size_t MEMORY_PAGE_SIZE = 0x10000;
WASM_API_EXTERN own wasm_memory_t *wasm_memory_new(wasm_store_t *, const wasm_memorytype_t *);
WASM_API_EXTERN own wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *);
WASM_API_EXTERN byte_t *wasm_memory_data(wasm_memory_t *);
WASM_API_EXTERN size_t wasm_memory_data_size(const wasm_memory_t *);
WASM_API_EXTERN wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *);
WASM_API_EXTERN bool wasm_memory_grow(wasm_memory_t *, wasm_memory_pages_t delta);

WASM_DECLARE_REF(extern)
WASM_DECLARE_VEC(extern, *)
WASM_API_EXTERN wasm_externkind_t wasm_extern_kind(const wasm_extern_t *);
WASM_API_EXTERN own wasm_externtype_t *wasm_extern_type(const wasm_extern_t *);
#define WASM_DECLARE_EXTERN(name) \
    WASM_API_EXTERN wasm_extern_t *wasm_##name##_as_extern(wasm_##name##_t *); \
    WASM_API_EXTERN const wasm_extern_t *wasm_##name##_as_extern_const(const wasm_##name##_t *); \
    WASM_API_EXTERN wasm_##name##_t *wasm_extern_as_##name(wasm_extern_t *); \
    WASM_API_EXTERN const wasm_##name##_t *wasm_extern_as_##name##_const(const wasm_extern_t *);
WASM_DECLARE_EXTERN(func)
WASM_DECLARE_EXTERN(global)
WASM_DECLARE_EXTERN(table)
WASM_DECLARE_EXTERN(memory)

WASM_DECLARE_REF(instance)
/* *trap (may be NULL) is set when a segment or the start function traps; NULL without a trap: an
 * import does not fit, or there is no memory. */
WASM_API_EXTERN own wasm_instance_t *wasm_instance_new(wasm_store_t *, const wasm_module_t *,
                                                       const wasm_extern_vec_t *imports,
                                                       own wasm_trap_t **trap);
WASM_API_EXTERN void wasm_instance_exports(const wasm_instance_t *, own wasm_extern_vec_t *out);

/* ---- Conveniences ---- */

#define WASM_EMPTY_VEC { 0, NULL }
#define WASM_ARRAY_VEC(array) { sizeof(array) / sizeof(*(array)), array }
#define WASM_I32_VAL(i) { .kind = WASM_I32, .of = { .i32 = i } }
#define WASM_I64_VAL(i) { .kind = WASM_I64, .of = { .i64 = i } }
#define WASM_F32_VAL(z) { .kind = WASM_F32, .of = { .f32 = z } }
#define WASM_F64_VAL(z) { .kind = WASM_F64, .of = { .f64 = z } }
#define WASM_REF_VAL(r) { .kind = WASM_EXTERNREF, .of = { .ref = r } }
#define WASM_INIT_VAL { .kind = WASM_EXTERNREF, .of = { .ref = NULL } }

static inline own wasm_valtype_t *wasm_valtype_new_i32(void) { return wasm_valtype_new(WASM_I32); }
static inline own wasm_valtype_t *wasm_valtype_new_i64(void) { return wasm_valtype_new(WASM_I64); }
static inline own wasm_valtype_t *wasm_valtype_new_f32(void) { return wasm_valtype_new(WASM_F32); }
static inline own wasm_valtype_t *wasm_valtype_new_f64(void) { return wasm_valtype_new(WASM_F64); }
static inline own wasm_valtype_t *wasm_valtype_new_externref(void)
{
    return wasm_valtype_new(WASM_EXTERNREF);
}
static inline own wasm_valtype_t *wasm_valtype_new_anyref(void)
{
    return wasm_valtype_new(WASM_EXTERNREF);
}
static inline own wasm_valtype_t *wasm_valtype_new_funcref(void)
{
    return wasm_valtype_new(WASM_FUNCREF);
}

/* wasm_functype_new_PARAMS_RESULTS(): the counts in the name. */
static inline own wasm_functype_t *wasm_functype_of_arrays(size_t nparams,
                                                           wasm_valtype_t *const params[],
                                                           size_t nresults,
                                                           wasm_valtype_t *const results[])
{
    wasm_valtype_vec_t p, r;
    wasm_valtype_vec_new(&p, nparams, params);
    wasm_valtype_vec_new(&r, nresults, results);
    return wasm_functype_new(&p, &r);
}
#define WASM_P1 wasm_valtype_t *p1
#define WASM_P2 WASM_P1, wasm_valtype_t *p2
#define WASM_P3 WASM_P2, wasm_valtype_t *p3
#define WASM_R1 wasm_valtype_t *r1
#define WASM_R2 WASM_R1, wasm_valtype_t *r2
static inline own wasm_functype_t *wasm_functype_new_0_0(void)
{
    return wasm_functype_of_arrays(0, NULL, 0, NULL);
}
static inline own wasm_functype_t *wasm_functype_new_1_0(WASM_P1)
{ return wasm_functype_of_arrays(1, &p1, 0, NULL); }
static inline own wasm_functype_t *wasm_functype_new_2_0(WASM_P2)
{ wasm_valtype_t *p[] = { p1, p2 }; return wasm_functype_of_arrays(2, p, 0, NULL); }
static inline own wasm_functype_t *wasm_functype_new_3_0(WASM_P3)
{ wasm_valtype_t *p[] = { p1, p2, p3 }; return wasm_functype_of_arrays(3, p, 0, NULL); }
static inline own wasm_functype_t *wasm_functype_new_0_1(WASM_R1)
{ return wasm_functype_of_arrays(0, NULL, 1, &r1); }
static inline own wasm_functype_t *wasm_functype_new_1_1(WASM_P1, WASM_R1)
{ return wasm_functype_of_arrays(1, &p1, 1, &r1); }
static inline own wasm_functype_t *wasm_functype_new_2_1(WASM_P2, WASM_R1)
{ wasm_valtype_t *p[] = { p1, p2 }; return wasm_functype_of_arrays(2, p, 1, &r1); }
static inline own wasm_functype_t *wasm_functype_new_3_1(WASM_P3, WASM_R1)
{ wasm_valtype_t *p[] = { p1, p2, p3 }; return wasm_functype_of_arrays(3, p, 1, &r1); }
static inline own wasm_functype_t *wasm_functype_new_0_2(WASM_R2)
{ wasm_valtype_t *r[] = { r1, r2 }; return wasm_functype_of_arrays(0, NULL, 2, r); }
static inline own wasm_functype_t *wasm_functype_new_1_2(WASM_P1, WASM_R2)
{ wasm_valtype_t *r[] = { r1, r2 }; return wasm_functype_of_arrays(1, &p1, 2, r); }
static inline own wasm_functype_t *wasm_functype_new_2_2(WASM_P2, WASM_R2)
{ wasm_valtype_t *p[] = { p1, p2 }, *r[] = { r1, r2 }; return wasm_functype_of_arrays(2, p, 2, r); }
static inline own wasm_functype_t *wasm_functype_new_3_2(WASM_P3, WASM_R2)
{
    wasm_valtype_t *p[] = { p1, p2, p3 }, *r[] = { r1, r2 };
    return wasm_functype_of_arrays(3, p, 2, r);
}

/* Pointers travel as numbers of the host's width. */
static inline void wasm_val_init_ptr(own wasm_val_t *out, void *p)
{
#if UINTPTR_MAX == UINT32_MAX
    out->kind = WASM_I32;
    out->of.i32 = (int32_t)(intptr_t)p;
#else
    out->kind = WASM_I64;
    out->of.i64 = (int64_t)(intptr_t)p;
#endif
}
static inline void *wasm_val_ptr(const wasm_val_t *val)
{
#if UINTPTR_MAX == UINT32_MAX
    return (void *)(intptr_t)val->of.i32;
#else
    return (void *)(intptr_t)val->of.i64;
#endif
}

#undef own

#ifdef __cplusplus
}
#endif
#endif
