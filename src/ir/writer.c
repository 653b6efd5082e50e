/* writer.c - prints functions and modules as canonical CLIF, in the form that Cranelift prints. */
#include "ir/writer.h"

#include "ir/text_names.h"
#include "ir/text_unit.h"
#include <string.h>

/* ---- Names and numbers ---- */

static void put(writer *w, const char *text)
{
    jit_strbuf_puts(&w->out, text);
}

static void put_numbered(writer *w, const char *prefix, uint32_t number)
{
    jit_strbuf_puts(&w->out, prefix);
    jit_strbuf_u64(&w->out, number);
}

void jit_writer_value(writer *w, uint32_t id)
{
    const jit_func *f = w->f;

    if (id >= EH_EXN(0))
        put_numbered(w, "exn", id - EH_EXN(0));
    else if (id >= EH_RET(0))
        put_numbered(w, "ret", id - EH_RET(0));
    else
        put_numbered(w, "v", id - 1 < f->value_name.len ? f->value_name.at[id - 1] - 1 : id - 1);
}

void jit_writer_block(writer *w, uint32_t block)
{
    const jit_func *f = w->f;

    put_numbered(w, "block", block < f->block_name.len ? f->block_name.at[block] - 1 : block);
}

static void put_name(writer *w, const ir_name *n)
{
    switch (n->kind) {
    case NAME_TEXT: /* space 1: a userextname that nothing declares */
        put(w, n->space == 1 ? "" : "%");
        put(w, n->text);
        break;
    case NAME_USER:
        put_numbered(w, "u", n->space);
        put_numbered(w, ":", n->index);
        break;
    case NAME_LIBCALL:
        put(w, "%");
        put(w, jit_libcall_name(n->index));
        break;
    default:
        put(w, "%none");
    }
}

void jit_writer_bytes(strbuf *s, const uint8_t *bytes, uint32_t size)
{
    static const char hex[] = "0123456789abcdef";

    jit_strbuf_puts(s, "0x");
    for (uint32_t k = size; k-- > 0;) {
        jit_strbuf_putc(s, hex[bytes[k] >> 4]);
        jit_strbuf_putc(s, hex[bytes[k] & 15]);
    }
}

void jit_writer_offset(strbuf *s, int64_t offset)
{
    uint64_t size = offset < 0 ? 0 - (uint64_t)offset : (uint64_t)offset;

    if (offset == 0)
        return;
    jit_strbuf_putc(s, offset < 0 ? '-' : '+');
    if (size < 10000)
        jit_strbuf_u64(s, size);
    else
        jit_print_hex(s, size);
}

void jit_writer_mem(writer *w, jit_mem m)
{
    if (m.bits & JIT_MEM_NOTRAP)
        put(w, " notrap");
    else if (m.trap != 0 && m.trap != JIT_TRAP_HEAP_OOB) {
        put(w, " ");
        put(w, jit_trap_name(m.trap));
    }
    put(w, m.bits & JIT_MEM_ALIGNED ? " aligned" : "");
    put(w, m.bits & JIT_MEM_READONLY ? " readonly" : "");
    put(w, m.bits & JIT_MEM_CAN_MOVE ? " can_move" : "");
    put(w, m.bits & JIT_MEM_BIG ? " big" : "");
    put(w, m.bits & JIT_MEM_LITTLE ? " little" : "");
    if (m.region.id != 0)
        put_numbered(w, " region", DECL_NUMBER(w->f, regions, m.region.id));
}

/* ---- Signatures ---- */

static void put_params(writer *w, const jit_abi_param *p, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        put(w, k > 0 ? ", " : "");
        jit_print_type(&w->out, JIT_PARAM_TYPE(p[k]));
        put(w, p[k] & JIT_UEXT ? " uext" : p[k] & JIT_SEXT ? " sext" : "");
        switch (JIT_PARAM_PURPOSE(p[k])) {
        case JIT_VMCTX:
            put(w, " vmctx");
            break;
        case JIT_SRET:
            put(w, " sret");
            break;
        case JIT_PARAM_PURPOSE(JIT_SARG(0)):
            put_numbered(w, " sarg(", JIT_PARAM_SARG_BYTES(p[k]));
            put(w, ")");
        }
    }
}

static void put_signature(writer *w, const ir_sig *s)
{
    put(w, "(");
    put_params(w, s->params, s->nparams);
    put(w, s->nresults > 0 ? ") -> " : ")");
    put_params(w, s->results, s->nresults);
    put(w, s->conv != JIT_CONV_DEFAULT ? " " : "");
    put(w, jit_conv_name(s->conv));
}

/* ---- Declarations ---- */

static void begin(writer *w, const char *prefix, uint32_t number)
{
    put_numbered(w, prefix, number);
    put(w, " = ");
}

static void put_slots(writer *w, bool dynamic)
{
    for (uint32_t k = 0; k < w->f->slots.len; k++) {
        const ir_slot *s = &w->f->slots.at[k];
        if (s->dynamic != dynamic)
            continue;
        begin(w, dynamic ? "    dss" : "    ss", DECL_NUMBER(w->f, slots, k + 1));
        if (dynamic)
            put_numbered(w, "explicit_dynamic_slot dt", s->dynamic_type - 1);
        else
            put_numbered(w, "explicit_slot ", s->size);
        if (s->align > 1)
            put_numbered(w, ", align = ", s->align);
        if (s->has_key) {
            put(w, ", key = ");
            jit_strbuf_u64(&w->out, s->key);
        }
        put(w, "\n");
    }
}

static void put_regions(writer *w)
{
    for (uint32_t k = 0; k < w->f->regions.len; k++) {
        const ir_region *g = &w->f->regions.at[k];
        begin(w, "    region", DECL_NUMBER(w->f, regions, k + 1));
        jit_strbuf_u64(&w->out, g->user_id);
        put(w, " \"");
        for (const char *s = g->text ? g->text : ""; *s; s++) /* the text knows no escapes */
            jit_strbuf_putc(&w->out, *s == '"' || *s == '\n' ? '?' : *s);
        put(w, "\"\n");
    }
}

static void put_gv(writer *w, const ir_gv *g)
{
    uint32_t base = DECL_NUMBER(w->f, gvs, g->base.id);

    switch (g->kind) {
    case GV_VMCTX:
        put(w, "vmctx");
        break;
    case GV_LOAD:
        put(w, "load.");
        jit_print_type(&w->out, g->type);
        jit_writer_mem(w, w->f->mems.at[g->mem]);
        put_numbered(w, " gv", base);
        jit_writer_offset(&w->out, g->offset);
        break;
    case GV_IADD_IMM:
        put(w, "iadd_imm.");
        jit_print_type(&w->out, g->type);
        put_numbered(w, " gv", base);
        put(w, ", ");
        jit_print_imm64(&w->out, g->offset);
        break;
    case GV_SYMBOL:
        put(w, "symbol ");
        put(w, g->colocated ? "colocated " : "");
        put(w, g->tls ? "tls " : "");
        put_name(w, &g->name);
        put(w, g->offset > 0 ? "+" : g->offset < 0 && g->name.kind == NAME_USER ? " " : "");
        if (g->offset != 0)
            jit_print_imm64(&w->out, g->offset);
        break;
    default:
        put(w, "dyn_scale_target_const.");
        jit_print_type(&w->out, g->type);
    }
}

static void put_gvs(writer *w)
{
    const jit_func *f = w->f;

    for (uint32_t k = 0; k < f->gvs.len; k++) {
        begin(w, "    gv", DECL_NUMBER(f, gvs, k + 1));
        put_gv(w, &f->gvs.at[k]);
        put(w, "\n");
    }
    for (uint32_t k = 0; k < f->dyntypes.len; k++) {
        begin(w, "    dt", DECL_NUMBER(f, dyntypes, k + 1));
        jit_print_type(&w->out, f->dyntypes.at[k].base);
        put_numbered(w, "*gv", DECL_NUMBER(f, gvs, f->dyntypes.at[k].scale.id));
        put(w, "\n");
    }
}

static void put_callees(writer *w)
{
    const jit_func *f = w->f;

    for (uint32_t k = 0; k < f->sigs.len; k++) {
        begin(w, "    sig", DECL_NUMBER(f, sigs, k + 1));
        put_signature(w, &f->sigs.at[k]);
        put(w, "\n");
    }
    for (uint32_t k = 0; k < f->callees.len; k++) {
        const ir_callee *c = &f->callees.at[k];
        begin(w, "    fn", DECL_NUMBER(f, callees, k + 1));
        put(w, c->colocated ? "colocated " : "");
        put(w, c->patchable ? "patchable " : "");
        put_name(w, &c->name);
        put_numbered(w, " sig", DECL_NUMBER(f, sigs, c->sig.id));
        put(w, "\n");
    }
}

static void put_consts(writer *w)
{
    const jit_func *f = w->f;

    for (uint32_t k = 0; k < f->consts.len; k++) {
        const ir_const *c = &f->consts.at[k];
        if (c->number == CONST_IS_MASK)
            continue;
        begin(w, "    const", DECL_NUMBER(f, consts, k + 1));
        jit_writer_bytes(&w->out, c->bytes, c->size);
        put(w, "\n");
    }
}

/* All declarations, in Cranelift's order. */
static void put_preamble(writer *w)
{
    put_slots(w, true);
    put_slots(w, false);
    put_regions(w);
    put_gvs(w);
    put_callees(w);
    put_consts(w);
    if (w->f->stack_limit.id != 0) {
        put_numbered(w, "    stack_limit = gv", DECL_NUMBER(w->f, gvs, w->f->stack_limit.id));
        put(w, "\n");
    }
}

/* ---- Blocks ---- */

static void put_spaces(writer *w, uint32_t n)
{
    static const char spaces[] = "                                    ";

    jit_strbuf_put(&w->out, spaces, n < sizeof spaces ? n : sizeof spaces - 1);
}

static void put_aliases(writer *w, uint32_t id)
{
    if (!w->alias)
        return;
    for (uint32_t a = w->alias[id - 1]; a != 0; a = w->next_alias[a - 1]) {
        put_spaces(w, w->indent);
        jit_writer_value(w, a);
        put(w, " -> ");
        jit_writer_value(w, id);
        put(w, "\n");
    }
}

static void put_block_header(writer *w, const ir_block *b)
{
    const uint32_t *params = w->f->pool.at + b->params;

    put_spaces(w, w->indent - 4);
    jit_writer_block(w, w->block);
    for (uint32_t k = 0; k < b->nparams; k++) {
        put(w, k == 0 ? "(" : ", ");
        jit_writer_value(w, params[k]);
        put(w, ": ");
        jit_print_type(&w->out, value_type(w->f, params[k]));
    }
    put(w, b->nparams > 0 ? ")" : "");
    put(w, b->cold ? " cold:\n" : ":\n");
    for (uint32_t k = 0; k < b->nparams; k++)
        put_aliases(w, params[k]);
}

/* Source positions and debug tags in front of an instruction, and the indent. */
static void put_margin(writer *w, uint32_t inst)
{
    const jit_func *f = w->f;
    uint32_t width = w->indent;
    size_t before = w->out.len;

    while (w->note < f->notes.len && f->notes.at[w->note].inst < inst)
        w->note++;
    if (w->note < f->notes.len && f->notes.at[w->note].inst == inst
        && f->notes.at[w->note].text[0] == '<') {
        put(w, f->notes.at[w->note++].text);
        put(w, " ");
    }
    if (inst < f->srcpos.len && f->srcpos.at[inst] != UINT32_MAX)
        jit_strbuf_printf(&w->out, "@%04x ", f->srcpos.at[inst]);
    if (w->out.len - before < width)
        put_spaces(w, width - (uint32_t)(w->out.len - before));
}

static void put_block(writer *w, uint32_t block)
{
    const jit_func *f = w->f;
    const ir_block *b = &f->blocks.at[block];

    w->block = block;
    put_block_header(w, b);
    for (uint32_t k = b->first; k < b->end; k++) {
        const ir_inst *i = inst_at(f, k);
        uint32_t n = jit_inst_result_count(f, i);
        put_margin(w, k);
        jit_writer_inst(w, k);
        put(w, "\n");
        for (uint32_t m = 0; w->alias && m < n; m++)
            put_aliases(w, i->c + m);
    }
}

/* Lists the aliases of each value, in order. */
static bool collect_aliases(writer *w)
{
    const jit_func *f = w->f;
    uint32_t n = f->values.len;

    for (uint32_t k = n; k-- > 0;) {
        const ir_value *v = &f->values.at[k];
        if (v->kind != VALUE_ALIAS)
            continue;
        if (!w->alias) {
            w->alias = arena_try(&w->tmp, (size_t)n * sizeof *w->alias);
            w->next_alias = arena_try(&w->tmp, (size_t)n * sizeof *w->next_alias);
            if (!w->alias || !w->next_alias)
                return false;
            memset(w->alias, 0, (size_t)n * sizeof *w->alias);
        }
        w->next_alias[k] = w->alias[v->def - 1];
        w->alias[v->def - 1] = k + 1;
    }
    return true;
}

/* As Cranelift does, instructions stand far to the right when one of them has a position or tag. */
static uint32_t indent_of(const jit_func *f)
{
    for (uint32_t k = 0; k < f->srcpos.len; k++)
        if (f->srcpos.at[k] != UINT32_MAX)
            return 36;
    for (uint32_t k = 0; k < f->notes.len; k++)
        if (f->notes.at[k].text[0] == '<')
            return 36;
    return 4;
}

static void put_function(writer *w)
{
    const jit_func *f = w->f;
    size_t before;

    w->indent = indent_of(f);
    w->note = 0;
    put(w, "function ");
    put_name(w, &f->name);
    put_signature(w, &f->sig);
    put(w, " {\n");
    before = w->out.len;
    put_preamble(w);
    for (uint32_t k = 0; k < f->layout.len; k++) {
        if (k > 0 || w->out.len > before)
            put(w, "\n");
        put_block(w, f->layout.at[k]);
    }
    put(w, "}\n");
}

static const jit_allocator *host_of(jit_engine *e)
{
    return e ? jit_engine_allocator(e) : &jit_libc_allocator;
}

/* Prints one function to s; false: no memory. */
static bool print_to(const jit_func *f, strbuf *s)
{
    writer w;
    bool done;

    memset(&w, 0, sizeof w);
    w.f = f;
    w.out = *s;
    jit_arena_init(&w.tmp, s->host, &w.fail);
    done = collect_aliases(&w);
    if (done)
        put_function(&w);
    jit_arena_free(&w.tmp);
    *s = w.out;
    return done && !s->failed;
}

/* A string the host can own: its block is as long as its text, so that its size is known. */
static char *finish(strbuf *s, bool done, size_t *length)
{
    char *text = NULL;

    if (done && !s->failed) {
        text = s->host->alloc(s->host->user, s->len + 1);
        if (text) {
            if (s->len > 0)
                memcpy(text, s->at, s->len);
            text[s->len] = 0;
            if (length)
                *length = s->len;
        }
    }
    jit_strbuf_free(s);
    return text;
}

char *jit_func_print(const jit_func *f, size_t *length)
{
    strbuf s;

    jit_strbuf_init(&s, host_of(f->engine));
    return finish(&s, print_to(f, &s), length);
}

void jit_string_free(jit_engine *e, char *s)
{
    const jit_allocator *host = host_of(e);

    if (s)
        host->free(host->user, s, strlen(s) + 1);
}

/* ---- Modules ---- */

bool jit_text_is_command(const char *comment)
{
    static const char *const words[] = {
        "run", "print", "check", "nextln", "not", "error", "sameln", "unordered", "regex"
    };

    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        size_t n = strlen(words[k]);
        if (strncmp(comment, words[k], n) == 0
            && (comment[n] == ':' || (k < 2 && (comment[n] == 0 || comment[n] == ' '))))
            return true;
    }
    return false;
}

/* The header, or the run lines that belong to a function; whether there was anything. */
static bool put_directives(const jit_module *m, uint32_t function, size_t *k, strbuf *s)
{
    static const char *const words[] = { "test ", "set ", "target ", "feature ", "; " };
    size_t n = jit_module_directive_count(m);
    bool any = false;

    for (; *k < n; ++*k) {
        jit_directive d = jit_module_directive(m, *k);
        if (d.function != function && d.function != UINT32_MAX && function != UINT32_MAX)
            break;
        if (d.function != function
            || (d.kind == JIT_DIR_COMMENT && function != UINT32_MAX
                && !jit_text_is_command(d.text)))
            continue;
        jit_strbuf_puts(s, words[d.kind]);
        jit_strbuf_puts(s, d.text);
        jit_strbuf_putc(s, '\n');
        any = true;
    }
    return any;
}

char *jit_module_print(const jit_module *m, size_t *length)
{
    size_t count = jit_module_function_count(m), k = 0;
    bool done = true, any;
    strbuf s;

    jit_strbuf_init(&s, m->host);
    any = put_directives(m, UINT32_MAX, &k, &s);
    k = 0;
    for (size_t i = 0; i < count && done; i++) {
        if (any || i > 0)
            jit_strbuf_putc(&s, '\n');
        done = print_to(jit_module_function_at(m, i), &s);
        put_directives(m, (uint32_t)i, &k, &s);
    }
    return finish(&s, done, length);
}
