/* test_api.c - the standard API and our own part of it: values, traps with frames, limits,
 * isolation, interruption, compiling on several threads. */
#include <gantry/wasm_gantry.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

/* wat2wasm --debug-names of
 * (module $mod
 *   (import "env" "twice" (func $twice (param i32) (result i32)))
 *   (memory (export "memory") 1 3)
 *   (table (export "table") 2 4 funcref)
 *   (global $g (export "counter") (mut i64) (i64.const 5))
 *   (elem (i32.const 0) $next)
 *   (data (i32.const 8) "hello")
 *   (func $next (export "next") (result i64)
 *     (global.set $g (i64.add (global.get $g) (i64.const 1))) (global.get $g))
 *   (func (export "call_host") (param i32) (result i32) (call $twice (local.get 0)))
 *   (func $deep (export "deep") (param i32) (result i32)
 *     (i32.load (i32.add (local.get 0) (call $deep (local.get 0)))))
 *   (func $spin (export "spin") (loop $l (br $l)))
 *   (func $bad (result i32) (i32.load offset=65533 (i32.const 0)))
 *   (func $outer (export "outer") (result i32) (i32.add (call $bad) (i32.const 1)))
 *   (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
 *   (func (export "pair") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))
 *   (func (export "id") (param externref) (result externref) (local.get 0))
 *   (func (export "indirect") (param i32) (result i64) (call_indirect (result i64) (local.get 0)))
 * ) */
static const uint8_t binary[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x22, 0x07, 0x60, 0x01, 0x7f, 0x01, 0x7f,
    0x60, 0x00, 0x01, 0x7e, 0x60, 0x00, 0x00, 0x60, 0x00, 0x01, 0x7f, 0x60, 0x02, 0x7f, 0x7c, 0x02,
    0x7c, 0x7f, 0x60, 0x01, 0x6f, 0x01, 0x6f, 0x60, 0x01, 0x7f, 0x01, 0x7e, 0x02, 0x0d, 0x01, 0x03,
    0x65, 0x6e, 0x76, 0x05, 0x74, 0x77, 0x69, 0x63, 0x65, 0x00, 0x00, 0x03, 0x0b, 0x0a, 0x01, 0x00,
    0x00, 0x02, 0x03, 0x03, 0x00, 0x04, 0x05, 0x06, 0x04, 0x05, 0x01, 0x70, 0x01, 0x02, 0x04, 0x05,
    0x04, 0x01, 0x01, 0x01, 0x03, 0x06, 0x06, 0x01, 0x7e, 0x01, 0x42, 0x05, 0x0b, 0x07, 0x63, 0x0c,
    0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x05, 0x74, 0x61, 0x62, 0x6c, 0x65, 0x01,
    0x00, 0x07, 0x63, 0x6f, 0x75, 0x6e, 0x74, 0x65, 0x72, 0x03, 0x00, 0x04, 0x6e, 0x65, 0x78, 0x74,
    0x00, 0x01, 0x09, 0x63, 0x61, 0x6c, 0x6c, 0x5f, 0x68, 0x6f, 0x73, 0x74, 0x00, 0x02, 0x04, 0x64,
    0x65, 0x65, 0x70, 0x00, 0x03, 0x04, 0x73, 0x70, 0x69, 0x6e, 0x00, 0x04, 0x05, 0x6f, 0x75, 0x74,
    0x65, 0x72, 0x00, 0x06, 0x04, 0x67, 0x72, 0x6f, 0x77, 0x00, 0x07, 0x04, 0x70, 0x61, 0x69, 0x72,
    0x00, 0x08, 0x02, 0x69, 0x64, 0x00, 0x09, 0x08, 0x69, 0x6e, 0x64, 0x69, 0x72, 0x65, 0x63, 0x74,
    0x00, 0x0a, 0x09, 0x07, 0x01, 0x00, 0x41, 0x00, 0x0b, 0x01, 0x01, 0x0a, 0x56, 0x0a, 0x0b, 0x00,
    0x23, 0x00, 0x42, 0x01, 0x7c, 0x24, 0x00, 0x23, 0x00, 0x0b, 0x06, 0x00, 0x20, 0x00, 0x10, 0x00,
    0x0b, 0x0c, 0x00, 0x20, 0x00, 0x20, 0x00, 0x10, 0x03, 0x6a, 0x28, 0x02, 0x00, 0x0b, 0x07, 0x00,
    0x03, 0x40, 0x0c, 0x00, 0x0b, 0x0b, 0x09, 0x00, 0x41, 0x00, 0x28, 0x02, 0xfd, 0xff, 0x03, 0x0b,
    0x07, 0x00, 0x10, 0x05, 0x41, 0x01, 0x6a, 0x0b, 0x06, 0x00, 0x20, 0x00, 0x40, 0x00, 0x0b, 0x06,
    0x00, 0x20, 0x01, 0x20, 0x00, 0x0b, 0x04, 0x00, 0x20, 0x00, 0x0b, 0x07, 0x00, 0x20, 0x00, 0x11,
    0x01, 0x00, 0x0b, 0x0b, 0x0b, 0x01, 0x00, 0x41, 0x08, 0x0b, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
    0x00, 0x52, 0x04, 0x6e, 0x61, 0x6d, 0x65, 0x00, 0x04, 0x03, 0x6d, 0x6f, 0x64, 0x01, 0x26, 0x06,
    0x00, 0x05, 0x74, 0x77, 0x69, 0x63, 0x65, 0x01, 0x04, 0x6e, 0x65, 0x78, 0x74, 0x03, 0x04, 0x64,
    0x65, 0x65, 0x70, 0x04, 0x04, 0x73, 0x70, 0x69, 0x6e, 0x05, 0x03, 0x62, 0x61, 0x64, 0x06, 0x05,
    0x6f, 0x75, 0x74, 0x65, 0x72, 0x02, 0x17, 0x0b, 0x00, 0x00, 0x01, 0x00, 0x02, 0x00, 0x03, 0x00,
    0x04, 0x00, 0x05, 0x00, 0x06, 0x00, 0x07, 0x00, 0x08, 0x00, 0x09, 0x00, 0x0a, 0x00, 0x07, 0x04,
    0x01, 0x00, 0x01, 0x67
};

static wasm_engine_t *engine;
static wasm_store_t *store;

/* What a test asks of the engine. */
typedef struct setting {
    unsigned level;
    bool explicit_bounds, interruptible;
} setting;
static const setting settings[] = { { 0, false, false },
                                    { 1, false, false },
                                    { 0, true, false },
                                    { 1, true, false },
                                    { 2, false, true } };
enum { NSETTINGS = sizeof settings / sizeof *settings };

static void begin(const setting *s)
{
    wasm_config_t *c = wasm_config_new();

    gantry_wasm_config_level(c, s->level);
    gantry_wasm_config_explicit_bounds(c, s->explicit_bounds);
    gantry_wasm_config_interruptible(c, s->interruptible);
    gantry_wasm_config_checks(c, 3);
    gantry_wasm_config_code_space(c, 1 << 20);
    engine = wasm_engine_new_with_config(c);
    cr_assert_not_null(engine);
    store = wasm_store_new(engine);
    cr_assert_not_null(store);
}

static void end(void)
{
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

static wasm_module_t *module_of(const uint8_t *bytes, size_t n)
{
    wasm_byte_vec_t v = { n, (byte_t *)(uintptr_t)bytes };
    gantry_wasm_error e;
    wasm_module_t *m = gantry_wasm_module_new(store, &v, &e);

    cr_assert_not_null(m, "%s", e.text);
    return m;
}

static wasm_trap_t *twice(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    wasm_message_t text;
    wasm_trap_t *trap = NULL;

    if (args->data[0].of.i32 < 0) {
        wasm_name_new_from_string_nt(&text, "negative");
        trap = wasm_trap_new(store, &text);
        wasm_name_delete(&text);
    }
    results->data[0].of.i32 = 2 * args->data[0].of.i32;
    return trap;
}

static wasm_instance_t *instance_of(const wasm_module_t *m, wasm_trap_t **trap)
{
    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *f = wasm_func_new(store, type, twice);
    wasm_extern_t *given[] = { wasm_func_as_extern(f) };
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(given);
    wasm_instance_t *i = wasm_instance_new(store, m, &imports, trap);

    wasm_func_delete(f);
    wasm_functype_delete(type);
    return i;
}

static wasm_instance_t *instance_new(void)
{
    wasm_module_t *m = module_of(binary, sizeof binary);
    wasm_instance_t *i = instance_of(m, NULL);

    wasm_module_delete(m);
    cr_assert_not_null(i);
    return i;
}

static wasm_extern_t *export_of(const wasm_instance_t *i, const char *name)
{
    wasm_extern_t *x = gantry_wasm_instance_export(i, name, strlen(name));
    cr_assert_not_null(x, "%s", name);
    return x;
}

/* Calls an export; results has room for what it gives. */
static wasm_trap_t *call(const wasm_instance_t *i, const char *name, size_t n, wasm_val_t *args,
                         wasm_val_t *results)
{
    wasm_extern_t *x = export_of(i, name);
    const wasm_func_t *f = wasm_extern_as_func_const(x);
    wasm_val_vec_t in = { n, args }, out = { wasm_func_result_arity(f), results };
    wasm_trap_t *trap = wasm_func_call(f, &in, &out);

    wasm_extern_delete(x);
    return trap;
}

static void expect_message(wasm_trap_t *trap, const char *text)
{
    wasm_message_t m;

    cr_assert_not_null(trap, "%s", text);
    wasm_trap_message(trap, &m);
    cr_expect_str_eq(m.data, text);
    wasm_name_delete(&m);
    wasm_trap_delete(trap);
}

Test(wasm_api, values_go_in_and_out_by_every_setting)
{
    for (int k = 0; k < NSETTINGS; k++) {
        begin(&settings[k]);
        wasm_instance_t *i = instance_new();
        wasm_val_t args[2] = { WASM_I32_VAL(21), WASM_F64_VAL(2.5) }, results[2];
        cr_expect_null(call(i, "call_host", 1, args, results));
        cr_expect_eq(results[0].of.i32, 42);
        cr_expect_null(call(i, "pair", 2, args, results));
        cr_expect(results[0].kind == WASM_F64 && results[0].of.f64 == 2.5);
        cr_expect(results[1].kind == WASM_I32 && results[1].of.i32 == 21);
        args[0].of.i32 = -1;
        expect_message(call(i, "call_host", 1, args, results), "negative");
        expect_message(call(i, "pair", 1, args, results), "wrong number of arguments or results");
        args[0].kind = WASM_I64;
        expect_message(call(i, "pair", 2, args, results), "an argument's type does not fit");
        wasm_instance_delete(i);
        end();
    }
}

Test(wasm_api, references_keep_their_identity_and_what_the_host_attached)
{
    int freed = 0;

    begin(&settings[1]);
    wasm_instance_t *i = instance_new();
    wasm_foreign_t *f = wasm_foreign_new(store);
    wasm_val_t arg = WASM_REF_VAL(wasm_foreign_as_ref(f)), result;
    wasm_foreign_set_host_info(f, &freed);
    cr_expect_null(call(i, "id", 1, &arg, &result));
    cr_expect(result.of.ref && wasm_ref_same(result.of.ref, arg.of.ref));
    cr_expect_eq(wasm_ref_get_host_info(result.of.ref), &freed);
    wasm_val_delete(&result);
    arg.of.ref = NULL;
    cr_expect_null(call(i, "id", 1, &arg, &result));
    cr_expect_null(result.of.ref);
    wasm_foreign_delete(f);
    wasm_instance_delete(i);
    end();
}

Test(wasm_api, tables_memories_and_globals_are_seen_from_both_sides)
{
    begin(&settings[0]);
    wasm_instance_t *i = instance_new();
    wasm_extern_t *xt = export_of(i, "table"), *xm = export_of(i, "memory"),
                  *xg = export_of(i, "counter");
    wasm_table_t *t = wasm_extern_as_table(xt);
    wasm_memory_t *m = wasm_extern_as_memory(xm);
    wasm_global_t *g = wasm_extern_as_global(xg);
    wasm_val_t v = WASM_I64_VAL(100), result, arg = WASM_I32_VAL(0);

    cr_expect(memcmp(wasm_memory_data(m) + 8, "hello", 5) == 0 && wasm_memory_size(m) == 1);
    wasm_global_set(g, &v);
    cr_expect_null(call(i, "next", 0, NULL, &result));
    cr_expect_eq(result.of.i64, 101);
    wasm_global_get(g, &v);
    cr_expect_eq(v.of.i64, 101);
    cr_expect_null(call(i, "indirect", 1, &arg, &result));
    cr_expect_eq(result.of.i64, 102);
    arg.of.i32 = 1;
    expect_message(call(i, "indirect", 1, &arg, &result), "uninitialized element");
    arg.of.i32 = 2;
    expect_message(call(i, "indirect", 1, &arg, &result), "undefined element");
    wasm_ref_t *r = wasm_table_get(t, 0);
    cr_expect(wasm_table_grow(t, 2, r) && !wasm_table_grow(t, 1, r) && wasm_table_size(t) == 4);
    cr_expect_null(call(i, "indirect", 1, &arg, &result));
    cr_expect_eq(result.of.i64, 103);
    cr_expect(wasm_table_set(t, 2, NULL) && !wasm_table_set(t, 4, NULL));
    expect_message(call(i, "indirect", 1, &arg, &result), "uninitialized element");
    cr_expect(wasm_memory_grow(m, 2) && !wasm_memory_grow(m, 1)
              && wasm_memory_data_size(m) == 3 * MEMORY_PAGE_SIZE);
    wasm_ref_delete(r);
    wasm_extern_delete(xt);
    wasm_extern_delete(xm);
    wasm_extern_delete(xg);
    wasm_instance_delete(i);
    end();
}

Test(wasm_api, a_trap_knows_its_frames_with_names_and_places)
{
    for (int k = 0; k < NSETTINGS; k++) {
        begin(&settings[k]);
        wasm_instance_t *i = instance_new();
        wasm_val_t result;
        wasm_trap_t *trap = call(i, "outer", 0, NULL, &result);
        wasm_frame_vec_t frames;
        const char *name;
        size_t n;
        cr_assert_not_null(trap);
        wasm_trap_trace(trap, &frames);
        cr_assert_eq(frames.size, 2);
        cr_expect_eq(wasm_frame_func_index(frames.data[0]), 5);
        cr_expect_eq(binary[wasm_frame_module_offset(frames.data[0])], 0x28); /* i32.load */
        cr_expect_eq(binary[wasm_frame_module_offset(frames.data[1])], 0x10); /* call */
        gantry_wasm_frame_name(frames.data[0], &name, &n);
        cr_expect(n == 3 && memcmp(name, "bad", 3) == 0);
        wasm_frame_vec_delete(&frames);
        expect_message(trap, "out of bounds memory access");
        wasm_instance_delete(i);
        end();
    }
}

Test(wasm_api, the_end_of_the_stack_is_a_trap_and_the_next_call_works)
{
    for (int k = 0; k < NSETTINGS; k++) {
        begin(&settings[k]);
        gantry_wasm_store_limits(store, 0, 0, 256 * 1024);
        wasm_instance_t *i = instance_new();
        wasm_val_t arg = WASM_I32_VAL(3), result;
        for (int round = 0; round < 2; round++) {
            wasm_trap_t *trap = call(i, "deep", 1, &arg, &result);
            cr_assert_not_null(trap);
            cr_expect(gantry_wasm_trap_is_exhaustion(trap));
            expect_message(trap, "call stack exhausted");
            cr_expect_null(call(i, "call_host", 1, &arg, &result));
        }
        wasm_instance_delete(i);
        end();
    }
}

Test(wasm_api, a_store_limits_its_memories_and_tables)
{
    wasm_val_t arg = WASM_I32_VAL(1), result;

    begin(&settings[0]);
    gantry_wasm_store_limits(store, 2 * MEMORY_PAGE_SIZE, 3, 0);
    wasm_instance_t *i = instance_new();
    cr_expect_null(call(i, "grow", 1, &arg, &result));
    cr_expect_eq(result.of.i32, 1);
    cr_expect_null(call(i, "grow", 1, &arg, &result));
    cr_expect_eq(result.of.i32, -1);
    wasm_extern_t *t = export_of(i, "table");
    cr_expect(wasm_table_grow(wasm_extern_as_table(t), 1, NULL));
    cr_expect(!wasm_table_grow(wasm_extern_as_table(t), 1, NULL));
    wasm_module_t *m = module_of(binary, sizeof binary);
    cr_expect_null(instance_of(m, NULL)); /* a second one has no room */
    wasm_module_delete(m);
    wasm_extern_delete(t);
    wasm_instance_delete(i);
    end();
}

Test(wasm_api, instances_of_one_module_share_nothing_but_code)
{
    wasm_val_t result, arg = WASM_I32_VAL(1);

    begin(&settings[1]);
    wasm_module_t *m = module_of(binary, sizeof binary);
    wasm_instance_t *a = instance_of(m, NULL), *b = instance_of(m, NULL);
    cr_expect_null(call(a, "next", 0, NULL, &result));
    cr_expect_null(call(a, "next", 0, NULL, &result));
    cr_expect_eq(result.of.i64, 7);
    cr_expect_null(call(b, "next", 0, NULL, &result));
    cr_expect_eq(result.of.i64, 6);
    cr_expect_null(call(a, "grow", 1, &arg, &result));
    wasm_extern_t *memory = export_of(b, "memory");
    cr_expect_eq(wasm_memory_size(wasm_extern_as_memory(memory)), 1);
    wasm_extern_delete(memory);
    wasm_instance_delete(a);
    wasm_instance_delete(b);
    wasm_module_delete(m);
    end();
}

Test(wasm_api, what_cannot_be_linked_or_loaded_says_why)
{
    wasm_byte_vec_t cut = { 50, (byte_t *)(uintptr_t)binary };
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_trap_t *trap;
    gantry_wasm_error e;

    begin(&settings[0]);
    wasm_module_t *m = module_of(binary, sizeof binary);
    cr_expect_null(gantry_wasm_instance_new(store, m, &none, &trap, &e));
    cr_expect(e.status == GANTRY_WASM_UNLINKABLE && !trap);
    cr_expect_eq(strncmp(e.text, "incompatible import type: env.twice", 30), 0);
    cr_expect_null(gantry_wasm_module_new(store, &cut, &e));
    cr_expect(e.status == GANTRY_WASM_MALFORMED && e.offset <= 50);
    cr_expect(!wasm_module_validate(store, &cut));
    wasm_module_delete(m);
    end();
}

Test(wasm_api, imports_and_exports_are_listed_with_their_types)
{
    wasm_importtype_vec_t imports;
    wasm_exporttype_vec_t exports;

    begin(&settings[0]);
    wasm_module_t *m = module_of(binary, sizeof binary);
    wasm_module_imports(m, &imports);
    wasm_module_exports(m, &exports);
    cr_assert(imports.size == 1 && exports.size == 12);
    cr_expect_eq(memcmp(wasm_importtype_name(imports.data[0])->data, "twice", 5), 0);
    const wasm_externtype_t *t = wasm_exporttype_type(exports.data[0]);
    cr_assert_eq(wasm_externtype_kind(t), WASM_EXTERN_MEMORY);
    cr_expect_eq(wasm_memorytype_limits(wasm_externtype_as_memorytype_const(t))->max, 3);
    cr_expect_null(wasm_externtype_as_functype_const(t));
    t = wasm_exporttype_type(exports.data[9]);
    cr_expect_eq(wasm_functype_params(wasm_externtype_as_functype_const(t))->size, 2);
    wasm_importtype_vec_delete(&imports);
    wasm_exporttype_vec_delete(&exports);
    wasm_module_delete(m);
    end();
}

static void *count_up(void *epoch)
{
    for (int k = 0; k < 1000; k++)
        ++*(volatile uint64_t *)epoch;
    return NULL;
}

Test(wasm_api, threads_code_that_never_ends_is_interrupted)
{
    static uint64_t epoch;
    pthread_t other;

    begin(&settings[4]);
    wasm_instance_t *i = instance_new();
    gantry_wasm_store_deadline(store, &epoch, 1000);
    cr_assert_eq(pthread_create(&other, NULL, count_up, &epoch), 0);
    expect_message(call(i, "spin", 0, NULL, NULL), "interrupted");
    pthread_join(other, NULL);
    gantry_wasm_store_deadline(store, NULL, UINT64_MAX);
    wasm_instance_delete(i);
    end();
}

static void *compile_some(void *compilation)
{
    gantry_wasm_module_compile_some(compilation);
    return NULL;
}

Test(wasm_api, threads_compile_a_module_together)
{
    wasm_byte_vec_t v = { sizeof binary, (byte_t *)(uintptr_t)binary };
    gantry_wasm_error e;
    pthread_t threads[3];
    uint32_t done, all;

    begin(&settings[1]);
    gantry_wasm_compilation *c = gantry_wasm_module_begin(engine, &v, &e);
    cr_assert_not_null(c);
    for (int k = 0; k < 3; k++)
        cr_assert_eq(pthread_create(&threads[k], NULL, compile_some, c), 0);
    for (int k = 0; k < 3; k++)
        pthread_join(threads[k], NULL);
    gantry_wasm_module_progress(c, &done, &all);
    cr_expect(done == 10 && all == 10);
    wasm_module_t *m = gantry_wasm_module_finish(c, store, &e);
    cr_assert_not_null(m);
    wasm_instance_t *i = instance_of(m, NULL);
    wasm_val_t arg = WASM_I32_VAL(4), result;
    cr_expect_null(call(i, "call_host", 1, &arg, &result));
    cr_expect_eq(result.of.i32, 8);
    wasm_instance_delete(i);
    wasm_module_delete(m);
    end();
}

static void *run_in_thread(void *instance)
{
    wasm_val_t arg = WASM_I32_VAL(4), result;
    wasm_trap_t *trap = call(instance, "deep", 1, &arg, &result);

    expect_message(trap, "call stack exhausted");
    return NULL;
}

Test(wasm_api, threads_have_stacks_of_their_own)
{
    pthread_t other;
    wasm_val_t arg = WASM_I32_VAL(4), result;

    begin(&settings[0]);
    wasm_instance_t *i = instance_new();
    for (int k = 0; k < 3; k++) {
        cr_expect_null(call(i, "call_host", 1, &arg, &result));
        cr_assert_eq(pthread_create(&other, NULL, run_in_thread, i), 0);
        pthread_join(other, NULL);
    }
    wasm_instance_delete(i);
    end();
}
