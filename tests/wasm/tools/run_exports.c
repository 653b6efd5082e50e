/* run_exports.c - calls each function export without parameters of the modules named, and prints
 * what came of it.
 *
 *     run_exports [-O0..-O3] [--explicit-bounds] FILE.wasm...
 *
 * The same lines as run_exports.js prints from Node's engine: imports log their arguments, floats
 * go by their bits, every NaN is "nan", a trap is "trap" whatever its reason. The modules are those
 * that binaryen's `wasm-opt -ttf` makes. */
#include <gantry/wasm_gantry.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_value(const wasm_val_t *v)
{
    uint32_t low;
    uint64_t bits;

    switch (v->kind) {
    case WASM_I32:
        printf(" %" PRId32, v->of.i32);
        break;
    case WASM_I64:
        printf(" %" PRId64, v->of.i64);
        break;
    case WASM_F32:
        memcpy(&low, &v->of.f32, sizeof low);
        if (v->of.f32 != v->of.f32)
            printf(" nan");
        else
            printf(" 0x%" PRIx32, low);
        break;
    case WASM_F64:
        memcpy(&bits, &v->of.f64, sizeof bits);
        if (v->of.f64 != v->of.f64)
            printf(" nan");
        else
            printf(" 0x%" PRIx64, bits);
        break;
    default:
        printf(v->of.ref ? " ref" : " null");
    }
}

/* Logs end a run after a while: a module may loop and log for ever. */
static unsigned logged;
static wasm_trap_t *log_values(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    wasm_message_t message;

    if (++logged > 2000) {
        wasm_name_new_from_string_nt(&message, "enough");
        wasm_trap_t *trap = wasm_trap_new(env, &message);
        wasm_byte_vec_delete(&message);
        return trap;
    }
    printf("log");
    for (size_t k = 0; k < args->size; k++)
        print_value(&args->data[k]);
    putchar('\n');
    for (size_t k = 0; k < results->size; k++)
        memset(&results->data[k].of, 0, sizeof results->data[k].of);
    return NULL;
}

static wasm_extern_t *provide(wasm_store_t *s, const wasm_externtype_t *t)
{
    wasm_val_t zero = WASM_INIT_VAL;

    switch (wasm_externtype_kind(t)) {
    case WASM_EXTERN_FUNC:
        return wasm_func_as_extern(
            wasm_func_new_with_env(s, wasm_externtype_as_functype_const(t), log_values, s, NULL));
    case WASM_EXTERN_GLOBAL:
        zero.kind =
            wasm_valtype_kind(wasm_globaltype_content(wasm_externtype_as_globaltype_const(t)));
        return wasm_global_as_extern(
            wasm_global_new(s, wasm_externtype_as_globaltype_const(t), &zero));
    case WASM_EXTERN_TABLE:
        return wasm_table_as_extern(wasm_table_new(s, wasm_externtype_as_tabletype_const(t), NULL));
    default:
        return wasm_memory_as_extern(wasm_memory_new(s, wasm_externtype_as_memorytype_const(t)));
    }
}

static void call(const wasm_name_t *name, const wasm_func_t *f)
{
    wasm_val_vec_t none = WASM_EMPTY_VEC, results;
    wasm_trap_t *trap;

    wasm_val_vec_new_uninitialized(&results, wasm_func_result_arity(f));
    trap = wasm_func_call(f, &none, &results);
    printf("%.*s:", (int)name->size, name->data);
    if (trap)
        printf(gantry_wasm_trap_is_exhaustion(trap) ? " exhausted" : " trap");
    else
        for (size_t k = 0; k < results.size; k++)
            print_value(&results.data[k]);
    putchar('\n');
    wasm_trap_delete(trap);
    wasm_val_vec_delete(&results);
}

static void run(wasm_store_t *s, const wasm_module_t *m)
{
    wasm_importtype_vec_t wants;
    wasm_exporttype_vec_t names;
    wasm_extern_vec_t given, exports;
    wasm_trap_t *trap = NULL;

    wasm_module_imports(m, &wants);
    wasm_module_exports(m, &names);
    wasm_extern_vec_new_uninitialized(&given, wants.size);
    for (size_t k = 0; k < wants.size; k++)
        given.data[k] = provide(s, wasm_importtype_type(wants.data[k]));
    wasm_instance_t *i = wasm_instance_new(s, m, &given, &trap);
    if (i) {
        wasm_instance_exports(i, &exports);
        for (size_t k = 0; k < exports.size; k++) {
            const wasm_func_t *f = wasm_extern_as_func_const(exports.data[k]);
            if (f && wasm_func_param_arity(f) == 0)
                call(wasm_exporttype_name(names.data[k]), f);
        }
        wasm_extern_vec_delete(&exports);
    } else {
        puts(trap ? "start: trap" : "start: refused");
    }
    wasm_trap_delete(trap);
    wasm_instance_delete(i);
    wasm_extern_vec_delete(&given);
    wasm_exporttype_vec_delete(&names);
    wasm_importtype_vec_delete(&wants);
}

static bool read_file(const char *path, wasm_byte_vec_t *out)
{
    FILE *f = fopen(path, "rb");
    long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;

    wasm_byte_vec_new_empty(out);
    if (size >= 0) {
        rewind(f);
        wasm_byte_vec_new_uninitialized(out, (size_t)size);
        size = fread(out->data, 1, out->size, f) == out->size ? size : -1;
    }
    if (f)
        fclose(f);
    return size >= 0;
}

int main(int argc, char **argv)
{
    wasm_config_t *config = wasm_config_new();
    int k = 1;

    for (; k < argc && argv[k][0] == '-'; k++)
        if (argv[k][1] == 'O')
            gantry_wasm_config_level(config, (unsigned)atoi(argv[k] + 2));
        else if (strcmp(argv[k], "--explicit-bounds") == 0)
            gantry_wasm_config_explicit_bounds(config, true);
        else
            return 2;
    gantry_wasm_config_checks(config, 3);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    for (; k < argc; k++) {
        wasm_store_t *s = wasm_store_new(engine);
        wasm_byte_vec_t bytes;
        gantry_wasm_error e = { .text = "cannot read it" };
        wasm_module_t *m =
            read_file(argv[k], &bytes) ? gantry_wasm_module_new(s, &bytes, &e) : NULL;

        printf("== %s\n", argv[k]);
        logged = 0;
        if (m)
            run(s, m);
        else
            printf(getenv("WHY") ? "refused\n%s\n" : "refused\n", e.text);
        wasm_module_delete(m);
        wasm_byte_vec_delete(&bytes);
        wasm_store_delete(s);
        fflush(stdout);
    }
    wasm_engine_delete(engine);
    return 0;
}
