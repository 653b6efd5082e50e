/* reader_decl.c - reads names, signatures and the declarations in front of a function's blocks. */
#include "ir/reader.h"

#include "ir/literal.h"
#include "ir/text_names.h"

static _Noreturn void no_memory(reader *r)
{
    jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory to read a declaration");
}

/* Appends to a vector in the function's memory. */
#define PUSH(r, v, x)                                                  \
    (vec_try_reserve(&(r)->f->mem, &(r)->f->v, 1)                      \
         ? (void)((r)->f->v.at[(r)->f->v.len++] = (x)) : no_memory(r))

/* ---- Names ---- */

static void user_name(reader *r, ir_name *name)
{
    name->kind = NAME_USER;
    name->space = expect_number(r, TOK_USER, "a name");
    expect(r, ':', "`:` and a number, as in u0:12");
    name->index = (uint32_t)jit_reader_unsigned(r, UINT32_MAX, "a number of 32 bits, as in u0:12");
}

/* Remembers a user name, since userextnameN counts the different ones of the function. */
static void remember_user_name(reader *r, const ir_name *name)
{
    uint64_t key = hash_mix(jit_name_hash(name) + r->stamp) | 1;
    uint32_t known;

    for (; (known = jit_map_get(&r->user_index, key)) != 0; key += 2)
        if (known <= r->user_names.len && jit_name_equal(&r->user_names.at[known - 1], name))
            return;
    vec_push(&r->tmp, &r->user_names, *name);
    jit_map_put(&r->tmp, &r->user_index, key, r->user_names.len);
}

/* %name, u0:12 or, for what is declared, userextname3: then *ext is 3 + 1. */
void jit_reader_name(reader *r, bool callee, ir_name *name, uint32_t *ext)
{
    arena *a = callee ? &r->f->mem : &r->tmp;

    memset(name, 0, sizeof *name);
    *ext = 0;
    if (at(r, TOK_NAME) && tok(r)->len > 1) {
        char *text = jit_reader_string(r, a, tok(r)->at + 1, tok(r)->len - 1);
        name->kind = NAME_TEXT;
        name->text = text;
        if (callee)
            jit_name_scan(text, name); /* it may be a libcall */
        next(r);
    } else if (at(r, TOK_USER)) {
        user_name(r, name);
        if (callee)
            remember_user_name(r, name);
    } else if (callee && at(r, TOK_USER_EXT)) {
        name->kind = NAME_TEXT; /* until the names are counted */
        name->space = 1;
        name->text = jit_reader_string(r, a, tok(r)->at, tok(r)->len);
        *ext = tok(r)->number + 1;
        next(r);
    } else
        jit_reader_expected(r, "a name like %sum or u0:12");
}

/* ---- Signatures ---- */

static uint32_t sarg_bytes(reader *r)
{
    uint64_t bytes;

    next(r);
    expect(r, '(', "( and the size of the argument");
    bytes = jit_reader_unsigned(r, UINT32_MAX, "the size of the argument in bytes");
    if (bytes % 8 != 0 || bytes / 8 > 0xffff)
        jit_reader_error(r, here(r), "a struct argument is a multiple of 8 bytes, below 512 KiB");
    expect(r, ')', ") after the size of the argument");
    return (uint32_t)bytes;
}

static jit_abi_param abi_param(reader *r)
{
    jit_abi_param p = jit_reader_type(r, "the type of a parameter");

    while (at(r, TOK_WORD)) {
        if (at_word(r, "uext"))
            p = (p & ~(jit_abi_param)JIT_SEXT) | JIT_UEXT;
        else if (at_word(r, "sext"))
            p = (p & ~(jit_abi_param)JIT_UEXT) | JIT_SEXT;
        else if (at_word(r, "vmctx"))
            p = (p & 0xfffu) | JIT_VMCTX;
        else if (at_word(r, "sret"))
            p = (p & 0xfffu) | JIT_SRET;
        else if (at_word(r, "normal"))
            p &= 0xfffu;
        else if (at_word(r, "sarg")) {
            uint32_t size = sarg_bytes(r);
            p = (p & 0xfffu) | 0x3000u | size / 8 << 16;
            continue;
        } else
            break;
        next(r);
    }
    return p;
}

/* The signature's lists stand in r->params and r->returns until the next one is read. */
void jit_reader_signature(reader *r, jit_signature *sig)
{
    int conv;

    r->params.len = r->returns.len = 0;
    expect(r, '(', "( and the parameters of a signature");
    if (!at(r, ')'))
        do
            vec_push(&r->tmp, &r->params, abi_param(r));
        while (accept(r, ','));
    expect(r, ')', "`,` or ) in a signature");
    if (accept(r, TOK_ARROW))
        do
            vec_push(&r->tmp, &r->returns, abi_param(r));
        while (accept(r, ','));
    *sig = (jit_signature){ JIT_CONV_DEFAULT, r->params.len, r->returns.len, r->params.at,
                            r->returns.at };
    if (!at(r, TOK_WORD))
        return;
    conv = jit_conv_parse(tok(r)->at, tok(r)->len);
    if (conv > 0) {
        sig->conv = (jit_conv)conv;
        next(r);
    } else if (!tok(r)->first)
        jit_reader_expected(r, "a calling convention");
}

/* ---- Declarations and references to them ---- */

static const char *const prefixes[SPACE_COUNT] = {
    "ss", "dss", "gv", "sig", "fn", "const", "region", "dt"
};

static void declare(reader *r, enum number_space space, uint32_t number, uint32_t id, place where)
{
    if (numbering_get(&r->declared[space], r->stamp, number) != 0)
        jit_reader_error(r, where, "%s%u is already declared", prefixes[space], number);
    numbering_put(&r->tmp, &r->declared[space], r->stamp, number, id);
    if (number >= r->next_number[space])
        r->next_number[space] = number + 1;
}

uint32_t jit_reader_declared(reader *r, enum number_space space, unsigned kind, const char *what)
{
    uint32_t id;

    if (!at(r, kind))
        jit_reader_expected(r, what);
    id = numbering_get(&r->declared[space], r->stamp, tok(r)->number);
    if (id == 0)
        jit_reader_error(r, here(r), "%s%u is not declared", prefixes[space], tok(r)->number);
    next(r);
    return id;
}

void jit_reader_mem_flags(reader *r, jit_mem *flags)
{
    static const struct { const char *word; uint8_t bit; } words[] = {
        { "aligned", JIT_MEM_ALIGNED }, { "readonly", JIT_MEM_READONLY },
        { "can_move", JIT_MEM_CAN_MOVE }, { "little", JIT_MEM_LITTLE }, { "big", JIT_MEM_BIG }
    };
    const unsigned both = JIT_MEM_LITTLE | JIT_MEM_BIG;
    unsigned code, k;

    memset(flags, 0, sizeof *flags);
    for (;;) {
        if (at(r, TOK_REGION)) {
            if (flags->region.id != 0)
                jit_reader_error(r, here(r), "a second alias region");
            flags->region.id = jit_reader_declared(r, SPACE_REGION, TOK_REGION, "a region");
            continue;
        }
        if (!at(r, TOK_WORD))
            return;
        for (k = 0; k < 5 && !at_word(r, words[k].word); k++)
            continue;
        if (k < 5)
            flags->bits |= words[k].bit;
        else if (at_word(r, "notrap")) {
            flags->bits |= JIT_MEM_NOTRAP;
            flags->trap = 0;
        } else if ((code = jit_trap_parse(tok(r)->at, tok(r)->len)) != 0) {
            flags->bits &= (uint8_t)~JIT_MEM_NOTRAP;
            flags->trap = code == JIT_TRAP_HEAP_OOB ? 0 : (uint8_t)code;
        } else
            return;
        if ((flags->bits & both) == both)
            jit_reader_error(r, here(r), "memory flags may not be both big and little");
        next(r);
    }
}

static void expect_equals(reader *r)
{
    expect(r, '=', "= in a declaration");
}

static void read_slot(reader *r)
{
    place where = here(r);
    ir_slot s = { .align = 1, .line = where.line };
    uint64_t align;

    s.number = expect_number(r, TOK_SLOT, "a stack slot") + 1;
    expect_equals(r);
    if (!accept_word(r, "explicit_slot"))
        jit_reader_expected(r, "explicit_slot");
    s.size = (uint32_t)jit_reader_unsigned(r, UINT32_MAX, "a size of 32 bits");
    while (accept(r, ',')) {
        if (accept_word(r, "align")) {
            expect(r, '=', "= and an alignment");
            align = jit_reader_unsigned(r, UINT32_MAX, "an alignment of 32 bits");
            if (align == 0 || (align & (align - 1)) != 0)
                jit_reader_error(r, where, "the alignment of a stack slot is a power of two");
            s.align = (uint32_t)align;
        } else if (accept_word(r, "key")) {
            expect(r, '=', "= and a key");
            s.has_key = true;
            s.key = jit_reader_unsigned(r, UINT64_MAX, "a key of 64 bits");
        } else
            jit_reader_expected(r, "align or key");
    }
    PUSH(r, slots, s);
    declare(r, SPACE_SLOT, s.number - 1, r->f->slots.len, where);
}

static void read_dynamic_slot(reader *r)
{
    ir_slot s = { .align = 1, .dynamic = true };
    place where = here(r);

    s.number = expect_number(r, TOK_DYN_SLOT, "a dynamic stack slot") + 1;
    expect_equals(r);
    if (!accept_word(r, "explicit_dynamic_slot"))
        jit_reader_expected(r, "explicit_dynamic_slot");
    s.dynamic_type = expect_number(r, TOK_DYN_TYPE, "a dynamic type like dt0") + 1;
    PUSH(r, slots, s);
    declare(r, SPACE_DYN_SLOT, s.number - 1, r->f->slots.len, where);
}

static jit_type vector_type(reader *r)
{
    place where = here(r);
    jit_type t = jit_reader_type(r, "a vector type");

    if (!jit_type_is_vector(t))
        jit_reader_error(r, where, "expected a vector type");
    return t;
}

static void read_dynamic_type(reader *r)
{
    ir_dyntype d = { 0, 0, { 0 } };
    place where = here(r);

    d.number = expect_number(r, TOK_DYN_TYPE, "a dynamic type") + 1;
    expect_equals(r);
    d.base = vector_type(r);
    expect(r, '*', "* and a global value");
    d.scale.id = jit_reader_declared(r, SPACE_GV, TOK_GV, "a global value like gv0");
    PUSH(r, dyntypes, d);
    declare(r, SPACE_DYN_TYPE, d.number - 1, r->f->dyntypes.len, where);
}

/* 0: not declared yet. */
static uint32_t base_gv(reader *r)
{
    late_base late = { .index = r->f->gvs.len, .where = here(r) };
    uint32_t id;

    late.number = expect_number(r, TOK_GV, "a global value like gv0 as the base");
    id = numbering_get(&r->declared[SPACE_GV], r->stamp, late.number);
    if (id == 0)
        vec_push(&r->tmp, &r->late_bases, late);
    return id;
}

static jit_type dotted_type(reader *r)
{
    expect(r, '.', "`.` and a type");
    return jit_reader_type(r, "the type of the global value");
}

static void read_gv_load(reader *r, ir_gv *g)
{
    place where = here(r);
    jit_mem flags;
    uint32_t mem;

    g->kind = GV_LOAD;
    g->type = dotted_type(r);
    jit_reader_mem_flags(r, &flags);
    if (!(flags.bits & JIT_MEM_NOTRAP) || !(flags.bits & JIT_MEM_ALIGNED))
        jit_reader_error(r, where, "a global value's load has to be notrap and aligned");
    mem = jit_func_mem(r->f, flags);
    jit_reader_check(r);
    g->mem = (uint16_t)mem;
    g->base.id = base_gv(r);
    g->offset = jit_reader_offset(r, INT32_MIN, INT32_MAX);
}

/* A 64-bit immediate, signed or unsigned. */
static int64_t imm64(reader *r, const char *what)
{
    literal_int x;
    u128 bits = 0;

    if (!at(r, TOK_NUMBER) || !jit_literal_int(tok(r)->at, tok(r)->len, &x)
        || !jit_literal_fits(x, 64, &bits))
        jit_reader_expected(r, what);
    next(r);
    return (int64_t)bits;
}

static void read_gv_symbol(reader *r, ir_gv *g)
{
    uint32_t ext;

    g->kind = GV_SYMBOL;
    g->colocated = accept_word(r, "colocated");
    g->tls = accept_word(r, "tls");
    jit_reader_name(r, true, &g->name, &ext);
    if (ext != 0) {
        ext_name e = { true, r->f->gvs.len, ext - 1 };
        vec_push(&r->tmp, &r->ext_names, e);
    }
    if (at(r, TOK_NUMBER) && (*tok(r)->at == '+' || *tok(r)->at == '-'))
        g->offset = imm64(r, "an offset of 64 bits");
}

static void read_gv(reader *r)
{
    place where = here(r);
    ir_gv g = { .type = JIT_I64, .line = where.line };

    g.number = expect_number(r, TOK_GV, "a global value") + 1;
    expect_equals(r);
    if (accept_word(r, "vmctx"))
        g.kind = GV_VMCTX;
    else if (accept_word(r, "load"))
        read_gv_load(r, &g);
    else if (accept_word(r, "iadd_imm")) {
        g.kind = GV_IADD_IMM;
        g.type = dotted_type(r);
        g.base.id = base_gv(r);
        expect(r, ',', "`,` and a number");
        g.offset = imm64(r, "a number of 64 bits");
    } else if (accept_word(r, "symbol"))
        read_gv_symbol(r, &g);
    else if (accept_word(r, "dyn_scale_target_const")) {
        g.kind = GV_DYN_SCALE;
        expect(r, '.', "`.` and a type");
        g.type = vector_type(r);
    } else
        jit_reader_expected(r, "vmctx, load, iadd_imm, symbol or dyn_scale_target_const");
    PUSH(r, gvs, g);
    declare(r, SPACE_GV, g.number - 1, r->f->gvs.len, where);
}

static uint32_t add_sig(reader *r, uint32_t number, place where)
{
    jit_signature sig;
    jit_sigref id;

    jit_reader_signature(r, &sig);
    id = jit_func_add_sig(r->f, &sig);
    jit_reader_check(r);
    r->f->sigs.at[id.id - 1].number = number + 1;
    r->f->sigs.at[id.id - 1].line = where.line;
    declare(r, SPACE_SIG, number, id.id, where);
    return id.id;
}

static void read_sig(reader *r)
{
    place where = here(r);
    uint32_t number = expect_number(r, TOK_SIG, "a signature");

    expect_equals(r);
    add_sig(r, number, where);
}

static void read_fn(reader *r)
{
    place where = here(r);
    ir_callee c = { .line = where.line };
    uint32_t ext;

    c.number = expect_number(r, TOK_FN, "a function") + 1;
    expect_equals(r);
    c.colocated = accept_word(r, "colocated");
    c.patchable = accept_word(r, "patchable");
    jit_reader_name(r, true, &c.name, &ext);
    if (ext != 0) {
        ext_name e = { false, r->f->callees.len, ext - 1 };
        vec_push(&r->tmp, &r->ext_names, e);
    }
    if (at(r, '(')) {
        if (r->next_number[SPACE_SIG] == UINT32_MAX)
            jit_reader_error(r, where, "no number is left for the signature");
        c.sig.id = add_sig(r, r->next_number[SPACE_SIG], where);
    } else
        c.sig.id = jit_reader_declared(r, SPACE_SIG, TOK_SIG, "a signature: sig0 or ( ... )");
    PUSH(r, callees, c);
    declare(r, SPACE_FN, c.number - 1, r->f->callees.len, where);
}

/* The constant of these bytes, 0: none. *key is where it stands or belongs. */
static uint32_t find_const(reader *r, const uint8_t *bytes, uint32_t size, uint64_t *key)
{
    const jit_func *f = r->f;
    uint32_t id;

    *key = hash_mix(jit_hash_bytes(bytes, size) + r->stamp) | 1;
    for (; (id = jit_map_get(&r->const_index, *key)) != 0; *key += 2)
        if (id <= f->consts.len && f->consts.at[id - 1].size == size
            && memcmp(f->consts.at[id - 1].bytes, bytes, size) == 0)
            break;
    return id;
}

static void read_const(reader *r)
{
    place where = here(r);
    uint32_t number = expect_number(r, TOK_CONST, "a constant"), size, id;
    jit_type t = JIT_VOID;
    uint8_t bytes[16];
    uint64_t key;

    expect_equals(r);
    if (at(r, TOK_TYPE))
        t = jit_reader_type(r, "a type");
    if (t != JIT_VOID && !jit_type_is_vector(t) && at(r, '['))
        jit_reader_expected(r, "a vector type before a list of lanes");
    size = jit_reader_vector(r, t, bytes);
    id = jit_func_add_const(r->f, bytes, size);
    jit_reader_check(r);
    r->f->consts.at[id - 1].number = number + 1;
    if (find_const(r, bytes, size, &key) == 0)
        jit_map_put(&r->tmp, &r->const_index, key, id);
    declare(r, SPACE_CONST, number, id, where);
}

static void read_region(reader *r)
{
    ir_region g = { 0, 0, NULL };
    place where = here(r);

    g.number = expect_number(r, TOK_REGION, "a region") + 1;
    expect_equals(r);
    g.user_id = (uint32_t)jit_reader_unsigned(r, UINT32_MAX, "a number of 32 bits");
    if (!at(r, TOK_STRING))
        jit_reader_expected(r, "a description in quotes");
    g.text = jit_reader_string(r, &r->f->mem, tok(r)->at + 1, tok(r)->len - 2);
    next(r);
    PUSH(r, regions, g);
    declare(r, SPACE_REGION, g.number - 1, r->f->regions.len, where);
}

static void read_stack_limit(reader *r)
{
    place where = here(r);

    next(r);
    expect_equals(r);
    if (r->stack_limit.id != 0)
        jit_reader_error(r, where, "a second stack_limit");
    r->stack_limit_place = here(r);
    r->f->stack_limit_line = where.line;
    r->stack_limit.id = expect_number(r, TOK_GV, "a global value like gv0") + 1;
}

static void resolve_stack_limit(reader *r)
{
    jit_gv gv;

    if (r->stack_limit.id == 0)
        return;
    gv.id = numbering_get(&r->declared[SPACE_GV], r->stamp, r->stack_limit.id - 1);
    if (gv.id == 0)
        jit_reader_error(r, r->stack_limit_place, "gv%u is not declared", r->stack_limit.id - 1);
    r->f->stack_limit = gv;
}

/* Global value k after its base, with all that it rests on; new_id: by old index, 0: not placed
 * yet. */
static void place_gv(reader *r, uint32_t k, uint32_t *new_id, uint32_t *chain, ir_gv *sorted,
                     uint32_t *n)
{
    const ir_gv *gvs = r->f->gvs.at;
    uint32_t depth = 0;

    for (; new_id[k] == 0; k = gvs[k].base.id - 1) {
        new_id[k] = UINT32_MAX; /* on the chain */
        chain[depth++] = k;
        if (gvs[k].base.id == 0)
            break;
        if (new_id[gvs[k].base.id - 1] == UINT32_MAX)
            jit_reader_error(r, (place){ gvs[k].line, 0 }, "gv%u rests on itself",
                             gvs[k].number - 1);
    }
    while (depth > 0) {
        k = chain[--depth];
        sorted[*n] = gvs[k];
        if (gvs[k].base.id != 0)
            sorted[*n].base.id = new_id[gvs[k].base.id - 1];
        new_id[k] = ++*n;
    }
}

/* Everywhere else a global value stands before those that rest on it. */
static void resolve_bases(reader *r)
{
    jit_func *f = r->f;
    uint32_t n = f->gvs.len, placed = 0;

    if (r->late_bases.len == 0)
        return;
    for (uint32_t k = 0; k < r->late_bases.len; k++) {
        const late_base *late = &r->late_bases.at[k];
        uint32_t id = numbering_get(&r->declared[SPACE_GV], r->stamp, late->number);
        if (id == 0)
            jit_reader_error(r, late->where, "gv%u is not declared", late->number);
        f->gvs.at[late->index].base.id = id;
    }
    uint32_t *new_id = ARENA_ARRAY(&r->tmp, uint32_t, n);
    uint32_t *chain = ARENA_ARRAY(&r->tmp, uint32_t, n);
    ir_gv *sorted = ARENA_ARRAY(&r->tmp, ir_gv, n);
    for (uint32_t k = 0; k < n; k++)
        place_gv(r, k, new_id, chain, sorted, &placed);
    memcpy(f->gvs.at, sorted, n * sizeof *sorted);
    for (uint32_t k = 0; k < n; k++)
        numbering_put(&r->tmp, &r->declared[SPACE_GV], r->stamp, sorted[k].number - 1, k + 1);
    for (uint32_t k = 0; k < r->ext_names.len; k++)
        if (r->ext_names.at[k].of_gv)
            r->ext_names.at[k].index = new_id[r->ext_names.at[k].index] - 1;
    for (uint32_t k = 0; k < f->dyntypes.len; k++)
        f->dyntypes.at[k].scale.id = new_id[f->dyntypes.at[k].scale.id - 1];
}

/* userextnameN is the N-th user name of the function; one that does not exist keeps its name. */
static void resolve_ext_names(reader *r)
{
    for (uint32_t k = 0; k < r->ext_names.len; k++) {
        const ext_name *e = &r->ext_names.at[k];
        if (e->number < r->user_names.len)
            *(e->of_gv ? &r->f->gvs.at[e->index].name : &r->f->callees.at[e->index].name) =
                r->user_names.at[e->number];
    }
}

void jit_reader_preamble(reader *r)
{
    for (;;) {
        switch (tok(r)->kind) {
        case TOK_SLOT: read_slot(r); break;
        case TOK_DYN_SLOT: read_dynamic_slot(r); break;
        case TOK_DYN_TYPE: read_dynamic_type(r); break;
        case TOK_GV: read_gv(r); break;
        case TOK_SIG: read_sig(r); break;
        case TOK_FN: read_fn(r); break;
        case TOK_CONST: read_const(r); break;
        case TOK_REGION: read_region(r); break;
        default:
            if (!at_word(r, "stack_limit")) {
                resolve_bases(r);
                resolve_stack_limit(r);
                resolve_ext_names(r);
                return;
            }
            read_stack_limit(r);
        }
    }
}

uint32_t jit_reader_inline_const(reader *r, const uint8_t *bytes, uint32_t size, bool mask)
{
    jit_func *f = r->f;
    uint64_t key;
    uint32_t id = find_const(r, bytes, size, &key);

    if (id == 0) {
        id = jit_func_add_const(f, bytes, size);
        jit_reader_check(r);
        f->consts.at[id - 1].number = CONST_IS_MASK;
        jit_map_put(&r->tmp, &r->const_index, key, id);
    }
    if (!mask && f->consts.at[id - 1].number == CONST_IS_MASK) {
        if (r->next_number[SPACE_CONST] >= UINT32_MAX - 1)
            jit_reader_error(r, here(r), "no number is left for the constant");
        f->consts.at[id - 1].number = ++r->next_number[SPACE_CONST];
    }
    return id;
}
