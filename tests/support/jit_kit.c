/* jit_kit.c - small functions, files and calls for tests of the engine. */
#define _GNU_SOURCE
#include "tests/support/jit_kit.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

jit_engine *kit_engine(const jit_allocator *host, size_t code_space, jit_memory_provider provider)
{
    jit_engine_settings s = { .size = sizeof s, .host_features = true, .allocator = host,
                              .code_space = code_space, .provider = provider };
    return jit_engine_new(&s);
}

void kit_level(jit_ctx *c, jit_level level)
{
    jit_settings s = { .size = sizeof s, .level = level, .checks = JIT_CHECK_ALL };
    jit_ctx_configure(c, &s);
}

jit_func *kit_constant(jit_engine *e, const char *name, int32_t k)
{
    jit_func *f = jit_func_new(e, name, JIT_SIG(JIT_I32));

    if (f) {
        jit_builder *b = jit_build(f);
        jit_return(b, jit_iconst(b, JIT_I32, k));
        jit_build_end(b);
    }
    return f;
}

static void tell(void *user, const jit_diagnostic *d)
{
    (void)user;
    fprintf(stderr, "line %u: %s\n", d->line, d->text);
}

jit_module *kit_read(jit_engine *e, const char *text)
{
    jit_module *m = NULL;

    if (jit_module_read(e, text, strlen(text), &m, tell, NULL) == JIT_OK)
        return m;
    jit_module_free(m);
    return NULL;
}

jit_status kit_publish(jit_engine *e, jit_ctx *c, const jit_module *m, const jit_settings *s,
                       jit_code **codes)
{
    size_t n = jit_module_function_count(m), made = 0;
    jit_unit *units[64];
    jit_status status = n <= 64 ? jit_publish_data(e, c, m) : JIT_ERR_ARG;

    while (status == JIT_OK && made < n) {
        status = jit_compile_unit(c, jit_module_function_at(m, made), s, &units[made]);
        made += status == JIT_OK;
    }
    if (status == JIT_OK)
        status = jit_publish(e, c, units, n, codes);
    while (made > 0)
        jit_unit_free(units[--made]);
    return status;
}

void kit_free(jit_code **codes, size_t n)
{
    for (size_t k = 0; k < n; k++)
        jit_code_free(codes[k]);
}

jit_code *kit_code(jit_engine *e, jit_ctx *c, const char *text)
{
    jit_module *m = kit_read(e, text);
    jit_code *code = NULL;

    if (m && jit_compile_function(c, jit_module_function_at(m, 0), &code) != JIT_OK)
        fprintf(stderr, "%s\n", jit_error_message(c));
    jit_module_free(m);
    return code;
}

int32_t kit_call_i32(const jit_code *code)
{
    int32_t (*f)(void) = (int32_t (*)(void))jit_code_entry(code);
    return f();
}

static int is_clif(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".clif") == 0;
}

unsigned kit_examples(void (*visit)(const char *path, const char *text, size_t n))
{
    static char text[1 << 20];
    struct dirent **entries;
    int n = scandir("examples/clif", &entries, is_clif, alphasort);
    unsigned done = 0;

    for (int k = 0; k < n; k++) {
        char path[512];
        snprintf(path, sizeof path, "examples/clif/%s", entries[k]->d_name);
        free(entries[k]);
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        size_t size = fread(text, 1, sizeof text - 1, file);
        text[size] = 0;
        fclose(file);
        visit(path, text, size);
        done++;
    }
    if (n >= 0)
        free(entries);
    return done;
}

const char *kit_stderr_of(void (*body)(void), int *status)
{
    static char text[4096];
    size_t n = 0;
    ssize_t got;
    int fds[2];

    text[0] = 0;
    fflush(NULL);
    if (pipe(fds) != 0)
        return text;
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], 2);
        signal(SIGABRT, SIG_DFL); /* not the test runner's affair */
        body();
        _exit(0);
    }
    close(fds[1]);
    while (n + 1 < sizeof text && (got = read(fds[0], text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = 0;
    close(fds[0]);
    if (child > 0)
        waitpid(child, status, 0);
    return text;
}

bool kit_short(void)
{
    return getenv("TEST_SHORT") != NULL;
}
