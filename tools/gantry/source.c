/* source.c - loads a file, reads and verifies its module, reports the faults with their lines. */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jit_engine *shared;

/* JIT_LOG=alloc: each allocation and release of the library, one line each. */
static void log_line(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "%s\n", line);
}

static bool wants_log(void)
{
    const char *log = getenv("JIT_LOG");

    return log && strstr(log, "alloc");
}

jit_engine *tool_engine_for(const config *c, char *why, size_t size)
{
    jit_engine_settings s;
    jit_engine *e = NULL;
    jit_status status;

    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    s.arch = c ? c->arch : JIT_ARCH_HOST;
    s.features = c ? c->features : 0;
    s.host_features = !c || c->host_features;
    s.log = wants_log() ? log_line : NULL;
    status = jit_engine_create(&s, &e);
    if (status == JIT_ERR_UNSUPPORTED)
        snprintf(why, size, "this build cannot compile for %s", tool_arch_name(s.arch));
    else if (status != JIT_OK)
        snprintf(why, size, "no engine: %s", jit_status_name(status));
    return status == JIT_OK ? e : NULL;
}

jit_engine *tool_engine(void)
{
    char why[128];

    if (!shared)
        shared = tool_engine_for(NULL, why, sizeof why);
    if (!shared) {
        fprintf(stderr, "gantry: %s\n", why);
        exit(2);
    }
    return shared;
}

void tool_engine_end(void)
{
    if (shared)
        jit_engine_free(shared);
    shared = NULL;
}

/* ---- Faults ---- */

static void report_fault(const char *path, const jit_diagnostic *d)
{
    const char *name = d->function ? d->function : "", *colon = d->function ? ": " : "";

    if (d->instruction)
        tool_event(path, d->line, "error", "%s%s%s: %s", name, colon, d->instruction, d->text);
    else if (d->column > 0)
        tool_event(path, d->line, "error", "%s%s%s (column %u)", name, colon, d->text, d->column);
    else
        tool_event(path, d->line, "error", "%s%s%s", name, colon, d->text);
}

typedef struct reporter { source *source; totals *totals; bool parsing; } reporter;

static void to_event(void *user, const jit_diagnostic *d)
{
    reporter *r = user;

    r->totals->refused = true;
    if (r->parsing && r->source->unread == 0)
        r->source->unread = d->line;
    report_fault(r->source->path, d);
}

jit_status tool_parse(source *s, totals *t, jit_diagnostic_fn fn, void *user)
{
    reporter r = { s, t, true };
    jit_status status = jit_module_read(tool_engine(), s->text, s->size, &s->module,
                                        fn ? fn : to_event, fn ? user : &r);

    if (!s->module) {
        tool_event(s->path, 0, "error", "no memory to read the file");
        t->refused = true;
    }
    return status;
}

jit_status tool_verify(source *s, totals *t, jit_diagnostic_fn fn, void *user)
{
    reporter r = { s, t, false };
    jit_status worst = JIT_OK;

    free(s->faulty);
    s->faulty = tool_alloc(jit_module_function_count(s->module), sizeof *s->faulty);
    for (size_t k = 0; k < jit_module_function_count(s->module); k++) {
        jit_status status = jit_func_verify(jit_module_function_at(s->module, k),
                                            fn ? fn : to_event, fn ? user : &r);
        s->faulty[k] = status != JIT_OK;
        worst = status != JIT_OK ? status : worst;
    }
    return worst;
}

/* ---- Files ---- */

static char *read_all(FILE *f, size_t *size)
{
    size_t cap = 1 << 16, n = 0, got;
    char *text = tool_alloc(cap, 1);

    while ((got = fread(text + n, 1, cap - n - 1, f)) > 0) {
        n += got;
        if (n + 1 == cap) {
            char *more = cap > SIZE_MAX / 2 ? NULL : realloc(text, cap * 2);
            if (!more) {
                free(text);
                return NULL;
            }
            text = more;
            cap *= 2;
        }
    }
    if (ferror(f)) {
        free(text);
        return NULL;
    }
    text[n] = 0;
    *size = n;
    return text;
}

bool tool_load(source *s, const char *path, totals *t)
{
    FILE *f;

    memset(s, 0, sizeof *s);
    s->path = path;
    errno = 0;
    f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (f)
        s->text = read_all(f, &s->size);
    if (!s->text) {
        const char *reason = errno ? strerror(errno) : "no memory";
        tool_event(path, 0, "error", "cannot read the file: %s", reason);
        t->refused = true;
    }
    if (f && f != stdin)
        fclose(f);
    return s->text != NULL;
}

void tool_unload(source *s)
{
    if (s->module)
        jit_module_free(s->module);
    free(s->text);
    free(s->faulty);
    s->faulty = NULL;
    s->module = NULL;
    s->text = NULL;
}
