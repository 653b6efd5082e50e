/* builder.c - one function for each instruction, generated from the table of opcodes.
 *
 * The fast path checks types by the opcode's rule, which is a literal here and folds away, then
 * appends 16 bytes. Ids from the host are never trusted: an operand out of range has type
 * JIT_VOID, which no rule accepts. What goes wrong is told once, by the cold functions. */
#include "ir/builder.h"

#include "gantry/jit_text.h"
#include "ir/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define COLD static __attribute__((cold, noinline))

static const jit_value no_value = { 0 };

/* ---- Errors ---- */

uint32_t jit_builder_fault(jit_builder *b, jit_status status, const char *format, ...)
{
    char text[256];
    va_list args;

    if (b->f->fail.status == JIT_OK) {
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        jit_fail_set(&b->f->fail, status, "%s: %s", b->f->printed, text);
    }
    if (b->current != 0) /* not so for the shared builder of a failed jit_build() */
        b->current = 0;
    return 0;
}

uint32_t jit_builder_no_memory(jit_builder *b)
{
    return jit_builder_fault(b, JIT_ERR_NOMEM, "no memory");
}

/* Why no instruction can be appended, when that is not for an operand. */
static bool is_open(jit_builder *b, const char *name)
{
    if (b->current != 0)
        return true;
    if (!builder_failed(b))
        jit_builder_fault(b, JIT_ERR_VERIFY,
                          b->past_end ? "%s: the block has its terminator already"
                                      : "%s: no block is started",
                          name);
    return false;
}

COLD jit_value bad_operand(jit_builder *b, jit_opcode op, unsigned k, jit_value x, jit_type t)
{
    const op_info *o = &jit_op_table[op];
    jit_type have = jit_builder_type(b, x);
    char have_text[16], t_text[16];

    if (!is_open(b, o->name))
        return no_value;
    if (have == JIT_VOID)
        jit_builder_fault(b, JIT_ERR_VERIFY, "%s: operand %u is no value of this function", o->name,
                          k + 1);
    else if (t != JIT_VOID)
        jit_builder_fault(b, JIT_ERR_VERIFY,
                          "%s: operand %u has type %s, which does not go with %s",
                          o->name, k + 1, jit_type_name(have, have_text), jit_type_name(t, t_text));
    else
        jit_builder_fault(b, JIT_ERR_VERIFY, "%s: operand %u has type %s", o->name, k + 1,
                          jit_type_name(have, have_text));
    return no_value;
}

COLD jit_value bad_type(jit_builder *b, jit_opcode op, jit_type t)
{
    const op_info *o = &jit_op_table[op];
    char text[16];

    if (!is_open(b, o->name))
        return no_value;
    if (type_is_legal(t))
        jit_builder_fault(b, JIT_ERR_VERIFY, "%s: type %s is not one of %s", o->name,
                          jit_type_name(t, text), jit_typeset_name(o->types));
    else
        jit_builder_fault(b, JIT_ERR_VERIFY, "%s: an operand or the type given is none", o->name);
    return no_value;
}

COLD jit_value bad_immediate(jit_builder *b, jit_opcode op, const char *what)
{
    if (is_open(b, jit_op_table[op].name))
        jit_builder_fault(b, JIT_ERR_VERIFY, "%s: %s", jit_op_table[op].name, what);
    return no_value;
}

/* ---- Appending ---- */

INLINE jit_type type_of(const jit_builder *b, jit_value v)
{
    const jit_func *f = b->f;
    return LIKELY(v.id - 1 < f->values.len) ? (jit_type)f->values.at[v.id - 1].type
                                            : (jit_type)JIT_VOID;
}

/* Room for an instruction with n results; false, with the reason in f, when there can be none. */
COLD bool make_room(jit_builder *b, unsigned op, uint32_t n)
{
    jit_func *f = b->f;

    if (!is_open(b, jit_op_table[op].name))
        return false;
    if (f->insts.len >= IR_MAX_ENTITIES - 1 || f->values.len >= IR_MAX_ENTITIES - n)
        return jit_builder_fault(b, JIT_ERR_LIMIT, "too many instructions") != 0;
    if (!vec_try_reserve(&f->mem, &f->insts, 1) || !vec_try_reserve(&f->mem, &f->values, n))
        return jit_builder_no_memory(b) != 0;
    return true;
}

/* Positions are kept as far as the last instruction that has one. */
COLD void note_position(jit_builder *b)
{
    jit_func *f = b->f;
    uint32_t n = f->insts.len - f->srcpos.len;

    if (!vec_try_reserve(&f->mem, &f->srcpos, n)) {
        jit_builder_no_memory(b);
        return;
    }
    while (f->srcpos.len < f->insts.len - 1)
        f->srcpos.at[f->srcpos.len++] = ~0u;
    f->srcpos.at[f->srcpos.len++] = b->srcpos;
}

INLINE bool open_for(jit_builder *b, unsigned op, uint32_t n)
{
    jit_func *f = b->f;
    return LIKELY(b->current != 0 && f->insts.len < f->insts.cap
                  && n <= f->values.cap - f->values.len)
           || make_room(b, op, n);
}

INLINE void append(jit_builder *b, ir_inst i)
{
    jit_func *f = b->f;

    f->verified = false;
    f->insts.at[f->insts.len++] = i;
    if (__builtin_expect(b->srcpos != ~0u, 0))
        note_position(b);
}

/* Appends an instruction with two results at most (JIT_VOID: none); the first one. */
INLINE jit_value emit(jit_builder *b, ir_inst i, jit_type first, jit_type second)
{
    jit_func *f = b->f;

    if (!open_for(b, i.op, 2))
        return no_value;
    if (first == JIT_VOID) {
        append(b, i);
        return no_value;
    }
    i.c = f->values.len + 1;
    f->values.at[f->values.len++] = (ir_value){ f->insts.len, first, VALUE_RESULT, 0 };
    if (second != JIT_VOID)
        f->values.at[f->values.len++] = (ir_value){ f->insts.len, second, VALUE_RESULT, 1 };
    append(b, i);
    return jit_value_at(i.c - 1);
}

#define INST(op_, type_, ...) ((ir_inst){ .op = (uint8_t)(op_), .type = (type_), __VA_ARGS__ })

INLINE void second_result(jit_value first, jit_value *second)
{
    if (second)
        second->id = first.id == 0 ? 0 : first.id + 1;
}

/* Index of memory flags, or UINT32_MAX after an error. */
INLINE uint32_t mem_index(jit_builder *b, jit_opcode op, jit_mem m)
{
    if (LIKELY(m.bits == b->last_flags.bits && m.trap == b->last_flags.trap
               && m.region.id == b->last_flags.region.id && b->current != 0))
        return b->last_mem;
    if ((m.bits & (JIT_MEM_BIG | JIT_MEM_LITTLE)) == (JIT_MEM_BIG | JIT_MEM_LITTLE)
        || m.bits >= 64) {
        bad_immediate(b, op, "memory flags contradict each other");
        return UINT32_MAX;
    }
    if (m.region.id > b->f->regions.len) {
        bad_immediate(b, op, "the alias region is not declared");
        return UINT32_MAX;
    }
    if (!is_open(b, jit_op_table[op].name))
        return UINT32_MAX;
    b->last_mem = jit_func_mem(b->f, m);
    if (b->last_mem == UINT32_MAX)
        b->current = 0; /* the reason is in f */
    else
        b->last_flags = m;
    return b->last_mem;
}

/* ---- Instructions by format: `rule` and `in_set` are literals, so each copy folds. ---- */

INLINE jit_value unary(jit_builder *b, jit_opcode op, const char *rule, bool (*in_set)(jit_type),
                       jit_value x, uint16_t aux, jit_value *second)
{
    jit_type t = type_of(b, x);
    jit_value r;

    if (!LIKELY(in_set(t)))
        return bad_type(b, op, t);
    r = emit(b, INST(op, t, .aux = aux, .a = x.id),
             rule[2] ? rule_result(rule[2], t) : (jit_type)JIT_VOID,
             rule[2] && rule[3] ? rule_result(rule[3], t) : (jit_type)JIT_VOID);
    second_result(r, second);
    return r;
}

INLINE jit_value convert(jit_builder *b, jit_opcode op, const char *rule, bool (*in_set)(jit_type),
                         jit_type t, uint16_t aux, jit_value x)
{
    jit_type tx = type_of(b, x);

    if (!LIKELY(type_is_legal(t) && in_set(t)))
        return bad_type(b, op, t);
    if (!LIKELY(tx != JIT_VOID && rule_accepts(rule[0], t, tx)))
        return bad_operand(b, op, 0, x, t);
    return emit(b, INST(op, t, .aux = aux, .a = x.id), t, JIT_VOID);
}

INLINE jit_value binary(jit_builder *b, jit_opcode op, const char *rule, bool (*in_set)(jit_type),
                        jit_value x, jit_value y, uint16_t aux, jit_value *second)
{
    jit_type t = type_of(b, x), ty = type_of(b, y);
    jit_value r;

    if (!LIKELY(in_set(t)))
        return bad_type(b, op, t);
    if (!LIKELY(rule_accepts(rule[1], t, ty)))
        return bad_operand(b, op, 1, y, t);
    r = emit(b, INST(op, t, .aux = aux, .a = x.id, .b = y.id),
             rule[3] ? rule_result(rule[3], t) : (jit_type)JIT_VOID,
             rule[3] && rule[4] ? rule_result(rule[4], t) : (jit_type)JIT_VOID);
    second_result(r, second);
    return r;
}

/* T is the type of the first operand whose letter is T. */
INLINE jit_value ternary(jit_builder *b, jit_opcode op, const char *rule, bool (*in_set)(jit_type),
                         jit_value x, jit_value y, jit_value z, jit_value *second)
{
    jit_func *f = b->f;
    jit_type t = rule[0] == 'T' ? type_of(b, x) : type_of(b, y);
    jit_value r;
    uint32_t *p;

    if (!LIKELY(in_set(t)))
        return bad_type(b, op, t);
    if (!LIKELY(rule_accepts(rule[0], t, type_of(b, x))))
        return bad_operand(b, op, 0, x, rule[0] == 's' ? (jit_type)JIT_VOID : t);
    if (!LIKELY(rule_accepts(rule[1], t, type_of(b, y))))
        return bad_operand(b, op, 1, y, t);
    if (!LIKELY(rule_accepts(rule[2], t, type_of(b, z))))
        return bad_operand(b, op, 2, z, t);
    if (!open_for(b, op, 2))
        return no_value;
    if (f->pool.len >= IR_MAX_ENTITIES - 4 || !vec_try_reserve(&f->mem, &f->pool, 4)) {
        jit_builder_no_memory(b);
        return no_value;
    }
    p = f->pool.at + f->pool.len;
    p[0] = 3;
    p[1] = x.id;
    p[2] = y.id;
    p[3] = z.id;
    f->pool.len += 4;
    r = emit(b, INST(op, t, .a = f->pool.len - 3), rule_result(rule[4], t),
             rule[5] ? rule_result(rule[5], t) : (jit_type)JIT_VOID);
    second_result(r, second);
    return r;
}

static bool is_lane_immediate(jit_opcode op)
{
    return op == JIT_OP_insertlane || op == JIT_OP_extractlane;
}

INLINE jit_value load(jit_builder *b, jit_opcode op, bool (*in_set)(jit_type), jit_type t,
                      jit_mem flags, jit_value addr, int32_t offset)
{
    uint32_t mem = mem_index(b, op, flags);

    if (!LIKELY(type_is_legal(t) && in_set(t)))
        return bad_type(b, op, t);
    if (!LIKELY(type_of(b, addr) == JIT_I64))
        return bad_operand(b, op, 0, addr, JIT_VOID);
    if (!LIKELY(mem != UINT32_MAX))
        return no_value;
    return emit(b, INST(op, t, .aux = (uint16_t)mem, .a = addr.id, .b = (uint32_t)offset), t,
                JIT_VOID);
}

INLINE void store(jit_builder *b, jit_opcode op, bool (*in_set)(jit_type), jit_mem flags,
                  jit_value v, jit_value addr, int32_t offset)
{
    uint32_t mem = mem_index(b, op, flags);
    jit_type t = type_of(b, v);

    if (!LIKELY(in_set(t)))
        bad_type(b, op, t);
    else if (!LIKELY(type_of(b, addr) == JIT_I64))
        bad_operand(b, op, 1, addr, JIT_VOID);
    else if (LIKELY(mem != UINT32_MAX))
        emit(b, INST(op, t, .aux = (uint16_t)mem, .a = v.id, .b = addr.id, .c = (uint32_t)offset),
             JIT_VOID, JIT_VOID);
}

static jit_value iconst(jit_builder *b, jit_type t, int64_t value)
{
    uint64_t bits = (uint64_t)value;
    unsigned width = jit_type_bits(t);

    if (t < JIT_I8 || t > JIT_I64)
        return bad_type(b, JIT_OP_iconst, t);
    if (width < 64) {
        if (value >= (int64_t)1 << width || value < -((int64_t)1 << (width - 1)))
            return bad_immediate(b, JIT_OP_iconst, "the constant is too wide for its type");
        bits &= ((uint64_t)1 << width) - 1;
    }
    return emit(b, INST(JIT_OP_iconst, t, .a = (uint32_t)bits, .b = (uint32_t)(bits >> 32)), t,
                JIT_VOID);
}

static jit_value pool_const(jit_builder *b, jit_opcode op, bool in_set, jit_type t,
                            const void *bytes)
{
    uint32_t id;

    if (!type_is_legal(t) || !in_set)
        return bad_type(b, op, t);
    if (!bytes)
        return bad_immediate(b, op, "no bytes were given");
    if (!is_open(b, jit_op_table[op].name))
        return no_value;
    id = jit_func_add_const(b->f, bytes, jit_type_bytes(t));
    if (id == 0) {
        b->current = 0;
        return no_value;
    }
    return emit(b, INST(op, t, .a = id), t, JIT_VOID);
}

static jit_value shuffle(jit_builder *b, jit_value x, jit_value y, const uint8_t *mask)
{
    uint32_t id;

    if (type_of(b, x) != JIT_I8X16)
        return bad_operand(b, JIT_OP_shuffle, 0, x, JIT_I8X16);
    if (type_of(b, y) != JIT_I8X16)
        return bad_operand(b, JIT_OP_shuffle, 1, y, JIT_I8X16);
    for (unsigned k = 0; k < 16; k++)
        if (!mask || mask[k] >= 32)
            return bad_immediate(b, JIT_OP_shuffle, "an index of the mask is above 31");
    if (!is_open(b, "shuffle"))
        return no_value;
    id = jit_func_add_const(b->f, mask, 16);
    if (id == 0 || id > UINT16_MAX) {
        jit_builder_fault(b, JIT_ERR_LIMIT, "shuffle: too many masks");
        return no_value;
    }
    b->f->consts.at[id - 1].number = CONST_IS_MASK;
    return emit(b, INST(JIT_OP_shuffle, JIT_I8X16, .aux = (uint16_t)(id - 1), .a = x.id, .b = y.id),
                JIT_I8X16, JIT_VOID);
}

static jit_value reference(jit_builder *b, jit_opcode op, uint32_t id, uint32_t n, const char *what,
                           int32_t offset)
{
    if (id - 1 >= n)
        return bad_immediate(b, op, what);
    return emit(b, INST(op, JIT_I64, .a = id, .b = (uint32_t)offset), JIT_I64, JIT_VOID);
}

static jit_value symbol(jit_builder *b, jit_opcode op, jit_gv gv)
{
    const jit_func *f = b->f;

    if (gv.id - 1 < f->gvs.len
        && (f->gvs.at[gv.id - 1].kind != GV_SYMBOL
            || f->gvs.at[gv.id - 1].tls != (op == JIT_OP_tls_value)))
        return bad_immediate(b, op, "the global value is no such symbol");
    return reference(b, op, gv.id, f->gvs.len, "the global value is not declared", 0);
}

/* ---- Terminators ---- */

static void end_block(jit_builder *b)
{
    if (b->current == 0)
        return;
    b->f->blocks.at[b->current - 1].end = b->f->insts.len;
    b->past_end = true;
    b->current = 0;
}

/* What a branch to a block has to bring; false after an error. */
static bool check_branch(jit_builder *b, jit_opcode op, jit_block to, uint32_t n,
                         const jit_value *args)
{
    const jit_func *f = b->f;
    const char *name = jit_op_table[op].name;
    const ir_block *block;

    if (!is_open(b, name))
        return false;
    if (to.id - 1 >= f->blocks.len)
        return jit_builder_fault(b, JIT_ERR_VERIFY, "%s: the target is no block", name) != 0;
    if (to.id == 1)
        return jit_builder_fault(b, JIT_ERR_VERIFY, "%s: the entry block is no target", name) != 0;
    block = &f->blocks.at[to.id - 1];
    if (block->sealed)
        return jit_builder_fault(b, JIT_ERR_VERIFY, "%s: block%u is sealed", name, to.id - 1) != 0;
    if (n != b->blocks.at[to.id - 1].nuser || (n > 0 && !args))
        return jit_builder_fault(b, JIT_ERR_VERIFY, "%s: block%u takes %u arguments, not %u", name,
                                 to.id - 1, b->blocks.at[to.id - 1].nuser, n) != 0;
    for (uint32_t k = 0; k < n; k++)
        if (type_of(b, args[k]) != value_type(f, f->pool.at[block->params + k]))
            return jit_builder_fault(b, JIT_ERR_VERIFY,
                                     "%s: argument %u of block%u has a wrong type",
                                     name, k + 1, to.id - 1) != 0;
    return true;
}

/* A block call in the pool for target `which` of the instruction that comes next; 0 after an
 * error. */
static uint32_t make_call(jit_builder *b, jit_block to, uint32_t which, uint32_t n,
                          const jit_value *args)
{
    jit_func *f = b->f;
    build_block *t = &b->blocks.at[to.id - 1];
    uint32_t call, *p;

    if (f->pool.len >= IR_MAX_ENTITIES - n - 3 || !vec_try_reserve(&f->mem, &f->pool, n + 3)
        || !vec_try_reserve(&b->tmp, &b->edges, 1))
        return jit_builder_no_memory(b);
    call = f->pool.len;
    f->pool.len += n + 3;
    p = f->pool.at + call;
    p[0] = to.id;
    p[1] = p[2] = n;
    for (uint32_t k = 0; k < n; k++)
        p[3 + k] = args[k].id;
    b->edges.at[b->edges.len++] =
        (build_edge){ t->edges, b->current - 1, f->insts.len, which, call };
    t->edges = b->edges.len;
    t->nedges++;
    t->reached |= b->blocks.at[b->current - 1].reached;
    return call;
}

void jit_jump_args(jit_builder *b, jit_block to, uint32_t nargs, const jit_value *args)
{
    uint32_t call;

    if (!check_branch(b, JIT_OP_jump, to, nargs, args)
        || !(call = make_call(b, to, 0, nargs, args)))
        return;
    emit(b, INST(JIT_OP_jump, JIT_VOID, .a = call), JIT_VOID, JIT_VOID);
    end_block(b);
}

void jit_brif_args(jit_builder *b, jit_value c, jit_block then, uint32_t nthen,
                   const jit_value *then_args, jit_block otherwise, uint32_t notherwise,
                   const jit_value *otherwise_args)
{
    uint32_t yes, no;

    if (!jit_type_is_int(type_of(b, c))) {
        bad_operand(b, JIT_OP_brif, 0, c, JIT_VOID);
        return;
    }
    if (!check_branch(b, JIT_OP_brif, then, nthen, then_args)
        || !check_branch(b, JIT_OP_brif, otherwise, notherwise, otherwise_args)
        || !(yes = make_call(b, then, 0, nthen, then_args))
        || !(no = make_call(b, otherwise, 1, notherwise, otherwise_args)))
        return;
    emit(b, INST(JIT_OP_brif, JIT_VOID, .a = c.id, .b = yes, .c = no), JIT_VOID, JIT_VOID);
    end_block(b);
}

static void br_table(jit_builder *b, jit_value x, jit_block fallback, uint32_t count,
                     const jit_block *targets)
{
    jit_func *f = b->f;
    uint32_t table, n = targets ? count : 0;

    if (type_of(b, x) != JIT_I32) {
        bad_operand(b, JIT_OP_br_table, 0, x, JIT_VOID);
        return;
    }
    if (count >= IR_MAX_ENTITIES / 4 || (count > 0 && !targets)) {
        bad_immediate(b, JIT_OP_br_table, "no targets were given, or too many");
        return;
    }
    if (!is_open(b, "br_table"))
        return;
    if (f->pool.len >= IR_MAX_ENTITIES - n - 2 || !vec_try_reserve(&f->mem, &f->pool, n + 2)) {
        jit_builder_no_memory(b);
        return;
    }
    table = f->pool.len;
    memset(f->pool.at + table, 0, (n + 2) * sizeof f->pool.at[0]);
    f->pool.at[table] = n;
    f->pool.len += n + 2;
    for (uint32_t k = 0; k <= n; k++) { /* the default last, as jit_inst_target counts */
        jit_block to = k < n ? targets[k] : fallback;
        uint32_t call;
        if (!check_branch(b, JIT_OP_br_table, to, 0, NULL)
            || !(call = make_call(b, to, k, 0, NULL)))
            return;
        f->pool.at[k < n ? table + 2 + k : table + 1] = call;
    }
    emit(b, INST(JIT_OP_br_table, JIT_VOID, .a = x.id, .b = table), JIT_VOID, JIT_VOID);
    end_block(b);
}

void jit_builder_set_target(jit_func *f, uint32_t inst, uint32_t which, uint32_t call)
{
    ir_inst *i = &f->insts.at[inst];

    switch (i->op) {
    case JIT_OP_jump:
        i->a = call;
        break;
    case JIT_OP_brif:
        *(which == 0 ? &i->b : &i->c) = call;
        break;
    default: /* br_table */
        f->pool.at[which == f->pool.at[i->b] ? i->b + 1 : i->b + 2 + which] = call;
    }
}

/* ---- Calls and returns ---- */

static bool check_list(jit_builder *b, jit_opcode op, const jit_abi_param *want, uint32_t nwant,
                       uint32_t n, const jit_value *values)
{
    const char *name = jit_op_table[op].name;

    if (!is_open(b, name))
        return false;
    if (n != nwant || (n > 0 && !values))
        return jit_builder_fault(b, JIT_ERR_VERIFY, "%s: the signature has %u values, not %u", name,
                                 nwant, n) != 0;
    for (uint32_t k = 0; k < n; k++)
        if (type_of(b, values[k]) != JIT_PARAM_TYPE(want[k]) || values[k].id == 0) {
            bad_operand(b, op, k, values[k], JIT_PARAM_TYPE(want[k]));
            return false;
        }
    return true;
}

/* The operands in the pool, `first` before them unless it is none; 0 after an error. */
static uint32_t make_list(jit_builder *b, jit_value first, uint32_t n, const jit_value *values)
{
    jit_func *f = b->f;
    uint32_t extra = first.id != 0, at;

    if (f->pool.len >= IR_MAX_ENTITIES - n - 2 || !vec_try_reserve(&f->mem, &f->pool, n + 2))
        return jit_builder_no_memory(b);
    f->pool.at[f->pool.len++] = n + extra;
    at = f->pool.len;
    if (extra)
        f->pool.at[f->pool.len++] = first.id;
    for (uint32_t k = 0; k < n; k++)
        f->pool.at[f->pool.len++] = values[k].id;
    return at;
}

/* Whether this function may end by calling one with signature s: its results become ours. */
static bool fits_tail_call(const jit_func *f, const ir_sig *s)
{
    const ir_sig *own = &f->sig;

    return sig_conv(own) == sig_conv(s) && own->nresults == s->nresults
           && (s->nresults == 0
               || memcmp(own->results, s->results, s->nresults * sizeof *s->results) == 0);
}

static jit_inst call(jit_builder *b, jit_opcode op, uint32_t ref, jit_sigref sig, jit_value callee,
                     uint32_t nargs, const jit_value *args)
{
    jit_func *f = b->f;
    jit_inst none = { 0 };
    bool tail = (jit_op_table[op].props & OP_TERM) != 0;
    const ir_sig *s;
    ir_inst i = INST(op, JIT_VOID, .b = ref);
    uint32_t n;

    if (sig.id - 1 >= f->sigs.len) {
        bad_immediate(b, op, "the callee is not declared");
        return none;
    }
    s = &f->sigs.at[sig.id - 1];
    n = tail ? 0 : s->nresults;
    if (tail && !fits_tail_call(f, s)) {
        bad_immediate(b, op, "the callee has another calling convention or other results");
        return none;
    }
    if (!check_list(b, op, s->params, s->nparams, nargs, args)
        || !(i.a = make_list(b, callee, nargs, args)) || !open_for(b, op, n))
        return none;
    for (uint32_t k = 0; k < n; k++)
        if (!type_is_legal(JIT_PARAM_TYPE(s->results[k]))) {
            bad_immediate(b, op, "a result of the signature has no type");
            return none;
        }
    if (n > 0)
        i.c = f->values.len + 1;
    for (uint32_t k = 0; k < n; k++)
        f->values.at[f->values.len++] = (ir_value){ f->insts.len, JIT_PARAM_TYPE(s->results[k]),
                                                    VALUE_RESULT, k & IR_MAX_BLOCK_PARAMS };
    append(b, i);
    if (tail)
        end_block(b);
    return jit_inst_at(f->insts.len - 1);
}

static jit_inst call_direct(jit_builder *b, jit_opcode op, jit_fnref fn, uint32_t nargs,
                            const jit_value *args)
{
    jit_sigref sig = { 0 };

    if (fn.id - 1 < b->f->callees.len)
        sig = b->f->callees.at[fn.id - 1].sig;
    return call(b, op, fn.id, sig, no_value, nargs, args);
}

static jit_inst call_indirect(jit_builder *b, jit_opcode op, jit_sigref sig, jit_value callee,
                              uint32_t nargs, const jit_value *args)
{
    jit_inst none = { 0 };

    if (type_of(b, callee) != JIT_I64) {
        bad_operand(b, op, 0, callee, JIT_VOID);
        return none;
    }
    return call(b, op, sig.id, sig, callee, nargs, args);
}

void jit_return_values(jit_builder *b, uint32_t n, const jit_value *values)
{
    const ir_sig *s = &b->f->sig;
    uint32_t list;

    if (!check_list(b, JIT_OP_return, s->results, s->nresults, n, values)
        || !(list = make_list(b, no_value, n, values)))
        return;
    emit(b, INST(JIT_OP_return, JIT_VOID, .a = list), JIT_VOID, JIT_VOID);
    end_block(b);
}

void jit_return_void(jit_builder *b)
{
    jit_return_values(b, 0, NULL);
}

jit_value jit_result(jit_builder *b, jit_inst call_inst, uint32_t k)
{
    const jit_func *f = b->f;
    const ir_inst *i;

    if (call_inst.id - 1 < f->insts.len) {
        i = &f->insts.at[call_inst.id - 1];
        if (k < jit_inst_result_count(f, i))
            return jit_value_at(i->c - 1 + k);
    }
    if (!builder_failed(b))
        jit_builder_fault(b, JIT_ERR_VERIFY, "the call has no result %u", k);
    return no_value;
}

jit_type jit_builder_type(const jit_builder *b, jit_value v)
{
    return type_of(b, v);
}

/* ---- One function for each row of the table ---- */

#define TYPESET(name, test) INLINE bool in_##name(jit_type t) { (void)t; return (test); }
#include "gantry/jit_typesets.def"
#undef TYPESET

/* The sets' tests hold for some byte that is no type; JIT_VOID is the only one a value can have. */
#define SET(name) (in_##name)

#define BUILD_NULLARY(n, r, s) \
    void jit_##n(jit_builder *b) \
    { emit(b, INST(JIT_OP_##n, JIT_VOID, .a = 0), JIT_VOID, JIT_VOID); }
#define BUILD_NULLARY_ADDR(n, r, s) \
    jit_value jit_##n(jit_builder *b) \
    { return emit(b, INST(JIT_OP_##n, JIT_I64, .a = 0), JIT_I64, JIT_VOID); }
#define BUILD_UNARY(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x) \
    { return unary(b, JIT_OP_##n, r, s, x, 0, NULL); }
#define BUILD_UNARY2(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x, jit_value *second) \
    { return unary(b, JIT_OP_##n, r, s, x, 0, second); }
#define BUILD_CONVERT(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_type t, jit_value x) \
    { return convert(b, JIT_OP_##n, r, s, t, 0, x); }
#define BUILD_BINARY(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x, jit_value y) \
    { return binary(b, JIT_OP_##n, r, s, x, y, 0, NULL); }
#define BUILD_BINARY2(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, jit_value *second) \
    { return binary(b, JIT_OP_##n, r, s, x, y, 0, second); }
#define BUILD_BINARY_IMM8(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x, uint8_t imm) \
    { \
        if (is_lane_immediate(JIT_OP_##n) && imm >= jit_type_lanes(type_of(b, x))) \
            return bad_immediate(b, JIT_OP_##n, "there is no such lane"); \
        return unary(b, JIT_OP_##n, r, s, x, imm, NULL); \
    }
#define BUILD_TERNARY(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, jit_value z) \
    { return ternary(b, JIT_OP_##n, r, s, x, y, z, NULL); }
#define BUILD_TERNARY2(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, jit_value z, jit_value *second) \
    { return ternary(b, JIT_OP_##n, r, s, x, y, z, second); }
#define BUILD_TERNARY_IMM8(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, uint8_t imm) \
    { \
        if (imm >= jit_type_lanes(type_of(b, x))) \
            return bad_immediate(b, JIT_OP_##n, "there is no such lane"); \
        return binary(b, JIT_OP_##n, r, s, x, y, imm, NULL); \
    }
#define BUILD_ICONST(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_type t, int64_t value) { return iconst(b, t, value); }
#define BUILD_F16CONST(n, r, s) \
    jit_value jit_##n(jit_builder *b, uint16_t bits) \
    { return emit(b, INST(JIT_OP_##n, JIT_F16, .a = bits), JIT_F16, JIT_VOID); }
#define BUILD_F32CONST(n, r, s) \
    jit_value jit_##n(jit_builder *b, float value) \
    { \
        uint32_t bits; \
        memcpy(&bits, &value, sizeof bits); \
        return emit(b, INST(JIT_OP_##n, JIT_F32, .a = bits), JIT_F32, JIT_VOID); \
    }
#define BUILD_F64CONST(n, r, s) \
    jit_value jit_##n(jit_builder *b, double value) \
    { \
        uint64_t bits; \
        memcpy(&bits, &value, sizeof bits); \
        ir_inst i = INST(JIT_OP_##n, JIT_F64, .a = (uint32_t)bits, .b = (uint32_t)(bits >> 32)); \
        return emit(b, i, JIT_F64, JIT_VOID); \
    }
#define BUILD_CONST(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_type t, const void *bytes) \
    { return pool_const(b, JIT_OP_##n, s(t), t, bytes); }
#define BUILD_GLOBAL_VALUE(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_gv gv) \
    { return symbol(b, JIT_OP_##n, gv); }
#define BUILD_INT_CMP(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_intcc cc, jit_value x, jit_value y) \
    { \
        if ((unsigned)cc > JIT_UGT) \
            return bad_immediate(b, JIT_OP_##n, "there is no such condition"); \
        return binary(b, JIT_OP_##n, r, s, x, y, (uint16_t)cc, NULL); \
    }
#define BUILD_FLOAT_CMP(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_floatcc cc, jit_value x, jit_value y) \
    { \
        if ((unsigned)cc > JIT_FUNO) \
            return bad_immediate(b, JIT_OP_##n, "there is no such condition"); \
        return binary(b, JIT_OP_##n, r, s, x, y, (uint16_t)cc, NULL); \
    }
#define BUILD_JUMP(n, r, s) \
    void jit_##n(jit_builder *b, jit_block to) { jit_jump_args(b, to, 0, NULL); }
#define BUILD_BRIF(n, r, s) \
    void jit_##n(jit_builder *b, jit_value c, jit_block then, jit_block otherwise) \
    { jit_brif_args(b, c, then, 0, NULL, otherwise, 0, NULL); }
#define BUILD_BR_TABLE(n, r, s) \
    void jit_##n(jit_builder *b, jit_value x, jit_block fallback, uint32_t count, \
                 const jit_block *targets) \
    { br_table(b, x, fallback, count, targets); }
#define BUILD_TRAP(n, r, s) \
    void jit_##n(jit_builder *b, unsigned code) \
    { \
        if (code - 1 >= JIT_TRAP_BAD_TOINT) { \
            bad_immediate(b, JIT_OP_##n, "there is no such trap code"); \
            return; \
        } \
        emit(b, INST(JIT_OP_##n, JIT_VOID, .aux = (uint16_t)code), JIT_VOID, JIT_VOID); \
        end_block(b); \
    }
#define BUILD_COND_TRAP(n, r, s) \
    void jit_##n(jit_builder *b, jit_value c, unsigned code) \
    { \
        if (code - 1 >= JIT_TRAP_BAD_TOINT) \
            bad_immediate(b, JIT_OP_##n, "there is no such trap code"); \
        else if (!jit_type_is_int(type_of(b, c))) \
            bad_operand(b, JIT_OP_##n, 0, c, JIT_VOID); \
        else \
            emit(b, INST(JIT_OP_##n, JIT_VOID, .aux = (uint16_t)code, .a = c.id), JIT_VOID, \
                 JIT_VOID); \
    }
#define BUILD_ADD_TRAP(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, unsigned code) \
    { \
        if (code - 1 >= JIT_TRAP_BAD_TOINT) \
            return bad_immediate(b, JIT_OP_##n, "there is no such trap code"); \
        return binary(b, JIT_OP_##n, r, s, x, y, (uint16_t)code, NULL); \
    }
#define BUILD_MULTI(n, r, s) \
    void jit_##n(jit_builder *b, jit_value v) { jit_return_values(b, v.id != 0, &v); }
#define BUILD_CALL(n, r, s) \
    jit_inst jit_##n(jit_builder *b, jit_fnref fn, uint32_t nargs, const jit_value *args) \
    { return call_direct(b, JIT_OP_##n, fn, nargs, args); }
#define BUILD_CALL_INDIRECT(n, r, s) \
    jit_inst jit_##n(jit_builder *b, jit_sigref sig, jit_value callee, uint32_t nargs, \
                     const jit_value *args) \
    { return call_indirect(b, JIT_OP_##n, sig, callee, nargs, args); }
#define BUILD_FUNC_ADDR(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_fnref fn) \
    { return reference(b, JIT_OP_##n, fn.id, b->f->callees.len, "the callee is not declared", 0); }
#define BUILD_LOAD(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_type t, jit_mem flags, jit_value addr, int32_t offset) \
    { return load(b, JIT_OP_##n, s, t, flags, addr, offset); }
#define BUILD_STORE(n, r, s) \
    void jit_##n(jit_builder *b, jit_mem flags, jit_value v, jit_value addr, int32_t offset) \
    { store(b, JIT_OP_##n, s, flags, v, addr, offset); }
#define BUILD_LOAD_NO_OFFSET(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_type t, jit_mem flags, jit_value addr) \
    { return load(b, JIT_OP_##n, s, t, flags, addr, 0); }
#define BUILD_STORE_NO_OFFSET(n, r, s) \
    void jit_##n(jit_builder *b, jit_mem flags, jit_value v, jit_value addr) \
    { store(b, JIT_OP_##n, s, flags, v, addr, 0); }
#define BUILD_BITCAST(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_type t, jit_mem flags, jit_value x) \
    { \
        uint32_t mem = mem_index(b, JIT_OP_##n, flags); \
        if (mem == UINT32_MAX) \
            return no_value; \
        if (flags.bits == 0 && jit_type_lanes(t) != jit_type_lanes(type_of(b, x))) \
            return bad_immediate(b, JIT_OP_##n, "other lanes need `little` or `big`"); \
        return convert(b, JIT_OP_##n, r, s, t, (uint16_t)mem, x); \
    }
#define BUILD_STACK_ADDR(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_slot slot, int32_t offset) \
    { \
        return reference(b, JIT_OP_##n, slot.id, b->f->slots.len, "the slot is not declared", \
                         offset); \
    }
#define BUILD_SHUFFLE(n, r, s) \
    jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, const uint8_t mask[16]) \
    { return shuffle(b, x, y, mask); }
#define BUILD_TRY_CALL(n, r, s)
#define BUILD_TRY_CALL_INDIRECT(n, r, s)
#define BUILD_DYNAMIC_STACK_ADDR(n, r, s)
#define BUILD_ATOMIC_RMW(n, r, s)
#define BUILD_ATOMIC_CAS(n, r, s)
#define BUILD_EH_ADDR(n, r, s)

#define OP(name, format, types, rule, props, meaning) BUILD_##format(name, rule, SET(types))
#include "gantry/jit_opcodes.def"
#undef OP
