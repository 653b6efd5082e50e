/* emit.c - the half of emission that machines share: moves and jumps that are checked before they
 * are put, what stands behind the body, the steps by which a frame is taken. */
#include "machinst/rules.h"
#include <stdio.h>

static const target *machine(const emit *e)
{
    return e->l->target;
}

/* ---- Moves ---- */

static bool is_place(const emit *e, ra_loc l)
{
    return loc_is_reg(l) ? machine(e)->places >> l & 1 : loc_is_slot(l);
}

static bool is_int(ra_loc l)
{
    return l < RA_FLOAT(0);
}

static _Noreturn void refuse_move(const emit *e, const char *what)
{
    jit_fail(e->buf->fail, JIT_ERR_INTERNAL, "%s: a move %s", machine(e)->name, what);
}

void jit_emit_checked_move(emit *e, ra_loc from, ra_loc to, unsigned width)
{
    if (!is_place(e, from))
        refuse_move(e, "from nowhere");
    if (!is_place(e, to))
        refuse_move(e, "to nowhere");
    if (loc_is_slot(from) && loc_is_slot(to))
        refuse_move(e, "between slots");
    if (width != 4 && width != 8 && (width != 16 || is_int(from) || is_int(to)))
        refuse_move(e, "of another width than the registers'");
    if (from != to)
        machine(e)->emit_move(e, from, to, width);
}

/* ---- Labels ---- */

const char *jit_emit_label_name(const emit *e, mlabel l, char name[EMIT_NAME_BYTES])
{
    const char *kind = "block";
    uint32_t lo = 0, hi = e->later.len; /* their labels rise */

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (e->later.at[mid].label.id < l.id)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < e->later.len && e->later.at[lo].label.id == l.id)
        kind = e->later.at[lo].table ? "table" : "trap";
    snprintf(name, EMIT_NAME_BYTES, "%s%u", kind, l.id - 1);
    return name;
}

void jit_emit_bind(emit *e, mlabel l)
{
    char name[EMIT_NAME_BYTES];

    jit_mbuf_bind(e->buf, l);
    if (e->listing)
        jit_strbuf_printf(e->listing, "%s:\n", jit_emit_label_name(e, l, name));
}

mlabel jit_emit_constant(emit *e, uint32_t ref)
{
    const lower *l = e->l;
    mlabel label;

    JIT_REQUIRE(e->buf->fail, ref < l->consts.len, "constant out of range");
    vcode_const *c = &l->consts.at[ref];
    if (!c->label)
        c->label = jit_mbuf_constant(e->buf, c->bytes, c->size, c->align).id;
    label.id = c->label;
    return label;
}

/* ---- Jumps ---- */

void jit_emit_branch(emit *e, const minst *i, const ra_operand *ops, unsigned nops)
{
    uint32_t yes = i->ref, no = (uint32_t)i->imm;
    unsigned cc = i->cc;

    if (yes == e->next_block) {
        yes = no;
        no = i->ref;
        cc ^= 1; /* inverts it on every machine */
    }
    if (yes != no)
        machine(e)->jump_if(e, i, ops, nops, cc, e->block_label[yes], e->block_label[no]);
    if (no != e->next_block)
        machine(e)->jump(e, e->block_label[no]);
}

void jit_emit_inst(emit *e, const minst *i, const ra_operand *ops, unsigned nops)
{
    switch (i->op) {
    case MI_NONE:
    case MI_ARGS:
        break;
    case MI_MOVE:
        JIT_REQUIRE(e->buf->fail, nops >= 2, "move: operand missing");
        jit_emit_move(e, ops[1].loc, ops[0].loc, i->size);
        break;
    case MI_RETURN:
        machine(e)->epilogue(e);
        break;
    case MI_JUMP:
        if (i->ref != e->next_block)
            machine(e)->jump(e, e->block_label[i->ref]);
        break;
    case MI_BRANCH:
        jit_emit_branch(e, i, ops, nops);
        break;
    default:
        machine(e)->emit(e, i, ops, nops);
    }
}

/* ---- What stands behind the body ---- */

static mlabel put_later(emit *e, uint32_t ir, unsigned code, uint32_t table)
{
    emit_later x = { jit_mbuf_label(e->buf), ir, table, (uint8_t)code };

    vec_push(e->buf->mem, &e->later, x);
    return x.label;
}

mlabel jit_emit_trap(emit *e, uint32_t ir, unsigned code)
{
    if (e->later.len) { /* several checks of one instruction share their trap */
        const emit_later *last = &e->later.at[e->later.len - 1];
        if (last->ir == ir && last->code == code && !last->table)
            return last->label;
    }
    return put_later(e, ir, code, 0);
}

mlabel jit_emit_table(emit *e, uint32_t ir, uint32_t table)
{
    JIT_REQUIRE(e->buf->fail, table < e->l->jump_tables.len, "jump table out of range");
    return put_later(e, ir, 0, table + 1);
}

void jit_emit_finish(emit *e)
{
    for (uint32_t k = 0; k < e->later.len; k++) {
        emit_later x = e->later.at[k];
        if (x.table)
            continue;
        jit_emit_bind(e, x.label);
        jit_emit_position(e, x.ir);
        machine(e)->trap(e, x.code);
    }
    for (uint32_t k = 0; k < e->later.len; k++)
        if (e->later.at[k].table)
            machine(e)->table(e, e->later.at[k].table - 1, e->later.at[k].label);
    e->later.len = 0;
}

/* ---- Calls and frames ---- */

/* The canonical frame address, counted from the stack pointer. */
static void note_cfa(emit *e, int64_t offset)
{
    if (!e->frame->fp)
        jit_mbuf_unwind(e->buf, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)offset);
}

void jit_emit_called(emit *e, const minst *i)
{
    uint32_t pops = (uint32_t)i->imm;
    int64_t cfa = (int64_t)e->frame->total + machine(e)->return_address_bytes;

    jit_mbuf_call(e->buf, i->ir);
    if (!pops)
        return;
    note_cfa(e, cfa - pops);
    machine(e)->lower_sp(e, pops);
    note_cfa(e, cfa);
}

static void take(emit *e, int64_t n, int64_t *cfa)
{
    machine(e)->lower_sp(e, n);
    *cfa += n;
    note_cfa(e, *cfa);
}

void jit_emit_take_frame(emit *e, int64_t n, int64_t cfa)
{
    enum { UNROLLED = 4 };
    const jit_settings *s = e->l->settings;
    int64_t guard = (int64_t)1 << (s->probestack_log2 ? s->probestack_log2 : 12);

    if (!s->no_probestack && n > guard) {
        int64_t pages = n / guard;
        n -= pages * guard;
        if (pages > UNROLLED) {
            cfa += pages * guard;
            machine(e)->probe_loop(e, pages, guard, cfa);
        } else {
            while (pages-- > 0) {
                take(e, guard, &cfa);
                machine(e)->probe(e);
            }
        }
    }
    if (n > 0)
        take(e, n, &cfa);
}

/* ---- The stack limit ---- */

const abi_loc *jit_emit_vmctx(const emit *e)
{
    const ir_sig *sig = &e->l->f->sig;

    for (uint32_t k = 0; k < sig->nparams; k++)
        if (JIT_PARAM_PURPOSE(sig->params[k]) == JIT_VMCTX)
            return &e->l->abi->args[k];
    jit_fail(e->buf->fail, JIT_ERR_VERIFY, "the stack limit needs a vmctx parameter");
}

unsigned jit_emit_limit_chain(const emit *e, const ir_gv *chain[EMIT_LIMIT_STEPS])
{
    const jit_func *f = e->l->f;
    unsigned n = 0;

    for (jit_gv g = f->stack_limit;; g = chain[n - 1]->base) {
        const ir_gv *gv = &f->gvs.at[jit_gv_index(g)];
        if (gv->kind == GV_VMCTX)
            return n;
        if (gv->kind != GV_LOAD && gv->kind != GV_IADD_IMM)
            jit_fail(e->buf->fail, JIT_ERR_UNSUPPORTED, "a stack limit that is not based on vmctx");
        if (n == EMIT_LIMIT_STEPS)
            jit_fail(e->buf->fail, JIT_ERR_LIMIT, "a stack limit of more than %d steps",
                     EMIT_LIMIT_STEPS);
        chain[n++] = gv;
    }
}
