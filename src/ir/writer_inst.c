/* writer_inst.c - prints an instruction: results, opcode, suffix, operands, a remark. */
#include "ir/op_text.h"
#include "ir/text_names.h"
#include "ir/writer.h"

static void put(writer *w, const char *text)
{
    jit_strbuf_puts(&w->out, text);
}

static void put_numbered(writer *w, const char *prefix, uint32_t number)
{
    jit_strbuf_puts(&w->out, prefix);
    jit_strbuf_u64(&w->out, number);
}

static void put_list(writer *w, const uint32_t *ids, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        if (k > 0)
            put(w, ", ");
        jit_writer_value(w, ids[k]);
    }
}

static void put_args(writer *w, const uint32_t *ids, uint32_t n)
{
    put(w, "(");
    put_list(w, ids, n);
    put(w, ")");
}

static void put_target(writer *w, uint32_t call)
{
    ir_target t = block_call(w->f, call);

    jit_writer_block(w, t.block);
    if (t.nargs > 0)
        put_args(w, t.args, t.nargs);
}

static void put_table(writer *w, const ir_inst *i)
{
    const uint32_t *p = w->f->pool.at + i->b;

    put(w, ", ");
    put_target(w, p[1]);
    put(w, ", [");
    for (uint32_t k = 0; k < p[0]; k++) {
        if (k > 0)
            put(w, ", ");
        put_target(w, p[2 + k]);
    }
    put(w, "]");
}

static void put_exceptions(writer *w, const ir_ehtable *t)
{
    put_numbered(w, ", sig", DECL_NUMBER(w->f, sigs, t->sig.id));
    put(w, ", ");
    put_target(w, t->normal);
    put(w, ", [");
    for (uint32_t k = 0; k < t->nentries; k++) {
        const ir_ehentry *e = &t->entries[k];
        put(w, k == 0 ? " " : ", ");
        if (e->kind == EH_CONTEXT) {
            put(w, "context ");
            jit_writer_value(w, e->tag_or_value);
            continue;
        }
        if (e->kind == EH_DEFAULT)
            put(w, "default: ");
        else {
            put_numbered(w, "tag", e->tag_or_value);
            put(w, ": ");
        }
        put_target(w, e->block_call);
    }
    put(w, t->nentries > 0 ? " ]" : "]");
}

/* The constant that an instruction makes, as the text writes it; false: it makes none. */
static bool put_constant(writer *w, const ir_inst *i)
{
    unsigned bits = jit_type_bits(i->type);
    uint64_t x = inst_imm64(i);

    switch (op_of(i)->format) {
    case FMT_ICONST:
        if (bits < 64 && bits > 0 && x >> (bits - 1) & 1)
            x |= ~(uint64_t)0 << bits;
        jit_print_imm64(&w->out, (int64_t)x);
        return true;
    case FMT_F16CONST:
        jit_print_float(&w->out, JIT_F16, i->a & 0xffffu);
        return true;
    case FMT_F32CONST:
        jit_print_float(&w->out, JIT_F32, i->a);
        return true;
    case FMT_F64CONST:
        jit_print_float(&w->out, JIT_F64, x);
        return true;
    case FMT_CONST:
        put_numbered(w, "const", DECL_NUMBER(w->f, consts, i->a));
        return true;
    default:
        return false;
    }
}

static void put_operands(writer *w, const ir_inst *i)
{
    const jit_func *f = w->f;
    const op_info *o = op_of(i);
    ir_args args = inst_args(f, i);

    switch (o->format) {
    case FMT_BINARY_IMM8:
    case FMT_TERNARY_IMM8:
        put(w, " ");
        put_list(w, args.at, args.len);
        put_numbered(w, ", ", i->aux);
        break;
    case FMT_ICONST: case FMT_F16CONST: case FMT_F32CONST: case FMT_F64CONST: case FMT_CONST:
        put(w, " ");
        put_constant(w, i);
        break;
    case FMT_GLOBAL_VALUE:
        put_numbered(w, " gv", DECL_NUMBER(f, gvs, i->a));
        break;
    case FMT_INT_CMP:
    case FMT_FLOAT_CMP:
        put(w, " ");
        put(w, o->format == FMT_INT_CMP ? jit_intcc_name(i->aux) : jit_floatcc_name(i->aux));
        put(w, " ");
        put_list(w, args.at, args.len);
        break;
    case FMT_JUMP:
        put(w, " ");
        put_target(w, i->a);
        break;
    case FMT_BRIF:
        put(w, " ");
        jit_writer_value(w, i->a);
        put(w, ", ");
        put_target(w, i->b);
        put(w, ", ");
        put_target(w, i->c);
        break;
    case FMT_BR_TABLE:
        put(w, " ");
        jit_writer_value(w, i->a);
        put_table(w, i);
        break;
    case FMT_TRAP:
        put(w, " ");
        put(w, jit_trap_name(i->aux));
        break;
    case FMT_COND_TRAP:
    case FMT_ADD_TRAP:
        put(w, " ");
        put_list(w, args.at, args.len);
        put(w, ", ");
        put(w, jit_trap_name(i->aux));
        break;
    case FMT_MULTI:
        put(w, args.len > 0 ? " " : "");
        put_list(w, args.at, args.len);
        break;
    case FMT_CALL:
        put_numbered(w, " fn", DECL_NUMBER(f, callees, i->b));
        put_args(w, args.at, args.len);
        break;
    case FMT_CALL_INDIRECT:
        put_numbered(w, " sig", DECL_NUMBER(f, sigs, i->b));
        put(w, ", ");
        jit_writer_value(w, args.at[0]);
        put_args(w, args.at + 1, args.len - 1);
        break;
    case FMT_TRY_CALL:
        put_numbered(w, " fn", DECL_NUMBER(f, callees, i->c));
        put_args(w, args.at, args.len);
        put_exceptions(w, &f->ehtables.at[i->b]);
        break;
    case FMT_TRY_CALL_INDIRECT:
        put(w, " ");
        jit_writer_value(w, args.at[0]);
        put_args(w, args.at + 1, args.len - 1);
        put_exceptions(w, &f->ehtables.at[i->b]);
        break;
    case FMT_FUNC_ADDR:
        put_numbered(w, " fn", DECL_NUMBER(f, callees, i->a));
        break;
    case FMT_LOAD:
    case FMT_STORE:
    case FMT_LOAD_NO_OFFSET:
    case FMT_STORE_NO_OFFSET:
    case FMT_BITCAST:
    case FMT_ATOMIC_CAS:
        jit_writer_mem(w, f->mems.at[i->aux]);
        put(w, " ");
        put_list(w, args.at, args.len);
        if (o->format == FMT_LOAD || o->format == FMT_STORE)
            jit_writer_offset(&w->out, (int32_t)(o->format == FMT_LOAD ? i->b : i->c));
        break;
    case FMT_STACK_ADDR:
        put_numbered(w, " ss", DECL_NUMBER(f, slots, i->a));
        jit_writer_offset(&w->out, (int32_t)i->b);
        break;
    case FMT_DYNAMIC_STACK_ADDR:
        put_numbered(w, " dss", DECL_NUMBER(f, slots, i->a));
        break;
    case FMT_ATOMIC_RMW:
        jit_writer_mem(w, f->mems.at[RMW_MEM(i->aux)]);
        put(w, " ");
        put(w, jit_rmw_name(RMW_OP(i->aux)));
        put(w, " ");
        put_list(w, args.at, args.len);
        break;
    case FMT_SHUFFLE:
        put(w, " ");
        put_list(w, args.at, args.len);
        put(w, ", ");
        if (i->aux < f->consts.len)
            jit_writer_bytes(&w->out, f->consts.at[i->aux].bytes, f->consts.at[i->aux].size);
        break;
    case FMT_EH_ADDR:
        put(w, " ");
        jit_writer_block(w, i->a - 1);
        put_numbered(w, ", ", i->b);
        break;
    default: /* values alone */
        put(w, " ");
        put_list(w, args.at, args.len);
    }
}

/* ---- The suffix ---- */

/* Whether value id is defined in the block being printed, in front of inst. */
static bool is_at_hand(const writer *w, uint32_t id, uint32_t inst)
{
    const jit_func *f = w->f;
    const ir_value *v;

    if (id - 1 >= f->values.len)
        return false;
    v = &f->values.at[id - 1];
    if (v->kind == VALUE_PARAM)
        return v->def == w->block;
    return v->kind == VALUE_RESULT && v->def >= f->blocks.at[w->block].first && v->def < inst;
}

static void put_suffix(writer *w, const ir_inst *i, uint32_t inst)
{
    const op_info *o = op_of(i);
    int kind = op_suffix(o);
    jit_type t = i->type;

    if (kind == SUFFIX_NONE)
        return;
    if (kind == SUFFIX_OPERAND) {
        uint32_t id = inst_args(w->f, i).at[op_type_operand(o)];
        if (is_at_hand(w, id, inst))
            return;
        if (o->rule[op_type_operand(o)] != 'T')
            t = id - 1 < w->f->values.len ? value_type(w->f, id) : JIT_VOID;
    }
    put(w, ".");
    jit_print_type(&w->out, t);
}

/* ---- The remark ---- */

/* Names the constants among some values: "  ; v3 = 5, v4 = 0x1.0p0". */
static void remark(writer *w, const uint32_t *ids, uint32_t n, const char **separator)
{
    const jit_func *f = w->f;

    for (uint32_t k = 0; k < n; k++) {
        const ir_value *v = ids[k] - 1 < f->values.len ? &f->values.at[ids[k] - 1] : NULL;
        const ir_inst *def = v && v->kind == VALUE_RESULT ? inst_at(f, v->def) : NULL;
        if (!def || op_of(def)->format < FMT_ICONST || op_of(def)->format > FMT_CONST)
            continue;
        put(w, *separator);
        jit_writer_value(w, ids[k]);
        put(w, " = ");
        if (def->op == JIT_OP_f128const && def->a - 1 < f->consts.len
            && f->consts.at[def->a - 1].size == 16) {
            u128 x = 0;
            for (unsigned b = 16; b-- > 0;)
                x = x << 8 | f->consts.at[def->a - 1].bytes[b];
            jit_print_float(&w->out, JIT_F128, x);
        } else
            put_constant(w, def);
        *separator = ", ";
    }
}

static void remark_target(writer *w, uint32_t call, const char **separator)
{
    ir_target t = block_call(w->f, call);

    remark(w, t.args, t.nargs, separator);
}

static void put_remark(writer *w, const ir_inst *i)
{
    const jit_func *f = w->f;
    ir_args args = inst_args(f, i);
    const char *separator = "  ; ";

    remark(w, args.at, args.len, &separator);
    switch (op_of(i)->format) {
    case FMT_JUMP:
        remark_target(w, i->a, &separator);
        break;
    case FMT_BRIF:
        remark_target(w, i->b, &separator);
        remark_target(w, i->c, &separator);
        break;
    case FMT_BR_TABLE:
        for (uint32_t k = 0; k <= f->pool.at[i->b]; k++)
            remark_target(w, f->pool.at[i->b + 1 + k], &separator);
        break;
    case FMT_TRY_CALL:
    case FMT_TRY_CALL_INDIRECT: {
        const ir_ehtable *t = &f->ehtables.at[i->b];
        for (uint32_t k = 0; k < t->nentries; k++)
            if (t->entries[k].kind != EH_CONTEXT)
                remark_target(w, t->entries[k].block_call, &separator);
        remark_target(w, t->normal, &separator);
        for (uint32_t k = 0; k < t->nentries; k++)
            if (t->entries[k].kind == EH_CONTEXT)
                remark(w, &t->entries[k].tag_or_value, 1, &separator);
        break;
    }
    default:
        break;
    }
}

void jit_writer_inst(writer *w, uint32_t inst)
{
    const jit_func *f = w->f;
    const ir_inst *i = inst_at(f, inst);
    uint32_t n = jit_inst_result_count(f, i);

    for (uint32_t k = 0; k < n; k++) {
        put(w, k > 0 ? ", " : "");
        jit_writer_value(w, i->c + k);
    }
    put(w, n > 0 ? " = " : "");
    put(w, op_of(i)->name);
    put_suffix(w, i, inst);
    put_operands(w, i);
    if (w->note < f->notes.len && f->notes.at[w->note].inst == inst)
        put(w, f->notes.at[w->note++].text);
    put_remark(w, i);
}
