/* test.c - the command `test`: does what each file's header asks for, or what the options say. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- test verifier ---- */

typedef struct fault { uint32_t line; char *text; bool wanted; } fault;
typedef struct faults { fault *at; size_t n, cap; } faults;

static void keep_fault(void *user, const jit_diagnostic *d)
{
    faults *f = user;
    char text[1024];

    if (f->n == f->cap) {
        fault *more = tool_alloc(f->cap * 2 + 16, sizeof *more);
        if (f->n > 0)
            memcpy(more, f->at, f->n * sizeof *more);
        free(f->at);
        f->at = more;
        f->cap = f->cap * 2 + 16;
    }
    snprintf(text, sizeof text, "%s%s%s", d->instruction ? d->instruction : "",
             d->instruction ? ": " : "", d->text);
    f->at[f->n++] = (fault){ d->line, tool_text(text, strlen(text)), false };
}

/* Holds the faults found against the comments `error: TEXT` on their lines. */
static void judge_faults(const source *s, faults *f, totals *t)
{
    for (size_t k = 0; k < jit_module_directive_count(s->module); k++) {
        jit_directive d = jit_module_directive(s->module, k);
        const char *text = d.text + 6;
        bool good = false;
        if (d.kind != JIT_DIR_COMMENT || strncmp(d.text, "error:", 6) != 0)
            continue;
        while (*text == ' ')
            text++;
        for (size_t i = 0; i < f->n; i++)
            if (f->at[i].line == d.line && strstr(f->at[i].text, text))
                good = f->at[i].wanted = true;
        tool_event(s->path, d.line, good ? "pass" : "fail", "[verifier] error: %s%s", text,
                   good ? "" : ", got none such");
        t->passed += good;
        t->failed += !good;
    }
    for (size_t i = 0; i < f->n; i++) {
        bool shared = f->at[i].wanted;
        for (size_t k = 0; k < f->n && !shared; k++) /* a line may have several faults */
            shared = f->at[k].wanted && f->at[k].line == f->at[i].line;
        if (!shared) {
            tool_event(s->path, f->at[i].line, "fail", "[verifier] no error, got %s",
                       f->at[i].text);
            t->failed++;
        }
        free(f->at[i].text);
    }
    free(f->at);
}

static void test_verifier(source *s, totals *t)
{
    faults f = { NULL, 0, 0 };

    if (s->module)
        jit_module_free(s->module);
    s->module = NULL;
    tool_parse(s, t, keep_fault, &f);
    if (s->module) {
        tool_verify(s, t, keep_fault, &f);
        judge_faults(s, &f, t);
    }
}

/* ---- Run lines ---- */

/* The run lines on each target of o->arch at one level. */
static bool run_level(const source *s, const options *o, bool interpret, const run_line *lines,
                      size_t n, totals *t)
{
    configs list;

    if (!tool_configs(s, o, true, &list, t))
        return false;
    if (interpret)
        tool_run_interpreter(s, list.nan_canonical, lines, n, t);
    for (size_t k = 0; k < list.n; k++) {
        size_t end = strlen(list.at[k].tag);
        snprintf(list.at[k].tag + end, sizeof list.at[k].tag - end, " -O%d%s",
                 (int)o->level - JIT_O0, list.at[k].emulated ? " emulated" : "");
        tool_run_native(s, &list.at[k], lines, n, t);
    }
    tool_configs_free(&list);
    return true;
}

/* --all: the interpreter, both machines, the host's natively, too, each level. */
static void run_everything(const source *s, const options *o, const run_line *lines, size_t n,
                           totals *t)
{
    static const jit_arch archs[] = { JIT_ARCH_X86_64, JIT_ARCH_AARCH64 };
    options each = *o;
    bool first = true;
    jit_arch host;

    jit_host_features(&host);
    for (unsigned a = 0; a < 2; a++)
        for (int emulate = archs[a] != host; emulate < 2; emulate++)
            for (size_t k = 0; k < sizeof tool_levels / sizeof *tool_levels; k++) {
                each.arch = archs[a];
                each.emulate = emulate;
                each.level = tool_levels[k];
                if (!run_level(s, &each, first, lines, n, t))
                    return;
                first = false;
            }
}

static void run_lines(const source *s, const options *o, const configs *list, totals *t)
{
    bool asks_run = tool_has_test(s, "run", NULL);
    bool asks_interpret = tool_has_test(s, "interpret", NULL);
    bool silent = true; /* no `test` line at all: the run lines are all that it asks for */
    size_t n;
    run_line *lines = tool_run_lines(s, t, &n);

    for (size_t k = 0; k < jit_module_directive_count(s->module) && silent; k++)
        silent = jit_module_directive(s->module, k).kind != JIT_DIR_TEST;
    if (o->all)
        run_everything(s, o, lines, n, t);
    else if (o->interpret) {
        if (asks_run || asks_interpret || silent)
            tool_run_interpreter(s, list->nan_canonical, lines, n, t);
    } else {
        if (asks_interpret && o->arch == JIT_ARCH_HOST)
            tool_run_interpreter(s, list->nan_canonical, lines, n, t);
        for (size_t k = 0; k < list->n && (asks_run || silent); k++)
            tool_run_native(s, &list->at[k], lines, n, t);
    }
    tool_run_lines_free(lines, n);
}

/* Whether the file's own targets are of other machines only: its expectations mean their code. */
static bool is_foreign(const source *s, const config *c)
{
    for (size_t k = 0; k < jit_module_directive_count(s->module) && c->line == 0; k++)
        if (jit_module_directive(s->module, k).kind == JIT_DIR_TARGET)
            return true;
    return false;
}

static void test_code(source *s, const options *o, const configs *list, totals *t)
{
    const char *rest = "";
    bool asked = tool_has_test(s, "compile", &rest);

    bool precise = strstr(rest, "precise-output") != NULL;
    bool must_fail = strstr(rest, "expect-fail") != NULL;

    for (size_t k = 0; asked && !o->with && k < list->n; k++) {
        if (is_foreign(s, &list->at[k]))
            continue;
        tool_expect_code(s, &list->at[k], precise, must_fail, t);
        if (precise && getenv("BLESS")) /* only one target's code can stand in the file */
            break;
    }
}

/* A faulty function costs its own lines, and those of what calls it. */
static void test_parsed(source *s, const options *o, totals *t)
{
    bool sound = tool_verify(s, t, NULL, NULL) == JIT_OK && s->unread == 0;
    configs list;

    if (!tool_configs(s, o, true, &list, t))
        return;
    if (tool_has_test(s, "cat", NULL))
        tool_expect_text(s, t);
    if (sound && !o->interpret && !o->all)
        test_code(s, o, &list, t);
    run_lines(s, o, &list, t);
    tool_configs_free(&list);
}

static void test_file(const char *path, const options *o, totals *t)
{
    source s;

    if (!tool_load(&s, path, t))
        return;
    /* A verifier's file is meant to be faulty: its faults are results. */
    if (jit_module_read(tool_engine(), s.text, s.size, &s.module, NULL, NULL) != JIT_ERR_NOMEM
        && tool_has_test(&s, "verifier", NULL)) {
        test_verifier(&s, t);
        tool_unload(&s);
        return;
    }
    if (s.module)
        jit_module_free(s.module);
    s.module = NULL;
    tool_parse(&s, t, NULL, NULL);
    if (s.module)
        test_parsed(&s, o, t);
    tool_unload(&s);
}

int tool_test(const options *o)
{
    totals t = { 0, 0, 0, false };

    for (int k = 0; k < o->nargs; k++)
        test_file(o->args[k], o, &t);
    printf("%u passed, %u failed, %u skipped\n", t.passed, t.failed, t.skipped);
    fflush(stdout);
    return tool_exit_status(&t);
}
