/* wasm_run.c - `gantry run FILE.wasm`: a WASI command with its arguments, or one export of a
 * module. */
#define _GNU_SOURCE
#include "wasm.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct run {
    wasm_config_t *config;
    wasm_engine_t *engine;
    wasm_store_t *store;
    gantry_wasm_wasi *wasi;
    const char *path, *invoke; /* invoke: NULL: _start */
    unsigned threads;
    bool quiet;
} run;

bool tool_is_wasm_run(int argc, char **argv)
{
    for (int k = 0; k < argc; k++) {
        size_t n = strlen(argv[k]);
        if (n > 5 && strcmp(argv[k] + n - 5, ".wasm") == 0 && argv[k][0] != '-')
            return true;
        if (strcmp(argv[k], "--dir") == 0 || strcmp(argv[k], "--env") == 0
            || strcmp(argv[k], "--invoke") == 0 || strcmp(argv[k], "--threads") == 0
            || strcmp(argv[k], "--target") == 0)
            k++;
        else if (argv[k][0] != '-')
            return false;
    }
    return false;
}

static int complain(const char *what, const char *which)
{
    fprintf(stderr, "gantry: %s%s%s\n", what, which ? ": " : "", which ? which : "");
    return 2;
}

/* "HOST" or "GUEST::HOST" */
static bool add_dir(run *r, const char *text)
{
    const char *colons = strstr(text, "::");
    char *guest = colons ? strndup(text, (size_t)(colons - text)) : strdup(text);
    bool done = guest && gantry_wasm_wasi_dir(r->wasi, guest, colons ? colons + 2 : text);

    if (!done)
        fprintf(stderr, "gantry: --dir %s: %s\n", text, strerror(errno));
    free(guest);
    return done;
}

static bool add_env(run *r, const char *text)
{
    char *line = NULL;
    const char *value;
    bool done = true;

    if (strchr(text, '='))
        return gantry_wasm_wasi_env(r->wasi, text);
    value = getenv(text); /* a name alone: as it is here */
    if (value)
        done = asprintf(&line, "%s=%s", text, value) >= 0 && gantry_wasm_wasi_env(r->wasi, line);
    free(line);
    return done;
}

/* The option at argv[*k] with its value; 0: it was one, else what the process ends with. */
static int option(run *r, int argc, char **argv, int *k)
{
    const char *word = argv[*k], *value = *k + 1 < argc ? argv[*k + 1] : NULL;

    if (tool_wasm_option(r->config, word))
        return 0;
    if (!value)
        return complain("run: this makes no sense here", word);
    ++*k;
    if (strcmp(word, "--dir") == 0)
        return add_dir(r, value) ? 0 : 2;
    if (strcmp(word, "--env") == 0)
        return add_env(r, value) ? 0 : 2;
    if (strcmp(word, "--invoke") == 0)
        r->invoke = value;
    else if (strcmp(word, "--threads") == 0)
        r->threads = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(word, "--target") == 0)
        return tool_wasm_is_host(value) ? 0 : complain("modules run on the host only", value);
    else
        return complain("run: this makes no sense here", word);
    return 0;
}

/* ---- Compiling ---- */

static void *compile_thread(void *user)
{
    gantry_wasm_module_compile_some(user);
    return NULL;
}

/* A bar of functions compiled, on a terminal, for what takes longer than a moment. */
static void *show_progress(void *user)
{
    uint32_t done, all;

    for (unsigned ticks = 0;; ticks++) {
        gantry_wasm_module_progress(user, &done, &all);
        if (done >= all)
            break;
        if (ticks >= 4)
            fprintf(stderr, "\r[%-40.*s] %u of %u functions", (int)(40 * (uint64_t)done / all),
                    "########################################", done, all);
        usleep(50000);
    }
    fprintf(stderr, "\r\33[K");
    return NULL;
}

enum { MOST_THREADS = 64 };

static wasm_module_t *compile(run *r, const wasm_byte_vec_t *bytes, gantry_wasm_error *e)
{
    gantry_wasm_compilation *c = gantry_wasm_module_begin(r->engine, bytes, e);
    pthread_t helpers[MOST_THREADS], bar;
    unsigned n = 0;

    if (!c)
        return NULL;
    while (n + 1 < r->threads && n < MOST_THREADS
           && pthread_create(&helpers[n], NULL, compile_thread, c) == 0)
        n++;
    bool shown =
        bytes->size > 1 << 20 && isatty(2) && pthread_create(&bar, NULL, show_progress, c) == 0;
    gantry_wasm_module_compile_some(c);
    while (n > 0)
        pthread_join(helpers[--n], NULL);
    if (shown)
        pthread_join(bar, NULL);
    return gantry_wasm_module_finish(c, r->store, e);
}

/* ---- Running ---- */

static void print_trap(const wasm_trap_t *trap)
{
    wasm_message_t message;
    wasm_frame_vec_t frames;

    wasm_trap_message(trap, &message);
    fprintf(stderr, "gantry: trap: %s\n", message.data ? message.data : "");
    wasm_byte_vec_delete(&message);
    wasm_trap_trace(trap, &frames);
    for (size_t k = 0; k < frames.size; k++) {
        const char *name;
        size_t n;
        gantry_wasm_frame_name(frames.data[k], &name, &n);
        fprintf(stderr, "    %2zu: function %u%s%.*s%s at byte 0x%zx\n", k,
                wasm_frame_func_index(frames.data[k]), n ? " <" : "", (int)n, name, n ? ">" : "",
                wasm_frame_module_offset(frames.data[k]));
    }
    wasm_frame_vec_delete(&frames);
}

static bool parse(const char *text, wasm_valkind_t kind, wasm_val_t *v)
{
    char *end;

    memset(v, 0, sizeof *v);
    v->kind = kind;
    switch (kind) {
    case WASM_I32: v->of.i32 = (int32_t)strtoll(text, &end, 0); break;
    case WASM_I64:
        v->of.i64 = *text == '-' ? strtoll(text, &end, 0) : (int64_t)strtoull(text, &end, 0);
        break;
    case WASM_F32: v->of.f32 = strtof(text, &end); break;
    case WASM_F64: v->of.f64 = strtod(text, &end); break;
    default: return false;
    }
    return *text != 0 && *end == 0;
}

static void print(const wasm_val_t *v)
{
    switch (v->kind) {
    case WASM_I32: printf("%" PRId32 "\n", v->of.i32); break;
    case WASM_I64: printf("%" PRId64 "\n", v->of.i64); break;
    case WASM_F32: printf("%.9g\n", (double)v->of.f32); break;
    case WASM_F64: printf("%.17g\n", v->of.f64); break;
    default: printf("%s\n", v->of.ref ? "ref" : "null");
    }
}

/* The program's exit status; a trap is 134, as of a process that aborts. */
static int finish(const run *r, wasm_trap_t *trap)
{
    uint32_t code = 0;

    fflush(stdout);
    if (!trap)
        return 0;
    bool exited = gantry_wasm_wasi_exited(r->wasi, &code);
    if (!exited)
        print_trap(trap);
    wasm_trap_delete(trap);
    return exited ? (int)(code & 0xff) : 134;
}

static int call(const run *r, const wasm_func_t *f, int argc, char **argv)
{
    wasm_functype_t *type = wasm_func_type(f);
    const wasm_valtype_vec_t *params = wasm_functype_params(type);
    wasm_val_vec_t args, results;
    bool good = !r->invoke || (size_t)argc == params->size;
    int status;

    wasm_val_vec_new_uninitialized(&args, params->size);
    wasm_val_vec_new_uninitialized(&results, wasm_func_result_arity(f));
    for (size_t k = 0; good && k < args.size; k++)
        good = r->invoke && parse(argv[k], wasm_valtype_kind(params->data[k]), &args.data[k]);
    if (good) {
        wasm_trap_t *trap = wasm_func_call(f, &args, &results);
        for (size_t k = 0; !trap && k < results.size; k++)
            print(&results.data[k]);
        status = finish(r, trap);
    } else {
        status = complain("the arguments do not fit the function", r->invoke);
    }
    wasm_val_vec_delete(&results);
    wasm_val_vec_delete(&args);
    wasm_functype_delete(type);
    return status;
}

static int start(const run *r, const wasm_instance_t *i, int argc, char **argv)
{
    const char *name = r->invoke ? r->invoke : "_start";
    wasm_extern_t *memory = gantry_wasm_instance_export(i, "memory", 6);
    wasm_extern_t *x = gantry_wasm_instance_export(i, name, strlen(name));
    const wasm_func_t *f = x ? wasm_extern_as_func_const(x) : NULL;
    int status = 2;

    gantry_wasm_wasi_bind(r->wasi, memory ? wasm_extern_as_memory(memory) : NULL);
    if (f)
        status = call(r, f, argc, argv);
    else
        complain("there is no function of this name", name);
    wasm_extern_delete(x);
    wasm_extern_delete(memory);
    return status;
}

static int instantiate(const run *r, const wasm_module_t *m, int argc, char **argv)
{
    wasm_importtype_vec_t wants;
    wasm_extern_vec_t given;
    wasm_instance_t *i = NULL;
    wasm_trap_t *trap = NULL;
    gantry_wasm_error e;
    bool all = true;
    int status = 2;

    wasm_module_imports(m, &wants);
    wasm_extern_vec_new_uninitialized(&given, wants.size);
    for (size_t k = 0; k < wants.size; k++) {
        const wasm_name_t *a = wasm_importtype_module(wants.data[k]),
                          *b = wasm_importtype_name(wants.data[k]);
        given.data[k] = gantry_wasm_wasi_import(r->wasi, r->store, wants.data[k]);
        if (!given.data[k])
            fprintf(stderr, "gantry: nobody provides the import %.*s.%.*s\n", (int)a->size, a->data,
                    (int)b->size, b->data);
        all = all && given.data[k];
    }
    if (all) {
        i = gantry_wasm_instance_new(r->store, m, &given, &trap, &e);
        if (i)
            status = start(r, i, argc, argv);
        else if (trap)
            status = finish(r, trap);
        else
            complain(r->path, e.text);
    }
    wasm_instance_delete(i);
    wasm_extern_vec_delete(&given);
    wasm_importtype_vec_delete(&wants);
    return status;
}

static int load_and_run(run *r, int argc, char **argv)
{
    wasm_byte_vec_t bytes;
    gantry_wasm_error e;
    wasm_module_t *m;
    int status;

    if (!tool_read_file(r->path, &bytes)) {
        fprintf(stderr, "gantry: cannot read %s: %s\n", r->path, strerror(errno));
        return 2;
    }
    m = compile(r, &bytes, &e);
    wasm_byte_vec_delete(&bytes);
    if (!m) {
        fprintf(stderr, "%s:%zu: error: %s\n", r->path, e.offset == SIZE_MAX ? 0 : e.offset,
                e.text);
        return 2;
    }
    status = instantiate(r, m, argc, argv);
    wasm_module_delete(m);
    return status;
}

/* Programs get a stack of their own, larger than the process's: frames at O0 are large, and a
 * program that was written for a stack of 8 MiB has more of them than natively. It is address space
 * until it is used. */
#define STACK_BYTES ((size_t)256 << 20)
typedef struct call_with_stack {
    run *r;
    int argc, status;
    char **argv;
} call_with_stack;

static void *on_own_stack(void *user)
{
    call_with_stack *c = user;

    c->status = load_and_run(c->r, c->argc, c->argv);
    return NULL;
}

static int run_with_stack(run *r, int argc, char **argv)
{
    call_with_stack c = { r, argc, 2, argv };
    pthread_attr_t a;
    pthread_t thread;

    pthread_attr_init(&a);
    gantry_wasm_store_limits(r->store, 0, 0, STACK_BYTES); /* no more than there is will be used */
    bool started = pthread_attr_setstacksize(&a, STACK_BYTES) == 0
                   && pthread_create(&thread, &a, on_own_stack, &c) == 0;
    pthread_attr_destroy(&a);
    if (!started)
        return load_and_run(r, argc, argv);
    pthread_join(thread, NULL);
    return c.status;
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MOST_THREADS ? MOST_THREADS : (unsigned)n;
}

int tool_wasm_run(int argc, char **argv)
{
    run r = { .config = wasm_config_new(),
              .wasi = gantry_wasm_wasi_new(),
              .threads = processors() };
    int k = 0, status = r.config && r.wasi ? 0 : complain("out of memory", NULL);

    for (; status == 0 && k < argc && argv[k][0] == '-'; k++)
        status = option(&r, argc, argv, &k);
    for (int j = k; status == 0 && j < argc; j++)
        if (!gantry_wasm_wasi_arg(r.wasi, argv[j]))
            status = complain("out of memory", NULL);
    if (status == 0) {
        r.path = argv[k];
        r.engine = wasm_engine_new_with_config(r.config);
        r.config = NULL;
        r.store = r.engine ? wasm_store_new(r.engine) : NULL;
        status = r.store ? run_with_stack(&r, argc - k - 1, argv + k + 1)
                         : complain("out of memory", NULL);
    }
    wasm_store_delete(r.store);
    wasm_engine_delete(r.engine);
    wasm_config_delete(r.config);
    gantry_wasm_wasi_delete(r.wasi);
    return status;
}
