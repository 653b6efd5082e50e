/* reader_inst.c - reads one instruction: opcode, suffix, operands by its format, and makes it. */
#include "ir/reader.h"

#include "ir/literal.h"
#include "ir/op_text.h"
#include "ir/text_names.h"

/* ---- Opcodes ---- */

static uint32_t op_slot(const char *s, size_t n)
{
    uint64_t head = 0, tail = 0;

    memcpy(&head, s, n < 8 ? n : 8);
    if (n > 8)
        memcpy(&tail, s + n - 8, 8);
    return (uint32_t)(hash_mix(head + tail * 31 + n) >> 20) & (OP_HASH_SIZE - 1);
}

void jit_reader_ops(reader *r)
{
    _Static_assert(JIT_OP_COUNT < 256, "an opcode is a byte");

    for (unsigned op = JIT_OP_none + 1; op < JIT_OP_COUNT; op++) {
        const char *name = jit_op_table[op].name;
        uint32_t k = op_slot(name, strlen(name));
        while (r->op_hash[k] != JIT_OP_none)
            k = (k + 1) & (OP_HASH_SIZE - 1);
        r->op_hash[k] = (uint8_t)op;
    }
}

static jit_opcode find_op(const reader *r, const char *s, size_t n)
{
    uint32_t k = op_slot(s, n);

    for (; r->op_hash[k] != JIT_OP_none; k = (k + 1) & (OP_HASH_SIZE - 1)) {
        const char *name = jit_op_table[r->op_hash[k]].name;
        if (strncmp(name, s, n) == 0 && name[n] == 0)
            return (jit_opcode)r->op_hash[k];
    }
    return JIT_OP_none;
}

/* What older CLIF had, and what says it now. */
static const char *replacement_of(const char *s, size_t n)
{
    static const struct { const char *old, *now; } gone[] = {
        { "stack_load", "stack_addr and load" }, { "stack_store", "stack_addr and store" },
        { "dynamic_stack_load", "dynamic_stack_addr and load" },
        { "dynamic_stack_store", "dynamic_stack_addr and store" },
        { "global_value", "the loads and adds that it stood for" },
        { "heap_addr", "an explicit bounds check" }, { "heap_load", "an explicit bounds check" },
        { "heap_store", "an explicit bounds check" }, { "table_addr", "an explicit bounds check" },
        { "bint", "nothing: truth is an i8" }, { "bconst", "iconst.i8" },
        { "breduce", "ireduce" }, { "bextend", "sextend" }, { "b1", "i8" },
        { "brz", "brif" }, { "brnz", "brif" }, { "br_icmp", "icmp and brif" },
        { "fallthrough", "jump" }, { "copy", "an alias" }, { "resumable_trap", "trap" },
        { "resumable_trapnz", "trapnz" }, { "iadd_cin", "sadd_overflow_cin" },
        { "iadd_cout", "uadd_overflow" }, { "isub_bout", "usub_overflow" },
        { "isub_bin", "usub_overflow_bin" }, { "iadd_carry", "uadd_overflow_cin" },
        { "isub_borrow", "usub_overflow_bin" }, { "raw_bitcast", "bitcast" },
        { "vselect", "bitselect" }, { "ifcmp", "icmp" }, { "ffcmp", "fcmp" },
        { "band_not", "bnot and band" }, { "bor_not", "bnot and bor" },
        { "bxor_not", "bnot and bxor" }, { "get_pinned", "get_pinned_reg" }
    };
    static const char *const with_imm[] = {
        "iadd_imm", "imul_imm", "udiv_imm", "sdiv_imm", "urem_imm", "srem_imm", "irsub_imm",
        "band_imm", "bor_imm", "bxor_imm", "rotl_imm", "rotr_imm", "ishl_imm", "ushr_imm",
        "sshr_imm", "icmp_imm", "ifcmp_imm"
    };

    for (size_t k = 0; k < sizeof gone / sizeof *gone; k++)
        if (strncmp(gone[k].old, s, n) == 0 && gone[k].old[n] == 0)
            return gone[k].now;
    for (size_t k = 0; k < sizeof with_imm / sizeof *with_imm; k++)
        if (strncmp(with_imm[k], s, n) == 0 && with_imm[k][n] == 0)
            return "an iconst and the instruction without _imm";
    return NULL;
}

static const op_info *read_opcode(reader *r, ir_inst *i)
{
    const char *now;

    if (!at(r, TOK_WORD))
        jit_reader_expected(r, "an instruction");
    i->op = (uint8_t)find_op(r, tok(r)->at, tok(r)->len);
    if (i->op == JIT_OP_none) {
        now = replacement_of(tok(r)->at, tok(r)->len);
        if (now)
            jit_reader_error(r, here(r), "%.*s is no longer an instruction of CLIF; write %s",
                             (int)tok(r)->len, tok(r)->at, now);
        jit_reader_expected(r, "an instruction");
    }
    next(r);
    return op_of(i);
}

/* ---- Operands ---- */

static uint32_t operand(reader *r)
{
    return jit_reader_value(r, "an operand like v0");
}

static void comma(reader *r)
{
    expect(r, ',', "`,` and the next operand");
}

/* Appends values up to a closing parenthesis, or none, to r->list. */
static void operand_list(reader *r)
{
    if (!at(r, TOK_VALUE))
        return;
    do {
        uint32_t id = operand(r);
        vec_push(&r->tmp, &r->list, id);
    } while (accept(r, ','));
}

static void call_args(reader *r)
{
    expect(r, '(', "( and the arguments");
    operand_list(r);
    expect(r, ')', "`,` or ) after an argument");
}

static uint32_t pooled_list(reader *r)
{
    uint32_t list = jit_func_list(r->f, r->list.at, r->list.len);

    jit_reader_check(r);
    return list;
}

/* block3(v1, v2); in the table of a try_call also ret0 and exn0. */
static uint32_t read_target(reader *r, bool of_try)
{
    uint32_t block = jit_reader_block(r, "a block like block1"), call;

    r->list.len = 0;
    if (accept(r, '(')) {
        while (!at(r, ')')) {
            uint32_t id;
            if (of_try && (at(r, TOK_RET) || at(r, TOK_EXN))) {
                if (tok(r)->number > 0xffff)
                    jit_reader_error(r, here(r), "the number of a result is too large");
                id = at(r, TOK_RET) ? EH_RET(tok(r)->number) : EH_EXN(tok(r)->number);
                next(r);
            } else
                id = jit_reader_value(r, "a block argument like v0");
            vec_push(&r->tmp, &r->list, id);
            if (!accept(r, ','))
                break;
        }
        expect(r, ')', "`,` or ) after a block argument");
    }
    call = jit_func_block_call(r->f, block, r->list.at, r->list.len);
    jit_reader_check(r);
    return call;
}

static void br_table(reader *r, ir_inst *i)
{
    jit_func *f = r->f;
    uint32_t n;

    i->a = operand(r);
    comma(r);
    r->calls.len = 0;
    vec_push(&r->tmp, &r->calls, 0);
    n = read_target(r, false);
    vec_push(&r->tmp, &r->calls, n);
    comma(r);
    expect(r, '[', "[ and the table");
    if (!at(r, ']'))
        do {
            n = read_target(r, false);
            vec_push(&r->tmp, &r->calls, n);
        } while (accept(r, ','));
    expect(r, ']', "`,` or ] in the table");
    n = r->calls.len;
    r->calls.at[0] = n - 2;
    if (f->pool.len > IR_MAX_ENTITIES - n || !vec_try_reserve(&f->mem, &f->pool, n))
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a table");
    i->b = f->pool.len;
    memcpy(f->pool.at + f->pool.len, r->calls.at, n * sizeof *r->calls.at);
    f->pool.len += n;
}

/* sig0, block1(ret0), [ tag1: block2(exn0), default: block3, context v1 ] */
static uint32_t exception_table(reader *r)
{
    jit_func *f = r->f;
    ir_ehtable t;

    memset(&t, 0, sizeof t);
    r->entries.len = 0;
    comma(r);
    t.sig.id = jit_reader_declared(r, SPACE_SIG, TOK_SIG, "the signature of the callee, like sig0");
    comma(r);
    t.normal = read_target(r, true);
    comma(r);
    expect(r, '[', "[ and the exceptional targets");
    while (!at(r, ']')) {
        ir_ehentry e = { EH_TAG, 0, 0 };
        if (accept_word(r, "context")) {
            e.kind = EH_CONTEXT;
            e.tag_or_value = jit_reader_value(r, "the value of the context");
        } else {
            e.tag_or_value = tok(r)->number;
            if (accept_word(r, "default"))
                e.kind = EH_DEFAULT;
            else
                expect(r, TOK_TAG, "a tag like tag1, default, or context");
            expect(r, ':', "`:` and a block");
            e.block_call = read_target(r, true);
        }
        vec_push(&r->tmp, &r->entries, e);
        if (!accept(r, ','))
            break;
    }
    expect(r, ']', "`,` or ] after an exceptional target");
    t.nentries = r->entries.len;
    t.entries = jit_reader_memory(r, &f->mem, t.nentries * sizeof *t.entries);
    if (t.nentries > 0)
        memcpy(t.entries, r->entries.at, t.nentries * sizeof *t.entries);
    if (!vec_try_reserve(&f->mem, &f->ehtables, 1))
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for an exception table");
    f->ehtables.at[f->ehtables.len] = t;
    return f->ehtables.len++;
}

static uint32_t mem_flags(reader *r, uint32_t most)
{
    jit_mem flags;
    uint32_t mem;

    jit_reader_mem_flags(r, &flags);
    mem = jit_func_mem(r->f, flags);
    jit_reader_check(r);
    if (mem > most)
        jit_reader_error(r, here(r), "too many kinds of memory flags");
    return mem;
}

static uint32_t offset32(reader *r)
{
    return (uint32_t)jit_reader_offset(r, INT32_MIN, INT32_MAX);
}

static uint16_t trap_code(reader *r)
{
    unsigned code = at(r, TOK_WORD) ? jit_trap_parse(tok(r)->at, tok(r)->len) : 0;

    if (code == 0)
        jit_reader_expected(r, "a trap code like heap_oob or user1");
    next(r);
    return (uint16_t)code;
}

static uint16_t condition(reader *r, int (*parse)(const char *, size_t), const char *what)
{
    int cc = at(r, TOK_WORD) ? parse(tok(r)->at, tok(r)->len) : -1;

    if (cc < 0)
        jit_reader_expected(r, what);
    next(r);
    return (uint16_t)cc;
}

static void set_imm64(ir_inst *i, uint64_t x)
{
    i->a = (uint32_t)x;
    i->b = (uint32_t)(x >> 32);
}

/* The bits of a scalar constant of type t. */
static u128 scalar(reader *r, jit_type t, const char *what)
{
    uint8_t bytes[16] = { 0 };
    const char *wrong;
    u128 x = 0;

    if (!at(r, TOK_NUMBER))
        jit_reader_expected(r, what);
    wrong = jit_literal_scalar(t, tok(r)->at, tok(r)->len, bytes);
    if (wrong)
        jit_reader_expected(r, wrong);
    next(r);
    for (unsigned k = 16; k-- > 0;)
        x = x << 8 | bytes[k];
    return x;
}

static uint32_t constant(reader *r, jit_type t)
{
    uint8_t bytes[16];
    uint32_t size = 16;

    if (at(r, TOK_CONST)) {
        place where = here(r);
        uint32_t id = jit_reader_declared(r, SPACE_CONST, TOK_CONST, "a constant");
        if (r->f->consts.at[id - 1].size != jit_type_bytes(t))
            jit_reader_error(r, where, "the constant has %u bytes, its type %u",
                             r->f->consts.at[id - 1].size, jit_type_bytes(t));
        return id;
    }
    if (t == JIT_F128) {
        u128 x = scalar(r, t, "a float of 128 bits");
        for (unsigned k = 0; k < 16; k++)
            bytes[k] = (uint8_t)(x >> 8 * k);
    } else
        size = jit_reader_vector(r, t, bytes);
    return jit_reader_inline_const(r, bytes, size, false);
}

static void shuffle(reader *r, ir_inst *i)
{
    uint8_t bytes[16];
    uint32_t id;

    i->a = operand(r);
    comma(r);
    i->b = operand(r);
    comma(r);
    jit_reader_vector(r, JIT_I8X16, bytes);
    id = jit_reader_inline_const(r, bytes, 16, true);
    if (id > 0xffff)
        jit_reader_error(r, here(r), "too many different constants for a shuffle");
    i->aux = (uint16_t)(id - 1);
}

static void atomic_rmw(reader *r, ir_inst *i)
{
    uint32_t mem = mem_flags(r, 0xfff);
    unsigned op = condition(r, jit_rmw_parse, "an operation like add or xchg");

    i->aux = RMW_AUX(mem, op);
    i->a = operand(r);
    comma(r);
    i->b = operand(r);
}

static void operands_in_pool(reader *r, ir_inst *i, unsigned n)
{
    r->list.len = 0;
    for (unsigned k = 0; k < n; k++) {
        uint32_t id;
        if (k > 0)
            comma(r);
        id = operand(r);
        vec_push(&r->tmp, &r->list, id);
    }
    i->a = pooled_list(r);
}

static uint32_t callee(reader *r)
{
    return jit_reader_declared(r, SPACE_FN, TOK_FN, "a declared function like fn0");
}

/* Everything behind the suffix; i->type is set if the suffix says it. */
static void read_operands(reader *r, ir_inst *i)
{
    uint32_t id;

    switch (op_of(i)->format) {
    case FMT_NULLARY:
    case FMT_NULLARY_ADDR:
        break;
    case FMT_UNARY:
    case FMT_UNARY2:
    case FMT_CONVERT:
        i->a = operand(r);
        break;
    case FMT_BINARY:
    case FMT_BINARY2:
        i->a = operand(r);
        comma(r);
        i->b = operand(r);
        break;
    case FMT_BINARY_IMM8:
        i->a = operand(r);
        comma(r);
        i->aux = (uint16_t)jit_reader_unsigned(r, 255, "an immediate of 8 bits");
        break;
    case FMT_TERNARY:
    case FMT_TERNARY2:
        operands_in_pool(r, i, 3);
        break;
    case FMT_TERNARY_IMM8:
        i->a = operand(r);
        comma(r);
        i->b = operand(r);
        comma(r);
        i->aux = (uint16_t)jit_reader_unsigned(r, 255, "an immediate of 8 bits");
        break;
    case FMT_ICONST:
        set_imm64(i, (uint64_t)scalar(r, i->type, "an integer"));
        break;
    case FMT_F16CONST:
    case FMT_F32CONST:
    case FMT_F64CONST:
        set_imm64(i, (uint64_t)scalar(r, i->type, "a float like 0x1.8p3"));
        break;
    case FMT_CONST:
        i->a = constant(r, i->type);
        break;
    case FMT_GLOBAL_VALUE:
        i->a = jit_reader_declared(r, SPACE_GV, TOK_GV, "a global value like gv0");
        break;
    case FMT_INT_CMP:
        i->aux = condition(r, jit_intcc_parse, "a condition like eq or slt");
        i->a = operand(r);
        comma(r);
        i->b = operand(r);
        break;
    case FMT_FLOAT_CMP:
        i->aux = condition(r, jit_floatcc_parse, "a condition like eq or lt");
        i->a = operand(r);
        comma(r);
        i->b = operand(r);
        break;
    case FMT_JUMP:
        i->a = read_target(r, false);
        break;
    case FMT_BRIF:
        i->a = operand(r);
        comma(r);
        i->b = read_target(r, false);
        comma(r);
        i->c = read_target(r, false);
        break;
    case FMT_BR_TABLE:
        br_table(r, i);
        break;
    case FMT_TRAP:
        i->aux = trap_code(r);
        break;
    case FMT_COND_TRAP:
        i->a = operand(r);
        comma(r);
        i->aux = trap_code(r);
        break;
    case FMT_ADD_TRAP:
        i->a = operand(r);
        comma(r);
        i->b = operand(r);
        comma(r);
        i->aux = trap_code(r);
        break;
    case FMT_MULTI:
        r->list.len = 0;
        operand_list(r);
        i->a = pooled_list(r);
        break;
    case FMT_CALL:
        i->b = callee(r);
        r->list.len = 0;
        call_args(r);
        i->a = pooled_list(r);
        break;
    case FMT_CALL_INDIRECT:
        i->b = jit_reader_declared(r, SPACE_SIG, TOK_SIG, "a signature like sig0");
        comma(r);
        r->list.len = 0;
        id = operand(r);
        vec_push(&r->tmp, &r->list, id);
        call_args(r);
        i->a = pooled_list(r);
        break;
    case FMT_TRY_CALL:
        id = callee(r);
        r->list.len = 0;
        call_args(r);
        i->a = pooled_list(r);
        i->b = exception_table(r);
        i->c = id;
        break;
    case FMT_TRY_CALL_INDIRECT:
        r->list.len = 0;
        id = operand(r);
        vec_push(&r->tmp, &r->list, id);
        call_args(r);
        i->a = pooled_list(r);
        i->b = exception_table(r);
        break;
    case FMT_FUNC_ADDR:
        i->a = callee(r);
        break;
    case FMT_LOAD:
        i->aux = (uint16_t)mem_flags(r, 0xffff);
        i->a = operand(r);
        i->b = offset32(r);
        break;
    case FMT_STORE:
        i->aux = (uint16_t)mem_flags(r, 0xffff);
        i->a = operand(r);
        comma(r);
        i->b = operand(r);
        i->c = offset32(r);
        break;
    case FMT_LOAD_NO_OFFSET:
    case FMT_BITCAST:
        i->aux = (uint16_t)mem_flags(r, 0xffff);
        i->a = operand(r);
        break;
    case FMT_STORE_NO_OFFSET:
        i->aux = (uint16_t)mem_flags(r, 0xffff);
        i->a = operand(r);
        comma(r);
        i->b = operand(r);
        break;
    case FMT_STACK_ADDR:
        i->a = jit_reader_declared(r, SPACE_SLOT, TOK_SLOT, "a stack slot like ss0");
        i->b = offset32(r);
        break;
    case FMT_DYNAMIC_STACK_ADDR:
        i->a = jit_reader_declared(r, SPACE_DYN_SLOT, TOK_DYN_SLOT, "a dynamic slot like dss0");
        break;
    case FMT_ATOMIC_RMW:
        atomic_rmw(r, i);
        break;
    case FMT_ATOMIC_CAS:
        i->aux = (uint16_t)mem_flags(r, 0xffff);
        operands_in_pool(r, i, 3);
        break;
    case FMT_SHUFFLE:
        shuffle(r, i);
        break;
    case FMT_EH_ADDR:
        i->a = jit_reader_block(r, "a block like block1") + 1;
        comma(r);
        i->b = (uint32_t)jit_reader_unsigned(r, UINT32_MAX, "the index of a handler");
        break;
    default:
        jit_fail(&r->fail, JIT_ERR_INTERNAL, "%s has no text form", op_of(i)->name);
    }
}

/* ---- Types ---- */

static void check_type(reader *r, const op_info *o, jit_type t, place where)
{
    char name[16];

    if (!jit_typeset_has(o->types, t))
        jit_reader_error(r, where, "%s is not a type of %s", jit_type_name(t, name), o->name);
}

/* The suffix, if there is one; sets the type of i as far as that is known before its operands.
 * *where is the opcode's place, then the suffix's. */
static jit_type read_suffix(reader *r, const op_info *o, ir_inst *i, place *where)
{
    int kind = op_suffix(o);
    bool of_type = kind == SUFFIX_NEEDED
                   || (kind == SUFFIX_OPERAND && o->rule[op_type_operand(o)] == 'T');
    jit_type t = JIT_VOID;

    if (accept(r, '.')) {
        *where = here(r);
        if (at(r, TOK_DYN_TYPE))
            jit_reader_error(r, *where, "vectors of dynamic size are not supported");
        t = jit_reader_type(r, "a type after `.`");
        if (kind == SUFFIX_NONE)
            jit_reader_error(r, *where, "%s takes no type", o->name);
        if (of_type)
            check_type(r, o, t, *where);
    } else if (kind == SUFFIX_NEEDED)
        jit_reader_error(r, *where, "expected `.` and a type after %s", o->name);
    i->type = of_type ? t : op_fixed_type(o);
    return t;
}

static uint32_t type_operand(reader *r, const op_info *o, const ir_inst *i)
{
    if (o->pooled)
        return r->f->pool.at[i->a + op_type_operand(o)];
    return i->a;
}

/* What the suffix left open: the type is that of an operand, or an operand has to have it. */
static void settle_type(reader *r, const op_info *o, ir_inst *i, jit_type suffix, place where)
{
    uint32_t id;
    bool of_type;

    if (op_suffix(o) != SUFFIX_OPERAND)
        return;
    of_type = o->rule[op_type_operand(o)] == 'T';
    id = type_operand(r, o, i);
    if (suffix != JIT_VOID) {
        suffix_check s = { id, where.line, where.column, suffix };
        if (!of_type)
            vec_push(&r->tmp, &r->suffixes, s);
        return;
    }
    if (id >= FORWARD)
        jit_reader_error(r, where, "expected `.` and a type after %s, for v%u is defined later",
                         o->name, r->forwards.at[id - FORWARD].number);
    if (of_type) {
        i->type = value_type(r->f, id);
        check_type(r, o, i->type, where);
    }
}

/* ---- Results, notes ---- */

/* The types of the results into r->types. */
static void result_types(reader *r, const op_info *o, const ir_inst *i, place where)
{
    const char *letter = strchr(o->rule, '>') + 1;
    const ir_sig *sig;
    uint32_t n = o->nresults;

    r->types.len = 0;
    if (n == 0)
        return;
    if (n == OP_RESULTS_BY_SIG) {
        sig = jit_inst_signature(r->f, i);
        for (uint32_t k = 0; sig && k < sig->nresults; k++)
            vec_push(&r->tmp, &r->types, JIT_PARAM_TYPE(sig->results[k]));
        return;
    }
    for (; *letter; letter++) {
        jit_type t = jit_rule_type(*letter, i->type);
        if (t == JIT_VOID)
            jit_reader_error(r, where, "%s has no result for this type", o->name);
        vec_push(&r->tmp, &r->types, t);
    }
}

static void add_note(reader *r, uint32_t inst, const char *text)
{
    jit_func *f = r->f;

    if (!vec_try_reserve(&f->mem, &f->notes, 1))
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a note");
    f->notes.at[f->notes.len++] = (ir_note){ inst, text };
}

/* stack_map=[i32 @ ss0+0, i64 @ ss1+8]: kept as text. */
static char *read_stack_map(reader *r, const op_info *o)
{
    char name[16];
    strbuf s;

    if (!accept_word(r, "stack_map"))
        jit_reader_expected(r, "stack_map");
    if (!(o->props & OP_CALL) || ((o->props & OP_TERM) && !(o->props & OP_BRANCH)))
        jit_reader_error(r, here(r), "a stack map belongs to a call that returns");
    jit_strbuf_init(&s, &r->scratch_host);
    jit_strbuf_puts(&s, ", stack_map=[");
    expect(r, '=', "= and the stack map");
    expect(r, '[', "[ and the stack map");
    for (bool first = true; !at(r, ']'); first = false) {
        jit_strbuf_puts(&s, first ? "" : ", ");
        jit_strbuf_puts(&s, jit_type_name(jit_reader_type(r, "the type of an entry"), name));
        expect(r, '@', "@ and a stack slot");
        jit_strbuf_puts(&s, " @ ss");
        jit_strbuf_u64(&s, tok(r)->number);
        jit_reader_declared(r, SPACE_SLOT, TOK_SLOT, "a stack slot like ss0");
        accept(r, '+');
        jit_strbuf_putc(&s, '+');
        jit_strbuf_u64(&s, jit_reader_unsigned(r, UINT32_MAX, "+ and an offset"));
        if (!accept(r, ','))
            break;
    }
    expect(r, ']', "`,` or ] in the stack map");
    jit_strbuf_putc(&s, ']');
    if (s.failed)
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a stack map");
    return jit_reader_string(r, &r->f->mem, s.at, s.len);
}

static void add_facts(reader *r, uint32_t inst, uint32_t line, uint32_t position)
{
    jit_func *f = r->f;
    uint32_t missing = inst + 1 - f->srcpos.len;

    if (!vec_try_reserve(&f->mem, &f->lines, 1))
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a line");
    f->lines.at[f->lines.len++] = line;
    if (position == UINT32_MAX)
        return;
    if (!vec_try_reserve(&f->mem, &f->srcpos, missing))
        jit_fail(&r->fail, JIT_ERR_NOMEM, "no memory for a source position");
    memset(f->srcpos.at + f->srcpos.len, 0xff, missing * sizeof *f->srcpos.at);
    f->srcpos.len += missing;
    f->srcpos.at[inst] = position;
}

void jit_reader_inst(reader *r, uint32_t position, const char *tags)
{
    ir_inst i = { 0 };
    place where = here(r), suffix_place = where;
    const op_info *o = read_opcode(r, &i);
    jit_type suffix = read_suffix(r, o, &i, &suffix_place);
    const char *stack_map = NULL;
    uint32_t inst, first;

    read_operands(r, &i);
    settle_type(r, o, &i, suffix, suffix_place);
    if (accept(r, ','))
        stack_map = read_stack_map(r, o);
    result_types(r, o, &i, where);
    if (r->types.len != r->results.len)
        jit_reader_error(r, where, "%s has %u result%s, but %u %s named", o->name, r->types.len,
                         r->types.len == 1 ? "" : "s", r->results.len,
                         r->results.len == 1 ? "is" : "are");
    first = r->f->values.len + 1;
    inst = jit_func_append(r->f, &i, r->types.at, r->types.len);
    jit_reader_check(r);
    for (uint32_t k = 0; k < r->results.len; k++) {
        uint32_t number = r->results.at[k], id = numbering_get(&r->values, r->stamp, number);
        if (id >= first && id < first + k)
            jit_reader_error(r, where, "v%u is named twice as a result", number);
        jit_reader_name_value(r, number, first + k);
    }
    add_facts(r, inst - 1, where.line, position);
    if (tags)
        add_note(r, inst - 1, tags);
    if (stack_map)
        add_note(r, inst - 1, stack_map);
}
