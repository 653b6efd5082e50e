/* expect.c - holds printed code against what a file expects: check lines, precise output, test cat.
 *
 * The lines `check: TEXT`, `nextln: TEXT` and `not: TEXT` that follow a function are searched in
 * its printed code in order; with `precise-output` all comments behind it are the code itself.
 * BLESS=1 in the environment writes the code that is into the file instead. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tool_has_test(const source *s, const char *name, const char **rest)
{
    size_t n = strlen(name);

    for (size_t k = 0; k < jit_module_directive_count(s->module); k++) {
        jit_directive d = jit_module_directive(s->module, k);
        if (d.kind != JIT_DIR_TEST || strncmp(d.text, name, n) != 0
            || (d.text[n] != 0 && d.text[n] != ' '))
            continue;
        if (rest)
            *rest = d.text + n;
        return true;
    }
    return false;
}

/* ---- Lines of text ---- */

typedef struct lines { char **at; size_t n; } lines;

static const char *end_of_line(const char *s)
{
    const char *e = strchr(s, '\n');

    return e ? e : s + strlen(s);
}

/* The lines of a text without blanks around and without empty ones. */
static lines split(const char *text)
{
    lines l = { NULL, 0 };
    size_t cap = 1;

    for (const char *s = text; *s; s++)
        cap += *s == '\n';
    l.at = tool_alloc(cap, sizeof *l.at);
    for (const char *s = text; *s;) {
        const char *e = end_of_line(s), *next = *e ? e + 1 : e;
        while (s < e && (*s == ' ' || *s == '\t'))
            s++;
        while (e > s && (e[-1] == ' ' || e[-1] == '\t' || e[-1] == '\r'))
            e--;
        if (e > s)
            l.at[l.n++] = tool_text(s, (size_t)(e - s));
        s = next;
    }
    return l;
}

static void free_lines(lines *l)
{
    for (size_t k = 0; k < l->n; k++)
        free(l->at[k]);
    free(l->at);
}

/* ---- check, nextln, not ---- */

/* The text behind `word:` of a comment; NULL: it begins otherwise. */
static const char *behind(const char *comment, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(comment, word, n) != 0 || comment[n] != ':')
        return NULL;
    for (comment += n + 1; *comment == ' '; comment++)
        continue;
    return comment;
}

typedef struct matcher {
    const source *source;
    const char *tag;
    const lines *code;
    size_t at;          /* index of the line behind the last match */
    size_t first_not, nots; /* directives of the `not` lines since then */
    uint32_t function;
    totals *totals;
} matcher;

static void verdict(matcher *m, bool good, uint32_t line, const char *what, const char *text)
{
    if (good) {
        m->totals->passed++;
        tool_event(m->source->path, line, "pass", "[%s] %s: %s", m->tag, what, text);
    } else {
        m->totals->failed++;
        tool_event(m->source->path, line, "fail", "[%s] %s: %s, got %s", m->tag, what, text,
                   m->at < m->code->n ? m->code->at[m->at] : "the end of the code");
    }
}

/* Judges the pending `not` lines against the code from m->at up to end. */
static void check_nots(matcher *m, size_t end)
{
    for (size_t k = m->first_not; m->nots > 0; k++) {
        jit_directive d = jit_module_directive(m->source->module, k);
        const char *text = d.kind == JIT_DIR_COMMENT && d.function == m->function
            ? behind(d.text, "not") : NULL;
        bool good = true;
        if (!text)
            continue;
        for (size_t i = m->at; i < end; i++)
            good = good && !strstr(m->code->at[i], text);
        verdict(m, good, d.line, "not", text);
        m->nots--;
    }
}

/* One expectation; whether the comment was one. */
static void match(matcher *m, size_t directive)
{
    jit_directive d = jit_module_directive(m->source->module, directive);
    const char *text;
    size_t k = m->at;

    if ((text = behind(d.text, "not")) != NULL) {
        if (m->nots++ == 0)
            m->first_not = directive;
    } else if ((text = behind(d.text, "check")) != NULL) {
        while (k < m->code->n && !strstr(m->code->at[k], text))
            k++;
        check_nots(m, k);
        verdict(m, k < m->code->n, d.line, "check", text);
        m->at = k < m->code->n ? k + 1 : m->at;
    } else if ((text = behind(d.text, "nextln")) != NULL) {
        check_nots(m, k);
        verdict(m, k < m->code->n && strstr(m->code->at[k], text) != NULL, d.line, "nextln", text);
        m->at = k < m->code->n ? k + 1 : k;
    }
}

static void check_lines(const source *s, const char *tag, size_t function, const char *text,
                        totals *t)
{
    lines code = split(text);
    matcher m = { s, tag, &code, 0, 0, 0, (uint32_t)function, t };

    for (size_t k = 0; k < jit_module_directive_count(s->module); k++) {
        jit_directive d = jit_module_directive(s->module, k);
        if (d.kind == JIT_DIR_COMMENT && d.function == function)
            match(&m, k);
    }
    check_nots(&m, code.n);
    free_lines(&code);
}

/* ---- precise-output ---- */

/* The first byte behind the line with the closing brace of a function. */
static const char *behind_function(const source *s, const jit_func *f)
{
    const char *p = s->text;

    for (uint32_t line = 1; line < jit_func_line(f) && *p; line++)
        p = *end_of_line(p) ? end_of_line(p) + 1 : end_of_line(p);
    while (*p && *p != '}')
        p = *end_of_line(p) ? end_of_line(p) + 1 : end_of_line(p);
    p = end_of_line(p);
    return *p ? p + 1 : p;
}

static bool is_run_line(const char *s)
{
    while (*s == ';' || *s == ' ')
        s++;
    return strncmp(s, "run", 3) == 0 || strncmp(s, "print", 5) == 0;
}

/* The comment lines from p on that are no run lines, as one text; *end: behind them. */
static char *expected_text(const char *p, const char **end)
{
    char *text = tool_alloc(strlen(p) + 2, 1), *to = text;

    for (; *p == ';' || *p == '\n'; p = *end_of_line(p) ? end_of_line(p) + 1 : end_of_line(p)) {
        const char *s = p, *e = end_of_line(p);
        if (is_run_line(p))
            continue;
        while (s < e && *s == ';')
            s++;
        memcpy(to, s, (size_t)(e - s));
        to += e - s;
        *to++ = '\n';
    }
    *end = p;
    return text;
}

static bool same_lines(const lines *a, const lines *b, size_t *k)
{
    for (*k = 0; *k < a->n && *k < b->n && strcmp(a->at[*k], b->at[*k]) == 0; ++*k)
        continue;
    return *k == a->n && *k == b->n;
}

static void check_precise(const source *s, const config *c, const jit_func *f, const char *text,
                          totals *t)
{
    const char *end;
    char *want = expected_text(behind_function(s, f), &end);
    lines a = split(want), b = split(text);
    size_t k;

    if (same_lines(&a, &b, &k)) {
        t->passed++;
        tool_event(s->path, jit_func_line(f), "pass", "[%s] code of %s", c->tag, jit_func_name(f));
    } else {
        t->failed++;
        tool_event(s->path, jit_func_line(f), "fail", "[%s] code of %s: expected `%s`, got `%s`",
                   c->tag, jit_func_name(f), k < a.n ? a.at[k] : "", k < b.n ? b.at[k] : "");
    }
    free_lines(&a);
    free_lines(&b);
    free(want);
}

/* ---- Compiling ---- */

/* The printed code of a function, to be freed by jit_string_free; NULL and why. */
static char *code_of(jit_engine *e, jit_ctx *ctx, const config *c, const jit_func *f,
                     jit_status *status)
{
    jit_settings settings = c->settings;
    jit_unit *unit;
    char *text;

    (void)e;
    settings.keep_asm = true;
    settings.checks = JIT_CHECK_IR | JIT_CHECK_REGALLOC;
    *status = jit_compile_unit(ctx, f, &settings, &unit);
    if (*status != JIT_OK)
        return NULL;
    text = jit_unit_disassemble(unit, NULL);
    jit_unit_free(unit);
    return text;
}

static void judge_failure(const source *s, const config *c, const jit_func *f, bool must_fail,
                          jit_status status, const char *message, totals *t)
{
    const char *path = s->path, *name = jit_func_name(f);
    uint32_t line;

    message = tool_reason(f, message, &line);
    if (status == JIT_ERR_UNSUPPORTED) {
        t->skipped++;
        tool_event(path, line, "skip", "[%s] %s: %s", c->tag, name, message);
    } else if (must_fail) {
        t->passed++;
        tool_event(path, line, "pass", "[%s] %s does not compile", c->tag, name);
    } else {
        t->refused = true;
        tool_event(path, line, "error", "[%s] %s: %s", c->tag, name, message);
    }
}

static void write_file(const source *s, const char *text, totals *t)
{
    FILE *f = fopen(s->path, "wb");
    bool good = f && fwrite(text, 1, strlen(text), f) == strlen(text);

    if ((f && fclose(f) != 0) || !good) {
        tool_event(s->path, 0, "error", "cannot write the file");
        t->refused = true;
    }
}

/* Rewrites the comments behind a function: from into *text, which grows. */
static void bless(const source *s, const jit_func *f, const char *code, char **text,
                  const char **copied)
{
    const char *begin = behind_function(s, f), *end;
    lines l = split(code);
    size_t size = strlen(*text) + (size_t)(begin - *copied) + strlen(code) + l.n * 8 + 64;
    char *more = tool_alloc(size + strlen(begin), 1), *to = more;

    free(expected_text(begin, &end));
    to += sprintf(to, "%s%.*s", *text, (int)(begin - *copied), *copied);
    for (const char *p = begin; p < end; p = *end_of_line(p) ? end_of_line(p) + 1 : end_of_line(p))
        if (*p == ';' && is_run_line(p))
            to += sprintf(to, "%.*s\n", (int)(end_of_line(p) - p), p);
    for (size_t k = 0; k < l.n; k++)
        to += sprintf(to, "; %s\n", l.at[k]);
    if (*end)
        sprintf(to, "\n");
    free(*text);
    *text = more;
    *copied = end;
    free_lines(&l);
}

void tool_expect_code(source *s, const config *c, bool precise, bool must_fail, totals *t)
{
    const char *asked = getenv("BLESS"), *copied = s->text;
    bool blessing = precise && asked && *asked && strcmp(asked, "0") != 0;
    char why[256], *text = tool_text("", 0);
    jit_engine *e = tool_compiles(c) ? tool_engine_for(c, why, sizeof why) : NULL;
    jit_ctx *ctx = e ? jit_ctx_new(e) : NULL;

    if (!ctx) {
        tool_event(s->path, c->line, "skip", "[%s] %s", c->tag,
                   e ? "no memory" : tool_compiles(c) ? why : c->skip);
        t->skipped++;
    }
    for (size_t k = 0; ctx && k < jit_module_function_count(s->module); k++) {
        const jit_func *f = jit_module_function_at(s->module, k);
        jit_status status;
        char *code = code_of(e, ctx, c, f, &status);
        if (!code) {
            judge_failure(s, c, f, must_fail, status, jit_error_message(ctx), t);
            continue;
        }
        if (must_fail) {
            t->failed++;
            tool_event(s->path, jit_func_line(f), "fail", "[%s] %s compiles", c->tag,
                       jit_func_name(f));
        } else if (blessing)
            bless(s, f, code, &text, &copied);
        else if (precise)
            check_precise(s, c, f, code, t);
        else
            check_lines(s, c->tag, k, code, t);
        jit_string_free(e, code);
    }
    if (blessing && ctx && copied != s->text) {
        size_t n = strlen(text) + strlen(copied) + 1;
        char *whole = tool_alloc(n, 1);
        snprintf(whole, n, "%s%s", text, copied);
        write_file(s, whole, t);
        free(whole);
    }
    free(text);
    jit_ctx_free(ctx);
    if (e)
        jit_engine_free(e);
}

/* test cat: the file prints, reads back and prints the same; check lines look at the print. */
void tool_expect_text(const source *s, totals *t)
{
    jit_module *again = NULL;
    size_t n = 0;
    char *first = jit_module_print(s->module, &n), *second = NULL;
    bool same;

    if (first && jit_module_read(tool_engine(), first, n, &again, NULL, NULL) == JIT_OK)
        second = jit_module_print(again, NULL);
    same = first && second && strcmp(first, second) == 0;
    tool_event(s->path, 1, same ? "pass" : "fail", "[cat] what is printed reads back%s",
               same ? "" : ", got another text");
    t->passed += same;
    t->failed += !same;
    for (size_t k = 0; k < jit_module_function_count(s->module); k++) {
        char *text = jit_func_print(jit_module_function_at(s->module, k), NULL);
        if (text)
            check_lines(s, "cat", k, text, t);
        jit_string_free(tool_engine(), text);
    }
    jit_string_free(tool_engine(), first);
    jit_string_free(tool_engine(), second);
    if (again)
        jit_module_free(again);
}
