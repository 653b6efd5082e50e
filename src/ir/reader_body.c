/* reader_body.c - reads blocks and aliases, at a function's end resolves what was used early. */
#include "ir/reader.h"

#include "ir/literal.h"

#define NO_POSITION UINT32_MAX

/* ---- Numbers of values and blocks ---- */

static uint32_t new_forward(reader *r, uint32_t number, place where)
{
    forward fw = { .number = number, .line = where.line, .column = where.column };

    if (r->forwards.len >= EH_RET(0) - FORWARD)
        jit_reader_error(r, where, "too many values are used before their definition");
    vec_push(&r->tmp, &r->forwards, fw);
    numbering_put(&r->tmp, &r->values, r->stamp, number, FORWARD + r->forwards.len - 1);
    return FORWARD + r->forwards.len - 1;
}

uint32_t jit_reader_value(reader *r, const char *what)
{
    uint32_t number = tok(r)->number, id;

    if (!at(r, TOK_VALUE))
        jit_reader_expected(r, what);
    id = numbering_get(&r->values, r->stamp, number);
    if (id == 0)
        id = new_forward(r, number, here(r));
    next(r);
    return id;
}

/* Fails when a value of that number exists already. */
static void check_new(reader *r, uint32_t number, place where)
{
    uint32_t id = numbering_get(&r->values, r->stamp, number);

    if ((id != 0 && id < FORWARD) || (id >= FORWARD && r->forwards.at[id - FORWARD].alias != 0))
        jit_reader_error(r, where, "v%u is already defined", number);
}

/* Value id, the newest one, is v<number>. */
void jit_reader_name_value(reader *r, uint32_t number, uint32_t id)
{
    jit_func *f = r->f;

    numbering_put(&r->tmp, &r->values, r->stamp, number, id);
    if (!vec_try_reserve(&f->mem, &f->value_name, 1))
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a value");
    f->value_name.at[f->value_name.len++] = number + 1;
}

uint32_t jit_reader_block(reader *r, const char *what)
{
    jit_func *f = r->f;
    uint32_t number = tok(r)->number, id;

    if (!at(r, TOK_BLOCK))
        jit_reader_expected(r, what);
    id = numbering_get(&r->blocks, r->stamp, number);
    if (id == 0) {
        id = jit_func_add_block(f);
        jit_reader_check(r);
        if (!vec_try_reserve(&f->mem, &f->block_name, 1)
            || !vec_try_reserve(&f->mem, &f->block_line, 1))
            jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a block");
        f->block_name.at[f->block_name.len++] = number + 1;
        f->block_line.at[f->block_line.len++] = 0; /* until it is defined */
        vec_push(&r->tmp, &r->block_uses, here(r));
        numbering_put(&r->tmp, &r->blocks, r->stamp, number, id);
    }
    next(r);
    return id - 1;
}

/* ---- Aliases: v5 -> v2 ---- */

/* The value v<number> as another name of value id, which is defined. */
static void add_alias(reader *r, uint32_t number, uint32_t id)
{
    jit_func *f = r->f;
    ir_value v = f->values.at[id - 1];

    v.def = id;
    v.kind = VALUE_ALIAS;
    v.num = 0;
    if (f->values.len >= IR_MAX_ENTITIES || !vec_try_reserve(&f->mem, &f->values, 1))
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a value");
    f->values.at[f->values.len++] = v;
    jit_reader_name_value(r, number, f->values.len);
    numbering_put(&r->tmp, &r->values, r->stamp, number, id); /* uses name the value itself */
}

static void read_alias(reader *r, uint32_t number, place where)
{
    uint32_t before, id, own, dest = tok(r)->number;

    if (!at(r, TOK_VALUE))
        jit_reader_expected(r, "the value that the alias stands for");
    before = numbering_get(&r->alias_of, r->stamp, number);
    if (before != 0 && before == dest + 1) { /* said twice */
        next(r);
        return;
    }
    check_new(r, number, where);
    numbering_put(&r->tmp, &r->alias_of, r->stamp, number, dest + 1);
    id = jit_reader_value(r, "a value");
    if (id < FORWARD) {
        add_alias(r, number, id);
        return;
    }
    own = numbering_get(&r->values, r->stamp, number);
    if (own == 0)
        own = new_forward(r, number, where);
    r->forwards.at[own - FORWARD].alias = id - FORWARD + 1;
    r->forwards.at[own - FORWARD].line = where.line;
    r->forwards.at[own - FORWARD].column = where.column;
}

/* ---- Blocks ---- */

static void read_params(reader *r, uint32_t block)
{
    do {
        place where = here(r);
        uint32_t number = expect_number(r, TOK_VALUE, "a block parameter like v0: i32"), id;
        jit_type t;

        expect(r, ':', "`:` and the type of the block parameter");
        t = jit_reader_type(r, "the type of the block parameter");
        check_new(r, number, where);
        id = jit_func_add_param(r->f, block, t);
        jit_reader_check(r);
        jit_reader_name_value(r, number, id);
    } while (accept(r, ','));
    expect(r, ')', "`,` or ) after a block parameter");
}

/* <1, ss0>: kept as text. */
static char *read_tags(reader *r)
{
    strbuf s;
    char *text;

    jit_strbuf_init(&s, &r->scratch_host);
    jit_strbuf_putc(&s, '<');
    next(r);
    while (!at(r, '>')) {
        if (s.len > 1)
            jit_strbuf_puts(&s, ", ");
        if (at(r, TOK_SLOT)) {
            jit_strbuf_puts(&s, "ss");
            jit_strbuf_u64(&s, tok(r)->number);
            jit_reader_declared(r, SPACE_SLOT, TOK_SLOT, "a stack slot");
        } else
            jit_strbuf_u64(&s, jit_reader_unsigned(r, UINT32_MAX,
                                                   "a number or a stack slot in a debug tag"));
        if (!accept(r, ','))
            break;
    }
    expect(r, '>', "`,` or > in a debug tag");
    jit_strbuf_putc(&s, '>');
    if (s.failed)
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a debug tag");
    text = jit_reader_string(r, &r->f->mem, s.at, s.len);
    return text;
}

static uint32_t read_position(reader *r)
{
    uint64_t x = 0;

    for (size_t k = 1; k < tok(r)->len; k++) {
        char c = tok(r)->at[k];
        x = x << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        if (x > UINT32_MAX)
            jit_reader_error(r, here(r), "expected a source position of 32 bits");
    }
    next(r);
    return (uint32_t)x;
}

/* An instruction or an alias. */
static void read_line(reader *r)
{
    uint32_t position = NO_POSITION;
    const char *tags = NULL;
    place where;

    if (at(r, '<'))
        tags = read_tags(r);
    if (at(r, TOK_POSITION))
        position = read_position(r);
    if (at(r, '<') && !tags)
        tags = read_tags(r);
    r->results.len = 0;
    where = here(r);
    if (!at(r, TOK_VALUE)) {
        jit_reader_inst(r, position, tags);
        return;
    }
    do {
        uint32_t number = expect_number(r, TOK_VALUE, "a result like v0");
        vec_push(&r->tmp, &r->results, number);
    } while (accept(r, ','));
    if (at(r, TOK_ARROW) && r->results.len == 1) {
        next(r);
        read_alias(r, r->results.at[0], where);
        return;
    }
    expect(r, '=', r->results.len == 1 ? "= or ->" : "`,` or =");
    for (uint32_t k = 0; k < r->results.len; k++)
        check_new(r, r->results.at[k], where);
    jit_reader_inst(r, position, tags);
}

static void read_block(reader *r)
{
    jit_func *f = r->f;
    place where = here(r);
    uint32_t block = jit_reader_block(r, "a block or } in the body of the function");

    if (f->blocks.at[block].placed)
        jit_reader_error(r, where, "block%u is already defined", f->block_name.at[block] - 1);
    jit_func_place_block(f, block);
    jit_reader_check(r);
    f->block_line.at[block] = where.line;
    if (accept(r, '(') && !accept(r, ')'))
        read_params(r, block);
    if (accept_word(r, "cold"))
        f->blocks.at[block].cold = 1;
    expect(r, ':', "`:` after the block's name and parameters");
    while (at(r, TOK_VALUE) || at(r, TOK_WORD) || at(r, TOK_POSITION) || at(r, '<'))
        read_line(r);
}

/* ---- The end of a function ---- */

static place use_of(const forward *fw)
{
    return (place){ fw->line, fw->column };
}

/* Follows the aliases from forward k to a value; all on the way become that value. */
static void resolve(reader *r, uint32_t k)
{
    forward *all = r->forwards.at;
    uint32_t end = k, id;

    while (all[end].id == 0 && all[end].alias != 0) {
        if (all[end].busy)
            jit_reader_error(r, use_of(&all[end]), "the alias v%u stands for itself",
                             all[end].number);
        all[end].busy = true;
        end = all[end].alias - 1;
    }
    id = all[end].id != 0 ? all[end].id : numbering_get(&r->values, r->stamp, all[end].number);
    if (id >= FORWARD)
        jit_reader_error(r, use_of(&all[end]), "v%u is not defined", all[end].number);
    all[end].id = id;
    while (k != end) {
        uint32_t follow = all[k].alias - 1;
        all[k].id = id;
        add_alias(r, all[k].number, id);
        k = follow;
    }
}

static inline uint32_t resolved(const reader *r, uint32_t id)
{
    return id >= FORWARD && id < EH_RET(0) ? r->forwards.at[id - FORWARD].id : id;
}

static void patch_call(reader *r, uint32_t call)
{
    uint32_t *p = r->f->pool.at + call;

    for (uint32_t k = 0; k < p[1]; k++)
        p[3 + k] = resolved(r, p[3 + k]);
}

static void patch_inst(reader *r, ir_inst *i)
{
    jit_func *f = r->f;
    const op_info *o = op_of(i);
    uint32_t n;

    if (o->pooled) {
        n = o->nargs >= 0 ? (uint32_t)o->nargs : f->pool.at[i->a - 1];
        for (uint32_t k = 0; k < n; k++)
            f->pool.at[i->a + k] = resolved(r, f->pool.at[i->a + k]);
    } else {
        if (o->nargs > 0)
            i->a = resolved(r, i->a);
        if (o->nargs > 1)
            i->b = resolved(r, i->b);
    }
    if (o->format == FMT_TRY_CALL || o->format == FMT_TRY_CALL_INDIRECT) {
        ir_ehtable *t = &f->ehtables.at[i->b];
        patch_call(r, t->normal);
        for (uint32_t k = 0; k < t->nentries; k++)
            if (t->entries[k].kind == EH_CONTEXT)
                t->entries[k].tag_or_value = resolved(r, t->entries[k].tag_or_value);
            else
                patch_call(r, t->entries[k].block_call);
    } else {
        n = jit_inst_target_count(f, i);
        for (uint32_t k = 0; k < n; k++)
            patch_call(r, jit_inst_target(f, i, k));
    }
}

static void check_suffixes(reader *r)
{
    char a[16], b[16];

    for (uint32_t k = 0; k < r->suffixes.len; k++) {
        const suffix_check *s = &r->suffixes.at[k];
        jit_type t = value_type(r->f, resolved(r, s->id));
        if (t != s->type)
            jit_reader_error(r, (place){ s->line, s->column },
                             "the suffix says %s, but the operand is %s",
                             jit_type_name(s->type, a), jit_type_name(t, b));
    }
}

/* Drops a list of names that says only what the indices say. */
static bool is_identity(const uint32_t *names, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (names[k] != k + 1)
            return false;
    return true;
}

void jit_reader_body(reader *r)
{
    jit_func *f = r->f;

    while (!at(r, '}'))
        read_block(r);
    for (uint32_t k = 0; k < f->blocks.len; k++)
        if (!f->blocks.at[k].placed)
            jit_reader_error(r, r->block_uses.at[k], "block%u is not defined",
                             f->block_name.at[k] - 1);
    for (uint32_t k = 0; k < r->forwards.len; k++)
        resolve(r, k);
    if (r->forwards.len > 0)
        for (uint32_t k = 0; k < f->insts.len; k++)
            patch_inst(r, &f->insts.at[k]);
    check_suffixes(r);
    if (is_identity(f->value_name.at, f->value_name.len))
        f->value_name.len = 0;
    if (is_identity(f->block_name.at, f->block_name.len))
        f->block_name.len = 0;
}
