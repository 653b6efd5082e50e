/* runlines.c - reads run and print lines, and says whether what happened is what they wanted. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct cursor {
    const char *at;
    size_t left;
    const char *error; /* what was expected; NULL: nothing is wrong */
} cursor;

static void skip(cursor *c)
{
    while (c->left > 0 && (*c->at == ' ' || *c->at == '\t'))
        c->at++, c->left--;
}

static bool accept(cursor *c, const char *text)
{
    size_t n = strlen(text);

    skip(c);
    if (c->left < n || memcmp(c->at, text, n) != 0)
        return false;
    c->at += n;
    c->left -= n;
    return true;
}

static bool expect(cursor *c, const char *text, const char *what)
{
    if (!c->error && !accept(c, text))
        c->error = what;
    return !c->error;
}

static void read_values(cursor *c, const jit_abi_param *types, uint32_t n, jit_bits *out)
{
    for (uint32_t k = 0; k < n && !c->error; k++) {
        const char *wrong = NULL;
        if (k > 0 && !expect(c, ",", "`,` and a value for each type of the signature"))
            return;
        if (!jit_text_value(JIT_PARAM_TYPE(types[k]), &c->at, &c->left, out[k].at, &wrong))
            c->error = wrong;
    }
}

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
           || c == ':';
}

/* %name(ARGS) */
static void read_invocation(cursor *c, const jit_signature *sig, jit_bits *args)
{
    skip(c);
    accept(c, "%");
    while (c->left > 0 && is_name_char(*c->at))
        c->at++, c->left--;
    if (!expect(c, "(", "%name and ( before the arguments"))
        return;
    read_values(c, sig->params, sig->nparams, args);
    expect(c, ")", ") after as many arguments as the function has");
}

static void read_results(cursor *c, const jit_signature *sig, jit_bits *results)
{
    bool one = sig->nresults == 1;

    if (!one && !expect(c, "[", "[ and the results"))
        return;
    read_values(c, sig->results, sig->nresults, results);
    if (!one)
        expect(c, "]", "] after as many results as the function has");
}

static unsigned read_trap(cursor *c)
{
    size_t n = 0;

    skip(c);
    while (n < c->left && is_name_char(c->at[n]))
        n++;
    for (unsigned code = 1; code <= JIT_TRAP_BAD_TOINT; code++)
        if (strlen(jit_trap_name(code)) == n && memcmp(jit_trap_name(code), c->at, n) == 0) {
            c->at += n;
            c->left -= n;
            return code;
        }
    c->error = "a trap code like int_divz";
    return 0;
}

static void read_comparison(cursor *c, run_line *r, const jit_signature *sig)
{
    if (accept(c, "=="))
        r->kind = RUN_EQUAL;
    else if (accept(c, "!="))
        r->kind = RUN_DIFFERENT;
    else if (accept(c, "traps")) {
        r->kind = RUN_TRAPS;
        r->trap = read_trap(c);
        return;
    } else {
        c->error = "== or != or traps";
        return;
    }
    read_results(c, sig, r->expected);
}

/* Whether a comment starts with that word. */
static bool starts_with(const char *text, const char *word)
{
    size_t n = strlen(word);

    return strncmp(text, word, n) == 0 && !(is_name_char(text[n]) && text[n] != ':');
}

static bool returns_one_integer(const jit_signature *sig)
{
    return sig->nparams == 0 && sig->nresults == 1
           && jit_type_is_int(JIT_PARAM_TYPE(sig->results[0]));
}

/* Reads one comment as a run line; false: it is none, or *wrong says what it lacks. */
static bool read_line(run_line *r, const char *text, const char **wrong)
{
    bool prints = starts_with(text, "print");
    const jit_signature *sig = jit_func_signature(r->func);
    cursor c = { text + (prints ? 5 : 3), strlen(text) - (prints ? 5 : 3), NULL };
    const char *from;

    r->args = tool_alloc(sig->nparams, sizeof *r->args);
    r->expected = tool_alloc(sig->nresults, sizeof *r->expected);
    if (!accept(&c, ":")) {
        skip(&c);
        r->kind = prints ? RUN_PRINT : RUN_NONZERO;
        r->text = tool_text(text, prints ? 5 : 3);
        if (prints ? sig->nparams == 0 && c.left == 0 : returns_one_integer(sig))
            return true;
        *wrong = c.left == 0 ? "`:` and a call" : NULL; /* else a sentence that begins so */
        return false;
    }
    skip(&c);
    from = c.at;
    read_invocation(&c, sig, r->args);
    r->kind = RUN_PRINT;
    if (!prints && !c.error)
        read_comparison(&c, r, sig);
    *wrong = c.error;
    if (!c.error)
        r->text = tool_text(from, (size_t)(c.at - from));
    return !c.error;
}

static void free_line(run_line *r)
{
    free(r->text);
    free(r->args);
    free(r->expected);
}

/* A run line of a function that is faulty, or could not even be read. */
static bool is_lost(const source *s, const jit_directive *d)
{
    if (d->function == UINT32_MAX)
        return s->unread != 0 && d->line > s->unread;
    return s->faulty && s->faulty[d->function];
}

run_line *tool_run_lines(const source *s, totals *t, size_t *n)
{
    size_t count = jit_module_directive_count(s->module);
    run_line *lines = tool_alloc(count, sizeof *lines);

    *n = 0;
    for (size_t k = 0; k < count; k++) {
        jit_directive d = jit_module_directive(s->module, k);
        run_line *r = &lines[*n];
        const char *wrong = NULL;
        if (d.kind != JIT_DIR_COMMENT
            || !(starts_with(d.text, "run") || starts_with(d.text, "print")))
            continue;
        if (is_lost(s, &d)) {
            tool_event(s->path, d.line, "error", "not run, its function is faulty: %s", d.text);
            t->refused = true;
        }
        if (d.function == UINT32_MAX || is_lost(s, &d))
            continue;
        memset(r, 0, sizeof *r);
        r->line = d.line;
        r->index = d.function;
        r->func = jit_module_function_at(s->module, d.function);
        if (read_line(r, d.text, &wrong)) {
            ++*n;
            continue;
        }
        free_line(r);
        if (wrong) {
            tool_event(s->path, d.line, "error", "expected %s in `%s`", wrong, d.text);
            t->refused = true;
        }
    }
    return lines;
}

void tool_run_lines_free(run_line *lines, size_t n)
{
    for (size_t k = 0; k < n; k++)
        free_line(&lines[k]);
    free(lines);
}

/* ---- Judging ---- */

static bool all_equal(const jit_signature *sig, const jit_bits *a, const jit_bits *b)
{
    for (uint32_t k = 0; k < sig->nresults; k++)
        if (memcmp(a[k].at, b[k].at, jit_type_bytes(JIT_PARAM_TYPE(sig->results[k]))) != 0)
            return false;
    return true;
}

static bool as_wanted(const run_line *r, const outcome *out, const jit_bits *results)
{
    const jit_signature *sig = jit_func_signature(r->func);
    static const jit_bits zero;

    if (r->kind == RUN_TRAPS)
        return out->kind == OUT_TRAPPED && out->trap == r->trap;
    if (out->kind != OUT_RETURNED)
        return false;
    switch (r->kind) {
    case RUN_EQUAL:
        return all_equal(sig, results, r->expected);
    case RUN_DIFFERENT:
        return !all_equal(sig, results, r->expected);
    default:
        return !all_equal(sig, results, &zero);
    }
}

char tool_judge(const source *s, const char *tag, const run_line *r, const outcome *out,
                const jit_bits *results)
{
    const jit_signature *sig = jit_func_signature(r->func);
    size_t size = 64 + (size_t)sig->nresults * 256;
    char *got = tool_alloc(size, 1), verdict = 'p';
    bool has_message = out->kind == OUT_BROKEN || out->kind == OUT_ENDLESS;

    if (out->kind == OUT_RETURNED)
        tool_print_values(got, size, sig, results);
    else if (out->kind == OUT_TRAPPED)
        snprintf(got, size, "trap %s", jit_trap_name(out->trap));
    if (out->kind == OUT_REFUSED) {
        tool_event(s->path, r->line, "error", "[%s] %s: %s", tag, r->text, out->message);
        verdict = 'x';
    } else if (out->kind == OUT_SKIPPED) {
        tool_event(s->path, r->line, "skip", "[%s] %s", tag, out->message);
        verdict = 's';
    } else if (r->kind == RUN_PRINT && !has_message)
        tool_event(s->path, r->line, "print", "[%s] %s -> %s", tag, r->text, got);
    else if (r->kind != RUN_PRINT && as_wanted(r, out, results))
        tool_event(s->path, r->line, "pass", "[%s] %s", tag, r->text);
    else {
        tool_event(s->path, r->line, "fail", "[%s] %s, got %s", tag, r->text,
                   has_message ? out->message : got);
        verdict = 'f';
    }
    if (r->kind == RUN_PRINT && verdict == 'p')
        verdict = 'o'; /* neither passed nor failed */
    free(got);
    return verdict;
}
