/* wasm_spectest.c - the module `spectest`, which the specification's tests import from. */
#include "wasm.h"

#include <stdlib.h>

enum { MAX_EXPORTS = 16 };
struct spectest {
    size_t n;
    const char *names[MAX_EXPORTS];
    wasm_extern_t *externs[MAX_EXPORTS];
};

/* The print functions have no output of their own: each command is answered by exactly one line. */
static wasm_trap_t *print(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)args;
    (void)results;
    return NULL;
}

static void add(spectest *t, const char *name, wasm_extern_t *x)
{
    if (x) {
        t->names[t->n] = name;
        t->externs[t->n++] = x;
    }
}

static void add_print(spectest *t, wasm_store_t *s, const char *name, size_t n,
                      const wasm_valkind_t *kinds)
{
    wasm_valtype_vec_t params, none;

    wasm_valtype_vec_new_uninitialized(&params, n);
    wasm_valtype_vec_new_empty(&none);
    for (size_t k = 0; k < params.size; k++)
        params.data[k] = wasm_valtype_new(kinds[k]);
    wasm_functype_t *type = wasm_functype_new(&params, &none);
    add(t, name, wasm_func_as_extern(wasm_func_new(s, type, print)));
    wasm_functype_delete(type);
}

static void add_global(spectest *t, wasm_store_t *s, const char *name, wasm_val_t v)
{
    wasm_globaltype_t *type = wasm_globaltype_new(wasm_valtype_new(v.kind), WASM_CONST);

    add(t, name, wasm_global_as_extern(wasm_global_new(s, type, &v)));
    wasm_globaltype_delete(type);
}

spectest *tool_spectest_new(wasm_store_t *s)
{
    static const wasm_valkind_t i32[] = { WASM_I32 }, i64[] = { WASM_I64 }, f32[] = { WASM_F32 },
                                f64[] = { WASM_F64 }, i32_f32[] = { WASM_I32, WASM_F32 },
                                f64_f64[] = { WASM_F64, WASM_F64 };
    spectest *t = calloc(1, sizeof *t);
    wasm_limits_t ten = { 10, 20 }, one = { 1, 2 };

    if (!t)
        return NULL;
    add_print(t, s, "print", 0, NULL);
    add_print(t, s, "print_i32", 1, i32);
    add_print(t, s, "print_i64", 1, i64);
    add_print(t, s, "print_f32", 1, f32);
    add_print(t, s, "print_f64", 1, f64);
    add_print(t, s, "print_i32_f32", 2, i32_f32);
    add_print(t, s, "print_f64_f64", 2, f64_f64);
    add_global(t, s, "global_i32", (wasm_val_t)WASM_I32_VAL(666));
    add_global(t, s, "global_i64", (wasm_val_t)WASM_I64_VAL(666));
    add_global(t, s, "global_f32", (wasm_val_t)WASM_F32_VAL(666.6f));
    add_global(t, s, "global_f64", (wasm_val_t)WASM_F64_VAL(666.6));
    wasm_tabletype_t *table = wasm_tabletype_new(wasm_valtype_new_funcref(), &ten);
    add(t, "table", wasm_table_as_extern(wasm_table_new(s, table, NULL)));
    wasm_tabletype_delete(table);
    wasm_memorytype_t *memory = wasm_memorytype_new(&one);
    add(t, "memory", wasm_memory_as_extern(wasm_memory_new(s, memory)));
    wasm_memorytype_delete(memory);
    return t;
}

void tool_spectest_free(spectest *t)
{
    for (size_t k = 0; t && k < t->n; k++)
        wasm_extern_delete(t->externs[k]);
    free(t);
}

wasm_extern_t *tool_spectest_export(const spectest *t, const wasm_name_t *name)
{
    for (size_t k = 0; k < t->n; k++)
        if (strlen(t->names[k]) == name->size && memcmp(t->names[k], name->data, name->size) == 0)
            return t->externs[k];
    return NULL;
}
