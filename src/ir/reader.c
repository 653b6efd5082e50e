/* reader.c - reads a CLIF file function by function; an error costs one function, not the file. */
#include "ir/reader.h"

#include "ir/literal.h"
#include "ir/text_unit.h"
#include <stdarg.h>
#include <stdio.h>

/* ---- Errors ---- */

_Noreturn void jit_reader_error(reader *r, place where, const char *format, ...)
{
    char text[sizeof r->fail.message];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->error = where;
    jit_fail(&r->fail, JIT_ERR_PARSE, "%s", text);
}

_Noreturn void jit_reader_expected(reader *r, const char *what)
{
    char found[64];
    size_t n = 0;

    if (at(r, TOK_END))
        jit_reader_error(r, here(r), "expected %s, found the end of the text", what);
    for (; n < tok(r)->len && n < 40; n++) {
        char c = tok(r)->at[n];
        found[n] = c >= ' ' && c <= '~' ? c : '?';
    }
    snprintf(found + n, sizeof found - n, "%s", n < tok(r)->len ? "..." : "");
    jit_reader_error(r, here(r), "expected %s, found `%s`", what, found);
}

void jit_reader_check(reader *r)
{
    if (r->f->fail.status == JIT_OK)
        return;
    r->error = here(r);
    jit_fail(&r->fail, r->f->fail.status, "%s", r->f->fail.message);
}

static void report(reader *r, jit_status status, place where, const char *function,
                   const char *text)
{
    jit_diagnostic d = { status, where.line, where.column, function, NULL, text };

    if (r->status == JIT_OK)
        r->status = status;
    if (r->report)
        r->report(r->user, &d);
}

/* ---- Memory and small parts ---- */

void *jit_reader_memory(reader *r, arena *a, size_t size)
{
    void *p = arena_try(a, size);

    if (!p)
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory to read the text");
    return p;
}

char *jit_reader_string(reader *r, arena *a, const char *s, size_t n)
{
    char *p = jit_reader_memory(r, a, n + 1);

    memcpy(p, s, n);
    p[n] = 0;
    return p;
}

jit_type jit_reader_type(reader *r, const char *what)
{
    jit_type t = (jit_type)tok(r)->number;
    bool too_wide;

    if (accept(r, TOK_TYPE))
        return t;
    if (at(r, TOK_WORD)) {
        jit_type_parse(tok(r)->at, tok(r)->len, &too_wide);
        if (too_wide)
            jit_reader_error(r, here(r), "the type %.*s is none of those up to 128 bits",
                             (int)(tok(r)->len < 20 ? tok(r)->len : 20), tok(r)->at);
        if (tok(r)->len <= 3 && (*tok(r)->at == 'b' || *tok(r)->at == 'r'))
            jit_reader_error(r, here(r), "expected %s, found `%.*s`, a type CLIF no longer has",
                             what, (int)tok(r)->len, tok(r)->at);
    }
    jit_reader_expected(r, what);
}

uint64_t jit_reader_unsigned(reader *r, uint64_t most, const char *what)
{
    uint64_t x = 0;

    if (!at(r, TOK_NUMBER) || !jit_literal_unsigned(tok(r)->at, tok(r)->len, most, &x))
        jit_reader_expected(r, what);
    next(r);
    return x;
}

int64_t jit_reader_signed(reader *r, int64_t least, int64_t most, const char *what)
{
    int64_t x = 0;

    if (!at(r, TOK_NUMBER) || !jit_literal_signed(tok(r)->at, tok(r)->len, least, most, &x))
        jit_reader_expected(r, what);
    next(r);
    return x;
}

int64_t jit_reader_offset(reader *r, int64_t least, int64_t most)
{
    if (!at(r, TOK_NUMBER) || (*tok(r)->at != '+' && *tok(r)->at != '-'))
        return 0;
    return jit_reader_signed(r, least, most, "an offset in range");
}

uint32_t jit_reader_vector(reader *r, jit_type t, uint8_t out[16])
{
    unsigned lanes = jit_type_lanes(t), step = jit_type_lane_bits(t) / 8;
    uint32_t size = 0;
    const char *wrong;

    memset(out, 0, 16);
    if (t != JIT_VOID && accept(r, '[')) {
        for (unsigned k = 0; k < lanes; k++) {
            if (!at(r, TOK_NUMBER))
                jit_reader_expected(r, "as many lanes as the type has");
            wrong = jit_literal_scalar(jit_type_lane(t), tok(r)->at, tok(r)->len, out + k * step);
            if (wrong)
                jit_reader_expected(r, wrong);
            next(r);
        }
        expect(r, ']', "] after as many lanes as the type has");
        return jit_type_bytes(t);
    }
    if (!at(r, TOK_NUMBER))
        jit_reader_expected(r, "a constant like 0x0011 or a list of lanes");
    wrong = jit_literal_bytes(tok(r)->at, tok(r)->len, out, &size);
    if (!wrong && t != JIT_VOID && size > jit_type_bytes(t))
        wrong = "a constant no longer than its type";
    if (wrong)
        jit_reader_expected(r, wrong);
    next(r);
    return t == JIT_VOID ? size : jit_type_bytes(t);
}

/* ---- Directives ---- */

static void add_directive(reader *r, jit_directive_kind kind, uint32_t line, uint32_t function,
                          const char *s, size_t n)
{
    jit_module *m = r->module;
    jit_directive d = { kind, line, function, jit_reader_string(r, &m->mem, s, n) };

    if (!vec_try_reserve(&m->mem, &m->text->directives, 1))
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory to read the text");
    m->text->directives.at[m->text->directives.len++] = d;
}

/* The comments seen so far go to a function (its index, or ~0u). */
static void claim_comments(reader *r, uint32_t function)
{
    for (uint32_t k = 0; k < r->lex.comments.len; k++) {
        const comment *c = &r->lex.comments.at[k];
        add_directive(r, JIT_DIR_COMMENT, c->line, function, c->at, c->len);
    }
    r->lex.comments.len = 0;
}

static void read_header(reader *r)
{
    static const struct { const char *word; jit_directive_kind kind; } directives[] = {
        { "test", JIT_DIR_TEST }, { "set", JIT_DIR_SET }, { "target", JIT_DIR_TARGET },
        { "feature", JIT_DIR_FEATURE }
    };
    size_t k, n;

    do {
        claim_comments(r, UINT32_MAX);
        for (k = 0; k < 4 && !at_word(r, directives[k].word); k++)
            continue;
        if (k < 4) {
            uint32_t line = tok(r)->line;
            const char *text;
            jit_lexer_line(&r->lex, &text, &n);
            add_directive(r, directives[k].kind, line, UINT32_MAX, text, n);
        }
    } while (k < 4);
    claim_comments(r, UINT32_MAX);
}

/* ---- Functions ---- */

static void start_function(reader *r)
{
    r->stamp++;
    r->forwards.len = r->suffixes.len = r->block_uses.len = 0;
    r->ext_names.len = r->user_names.len = r->late_bases.len = 0;
    r->stack_limit.id = 0;
    memset(r->next_number, 0, sizeof r->next_number);
}

static void read_function(void *arg)
{
    reader *r = arg;
    uint32_t line = tok(r)->line, ext;
    jit_signature sig;
    ir_name name;

    if (!accept_word(r, "function"))
        jit_reader_expected(r, "`function`");
    start_function(r);
    jit_reader_name(r, false, &name, &ext);
    jit_reader_signature(r, &sig);
    r->f = jit_func_create(r->module->host, r->module->engine, &name, &sig);
    if (!r->f)
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a function");
    jit_reader_check(r);
    r->f->line = line;
    r->f->linkage = JIT_EXPORT;
    expect(r, '{', "{ before the body of the function");
    jit_reader_preamble(r);
    jit_reader_body(r);
    expect(r, '}', "a block or } after the body of the function");
}

/* Moves on to the next `function` at the start of a line, but not the one that began at `from`. */
static void skip_function(reader *r, const char *from)
{
    while (!at(r, TOK_END) && !(at_word(r, "function") && tok(r)->first && tok(r)->at != from))
        next(r);
}

/* Makes the function that was read a part of the module. */
static bool adopt(reader *r, uint32_t line)
{
    jit_module *m = r->module;

    if (jit_module_adopt(m, r->f))
        return true;
    if (m->fail.status == JIT_ERR_NOMEM)
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a function");
    report(r, JIT_ERR_PARSE, (place){ line, 1 }, r->f->printed, m->fail.message);
    m->fail.status = JIT_OK;
    return false;
}

static void drop_function(reader *r)
{
    if (r->f)
        jit_func_destroy(r->f);
    r->f = NULL;
}

static void read_module(void *arg)
{
    reader *r = arg;
    jit_module *m = r->module;

    m->text = jit_reader_memory(r, &m->mem, sizeof *m->text);
    memset(m->text, 0, sizeof *m->text);
    jit_reader_ops(r);
    next(r);
    read_header(r);
    while (!at(r, TOK_END)) {
        const char *from = tok(r)->at;
        uint32_t line = tok(r)->line, owner = UINT32_MAX;
        jit_status status = jit_guard(&r->fail, read_function, r);

        if (status == JIT_ERR_NOMEM)
            jit_fail(&r->fail, status, "no memory to read the text");
        if (status != JIT_OK) {
            report(r, status, r->error, r->f ? r->f->printed : NULL, r->fail.message);
            skip_function(r, from);
        } else if (adopt(r, line)) {
            owner = m->funcs.len - 1;
            r->f = NULL;
        }
        drop_function(r);
        claim_comments(r, owner);
    }
}

static void *scratch_alloc(void *user, size_t size)
{
    return arena_try(user, size);
}

static void scratch_free(void *user, void *memory, size_t size)
{
    (void)user;
    (void)memory;
    (void)size;
}

jit_status jit_module_read(jit_engine *e, const char *text, size_t n, jit_module **m,
                           jit_diagnostic_fn fn, void *user)
{
    reader r;
    uint32_t limit = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    jit_status status;

    if (!m || (!text && n > 0))
        return JIT_ERR_ARG;
    memset(&r, 0, sizeof r);
    *m = r.module = jit_module_new(e);
    if (!*m)
        return JIT_ERR_NOMEM;
    r.report = fn;
    r.user = user;
    r.values.limit = r.blocks.limit = r.alias_of.limit = limit;
    for (unsigned k = 0; k < SPACE_COUNT; k++)
        r.declared[k].limit = limit;
    jit_arena_init(&r.tmp, r.module->host, &r.fail);
    r.scratch_host = (jit_allocator){ scratch_alloc, scratch_free, &r.tmp };
    jit_lexer_init(&r.lex, &r.tmp, text ? text : "", n);
    status = jit_guard(&r.fail, read_module, &r);
    drop_function(&r);
    jit_arena_free(&r.tmp);
    if (status == JIT_ERR_NOMEM) {
        jit_module_free(*m);
        *m = NULL;
    }
    return status != JIT_OK ? status : r.status;
}

size_t jit_module_directive_count(const jit_module *m)
{
    return m->text ? m->text->directives.len : 0;
}

jit_directive jit_module_directive(const jit_module *m, size_t k)
{
    static const jit_directive none = { JIT_DIR_COMMENT, 0, UINT32_MAX, "" };

    return k < jit_module_directive_count(m) ? m->text->directives.at[k] : none;
}

uint32_t jit_func_line(const jit_func *f)
{
    return f->line;
}
