/* wasm_gantry.c - our own part of the API (<gantry/wasm_gantry.h>): configuration, errors,
 * compiling in steps. */
#include "wasm_api.h"

#include <stdlib.h>

/* The statuses are the same list under public names. */
static_assert((int)GANTRY_WASM_INTERNAL == (int)GW_INTERNAL && (int)GANTRY_WASM_TRAP == (int)GW_TRAP
              && (int)GANTRY_WASM_UNSUPPORTED == (int)GW_UNSUPPORTED, "two lists of statuses");

void gw_api_error(gantry_wasm_error *out, gw_status status, const gw_error *e)
{
    if (!out)
        return;
    out->status = (gantry_wasm_status)status;
    out->offset = status == GW_OK ? SIZE_MAX : e->offset;
    memcpy(out->text, status == GW_OK ? (const char[sizeof out->text]){ 0 } : e->text,
           sizeof out->text);
    out->text[sizeof out->text - 1] = 0;
}

/* ---- Configuration ---- */

void gantry_wasm_config_level(wasm_config_t *c, unsigned level)
{
    c->options.level = level <= 3 ? (jit_level)(JIT_O0 + level) : JIT_LEVEL_DEFAULT;
}

void gantry_wasm_config_explicit_bounds(wasm_config_t *c, bool on)
{
    c->options.explicit_bounds = on;
}

void gantry_wasm_config_interruptible(wasm_config_t *c, bool on)
{
    c->options.interruptible = on;
}

void gantry_wasm_config_nan_canonical(wasm_config_t *c, bool on)
{
    c->options.nan_canonical = on;
}

void gantry_wasm_config_checks(wasm_config_t *c, uint32_t checks)
{
    c->options.checks = checks;
}

void gantry_wasm_config_compile_bytes(wasm_config_t *c, size_t bytes)
{
    c->options.compile_bytes = bytes;
}

void gantry_wasm_config_code_space(wasm_config_t *c, size_t bytes)
{
    c->options.code_space = bytes;
}

void gantry_wasm_store_limits(wasm_store_t *s, uint64_t memory_bytes, uint64_t table_elements,
                              size_t stack_bytes)
{
    s->store->limits.memory_bytes = memory_bytes;
    s->store->limits.table_elements = table_elements;
    s->store->limits.stack_bytes = stack_bytes;
}

void gantry_wasm_store_deadline(wasm_store_t *s, const volatile uint64_t *epoch, uint64_t deadline)
{
    s->store->interrupt.epoch = epoch ? epoch : &s->store->epoch;
    s->store->interrupt.deadline = deadline;
}

/* ---- Modules ---- */

struct gantry_wasm_compilation {
    gw_code *code;
};

gantry_wasm_compilation *gantry_wasm_module_begin(wasm_engine_t *engine,
                                                  const wasm_byte_vec_t *binary,
                                                  gantry_wasm_error *e)
{
    gantry_wasm_compilation *c = calloc(1, sizeof *c);
    gw_error err = { GW_NOMEM, SIZE_MAX, "out of memory" };
    gw_status status =
        c ? gw_code_new(engine->engine, binary->data, binary->size, false, &c->code, &err)
          : GW_NOMEM;

    gw_api_error(e, status, &err);
    if (status != GW_OK) {
        free(c);
        return NULL;
    }
    return c;
}

void gantry_wasm_module_compile_some(gantry_wasm_compilation *c)
{
    gw_code_compile_some(c->code);
}

void gantry_wasm_module_progress(const gantry_wasm_compilation *c, uint32_t *done, uint32_t *all)
{
    *done = atomic_load(&c->code->done);
    *all = c->code->module->nfuncs - c->code->module->nimported_funcs;
}

wasm_module_t *gantry_wasm_module_finish(gantry_wasm_compilation *c, wasm_store_t *s,
                                         gantry_wasm_error *e)
{
    gw_error err = { GW_OK, SIZE_MAX, "" };
    gw_status status = gw_code_finish(c->code, &err);
    wasm_module_t *m = NULL;

    if (status == GW_OK) {
        m = (wasm_module_t *)gw_api_handle(s, GW_H_MODULE, c->code);
        if (!m)
            status = gw_error_set(&err, GW_NOMEM, SIZE_MAX, "out of memory");
    }
    gw_code_release(c->code);
    free(c);
    gw_api_error(e, status, &err);
    return m;
}

wasm_module_t *gantry_wasm_module_new(wasm_store_t *s, const wasm_byte_vec_t *binary,
                                      gantry_wasm_error *e)
{
    wasm_engine_t engine = { s->store->engine };
    gantry_wasm_compilation *c = gantry_wasm_module_begin(&engine, binary, e);

    return c ? gantry_wasm_module_finish(c, s, e) : NULL;
}

/* ---- Traps ---- */

bool gantry_wasm_trap_is_exhaustion(const wasm_trap_t *t)
{
    const gw_trap *trap = ((const wasm_ref_t *)t)->object;
    return trap->code == JIT_TRAP_STK_OVF;
}

void gantry_wasm_frame_name(const wasm_frame_t *f, const char **name, size_t *length)
{
    const gw_module *m = f->frame.instance->code->module;

    *name = "";
    *length = 0;
    if (m->func_names && m->func_names[f->frame.func].size > 0) {
        *name = (const char *)m->func_names[f->frame.func].at;
        *length = m->func_names[f->frame.func].size;
    }
}
