/* validate.c - validates code in one pass with a stack of operands' types and a stack of frames,
 * one for each open block, as the specification's appendix has it (7.3).
 *
 * In the rest of a block after a branch that is always taken (`dead`) the stack has as many
 * operands of any type (GW_NOTYPE) as are asked for. A single push needs no check of its capacity,
 * since there is room for one operand for each byte that is left; room() sees to that, and to more
 * at once. */
#include "validate.h"
#include "gw_mem.h"

#include <string.h>

typedef struct gw_frame {
    gw_blocktype type;
    uint32_t height; /* operands below it */
    uint32_t table;  /* the last br_table that went through its labels */
    uint16_t op;     /* GW_OP_block, _loop, _if, _else */
    bool dead;       /* of the frame around it */
} gw_frame;

/* What an instruction of fixed types takes, the uppermost operand last, and gives. */
typedef struct {
    gw_type operands[4];
    uint8_t n, align, imm;
    gw_type result;
} rule;

#define TYPES__ { 0 }, 0
#define TYPES_X { 0 }, UNFIXED
#define TYPES_I { 0, 0, 0, GW_I32 }, 1
#define TYPES_L { 0, 0, 0, GW_I64 }, 1
#define TYPES_F { 0, 0, 0, GW_F32 }, 1
#define TYPES_D { 0, 0, 0, GW_F64 }, 1
#define TYPES_II { 0, 0, GW_I32, GW_I32 }, 2
#define TYPES_IL { 0, 0, GW_I32, GW_I64 }, 2
#define TYPES_IF { 0, 0, GW_I32, GW_F32 }, 2
#define TYPES_ID { 0, 0, GW_I32, GW_F64 }, 2
#define TYPES_LL { 0, 0, GW_I64, GW_I64 }, 2
#define TYPES_FF { 0, 0, GW_F32, GW_F32 }, 2
#define TYPES_DD { 0, 0, GW_F64, GW_F64 }, 2
#define TYPES_III { 0, GW_I32, GW_I32, GW_I32 }, 3
#define TYPE__ GW_NOTYPE
#define TYPE_X GW_NOTYPE
#define TYPE_I GW_I32
#define TYPE_L GW_I64
#define TYPE_F GW_F32
#define TYPE_D GW_F64

enum { UNFIXED = 255, BELOW = 4 /* bytes below the stack, so that four can be read at once */ };

static const rule rules[GW_OPS] = {
#define OP(name, code, imm, operands, results, align) \
    [GW_OPCODE(code)] = { TYPES_##operands, align, GW_IMM_##imm, TYPE_##results },
#include "wasm_opcodes.def"
#undef OP
};

/* ---- operands ---- */

#define INVALID(v, ...) gw_fault((v)->in, GW_INVALID, (v)->op, __VA_ARGS__)

static bool no_memory(gw_validator *v)
{
    return gw_fault(v->in, GW_NOMEM, v->in->at, "out of memory");
}

/* Makes room for n operands and one more for each byte that is left. */
static bool room(gw_validator *v, uint32_t n)
{
    size_t need = (size_t)v->height + n + (size_t)(v->in->end - v->in->at) + 1;
    gw_type *stack;

    if (n > 1 && v->height + n > GW_MAX_OPERANDS)
        return gw_fault(v->in, GW_LIMIT, v->op, "too many operands: %d at most", GW_MAX_OPERANDS);
    if (need <= v->capacity)
        return true;
    need += need / 2;
    stack = gw_mem_realloc(v->stack ? v->stack - BELOW : NULL, BELOW + need);
    if (!stack)
        return no_memory(v);
    if (!v->stack)
        memset(stack, 0, BELOW);
    v->stack = stack + BELOW;
    v->capacity = (uint32_t)need;
    return true;
}

static inline void push(gw_validator *v, gw_type t)
{
    v->stack[v->height++] = t;
    if (v->height > v->peak)
        v->peak = v->height;
}

static bool mismatch(gw_validator *v, gw_type want, gw_type got)
{
    gw_op op = *v->op == 0xfc ? (gw_op)(0x100 + v->op[1]) : (gw_op)*v->op;
    char text[GW_OP_TEXT];
    return INVALID(v, "type mismatch: %s takes %s, got %s", gw_op_text(op, text),
                   want ? gw_type_name(want) : "an operand", got ? gw_type_name(got) : "nothing");
}

static bool pop_rare(gw_validator *v, gw_type want)
{
    if (v->height == v->base)
        return v->dead || mismatch(v, want, GW_NOTYPE);
    if (v->stack[--v->height] != GW_NOTYPE)
        return mismatch(v, want, v->stack[v->height]);
    return true;
}

static inline bool pop(gw_validator *v, gw_type want)
{
    if (v->height > v->base && v->stack[v->height - 1] == want) {
        v->height--;
        return true;
    }
    return pop_rare(v, want);
}

/* Any type. */
static bool pop_any(gw_validator *v, gw_type *t)
{
    *t = GW_NOTYPE;
    if (v->height > v->base)
        *t = v->stack[--v->height];
    else if (!v->dead)
        return mismatch(v, GW_NOTYPE, GW_NOTYPE);
    return true;
}

/* Are the uppermost operands of these types? They stay. */
static bool have_types(gw_validator *v, const gw_type *types, uint32_t n)
{
    uint32_t there = v->height - v->base;

    if (n <= there && (n == 0 || memcmp(v->stack + v->height - n, types, n) == 0))
        return true;
    for (uint32_t k = 1; k <= n; k++) {
        gw_type want = types[n - k], got = k <= there ? v->stack[v->height - k] : GW_NOTYPE;
        if (got != want && (got != GW_NOTYPE || (k > there && !v->dead)))
            return mismatch(v, want, got);
    }
    return true;
}

static bool pop_types(gw_validator *v, const gw_type *types, uint32_t n)
{
    uint32_t there = v->height - v->base;

    if (!have_types(v, types, n))
        return false;
    v->height -= n < there ? n : there;
    return true;
}

static bool push_types(gw_validator *v, const gw_type *types, uint32_t n)
{
    if (n == 0)
        return true;
    if (n > 1 && !room(v, n))
        return false;
    memcpy(v->stack + v->height, types, n);
    v->height += n;
    if (v->height > v->peak)
        v->peak = v->height;
    return true;
}

/* ---- frames ---- */

static bool push_frame(gw_validator *v, gw_op op, gw_blocktype type)
{
    gw_frame *f;

    if (v->nframes == v->frames_capacity) {
        uint32_t n = v->nframes ? 2 * v->nframes : 64;
        f = gw_mem_realloc(v->frames, (size_t)n * sizeof *f);
        if (!f)
            return no_memory(v);
        v->frames = f;
        v->frames_capacity = n;
    }
    f = &v->frames[v->nframes++];
    f->type = type;
    f->height = v->height;
    f->table = 0;
    f->op = (uint16_t)op;
    f->dead = v->dead;
    v->base = v->height;
    v->dead = false;
    if (v->nframes > v->max_frames)
        v->max_frames = v->nframes;
    return push_types(v, type.params, type.nparams);
}

/* The operands are its results; they stay above its height. */
static bool pop_frame(gw_validator *v)
{
    gw_frame *f = &v->frames[v->nframes - 1];

    if (!pop_types(v, f->type.results, f->type.nresults))
        return false;
    if (v->height != v->base)
        return INVALID(v, "type mismatch: %u operands too many at the end of a block",
                       (unsigned)(v->height - v->base));
    v->nframes--;
    v->dead = f->dead;
    v->base = v->nframes ? v->frames[v->nframes - 1].height : 0;
    return true;
}

static void kill_rest(gw_validator *v)
{
    v->height = v->base;
    v->dead = true;
}

/* What a branch to the frame takes. */
static gw_blocktype label_of(const gw_frame *f)
{
    gw_blocktype t = f->type;

    if (f->op == GW_OP_loop) {
        t.results = t.params;
        t.nresults = t.nparams;
    }
    return t;
}

static gw_frame *read_label(gw_validator *v)
{
    uint32_t x = gw_input_u32(v->in);

    if (x < v->nframes)
        return &v->frames[v->nframes - 1 - x];
    INVALID(v, "unknown label %u", (unsigned)x);
    return NULL;
}

/* ---- instructions ---- */

static bool read_blocktype(gw_validator *v, gw_blocktype *t)
{
    int64_t x = gw_input_blocktype(v->in);

    memset(t, 0, sizeof *t);
    if (x < 0) {
        t->results = v->in->at - 1;
        t->nresults = x != GW_NOBLOCKTYPE;
    } else if (x < v->m->ntypes)
        *t = gw_blocktype_of(&v->m->types[x]);
    else
        return INVALID(v, "unknown type %lu", (unsigned long)x);
    return true;
}

static bool do_block(gw_validator *v, gw_op op)
{
    gw_blocktype t;
    return read_blocktype(v, &t) && (op != GW_OP_if || pop(v, GW_I32))
           && pop_types(v, t.params, t.nparams) && push_frame(v, op, t);
}

static bool do_else(gw_validator *v)
{
    gw_frame *f = &v->frames[v->nframes - 1];

    if (f->op != GW_OP_if)
        return gw_fault(v->in, GW_MALFORMED, v->op, "END opcode expected: an else without if");
    return pop_frame(v) && push_frame(v, GW_OP_else, f->type);
}

static bool do_end(gw_validator *v)
{
    gw_blocktype t = v->frames[v->nframes - 1].type;
    bool is_if = v->frames[v->nframes - 1].op == GW_OP_if;

    if (!pop_frame(v))
        return false;
    if (is_if
        && (t.nparams != t.nresults || (t.nparams && memcmp(t.params, t.results, t.nparams) != 0)))
        return INVALID(v, "type mismatch: an if without else gives other types than it takes");
    return v->nframes == 0 || push_types(v, t.results, t.nresults);
}

static bool do_br(gw_validator *v)
{
    gw_frame *f = read_label(v);

    if (!f || !have_types(v, label_of(f).results, label_of(f).nresults))
        return false;
    kill_rest(v);
    return true;
}

static bool do_br_if(gw_validator *v)
{
    gw_frame *f = read_label(v);
    gw_blocktype t;

    if (!f || !pop(v, GW_I32))
        return false;
    t = label_of(f);
    return pop_types(v, t.results, t.nresults) && push_types(v, t.results, t.nresults);
}

/* A frame is looked at once in each br_table, so that the work is bounded by its bytes. */
static bool do_br_table(gw_validator *v)
{
    uint32_t n = gw_input_u32(v->in), arity = 0, number = ++v->ntables;
    bool first = true;

    if (!pop(v, GW_I32))
        return false;
    for (uint64_t k = 0; k <= n; k++) {
        gw_frame *f = read_label(v);
        if (!f || !gw_input_going(v->in))
            return false;
        if (f->table == number)
            continue;
        f->table = number;
        if (first)
            arity = label_of(f).nresults;
        first = false;
        if (label_of(f).nresults != arity)
            return INVALID(v, "type mismatch: labels of br_table take %u and %u operands",
                           (unsigned)arity, (unsigned)label_of(f).nresults);
        if (!have_types(v, label_of(f).results, arity))
            return false;
    }
    kill_rest(v);
    return true;
}

static bool do_return(gw_validator *v)
{
    if (!have_types(v, v->frames[0].type.results, v->frames[0].type.nresults))
        return false;
    kill_rest(v);
    return true;
}

static bool apply(gw_validator *v, const gw_functype *t)
{
    return pop_types(v, t->params, t->nparams) && push_types(v, t->results, t->nresults);
}

static bool do_call(gw_validator *v)
{
    uint32_t x = gw_input_u32(v->in);

    if (x >= v->m->nfuncs)
        return INVALID(v, "unknown function %u", (unsigned)x);
    return apply(v, &v->m->types[v->m->funcs[x].type]);
}

/* The type of a table's elements; GW_NOTYPE and a fault: there is no such table. */
static gw_type read_table(gw_validator *v)
{
    uint32_t x = gw_input_u32(v->in);

    if (x < v->m->ntables)
        return v->m->tables[x].type;
    INVALID(v, "unknown table %u", (unsigned)x);
    return GW_NOTYPE;
}

static gw_type read_elem(gw_validator *v)
{
    uint32_t x = gw_input_u32(v->in);

    if (x < v->m->nelems)
        return v->m->elems[x].type;
    INVALID(v, "unknown elem segment %u", (unsigned)x);
    return GW_NOTYPE;
}

static bool do_call_indirect(gw_validator *v)
{
    uint32_t x = gw_input_u32(v->in);
    gw_type table = read_table(v);

    if (table == GW_NOTYPE)
        return false;
    if (x >= v->m->ntypes)
        return INVALID(v, "unknown type %u", (unsigned)x);
    if (table != GW_FUNCREF)
        return INVALID(v, "type mismatch: call_indirect through a table of %s",
                       gw_type_name(table));
    return pop(v, GW_I32) && apply(v, &v->m->types[x]);
}

static bool do_select(gw_validator *v)
{
    gw_type a, b;

    if (!pop(v, GW_I32) || !pop_any(v, &b) || !pop_any(v, &a))
        return false;
    if (gw_type_is_ref(a) || gw_type_is_ref(b))
        return INVALID(v, "type mismatch: select of references needs their type");
    if (a != b && a != GW_NOTYPE && b != GW_NOTYPE)
        return mismatch(v, a, b);
    push(v, a != GW_NOTYPE ? a : b);
    return true;
}

static bool do_select_t(gw_validator *v)
{
    uint32_t n = gw_input_u32(v->in);
    gw_type t = GW_NOTYPE;

    for (uint32_t k = 0; k < n && gw_input_going(v->in); k++)
        t = gw_input_type(v->in);
    if (n != 1)
        return INVALID(v, "invalid result arity: %u types of a select", (unsigned)n);
    if (!pop(v, GW_I32) || !pop(v, t) || !pop(v, t))
        return false;
    push(v, t);
    return true;
}

/* The type of a local; GW_NOTYPE and a fault: there is no such local. */
static inline gw_type read_local(gw_validator *v)
{
    uint32_t x = gw_input_u32(v->in);

    if (x < v->nlocals)
        return v->locals[x];
    INVALID(v, "unknown local %u", (unsigned)x);
    return GW_NOTYPE;
}

static bool do_local(gw_validator *v, gw_op op)
{
    gw_type t = read_local(v);

    if (t == GW_NOTYPE || (op != GW_OP_local_get && !pop(v, t)))
        return false;
    if (op != GW_OP_local_set)
        push(v, t);
    return true;
}

static bool do_global(gw_validator *v, bool set)
{
    uint32_t x = gw_input_u32(v->in);

    if (x >= v->m->nglobals)
        return INVALID(v, "unknown global %u", (unsigned)x);
    if (!set) {
        push(v, v->m->globals[x].type);
        return true;
    }
    if (!v->m->globals[x].mutable)
        return INVALID(v, "global is immutable: %u", (unsigned)x);
    return pop(v, v->m->globals[x].type);
}

static bool do_ref_null(gw_validator *v)
{
    gw_type t = gw_input_reftype(v->in);

    if (t == GW_NOTYPE)
        return false;
    push(v, t);
    return true;
}

static bool do_ref_is_null(gw_validator *v)
{
    gw_type t;

    if (!pop_any(v, &t))
        return false;
    if (t != GW_NOTYPE && !gw_type_is_ref(t))
        return INVALID(v, "type mismatch: ref.is_null takes a reference, got %s", gw_type_name(t));
    push(v, GW_I32);
    return true;
}

static bool do_ref_func(gw_validator *v)
{
    uint32_t x = gw_input_u32(v->in);

    if (x >= v->m->nfuncs)
        return INVALID(v, "unknown function %u", (unsigned)x);
    if (!v->m->funcs[x].referenced)
        return INVALID(v, "undeclared function reference %u", (unsigned)x);
    push(v, GW_FUNCREF);
    return true;
}

static bool do_table(gw_validator *v, gw_op op)
{
    gw_type t = read_table(v);

    if (t == GW_NOTYPE)
        return false;
    switch (op) {
    case GW_OP_table_get:
        if (!pop(v, GW_I32))
            return false;
        push(v, t);
        return true;
    case GW_OP_table_set: return pop(v, t) && pop(v, GW_I32);
    case GW_OP_table_fill: return pop(v, GW_I32) && pop(v, t) && pop(v, GW_I32);
    case GW_OP_table_grow:
        if (!pop(v, GW_I32) || !pop(v, t))
            return false; /* fallthrough */
    default: /* GW_OP_table_size */
        push(v, GW_I32);
        return true;
    }
}

/* The tables, or the segment and the table, of table.copy and table.init. */
static bool same_type(gw_validator *v, gw_type first, gw_type second)
{
    if (first == GW_NOTYPE || second == GW_NOTYPE)
        return false;
    return first == second
           || INVALID(v, "type mismatch: elements are %s and %s", gw_type_name(first),
                      gw_type_name(second));
}

/* ---- instructions of fixed types ---- */

static bool read_data_index(gw_validator *v, bool memory)
{
    uint32_t x;

    gw_input_need_data_count(v->in, v->op, v->m->has_data_count);
    x = gw_input_u32(v->in);
    if (memory)
        gw_input_zero(v->in);
    return x < v->m->ndatas || INVALID(v, "unknown data segment %u", (unsigned)x);
}

static bool fixed_immediates(gw_validator *v, const rule *r)
{
    gw_input *in = v->in;
    gw_type type;

    switch ((gw_imm)r->imm) {
    case GW_IMM_NONE: return true;
    case GW_IMM_I32: gw_input_leb(in, 32, true); return true;
    case GW_IMM_I64: gw_input_leb(in, 64, true); return true;
    case GW_IMM_F32: gw_input_bytes(in, 4); return true;
    case GW_IMM_F64: gw_input_bytes(in, 8); return true;
    case GW_IMM_ELEM: return read_elem(v) != GW_NOTYPE;
    case GW_IMM_ELEM_TABLE: type = read_elem(v); return same_type(v, type, read_table(v));
    case GW_IMM_TABLES: type = read_table(v); return same_type(v, type, read_table(v));
    case GW_IMM_DATA: return read_data_index(v, false);
    case GW_IMM_DATA_MEMORY:
        if (!read_data_index(v, true))
            return false;
        break;
    case GW_IMM_MEMARG:
        if (gw_input_memarg(in).align > r->align)
            return INVALID(v, "alignment must not be larger than natural");
        break;
    case GW_IMM_MEMORIES: gw_input_zero(in); /* fallthrough */
    default: /* GW_IMM_MEMORY */ gw_input_zero(in); break;
    }
    return v->m->nmemories > 0 || INVALID(v, "unknown memory 0");
}

static bool fixed(gw_validator *v, const rule *r)
{
    if (!fixed_immediates(v, r))
        return false;
    for (unsigned k = 0; k < r->n; k++)
        if (!pop(v, r->operands[3 - k]))
            return false;
    if (r->result != GW_NOTYPE)
        push(v, r->result);
    return true;
}

/* ---- most instructions ---- */

/* Past a LEB128 number of four bytes at most, whose bits are then all used; NULL: it is longer. */
static inline const uint8_t *past_short(const uint8_t *p)
{
    for (unsigned k = 0; k < 4; k++)
        if (*p++ < 0x80)
            return p;
    return NULL;
}

/* Past the immediates of an instruction of fixed types, when they are short and right; or NULL. */
static inline const uint8_t *past_usual(const gw_validator *v, const rule *r, const uint8_t *p)
{
    switch (r->imm) {
    case GW_IMM_NONE: return p;
    case GW_IMM_I32: case GW_IMM_I64: return past_short(p);
    case GW_IMM_MEMARG:
        return *p <= r->align && v->m->nmemories > 0 ? past_short(p + 1) : NULL;
    default: return NULL;
    }
}

/* A local instruction of one byte of index: the new height of the stack; NULL: it is not right. */
static inline gw_type *usual_local(const gw_validator *v, const uint8_t *p, const gw_type *base,
                                   gw_type *top)
{
    gw_type t = p[1] < 0x80 && p[1] < v->nlocals ? v->locals[p[1]] : GW_NOTYPE;

    if (t == GW_NOTYPE)
        return NULL;
    if (*p == GW_OP_local_get) {
        *top = t;
        return top + 1;
    }
    if (top == base || top[-1] != t)
        return NULL;
    return *p == GW_OP_local_tee ? top : top - 1;
}

/* Runs through instructions of one byte with short immediates, whose operands are there and of the
 * right types, up to the first that is anything else. */
static void usual_instructions(gw_validator *v)
{
    enum { LONGEST = 8 }; /* no look at the end of the code before so many bytes are left */
    static const uint8_t masks[4][4] = {
        { 0 }, { 0, 0, 0, 255 }, { 0, 0, 255, 255 }, { 0, 255, 255, 255 }
    };
    const uint8_t *at = v->in->at, *next;
    const uint8_t *end = v->in->end - at > LONGEST ? v->in->end - LONGEST : at;
    gw_type *base = v->stack + v->base, *top = v->stack + v->height, *peak = v->stack + v->peak;

    for (; at < end; at = next) {
        const rule *r = &rules[*at];
        uint32_t want, have, mask;
        if (r->imm == GW_IMM_LOCAL) {
            gw_type *moved = usual_local(v, at, base, top);
            if (!moved)
                break;
            top = moved;
            next = at + 2;
        } else {
            next = past_usual(v, r, at + 1);
            if (!next || r->n > 3 || r->n > top - base)
                break;
            memcpy(&want, r->operands, 4);
            memcpy(&have, top - 4, 4);
            memcpy(&mask, masks[r->n], 4);
            if ((want ^ have) & mask)
                break;
            top -= r->n;
            if (r->result != GW_NOTYPE)
                *top++ = r->result;
        }
        peak = top > peak ? top : peak;
    }
    v->in->at = at;
    v->height = (uint32_t)(top - v->stack);
    v->peak = (uint32_t)(peak - v->stack);
}

/* ---- all instructions ---- */

static bool instruction(gw_validator *v, gw_op op)
{
    gw_type t;

    switch (op) {
    case GW_OP_unreachable: kill_rest(v); return true;
    case GW_OP_nop: return true;
    case GW_OP_block: case GW_OP_loop: case GW_OP_if: return do_block(v, op);
    case GW_OP_else: return do_else(v);
    case GW_OP_end: return do_end(v);
    case GW_OP_br: return do_br(v);
    case GW_OP_br_if: return do_br_if(v);
    case GW_OP_br_table: return do_br_table(v);
    case GW_OP_return: return do_return(v);
    case GW_OP_call: return do_call(v);
    case GW_OP_call_indirect: return do_call_indirect(v);
    case GW_OP_drop: return pop_any(v, &t);
    case GW_OP_select: return do_select(v);
    case GW_OP_select_t: return do_select_t(v);
    case GW_OP_local_get: return do_local(v, GW_OP_local_get);
    case GW_OP_local_set: return do_local(v, GW_OP_local_set);
    case GW_OP_local_tee: return do_local(v, GW_OP_local_tee);
    case GW_OP_global_get: return do_global(v, false);
    case GW_OP_global_set: return do_global(v, true);
    case GW_OP_ref_null: return do_ref_null(v);
    case GW_OP_ref_is_null: return do_ref_is_null(v);
    case GW_OP_ref_func: return do_ref_func(v);
    case GW_OP_table_get: case GW_OP_table_set: case GW_OP_table_grow: case GW_OP_table_size:
    case GW_OP_table_fill: return do_table(v, op);
default: return fixed(v, &rules[op]);
    }
}

/* ---- bodies ---- */

/* The vector of local declarations. t: NULL, when only the format counts. */
static void read_locals(gw_validator *v, const gw_functype *t)
{
    const uint8_t *first = v->in->at;
    uint64_t total = t ? t->nparams : 0, declared = 0;

    if (t && t->nparams)
        memcpy(v->locals, t->params, t->nparams);
    for (uint32_t n = gw_input_u32(v->in); n > 0 && gw_input_going(v->in); n--) {
        const uint8_t *at = v->in->at;
        uint32_t count = gw_input_u32(v->in);
        gw_type type = gw_input_type(v->in);
        declared += count;
        if (declared > UINT32_MAX)
            gw_fault(v->in, GW_MALFORMED, at, "too many locals");
        if (t && total + count <= GW_MAX_LOCALS)
            memset(v->locals + total, type, count);
        total += count;
    }
    if (total > GW_MAX_LOCALS)
        gw_fault(v->in, GW_LIMIT, first, "too many locals: %d at most", GW_MAX_LOCALS);
    v->nlocals = (uint32_t)total;
}

static bool begin_body(gw_validator *v, const gw_functype *t)
{
    gw_blocktype type = { NULL, t->results, 0, t->nresults };

    v->height = v->peak = v->base = v->nframes = v->max_frames = 0;
    v->dead = false;
    return gw_input_going(v->in) && room(v, 0) && push_frame(v, GW_OP_block, type);
}

static void instructions(gw_validator *v)
{
    gw_op op;

    do {
        usual_instructions(v);
        v->op = v->in->at;
        op = gw_input_op(v->in);
    } while (op != GW_OPS && instruction(v, op) && v->nframes > 0);
}

void gw_validate_body(gw_validator *v, gw_func *f, gw_input *in)
{
    const gw_functype *t = in->fault->status == GW_OK ? &v->m->types[f->type] : NULL;
    const uint8_t *code;

    v->in = in;
    v->op = in->at;
    if (!v->locals && !(v->locals = gw_mem_realloc(NULL, GW_MAX_LOCALS))) {
        no_memory(v);
        return;
    }
    read_locals(v, t);
    code = in->at;
    if (t && begin_body(v, t))
        instructions(v);
    if (in->fault->status == GW_INVALID) {
        in->at = code;
        gw_input_skim(in, v->m->has_data_count);
    }
    if (in->at != in->end)
        gw_fault(in, GW_MALFORMED, in->at, "section size mismatch: code after a function's end");
    f->nlocals = v->nlocals;
    f->max_stack = v->peak;
    f->max_depth = v->max_frames;
}

/* ---- constant expressions ---- */

static bool const_global(gw_validator *v)
{
    uint32_t x = gw_input_u32(v->in);

    if (x >= v->m->nimported_globals)
        return INVALID(v, "unknown global %u", (unsigned)x);
    if (v->m->globals[x].mutable)
        return INVALID(v, "constant expression required: global %u is mutable", (unsigned)x);
    push(v, v->m->globals[x].type);
    return true;
}

static bool const_func(gw_validator *v)
{
    uint32_t x = gw_input_u32(v->in);

    if (x >= v->m->nfuncs)
        return INVALID(v, "unknown function %u", (unsigned)x);
    v->m->funcs[x].referenced = true;
    push(v, GW_FUNCREF);
    return true;
}

static bool const_instruction(gw_validator *v, gw_op op)
{
    if (v->height + 1 >= v->capacity && !room(v, 1))
        return false;
    switch (op) {
    case GW_OP_i32_const: case GW_OP_i64_const: case GW_OP_f32_const: case GW_OP_f64_const:
    case GW_OP_i32_add: case GW_OP_i32_sub: case GW_OP_i32_mul:
    case GW_OP_i64_add: case GW_OP_i64_sub: case GW_OP_i64_mul: return fixed(v, &rules[op]);
    case GW_OP_global_get: return const_global(v);
    case GW_OP_ref_null: return do_ref_null(v);
    case GW_OP_ref_func: return const_func(v);
    default: return INVALID(v, "constant expression required");
    }
}

static void const_instructions(gw_validator *v, gw_type type)
{
    gw_op op;

    v->height = v->peak = v->base = v->nframes = 0;
    v->dead = false;
    for (;;) {
        v->op = v->in->at;
        op = gw_input_op(v->in);
        if (op == GW_OPS || op == GW_OP_end)
            break;
        if (!const_instruction(v, op))
            return;
    }
    if (op == GW_OP_end && pop(v, type) && v->height != 0)
        INVALID(v, "type mismatch: a constant expression gives more than one value");
}

gw_constexpr gw_validate_const(gw_validator *v, gw_input *in, gw_type type)
{
    gw_constexpr x = { { in->at, 0 }, 0, type };

    v->in = in;
    if (in->fault->status == GW_OK)
        const_instructions(v, type);
    if (in->fault->status == GW_INVALID) {
        in->at = x.code.at;
        gw_input_skim(in, true);
    }
    if (gw_input_going(in))
        x.code.size = (uint32_t)(in->at - x.code.at) - 1;
    x.max_stack = v->peak;
    return x;
}

void gw_validator_free(gw_validator *v)
{
    gw_mem_realloc(v->stack ? v->stack - BELOW : NULL, 0);
    gw_mem_realloc(v->frames, 0);
    gw_mem_realloc(v->locals, 0);
}
