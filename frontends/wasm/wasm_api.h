/* wasm_api.h - handles of the standard API: each names an object of a store, a module or a trap.
 *
 * All handles are one struct, so that casts between them (wasm_X_as_ref) are casts of a pointer. A
 * handle is freed alone; the object stays until its store goes. */
#ifndef GW_WASM_API_H
#define GW_WASM_API_H

#include "runtime.h"
#include <gantry/wasm.h>
#include <gantry/wasm_gantry.h>

typedef enum gw_handle_kind {
    GW_H_FUNC, GW_H_GLOBAL, GW_H_TABLE, GW_H_MEMORY, /* these are wasm_extern_t, too */
    GW_H_INSTANCE, GW_H_MODULE, GW_H_TRAP, GW_H_FOREIGN
} gw_handle_kind;

/* What the host has attached to an object, and the word by which an object travels as externref.
 * Kept by the store. */
typedef struct gw_anchor {
    struct gw_anchor *next;
    gw_handle_kind kind;
    void *object;
    void *info;
    void (*finalizer)(void *);
} gw_anchor;

struct wasm_ref_t {
    gw_handle_kind kind;
    wasm_store_t *store; /* NULL: a module or trap made elsewhere */
    void *object;        /* gw_funcref, gw_X_inst, gw_instance, gw_code, gw_trap, gw_anchor */
};

struct wasm_config_t {
    gw_options options;
};
struct wasm_engine_t {
    gw_engine *engine;
};
struct wasm_store_t {
    gw_store *store;
    gw_anchor *anchors;
};
struct wasm_frame_t {
    gw_frame frame;
    wasm_ref_t *instance; /* made when asked for */
};

/* NULL: no memory. A module is held, a trap taken. */
wasm_ref_t *gw_api_handle(wasm_store_t *s, gw_handle_kind kind, void *object);
gw_anchor *gw_api_anchor(wasm_store_t *s, gw_handle_kind kind, void *object);
void gw_api_error(gantry_wasm_error *out, gw_status status, const gw_error *e);
uint64_t gw_api_bits(wasm_store_t *s, const wasm_val_t *v);
void gw_api_value(wasm_store_t *s, gw_type t, uint64_t bits, wasm_val_t *out);

wasm_valkind_t gw_api_kind(gw_type t);
gw_type gw_api_type(wasm_valkind_t k);
wasm_functype_t *gw_api_functype(const gw_type *params, uint32_t nparams, const gw_type *results,
                                 uint32_t nresults);
wasm_externtype_t *gw_api_externtype(const gw_module *m, gw_kind kind, uint32_t index);

#endif
