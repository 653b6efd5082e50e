/* kernel.c - finds the kernel of a CLIF file, and compiles it. */
#include "common/kernel.h"

#include "common/util.h"
#include <stdlib.h>
#include <string.h>

static void skip_blanks(const char **at, size_t *n, const char *more)
{
    while (*n > 0 && (**at == ' ' || strchr(more, **at))) {
        ++*at;
        --*n;
    }
}

static bool read_value(jit_abi_param p, const char **at, size_t *n, jit_bits *out)
{
    const char *error;

    skip_blanks(at, n, ",[");
    return jit_text_value(JIT_PARAM_TYPE(p), at, n, out->at, &error);
}

/* Reads `run: %name(ARGS) == RESULTS`. */
static bool read_run_line(kernel *k, const char *text)
{
    const char *at = strchr(text, '('), *equals = strstr(text, "==");
    size_t n;

    if (strncmp(text, "run:", 4) != 0 || !at || !equals || k->sig->nparams > MAX_VALUES
        || k->sig->nresults > MAX_VALUES)
        return false;
    at++;
    n = strlen(at);
    for (uint32_t i = 0; i < k->sig->nparams; i++)
        if (!read_value(k->sig->params[i], &at, &n, &k->args[i]))
            return false;
    at = equals + 2;
    n = strlen(at);
    for (uint32_t i = 0; i < k->sig->nresults; i++)
        if (!read_value(k->sig->results[i], &at, &n, &k->results[i]))
            return false;
    return true;
}

static unsigned rank(const jit_func *f)
{
    const char *name = jit_func_name(f);

    return strcmp(name, "%bench") == 0 ? 0 : strcmp(name, "%main") == 0 ? 1 : 2;
}

static bool is_run_line(jit_directive d)
{
    return d.kind == JIT_DIR_COMMENT && d.function != UINT32_MAX && strncmp(d.text, "run:", 4) == 0;
}

bool kernel_load(kernel *k, jit_engine *e, const char *path)
{
    size_t size;
    char *text = bench_read(path, &size);
    const char *line = NULL;
    jit_status status;

    memset(k, 0, sizeof *k);
    k->path = path;
    k->engine = e;
    status = jit_module_read(e, text, size, &k->module, NULL, NULL);
    free(text);
    for (size_t i = 0; status == JIT_OK && i < jit_module_directive_count(k->module); i++) {
        jit_directive d = jit_module_directive(k->module, i);

        if (is_run_line(d)) {
            jit_func *f = jit_module_function_at(k->module, d.function);

            if (!k->func || rank(f) < rank(k->func)) {
                k->func = f;
                line = d.text;
            }
        }
    }
    if (k->func) {
        k->sig = jit_func_signature(k->func);
        if (read_run_line(k, line))
            return true;
    }
    fprintf(stderr, "%s: %s\n", path,
            status == JIT_OK ? "no run line to time" : jit_status_name(status));
    jit_module_free(k->module);
    return false;
}

bool kernel_is_right(const kernel *k, const jit_bits *results)
{
    for (uint32_t i = 0; i < k->sig->nresults; i++) {
        unsigned n = jit_type_bytes(JIT_PARAM_TYPE(k->sig->results[i]));

        if (memcmp(results[i].at, k->results[i].at, n) != 0)
            return false;
    }
    return true;
}

kernel_code kernel_compile(const kernel *k, jit_level level, const char *what)
{
    kernel_code c = { .ctx = jit_ctx_new(k->engine), .n = jit_module_function_count(k->module) };
    jit_settings s = { .size = sizeof s, .level = level };
    jit_status status = jit_publish_data(k->engine, c.ctx, k->module);
    size_t at = 0;

    c.units = bench_alloc(c.n * sizeof *c.units);
    c.codes = bench_alloc(c.n * sizeof *c.codes);
    for (size_t i = 0; status == JIT_OK && i < c.n; i++) {
        const jit_func *f = jit_module_function_at(k->module, i);

        at = f == k->func ? i : at;
        status = jit_compile_unit(c.ctx, f, &s, &c.units[i]);
    }
    if (status == JIT_OK)
        status = jit_publish(k->engine, c.ctx, c.units, c.n, c.codes);
    if (status == JIT_OK)
        c.entry = jit_code_entry(c.codes[at]);
    else
        fprintf(stderr, "%s: %s: %s\n", k->path, what, jit_error_message(c.ctx));
    return c;
}

void kernel_code_free(kernel_code *c)
{
    for (size_t i = 0; i < c->n; i++) {
        jit_code_free(c->codes[i]);
        jit_unit_free(c->units[i]);
    }
    free(c->units);
    free(c->codes);
    jit_ctx_free(c->ctx);
}
