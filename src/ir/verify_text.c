/* verify_text.c - what the verifier tells: function, instruction, line and reason of each fault.
 *
 * The instruction is printed as the writer does only when every index that the writer follows is
 * in range, which is looked at here once more, for a fault may come before all are checked. */
#include "ir/text_names.h"
#include "ir/verify.h"
#include "ir/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint32_t jit_verify_block_number(const verifier *v, uint32_t block)
{
    const jit_func *f = v->f;
    bool named = block < f->block_name.len && f->block_name.at[block] != 0;

    return named ? f->block_name.at[block] - 1 : block;
}

const char *jit_verify_value_name(const verifier *v, uint32_t id, char buffer[16])
{
    const jit_func *f = v->f;
    uint32_t number = id - 1 < f->value_name.len && f->value_name.at[id - 1]
                          ? f->value_name.at[id - 1] - 1 : id - 1;

    snprintf(buffer, 16, "v%u", number);
    return buffer;
}

/* ---- Whether the writer may look at an instruction ---- */

static bool words_in_range(const jit_func *f, uint32_t at, uint64_t n)
{
    return at != 0 && at + n <= f->pool.len;
}

/* The writer names the constants among the operands. */
static bool is_constant_printable(const jit_func *f, const ir_inst *i)
{
    return i->op < JIT_OP_COUNT && (op_of(i)->format != FMT_CONST || i->a - 1 < f->consts.len);
}

static bool values_in_range(const jit_func *f, const uint32_t *ids, uint32_t n)
{
    const ir_value *v;

    for (uint32_t k = 0; k < n; k++) {
        if (ids[k] >= EH_RET(0))
            continue;
        if (ids[k] - 1 >= f->values.len)
            return false;
        v = &f->values.at[ids[k] - 1];
        if (v->kind == VALUE_RESULT
            && (v->def >= f->insts.len || !is_constant_printable(f, inst_at(f, v->def))))
            return false;
    }
    return true;
}

static bool call_in_range(const jit_func *f, uint32_t at)
{
    return words_in_range(f, at, 3) && words_in_range(f, at, 3 + (uint64_t)f->pool.at[at + 1])
           && f->pool.at[at] - 1 < f->blocks.len
           && values_in_range(f, f->pool.at + at + 3, f->pool.at[at + 1]);
}

static bool table_in_range(const jit_func *f, uint32_t at)
{
    if (!words_in_range(f, at, 2) || !words_in_range(f, at, 2 + (uint64_t)f->pool.at[at]))
        return false;
    for (uint32_t k = 0; k <= f->pool.at[at]; k++)
        if (!call_in_range(f, f->pool.at[at + 1 + k]))
            return false;
    return true;
}

static bool exceptions_in_range(const jit_func *f, uint32_t index)
{
    const ir_ehtable *t;

    if (index >= f->ehtables.len)
        return false;
    t = &f->ehtables.at[index];
    if (t->sig.id - 1 >= f->sigs.len || !call_in_range(f, t->normal))
        return false;
    for (uint32_t k = 0; k < t->nentries; k++) {
        const ir_ehentry *e = &t->entries[k];
        if (e->kind == EH_CONTEXT ? !values_in_range(f, &e->tag_or_value, 1)
                                  : !call_in_range(f, e->block_call))
            return false;
    }
    return true;
}

static bool operands_in_range(const jit_func *f, const ir_inst *i)
{
    const op_info *o = op_of(i);
    ir_args args;

    if (o->pooled) {
        uint64_t n = (uint64_t)o->nargs;
        if (o->nargs < 0 && (i->a == 0 || !words_in_range(f, i->a - 1, 1)))
            return false;
        if (o->nargs < 0)
            n = f->pool.at[i->a - 1];
        if (!words_in_range(f, i->a, n))
            return false;
    }
    args = inst_args(f, i);
    return values_in_range(f, args.at, args.len);
}

static bool is_printable(const jit_func *f, const ir_inst *i)
{
    if (i->op == JIT_OP_none || i->op >= JIT_OP_COUNT
        || (i->type != JIT_VOID && !type_is_legal(i->type)) || !operands_in_range(f, i))
        return false;
    switch (op_of(i)->format) {
    case FMT_JUMP:
        return call_in_range(f, i->a);
    case FMT_BRIF:
        return call_in_range(f, i->b) && call_in_range(f, i->c);
    case FMT_BR_TABLE:
        return table_in_range(f, i->b);
    case FMT_TRY_CALL:
        return exceptions_in_range(f, i->b);
    case FMT_TRY_CALL_INDIRECT:
        return exceptions_in_range(f, i->b) && inst_args(f, i).len > 0;
    case FMT_CALL:
        return jit_inst_signature(f, i) != NULL;
    case FMT_CALL_INDIRECT:
        return jit_inst_signature(f, i) != NULL && inst_args(f, i).len > 0;
    case FMT_INT_CMP:
        return i->aux <= JIT_UGT;
    case FMT_FLOAT_CMP:
        return i->aux <= JIT_FUNO;
    case FMT_CONST:
        return i->a - 1 < f->consts.len;
    case FMT_LOAD:
    case FMT_STORE:
    case FMT_LOAD_NO_OFFSET:
    case FMT_STORE_NO_OFFSET:
    case FMT_ATOMIC_CAS:
    case FMT_BITCAST:
        return i->aux < f->mems.len;
    case FMT_ATOMIC_RMW:
        return RMW_MEM(i->aux) < f->mems.len && RMW_OP(i->aux) < RMW_COUNT;
    case FMT_EH_ADDR:
        return i->a - 1 < f->blocks.len;
    default:
        return true;
    }
}

/* ---- Reports ---- */

/* The instruction as the text has it, without the remark; its opcode's name when it cannot be. */
static const char *inst_text(verifier *v, strbuf *out)
{
    const ir_inst *i = inst_at(v->f, v->inst - 1);
    writer w = { .f = v->f, .block = v->block - 1 };
    char *remark;

    if (!is_printable(v->f, i))
        return i->op < JIT_OP_COUNT ? op_of(i)->name : "?";
    jit_strbuf_init(&w.out, v->f->mem.host);
    jit_writer_inst(&w, v->inst - 1);
    *out = w.out;
    if (!out->at)
        return op_of(i)->name;
    remark = strstr(out->at, "  ;");
    if (remark)
        *remark = 0;
    return out->at;
}

static uint32_t line_of(const verifier *v)
{
    const jit_func *f = v->f;

    if (v->inst != 0 && v->inst - 1 < f->lines.len)
        return f->lines.at[v->inst - 1];
    if (v->block != 0 && v->block - 1 < f->block_line.len && f->block_line.at[v->block - 1] != 0)
        return f->block_line.at[v->block - 1];
    return v->line != 0 ? v->line : f->line;
}

static void report(verifier *v, const char *text)
{
    jit_diagnostic d = { .status = JIT_ERR_VERIFY, .line = line_of(v), .function = v->f->printed,
                         .text = text };
    strbuf inst = { 0 };

    if (v->inst != 0)
        d.instruction = inst_text(v, &inst);
    v->report(v->user, &d);
    if (inst.host)
        jit_strbuf_free(&inst);
}

static void tell(verifier *v, const char *format, va_list args)
{
    char text[256];
    int n = 0;

    v->nfaults++;
    if (!v->report)
        return;
    if (v->block != 0 && v->inst == 0)
        n = snprintf(text, sizeof text, "block%u: ", jit_verify_block_number(v, v->block - 1));
    vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    report(v, text);
}

void jit_verify_fault(verifier *v, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(v, format, args);
    va_end(args);
}

void jit_verify_bad_index(verifier *v, const char *format, ...)
{
    va_list args;

    v->shape_ok = false;
    va_start(args, format);
    tell(v, format, args);
    va_end(args);
}
