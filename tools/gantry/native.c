/* native.c - compiles a file's functions, links them and runs its run lines as machine code.
 *
 * A test file may hold anything, also a compiler's bug: so each configuration runs in a child
 * process, which tells the parent over a pipe how each run line went. When the child dies, the line
 * that killed it has failed, and another child goes on behind it. */
#define _DEFAULT_SOURCE
#include "tool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 60 }; /* of one run line, and of compiling one file */
enum { FUEL = 1 << 27 }; /* instructions of one run line in the interpreter, beside the emulator */

/* One function: its unit and code, or why it has none. */
typedef struct compiled {
    jit_unit *unit;
    jit_code *code;
    jit_status status;
    uint32_t line;  /* of the fault */
    char message[400];
} compiled;

typedef struct program {
    const source *source;
    jit_engine *engine;
    jit_ctx *ctx;
    emulator *machine; /* that runs the code; NULL: this one */
    jit_interp *meaning; /* tells which accesses it makes; NULL: nobody asks */
    compiled *at;   /* by index in the module */
    size_t n;
} program;

static void drop(compiled *c, jit_status status, const char *message)
{
    jit_unit_free(c->unit);
    c->unit = NULL;
    c->status = status;
    snprintf(c->message, sizeof c->message, "%s", message);
}

/* The function of the module that a relocation names; n: none. */
static size_t find_function(const program *p, const char *name)
{
    const jit_func *f = jit_module_find(p->source->module, name);

    for (size_t k = 0; f && k < p->n; k++)
        if (jit_module_function_at(p->source->module, k) == f)
            return k;
    return p->n;
}

/* Drops the functions that refer to one that has no code; whether there were any. */
static bool drop_callers(program *p)
{
    bool any = false;
    char text[400];

    for (size_t k = 0; k < p->n; k++)
        for (size_t r = 0; p->at[k].unit && r < jit_unit_reloc_count(p->at[k].unit); r++) {
            const char *name = jit_unit_reloc(p->at[k].unit, r).name;
            size_t callee = name ? find_function(p, name) : p->n;
            if (!name || (callee < p->n && p->at[callee].unit))
                continue;
            if (callee == p->n && jit_engine_lookup(p->engine, name))
                continue;
            if (callee == p->n)
                snprintf(text, sizeof text, "the name %.100s is not known", name);
            else
                snprintf(text, sizeof text, "it calls %.100s: %.250s", name, p->at[callee].message);
            drop(&p->at[k], callee == p->n ? JIT_ERR_LINK : p->at[callee].status, text);
            any = true;
        }
    return any;
}

static jit_status publish(program *p)
{
    jit_unit **units = tool_alloc(p->n, sizeof *units);
    jit_code **codes = tool_alloc(p->n, sizeof *codes);
    size_t n = 0;
    jit_status status = JIT_OK;

    for (size_t k = 0; k < p->n; k++)
        if (p->at[k].unit)
            units[n++] = p->at[k].unit;
    if (n > 0)
        status = jit_publish(p->engine, p->ctx, units, n, codes);
    for (size_t k = 0, c = 0; status == JIT_OK && k < p->n; k++)
        if (p->at[k].unit)
            p->at[k].code = codes[c++];
    free(units);
    free(codes);
    return status;
}

static void compile_all(program *p, const config *c)
{
    jit_settings settings = c->settings;
    jit_status status;

    settings.checks = JIT_CHECK_IR | JIT_CHECK_REGALLOC;
    settings.accountable = p->meaning != NULL;
    for (size_t k = 0; k < p->n; k++) {
        const jit_func *f = jit_module_function_at(p->source->module, k);
        if (p->source->faulty && p->source->faulty[k]) {
            drop(&p->at[k], JIT_ERR_VERIFY, "it is faulty");
            continue;
        }
        status = jit_compile_unit(p->ctx, f, &settings, &p->at[k].unit);
        if (status != JIT_OK)
            drop(&p->at[k], status, tool_reason(f, jit_error_message(p->ctx), &p->at[k].line));
    }
    status = publish(p);
    if (status == JIT_ERR_LINK) {
        while (drop_callers(p))
            continue;
        status = publish(p);
    }
    for (size_t k = 0; status != JIT_OK && k < p->n; k++)
        if (p->at[k].unit)
            drop(&p->at[k], status, jit_error_message(p->ctx));
}

/* Tells the emulator what code it has to hold to account. */
static void hold_to_account(const program *p)
{
    for (size_t k = 0; k < p->n; k++) {
        const compiled *c = &p->at[k];
        if (c->code)
            tool_emulator_account(p->machine, jit_module_function_at(p->source->module, k),
                                  jit_code_entry(c->code), jit_code_size(c->code),
                                  jit_unit_map(c->unit));
    }
    jit_interp_watch(p->meaning, tool_emulator_expect, p->machine);
}

static void end_program(program *p)
{
    if (p->meaning)
        jit_interp_free(p->meaning);
    for (size_t k = 0; k < p->n; k++) {
        jit_code_free(p->at[k].code);
        jit_unit_free(p->at[k].unit);
    }
    free(p->at);
    tool_emulator_free(p->machine);
    jit_ctx_free(p->ctx);
    jit_engine_free(p->engine);
}

/* hold: emulated code is held to account for its accesses to memory. */
static bool start_program(program *p, const source *s, const config *c, bool hold, char *why,
                          size_t size)
{
    memset(p, 0, sizeof *p);
    p->source = s;
    p->engine = tool_engine_for(c, why, size);
    if (!p->engine)
        return false;
    snprintf(why, size, "no memory for a context");
    p->ctx = jit_ctx_new(p->engine);
    bool here = !c->emulated && jit_engine_runs_here(p->engine);
    p->machine = p->ctx && !here ? tool_emulator_new(p->engine, why, size) : NULL;
    if (!p->ctx || (!here && !p->machine)) {
        jit_ctx_free(p->ctx);
        jit_engine_free(p->engine);
        return false;
    }
    p->n = jit_module_function_count(s->module);
    p->at = tool_alloc(p->n, sizeof *p->at);
    p->meaning = hold && p->machine ? jit_interp_new(tool_engine(), s->module) : NULL;
    compile_all(p, c);
    if (p->meaning) {
        jit_interp_nan_canonical(p->meaning, c->settings.nan_canonical);
        hold_to_account(p);
    }
    return true;
}

/* Has the interpreter tell which accesses the call makes. */
static void expect(const program *p, const jit_func *f, const jit_bits *args, jit_bits *results)
{
    tool_emulator_expect_begin(p->machine);
    jit_run run = jit_interp_run(p->meaning, f, args, results, FUEL);
    if (run.outcome != JIT_RETURNED && run.outcome != JIT_TRAPPED)
        tool_emulator_expect_nothing(p->machine);
}

static outcome call(const program *p, size_t index, const jit_bits *args, jit_bits *results)
{
    const compiled *c = &p->at[index];
    const jit_func *f = jit_module_function_at(p->source->module, index);
    outcome out;
    jit_call_result r;

    memset(&out, 0, sizeof out);
    if (!c->code) {
        out.kind = c->status == JIT_ERR_UNSUPPORTED ? OUT_SKIPPED
                   : c->status == JIT_ERR_VERIFY    ? OUT_REFUSED : OUT_BROKEN;
        snprintf(out.message, sizeof out.message, "%s%s%s",
                 out.kind == OUT_BROKEN ? jit_status_name(c->status) : "",
                 out.kind == OUT_BROKEN ? ": " : "", c->message);
        return out;
    }
    if (p->meaning)
        expect(p, f, args, results);
    if (p->machine)
        return tool_emulator_call(p->machine, jit_code_entry(c->code), jit_func_signature(f), args,
                                  results);
    r = jit_invoke(p->engine, jit_code_entry(c->code), jit_func_signature(f), args, results);
    if (r.status != JIT_OK) {
        out.kind = r.status == JIT_ERR_UNSUPPORTED ? OUT_SKIPPED : OUT_BROKEN;
        snprintf(out.message, sizeof out.message, "the call could not be made: %s",
                 jit_status_name(r.status));
    } else if (r.trap != JIT_TRAP_NONE) {
        out.kind = OUT_TRAPPED;
        out.trap = r.trap;
    }
    return out;
}

/* ---- The child and its parent ---- */

static void tell(int fd, char c)
{
    while (write(fd, &c, 1) < 0)
        continue;
}

/* Says which functions could not be compiled, other than for lack of support. */
static bool report_errors(const program *p, const char *tag)
{
    bool any = false;

    for (size_t k = 0; k < p->n; k++) {
        const jit_func *f = jit_module_function_at(p->source->module, k);
        if (p->at[k].status == JIT_OK || p->at[k].status == JIT_ERR_UNSUPPORTED
            || p->at[k].status == JIT_ERR_VERIFY) /* which has been told already */
            continue;
        tool_event(p->source->path, p->at[k].line ? p->at[k].line : jit_func_line(f), "error",
                   "[%s] %s: %s", tag, jit_func_name(f), p->at[k].message);
        any = true;
    }
    return any;
}

static void run_child(const source *s, const config *c, const run_line *lines, size_t from,
                      size_t n, int fd)
{
    program p;
    char why[256];

    alarm(SECONDS);
    if (!start_program(&p, s, c, true, why, sizeof why)) {
        outcome out = { OUT_SKIPPED, 0, "" };
        snprintf(out.message, sizeof out.message, "%s", why);
        tell(fd, 'c');
        for (size_t k = from; k < n; k++)
            tell(fd, tool_judge(s, c->tag, &lines[k], &out, NULL));
        return;
    }
    tell(fd, from == 0 && report_errors(&p, c->tag) ? 'e' : 'c');
    jit_traps_install();
    for (size_t k = from; k < n; k++) {
        const run_line *r = &lines[k];
        jit_bits *results = tool_alloc(jit_func_signature(r->func)->nresults, sizeof *results);
        outcome out;
        alarm(SECONDS);
        out = call(&p, r->index, r->args, results);
        tell(fd, tool_judge(s, c->tag, r, &out, results));
        free(results);
    }
    end_program(&p);
}

/* Reads what a child tells until it ends; the number of run lines that it finished. */
static size_t listen(int fd, bool *compiled_all, totals *t)
{
    size_t done = 0;
    ssize_t got;
    char c;

    *compiled_all = false;
    while ((got = read(fd, &c, 1)) != 0) {
        if (got < 0)
            continue;
        switch (c) {
        case 'e':
            t->refused = true;
            *compiled_all = true;
            break;
        case 'c':
            *compiled_all = true;
            break;
        case 'x':
            t->refused = true;
            done++;
            break;
        default:
            t->passed += c == 'p';
            t->failed += c == 'f';
            t->skipped += c == 's';
            done++;
        }
    }
    return done;
}

/* Runs the lines from `from` on in a child; the index of the line to go on with. */
static size_t run_in_child(const source *s, const config *c, const run_line *lines, size_t from,
                           size_t n, totals *t)
{
    int ends[2], status = 0;
    size_t done;
    bool compiled_all;
    pid_t child;

    fflush(stdout);
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        tool_event(s->path, c->line, "error", "[%s] cannot start a process", c->tag);
        t->refused = true;
        return n;
    }
    if (child == 0) {
        close(ends[0]);
        run_child(s, c, lines, from, n, ends[1]);
        fflush(stdout);
        _Exit(0);
    }
    close(ends[1]);
    done = from + listen(ends[0], &compiled_all, t);
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0)
        continue;
    if (done >= n && compiled_all)
        return n;
    if (!compiled_all) {
        if (WIFSIGNALED(status))
            tool_event(s->path, c->line, "error", "[%s] compiling ended with signal %d", c->tag,
                       WTERMSIG(status));
        else
            tool_event(s->path, c->line, "error", "[%s] compiling ended the process", c->tag);
        t->refused = true;
        return n;
    }
    if (!WIFSIGNALED(status))
        tool_event(s->path, lines[done].line, "fail", "[%s] %s, got the end of the process", c->tag,
                   lines[done].text);
    else if (WTERMSIG(status) == SIGALRM)
        tool_event(s->path, lines[done].line, "fail", "[%s] %s, got no end within %d s", c->tag,
                   lines[done].text, SECONDS);
    else
        tool_event(s->path, lines[done].line, "fail", "[%s] %s, got signal %d", c->tag,
                   lines[done].text, WTERMSIG(status));
    t->failed++;
    return done + 1;
}

void tool_run_native(const source *s, const config *c, const run_line *lines, size_t n, totals *t)
{
    if (c->skip[0] != 0) {
        outcome out = { OUT_SKIPPED, 0, "" };
        snprintf(out.message, sizeof out.message, "%s", c->skip);
        for (size_t k = 0; k < n; k++) {
            tool_judge(s, c->tag, &lines[k], &out, NULL);
            t->skipped++;
        }
        return;
    }
    for (size_t from = 0; from < n;)
        from = run_in_child(s, c, lines, from, n, t);
}

/* What a child that calls one function leaves behind, in memory that both see. */
typedef struct answer {
    outcome out;
    call_report report;
    jit_bits results[];
} answer;

static void call_in_child(const source *s, const config *c, size_t index, const jit_bits *args,
                          answer *a)
{
    program p;

    if (!start_program(&p, s, c, false, a->out.message, sizeof a->out.message))
        return;
    jit_traps_install();
    a->report.began = p.at[index].code != NULL;
    a->out = call(&p, index, args, a->results);
    a->report.steps = p.machine ? tool_emulator_steps(p.machine) : 0;
    end_program(&p);
}

outcome tool_call_native(const source *s, const config *c, size_t index, const jit_bits *args,
                         jit_bits *results, call_report *report)
{
    const jit_signature *sig = jit_func_signature(jit_module_function_at(s->module, index));
    size_t n = sig->nresults * sizeof *results, size = sizeof(answer) + n;
    outcome out = { OUT_BROKEN, 0, "" };
    int status = 0;

    if (c->skip[0] != 0) {
        snprintf(out.message, sizeof out.message, "%s", c->skip);
        return out;
    }
    answer *a = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    if (a != MAP_FAILED)
        a->out.kind = OUT_BROKEN; /* until the child says otherwise: before there is one */
    pid_t child = a == MAP_FAILED ? -1 : fork();
    if (child < 0) {
        snprintf(out.message, sizeof out.message, "cannot start a process");
        return out;
    }
    if (child == 0) {
        call_in_child(s, c, index, args, a);
        fflush(stdout);
        _Exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        continue;
    out = a->out;
    if (WIFSIGNALED(status))
        snprintf(out.message, sizeof out.message, "it ended with signal %d", WTERMSIG(status));
    if (n > 0)
        memcpy(results, a->results, n);
    *report = a->report;
    munmap(a, size);
    return out;
}
