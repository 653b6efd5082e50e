/* func.c - makes a function's parts: the only code that appends to its arrays.
 *
 * Memory is the function's arena. Nothing here unwinds: what cannot be had (memory, an index in
 * range) leaves the first error in f->fail and returns 0. Meaning is the verifier's business. */
#include "ir/builder.h"

#include <string.h>

enum { FUNC_CHUNK = 4096, MAX_MEMS = 1u << 16 };

/* ---- Errors: the first one stays ---- */

static uint32_t no_memory(jit_func *f)
{
    if (f->fail.status == JIT_OK)
        jit_fail_set(&f->fail, JIT_ERR_NOMEM, "%s: no memory",
                     f->printed ? f->printed : "function");
    return 0;
}

static uint32_t over_limit(jit_func *f, const char *what)
{
    if (f->fail.status == JIT_OK)
        jit_fail_set(&f->fail, JIT_ERR_LIMIT, "%s: too many %s", f->printed, what);
    return 0;
}

static uint32_t broken(jit_func *f, const char *what)
{
    if (f->fail.status == JIT_OK)
        jit_fail_set(&f->fail, JIT_ERR_VERIFY, "%s: %s", f->printed, what);
    return 0;
}

/* Room for n more in vector v of f, or the error in f. */
#define ROOM(f, v, n, what)                                                    \
    ((f)->v.len > IR_MAX_ENTITIES - (n) ? (over_limit((f), (what)), false)     \
     : vec_try_reserve(&(f)->mem, &(f)->v, (n)) ? true                         \
                                                : (no_memory(f), false))

/* ---- Functions ---- */

static bool copy_params(arena *a, const jit_abi_param *from, uint32_t n, jit_abi_param **to)
{
    *to = arena_try(a, (size_t)n * sizeof **to);
    if (!*to)
        return false;
    if (n > 0)
        memcpy(*to, from, (size_t)n * sizeof **to);
    return true;
}

static bool copy_signature(jit_func *f, const jit_signature *from, ir_sig *to)
{
    memset(to, 0, sizeof *to);
    if (from->nparams > IR_MAX_BLOCK_PARAMS || from->nresults > IR_MAX_BLOCK_PARAMS) {
        over_limit(f, "parameters");
        return false;
    }
    if ((from->nparams > 0 && !from->params) || (from->nresults > 0 && !from->results)) {
        broken(f, "a signature without its parameters");
        return false;
    }
    if (!copy_params(&f->mem, from->params, from->nparams, &to->params)
        || !copy_params(&f->mem, from->results, from->nresults, &to->results)) {
        no_memory(f);
        return false;
    }
    to->conv = (uint32_t)from->conv;
    to->nparams = from->nparams;
    to->nresults = from->nresults;
    return true;
}

static const char *copy_text(jit_func *f, const char *text)
{
    size_t n = strlen(text) + 1;
    char *p = arena_try(&f->mem, n);

    if (p)
        memcpy(p, text, n);
    else
        no_memory(f);
    return p;
}

static bool copy_name(jit_func *f, const ir_name *from, ir_name *to)
{
    *to = *from;
    if (from->kind == NAME_TEXT)
        to->text = copy_text(f, from->text);
    return from->kind != NAME_TEXT || to->text;
}

static bool set_up(jit_func *f, const ir_name *name, const jit_signature *sig)
{
    static const jit_mem plain = { 0 };
    size_t n = jit_name_print(name, NULL, 0) + 1;
    char *printed = arena_try(&f->mem, n);

    if (!printed || !copy_name(f, name, &f->name))
        return false;
    jit_name_print(name, printed, n);
    f->printed = printed;
    if (!vec_try_reserve(&f->mem, &f->pool, 16))
        return false;
    f->pool.at[f->pool.len++] = 0; /* never used */
    if (jit_func_mem(f, plain) != 0)
        return false;
    if (copy_signature(f, sig, &f->sig))
        f->public_sig = (jit_signature){ (jit_conv)f->sig.conv, f->sig.nparams, f->sig.nresults,
                                         f->sig.params, f->sig.results };
    return f->fail.status != JIT_ERR_NOMEM;
}

jit_func *jit_func_create(const jit_allocator *host, jit_engine *e, const ir_name *name,
                          const jit_signature *sig)
{
    jit_func *f = host->alloc(host->user, sizeof *f);

    if (!f)
        return NULL;
    memset(f, 0, sizeof *f);
    jit_arena_init(&f->mem, host, &f->fail);
    if (f->mem.chunk > FUNC_CHUNK)
        f->mem.chunk = FUNC_CHUNK;
    f->engine = e;
    if (!set_up(f, name, sig)) {
        jit_func_destroy(f);
        return NULL;
    }
    return f;
}

void jit_func_destroy(jit_func *f)
{
    const jit_allocator *host = f->mem.host;

    if (f->builder)
        jit_builder_drop(f->builder);
    jit_arena_free(&f->mem);
    host->free(host->user, f, sizeof *f);
}

jit_func *jit_func_new(jit_engine *e, const char *name, const jit_signature *sig)
{
    static const ir_name nameless = { NAME_TEXT, 0, 0, "" };
    static const jit_signature empty = { 0 };
    ir_name n = nameless;
    bool named = name && jit_name_scan(name, &n);
    jit_func *f;

    if (n.kind == NAME_LIBCALL) /* a definition is no libcall, whatever its name */
        n = (ir_name){ NAME_TEXT, 0, 0, jit_libcall_name(n.index) };
    f = jit_func_create(e ? jit_engine_allocator(e) : &jit_libc_allocator, e,
                        named ? &n : &nameless, sig ? sig : &empty);
    if (f)
        f->linkage = JIT_EXPORT; /* what is published by itself has its name only to be called by */
    if (f && !named)
        broken(f, "the function's name is not an identifier");
    if (f && !sig)
        broken(f, "no signature was given");
    return f;
}

void jit_func_free(jit_func *f)
{
    if (f && !f->module)
        jit_func_destroy(f);
}

const char *jit_func_name(const jit_func *f)
{
    return f->printed;
}

const jit_signature *jit_func_signature(const jit_func *f)
{
    return &f->public_sig;
}

size_t jit_func_inst_count(const jit_func *f)
{
    return f->insts.len;
}

size_t jit_func_block_count(const jit_func *f)
{
    return f->blocks.len;
}

jit_status jit_func_error(const jit_func *f, const char **message)
{
    if (message)
        *message = f->fail.message;
    return f->fail.status;
}

/* ---- Blocks, instructions, operand lists ---- */

uint32_t jit_func_add_block(jit_func *f)
{
    f->verified = false;
    if (!ROOM(f, blocks, 1, "blocks"))
        return 0;
    memset(&f->blocks.at[f->blocks.len], 0, sizeof f->blocks.at[0]);
    return ++f->blocks.len;
}

bool jit_func_place_block(jit_func *f, uint32_t block)
{
    ir_block *b;

    f->verified = false;
    if (block >= f->blocks.len)
        return broken(f, "no such block") != 0;
    b = &f->blocks.at[block];
    if (b->placed)
        return broken(f, "a block is started twice") != 0;
    if (!ROOM(f, layout, 1, "blocks"))
        return false;
    f->layout.at[f->layout.len++] = block;
    b->placed = 1;
    b->first = b->end = f->insts.len;
    return true;
}

/* Moves n words of the pool to its end, with room for more; the new index, 0 on failure. */
static uint32_t move_list(jit_func *f, uint32_t from, uint32_t n, uint32_t room)
{
    uint32_t to;

    if (!ROOM(f, pool, room, "operands"))
        return 0;
    to = f->pool.len;
    if (n > 0)
        memcpy(f->pool.at + to, f->pool.at + from, n * sizeof f->pool.at[0]);
    f->pool.len += room;
    return to;
}

uint32_t jit_func_add_param(jit_func *f, uint32_t block, jit_type t)
{
    ir_block *b;
    uint32_t n, id;

    f->verified = false;
    if (block >= f->blocks.len)
        return broken(f, "no such block");
    b = &f->blocks.at[block];
    n = b->nparams;
    if (n >= IR_MAX_BLOCK_PARAMS)
        return over_limit(f, "block parameters");
    if (!ROOM(f, values, 1, "values"))
        return 0;
    if (n == b->params_cap) {
        uint32_t cap = n == 0 ? 4 : n * 2, to = move_list(f, b->params, n, cap);
        if (to == 0)
            return 0;
        b->params = to;
        b->params_cap = cap;
    }
    f->values.at[f->values.len] = (ir_value){ block, t, VALUE_PARAM, n & IR_MAX_BLOCK_PARAMS };
    id = ++f->values.len;
    f->pool.at[b->params + n] = id;
    b->nparams = n + 1;
    return id;
}

uint32_t jit_func_append(jit_func *f, const ir_inst *i, const jit_type *results, uint32_t n)
{
    uint32_t index = f->insts.len;
    ir_inst *to;

    f->verified = false;
    if (f->layout.len == 0)
        return broken(f, "an instruction outside any block");
    if (n > IR_MAX_BLOCK_PARAMS)
        return over_limit(f, "results");
    if (!ROOM(f, insts, 1, "instructions") || !ROOM(f, values, n, "values"))
        return 0;
    to = &f->insts.at[f->insts.len++];
    *to = *i;
    if (n > 0)
        to->c = f->values.len + 1;
    for (uint32_t k = 0; k < n; k++)
        f->values.at[f->values.len++] =
            (ir_value){ index, results[k], VALUE_RESULT, k & IR_MAX_BLOCK_PARAMS };
    f->blocks.at[f->layout.at[f->layout.len - 1]].end = index + 1;
    return index + 1;
}

uint32_t jit_func_list(jit_func *f, const uint32_t *ids, uint32_t n)
{
    uint32_t at;

    f->verified = false;
    if (n >= IR_MAX_ENTITIES)
        return over_limit(f, "operands");
    if (!ROOM(f, pool, n + 1, "operands"))
        return 0;
    f->pool.at[f->pool.len++] = n;
    at = f->pool.len;
    if (n > 0)
        memcpy(f->pool.at + at, ids, n * sizeof ids[0]);
    f->pool.len += n;
    return at;
}

uint32_t jit_func_block_call(jit_func *f, uint32_t block, const uint32_t *args, uint32_t nargs)
{
    uint32_t at = f->pool.len, *p;

    f->verified = false;
    if (nargs > IR_MAX_BLOCK_PARAMS || block == UINT32_MAX)
        return over_limit(f, "block arguments");
    if (!ROOM(f, pool, nargs + 3, "operands"))
        return 0;
    p = f->pool.at + at;
    p[0] = block + 1;
    p[1] = p[2] = nargs;
    if (nargs > 0)
        memcpy(p + 3, args, nargs * sizeof args[0]);
    f->pool.len += nargs + 3;
    return at;
}

uint32_t jit_func_block_call_reserve(jit_func *f, uint32_t call, uint32_t n)
{
    uint32_t len = f->pool.at[call + 1], cap = f->pool.at[call + 2], room = len + n, to;

    if (n > IR_MAX_BLOCK_PARAMS - len)
        return over_limit(f, "block arguments");
    if (room <= cap)
        return call;
    if (call + 3 + cap == f->pool.len) { /* the last list of the pool grows where it is */
        if (!ROOM(f, pool, room - cap, "operands"))
            return 0;
        f->pool.len += room - cap;
        to = call;
    } else {
        if (room < len * 2)
            room = len * 2;
        to = move_list(f, call, len + 3, room + 3);
        if (to == 0)
            return 0;
    }
    f->pool.at[to + 2] = room;
    return to;
}

uint32_t jit_func_block_call_push(jit_func *f, uint32_t call, uint32_t arg)
{
    uint32_t *p;

    f->verified = false;
    call = jit_func_block_call_reserve(f, call, 1);
    if (call == 0)
        return 0;
    p = f->pool.at + call;
    p[3 + p[1]++] = arg;
    return call;
}

uint32_t jit_func_mem(jit_func *f, jit_mem flags)
{
    uint64_t key = (uint64_t)flags.region.id << 16 | (uint64_t)flags.trap << 8 | flags.bits;
    uint32_t known = jit_map_get(&f->mem_index, key);

    if (known != 0)
        return known - 1;
    if (f->mems.len >= MAX_MEMS) {
        over_limit(f, "kinds of memory flags");
        return UINT32_MAX;
    }
    if (!vec_try_reserve(&f->mem, &f->mems, 1)
        || !jit_map_try_put(&f->mem, &f->mem_index, key, f->mems.len + 1)) {
        no_memory(f);
        return UINT32_MAX;
    }
    f->mems.at[f->mems.len] = flags;
    return f->mems.len++;
}

/* ---- Declarations ---- */

uint32_t jit_func_add_const(jit_func *f, const void *bytes, uint32_t size)
{
    uint8_t *copy;

    f->verified = false;
    copy = arena_try(&f->mem, size);
    if (!copy)
        return no_memory(f);
    if (!ROOM(f, consts, 1, "constants"))
        return 0;
    if (size > 0)
        memcpy(copy, bytes, size);
    f->consts.at[f->consts.len] = (ir_const){ .bytes = copy, .size = size };
    return ++f->consts.len;
}

jit_sigref jit_func_add_sig(jit_func *f, const jit_signature *sig)
{
    jit_sigref none = { 0 };
    ir_sig copy;

    f->verified = false;
    if (!copy_signature(f, sig, &copy) || !ROOM(f, sigs, 1, "signatures"))
        return none;
    f->sigs.at[f->sigs.len++] = copy;
    return jit_sigref_at(f->sigs.len - 1);
}

bool jit_name_parse(jit_func *f, const char *text, ir_name *out)
{
    if (jit_name_scan(text, out))
        return copy_name(f, out, out);
    broken(f, "a name is not an identifier");
    return false;
}

jit_sigref jit_sig_declare(jit_func *f, const jit_signature *sig)
{
    jit_sigref none = { 0 };

    if (sig)
        return jit_func_add_sig(f, sig);
    broken(f, "no signature was given");
    return none;
}

jit_fnref jit_callee_declare(jit_func *f, const char *name, jit_sigref sig, bool colocated)
{
    jit_fnref none = { 0 };
    ir_callee c = { .sig = sig, .colocated = colocated };

    f->verified = false;
    if (!name || sig.id == 0 || sig.id > f->sigs.len) {
        broken(f, "a callee needs a name and a declared signature");
        return none;
    }
    if (!jit_name_parse(f, name, &c.name) || !ROOM(f, callees, 1, "callees"))
        return none;
    f->callees.at[f->callees.len++] = c;
    return jit_fnref_at(f->callees.len - 1);
}

jit_slot jit_slot_declare(jit_func *f, uint32_t size, uint32_t align)
{
    jit_slot none = { 0 };

    f->verified = false;
    if (!ROOM(f, slots, 1, "stack slots"))
        return none;
    f->slots.at[f->slots.len++] = (ir_slot){ .size = size, .align = align == 0 ? 1 : align };
    return jit_slot_at(f->slots.len - 1);
}

jit_region jit_region_declare(jit_func *f, uint32_t user_id, const char *text)
{
    jit_region none = { 0 };
    const char *copy = NULL;

    f->verified = false;
    if ((text && !(copy = copy_text(f, text))) || !ROOM(f, regions, 1, "regions"))
        return none;
    f->regions.at[f->regions.len] = (ir_region){ 0, user_id, copy };
    return jit_region_at(f->regions.len++);
}

static jit_gv add_gv(jit_func *f, ir_gv gv)
{
    jit_gv none = { 0 };

    f->verified = false;
    if (!ROOM(f, gvs, 1, "global values"))
        return none;
    f->gvs.at[f->gvs.len++] = gv;
    return jit_gv_at(f->gvs.len - 1);
}

jit_gv jit_gv_vmctx(jit_func *f)
{
    return add_gv(f, (ir_gv){ .kind = GV_VMCTX, .type = JIT_I64 });
}

jit_gv jit_gv_load(jit_func *f, jit_type t, jit_mem flags, jit_gv base, int32_t offset)
{
    jit_gv none = { 0 };
    uint32_t mem = jit_func_mem(f, flags);

    if (mem == UINT32_MAX)
        return none;
    return add_gv(f, (ir_gv){ .kind = GV_LOAD, .type = t, .mem = (uint16_t)mem, .base = base,
                              .offset = offset });
}

jit_gv jit_gv_iadd_imm(jit_func *f, jit_type t, jit_gv base, int64_t imm)
{
    return add_gv(f, (ir_gv){ .kind = GV_IADD_IMM, .type = t, .base = base, .offset = imm });
}

jit_gv jit_gv_symbol(jit_func *f, const char *name, int64_t offset, bool colocated, bool tls)
{
    jit_gv none = { 0 };
    ir_gv gv = { .kind = GV_SYMBOL, .type = JIT_I64, .colocated = colocated, .tls = tls,
                 .offset = offset };

    if (!name) {
        broken(f, "a symbol needs a name");
        return none;
    }
    return jit_name_parse(f, name, &gv.name) ? add_gv(f, gv) : none;
}

void jit_func_stack_limit(jit_func *f, jit_gv limit)
{
    f->verified = false;
    f->stack_limit = limit;
}

/* ---- Questions about an instruction ---- */

uint32_t jit_inst_target_count(const jit_func *f, const ir_inst *i)
{
    const ir_ehtable *t;
    uint32_t n;

    switch (op_of(i)->format) {
    case FMT_JUMP:
        return 1;
    case FMT_BRIF:
        return 2;
    case FMT_BR_TABLE:
        return f->pool.at[i->b] + 1;
    case FMT_TRY_CALL:
    case FMT_TRY_CALL_INDIRECT:
        t = &f->ehtables.at[i->b];
        n = 1;
        for (uint32_t k = 0; k < t->nentries; k++)
            n += t->entries[k].kind != EH_CONTEXT;
        return n;
    default:
        return 0;
    }
}

uint32_t jit_inst_target(const jit_func *f, const ir_inst *i, uint32_t k)
{
    const ir_ehtable *t;
    uint32_t n;

    switch (op_of(i)->format) {
    case FMT_JUMP:
        return i->a;
    case FMT_BRIF:
        return k == 0 ? i->b : i->c;
    case FMT_BR_TABLE:
        n = f->pool.at[i->b];
        return f->pool.at[k == n ? i->b + 1 : i->b + 2 + k];
    case FMT_TRY_CALL:
    case FMT_TRY_CALL_INDIRECT:
        t = &f->ehtables.at[i->b];
        if (k == 0)
            return t->normal;
        for (n = 0; n < t->nentries; n++)
            if (t->entries[n].kind != EH_CONTEXT && --k == 0)
                return t->entries[n].block_call;
        return 0;
    default:
        return 0;
    }
}

const ir_sig *jit_inst_signature(const jit_func *f, const ir_inst *i)
{
    jit_sigref sig = { 0 };

    switch (op_of(i)->format) {
    case FMT_CALL:
        if (i->b != 0 && i->b <= f->callees.len)
            sig = f->callees.at[i->b - 1].sig;
        break;
    case FMT_CALL_INDIRECT:
        sig.id = i->b;
        break;
    case FMT_TRY_CALL:
    case FMT_TRY_CALL_INDIRECT:
        if (i->b < f->ehtables.len)
            sig = f->ehtables.at[i->b].sig;
        break;
    }
    return sig.id != 0 && sig.id <= f->sigs.len ? &f->sigs.at[sig.id - 1] : NULL;
}

uint32_t jit_inst_result_count(const jit_func *f, const ir_inst *i)
{
    const op_info *o = op_of(i);
    const ir_sig *s;

    if (o->nresults != OP_RESULTS_BY_SIG)
        return o->nresults;
    s = jit_inst_signature(f, i);
    return s ? s->nresults : 0;
}

bool jit_inst_has_effect(const jit_func *f, const ir_inst *i)
{
    const op_info *o = op_of(i);

    return (o->props & (OP_EFFECT | OP_TERM)) != 0
           || ((o->props & OP_LOADS) && !(f->mems.at[i->aux].bits & JIT_MEM_NOTRAP));
}
