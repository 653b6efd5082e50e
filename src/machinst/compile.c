/* compile.c - the back end for one function: lowering, allocation and emission in their order. */
#include "machinst/mfunc.h"
#include <string.h>

typedef struct compiler {
    mach_job *j;
    mfunc *m;
    abi_sig abi;
    ra_env env;
    ra_func ra;
    mbuf buf;
    emit e;
    bool *lands;        /* by mblock: a table leads there, which needs a landing; NULL: none does */
    uint32_t *forward;  /* by mblock: where a jump to it really leads; NULL: to itself */
    ra_func record;     /* O0 with checks: all blocks, as the checker wants them */
    VEC(ra_inst) all_insts;
    VEC(ra_operand) all_ops;
    uint64_t since;
} compiler;

static void stage(compiler *c, uint64_t *total)
{
    if (c->j->time) {
        uint64_t now = c->j->clock();
        *total += now - c->since;
        c->since = now;
    }
}

enum { BLOCKS_BETWEEN_ASKS = 256 };

/* Asks the host whether to go on; k: blocks done so far. */
static void ask_host(const compiler *c, uint32_t k)
{
    const jit_limits *limits = &c->j->settings->limits;

    if (limits->cancel && k % BLOCKS_BETWEEN_ASKS == 0 && limits->cancel(limits->cancel_user))
        jit_fail(c->j->tmp->fail, JIT_ERR_CANCELLED, "cancelled by the host");
}

static void ask_between(void *c)
{
    ask_host(c, 0);
}

/* Spill slots count in the frame's limits; their bytes must fit a number first. */
static void count_spills(compiler *c)
{
    if (c->ra.nslots > INT32_MAX / 8)
        jit_fail(c->j->tmp->fail, JIT_ERR_LIMIT, "%u spill slots", c->ra.nslots);
    c->m->frame.spill_bytes = 8 * c->ra.nslots;
}

/* ---- Setting up ---- */

static void count_saved(frame *fr, regset saved)
{
    fr->saved = saved;
    for (fr->nsaved = 0; saved; saved &= saved - 1)
        fr->nsaved++;
}

#ifdef JIT_STRESS
/* So few registers that spilling, splitting and exchanging become the rule: three that arguments
 * come in and the last one, which is preserved where any is; three for floats. The fast allocator
 * takes over all that arrives in registers at once, so it keeps as many as can arrive, and one for
 * an address. */
static void starve(ra_env *env, bool fast)
{
    regset kept = 0;

    for (unsigned cls = 0; cls < RC_COUNT; cls++) {
        uint8_t *order = env->order[cls];
        unsigned n = 0, first;
        while (n < 32 && order[n] < 64)
            n++;
        first = fast ? (n > 9 ? 8 : 7) : cls == RC_INT ? 3 : 2;
        if (n <= first)
            continue;
        order[first] = order[n - 1];
        for (unsigned k = first + 1; k < n; k++)
            order[k] = 0xff;
        for (unsigned k = 0; k <= first; k++)
            kept |= REG_BIT(order[k]);
    }
    env->allocatable &= kept;
    env->callee_saved &= kept;
}
#endif

static void prepare(compiler *c)
{
    mach_job *j = c->j;
    lower *l = &c->m->l;
    frame *fr = &c->m->frame;

    l->f = j->f;
    c->m->cfg = j->cfg;
    l->target = j->target;
    l->settings = j->settings;
    l->features = j->features;
    l->tmp = j->tmp;
    l->fail = j->tmp->fail;
    l->fast = j->fast;
    l->frame = fr;
    jit_abi_assign(j->target->abi, &j->f->sig, &c->abi, j->tmp, l->fail);
    l->abi = &c->abi;
    l->sig_abi = ARENA_ARRAY(j->tmp, abi_sig *, j->f->sigs.len);
    l->callee_symbol = ARENA_ARRAY(j->tmp, uint32_t, j->f->callees.len);
    l->gv_symbol = ARENA_ARRAY(j->tmp, uint32_t, j->f->gvs.len);
    vec_push(j->tmp, &l->clobbers, 0);
    /* So that there is an array to point into, be it empty; or about as many as there will be. */
    vec_reserve(j->tmp, &l->ops, 16 + (j->fast ? 0 : inst_count(j->f) + inst_count(j->f) / 4));
    vec_reserve(j->tmp, &l->vregs, inst_count(j->f)); /* about as many */
    vec_reserve(j->tmp, &l->group, 16);
    if (j->numbered)
        l->folded_into = ARENA_ARRAY(j->tmp, uint32_t, inst_count(j->f));
    jit_mach_blocks(c->m, !j->fast);
    jit_mach_uses(c->m);
    fr->leaf = true;
    fr->entry_above = (uint8_t)(16 - j->target->return_address_bytes);
    fr->fp = fr->fp_based = j->fast;
    fr->fp |= l->uses_fp || j->settings->frame_pointers;
    fr->callee_pops = c->abi.callee_pops;
    jit_frame_slots(fr, j->f, j->tmp);
    l->ret_area = VR_NONE;
    if (c->abi.ret_bytes) {
        l->ret_area = jit_lower_temp(l, RC_INT, 8);
        l->vregs.at[l->ret_area.id].flags |= VREG_GLOBAL;
    }
    if (j->fast) { /* returns come before the last call is seen: go by what is declared */
        regset gone = 0;
        for (uint32_t k = 0; k < j->f->sigs.len; k++)
            if (j->f->sigs.at[k].conv != j->f->sig.conv)
                gone |= jit_lower_sig(l, jit_sigref_at(k))->clobbers;
        count_saved(fr, gone & c->abi.callee_saved);
        jit_frame_settle(fr);
    }
    jit_abi_env(j->target->abi, &c->env, &c->abi, fr->fp, j->fast, j->pinned);
#ifdef JIT_STRESS
    starve(&c->env, j->fast);
#endif
}

static uint32_t led_to(const compiler *c, uint32_t block)
{
    return c->forward ? c->forward[block] : block;
}

/* Where br_table leads: jump tables made so far are not all of them. */
static void mark_landings(compiler *c)
{
    const mfunc *m = c->m;
    const jit_func *f = m->l.f;

    if (!(c->j->features & c->j->target->landing_features))
        return;
    c->lands = ARENA_ARRAY(c->j->tmp, bool, m->blocks.len);
    for (uint32_t k = 0; k < m->blocks.len; k++) {
        uint32_t b = m->blocks.at[k].ir_block;
        const ir_inst *i = b == IR_NO_BLOCK ? NULL : inst_at(f, f->blocks.at[b].end - 1);
        if (!i || i->op != JIT_OP_br_table)
            continue;
        for (uint32_t t = 0; t < jit_inst_target_count(f, i); t++)
            c->lands[led_to(c, m->targets.at[m->first_target[k] + t])] = true;
    }
}

static void start_emission(compiler *c, uint32_t front)
{
    mach_job *j = c->j;
    uint32_t n = c->m->blocks.len;
    mlabel *labels = ARENA_ARRAY_RAW(j->tmp, mlabel, n);
    uint64_t limit = j->settings->limits.code_bytes;

    jit_mbuf_init(&c->buf, j->tmp, j->target->fixups, j->target->shrinks, front,
                  limit < UINT32_MAX ? (uint32_t)limit : 0);
    c->buf.skip_bytes = j->target->skip_bytes;
    c->buf.skip = j->target->skip;
    vec_reserve(j->tmp, &c->buf.labels, n + 8);
    vec_reserve(j->tmp, &c->buf.fixups, n + 8);
    vec_reserve(j->tmp, &c->buf.srcpos, (j->f->srcpos.len + 1) / 2);
    vec_reserve(j->tmp, &c->buf.unwind, 16);
    for (uint32_t k = 0; k < n; k++)
        labels[k] = jit_mbuf_label(&c->buf);
    c->e.buf = &c->buf;
    c->e.l = &c->m->l;
    c->e.frame = &c->m->frame;
    c->e.block_label = labels;
    c->e.listing = j->listing;
    c->e.features = j->features;
    c->e.own_place = true;
    mark_landings(c);
}

/* ---- Emission of a block ---- */

/* Repeats the instruction that made a value. */
static void emit_remat(compiler *c, const ra_move *v)
{
    const ra_func *ra = &c->ra;
    uint32_t k = v->remat - 1;
    const lower *l = &c->m->l;
    ra_operand o = ra->ops[ra->insts[k].ops];
    minst i = l->insts[l->cap - l->ninsts + k];
    o.loc = v->to;
    i.ir = 0;
    c->e.own_place = false;
    c->j->target->emit(&c->e, &i, &o, 1);
    c->e.own_place = true;
}

static inline void emit_ra_move(compiler *c, const ra_move *v)
{
    c->e.insts++;
    if (c->j->numbered)
        jit_mach_note_own(&c->buf);
    if (v->remat) {
        emit_remat(c, v);
        return;
    }
    unsigned width = v->vreg == RA_NO_VREG ? 8 : c->ra.vregs[v->vreg].width;
    uint32_t slots = v->from >> 31 | v->to >> 31;
    c->e.frame_accesses += slots;
    c->e.moves += 1 - slots;
    jit_emit_move(&c->e, v->from, v->to, width);
}

static inline void emit_here(compiler *c, const minst *i, const ra_operand *ops, unsigned nops)
{
    jit_emit_position(&c->e, i->ir);
    if (c->j->numbered)
        jit_mach_note_site(&c->buf, &c->m->l, i);
    c->e.insts++;
    if (i->op >= MI_TARGET)
        c->j->target->emit(&c->e, i, ops, nops);
    else
        jit_emit_inst(&c->e, i, ops, nops);
}

static void emit_jump(compiler *c, minst i, const ra_operand *ops, unsigned nops)
{
    i.ref = led_to(c, i.ref);
    if (i.op == MI_BRANCH) {
        i.imm = led_to(c, (uint32_t)i.imm);
        if (i.imm == i.ref) {
            i.op = MI_JUMP;
            nops = 0;
        }
    }
    if (i.op == MI_BRANCH || i.ref != c->e.next_block)
        emit_here(c, &i, ops, nops);
}

static void emit_shared(compiler *c, const minst *i, const ra_operand *ops, unsigned nops)
{
    if (c->j->numbered)
        jit_mach_note_own(&c->buf);
    switch (i->op) {
    case MI_MOVE:
        if (ops[0].loc == ops[1].loc)
            return;
        c->e.moves++;
        c->e.insts++;
        jit_emit_move(&c->e, ops[1].loc, ops[0].loc, i->size);
        break;
    case MI_RETURN:
        c->j->target->epilogue(&c->e);
        break;
    case MI_JUMP:
    case MI_BRANCH:
        emit_jump(c, *i, ops, nops);
        break;
    default:
        break;
    }
}

/* Instructions first .. end - 1 of c->ra with their moves, from c->ra.moves.at[*move] on. */
static void emit_block(compiler *c, uint32_t block, uint32_t first, uint32_t end, uint32_t *move)
{
    const lower *l = &c->m->l;
    const minst *insts = l->insts + l->cap - l->ninsts;
    const ra_inst *ra = c->ra.insts;
    const ra_move *v = c->ra.moves.at, *last = v;

    if (v) { /* C adds nothing to NULL, not even 0 */
        v += *move;
        last += c->ra.moves.len;
    }
    jit_mbuf_bind(&c->buf, c->e.block_label[block]);
    if (c->e.listing)
        jit_strbuf_printf(c->e.listing, "block%u:\n", block);
    if (c->lands && c->lands[block])
        c->j->target->landing(&c->e);
    for (uint32_t k = first; k < end; k++) {
        while (v < last && v->pos == 2 * k)
            emit_ra_move(c, v++);
        if (insts[k].op >= MI_TARGET)
            emit_here(c, &insts[k], c->ra.ops + ra[k].ops, ra[k].nops);
        else
            emit_shared(c, &insts[k], c->ra.ops + ra[k].ops, ra[k].nops);
        while (v < last && v->pos == 2 * k + 1)
            emit_ra_move(c, v++);
    }
    *move = (uint32_t)(v - c->ra.moves.at);
    uint32_t pad = c->j->settings->block_padding, align = c->j->target->code_align;
    uint32_t bytes = pad ? 1u << (pad - 1) : 0;
    for (uint32_t n = bytes && bytes < align ? align : bytes; n > 0;) {
        mcursor cur = jit_mbuf_open(&c->buf, 256);
        for (uint32_t k = 0; k < 256 && n > 0; k++, n--)
            mput1(&cur, 0);
        mcursor_close(&cur);
    }
}

/* Padding stands between blocks, so that nothing may fall through. */
static uint32_t next_in_layout(const compiler *c, uint32_t next, uint32_t n)
{
    return next < n && !c->j->settings->block_padding ? next : UINT32_MAX;
}

static void view_code(compiler *c)
{
    lower *l = &c->m->l;

    c->ra.env = &c->env;
    c->ra.insts = l->ra + l->cap - l->ninsts;
    c->ra.ninsts = l->ninsts;
    c->ra.ops = l->ops.at;
    c->ra.nops = l->ops.len;
    c->ra.blocks = c->m->ra_blocks.at;
    c->ra.nblocks = c->m->blocks.len;
    c->ra.lists = c->m->lists.at;
    c->ra.vregs = l->vregs.at;
    c->ra.nvregs = l->vregs.len;
    c->ra.clobbers = l->clobbers.at;
}

static void check_allocation(compiler *c, const ra_func *ra)
{
    if (!(c->j->settings->checks & JIT_CHECK_REGALLOC))
        return;
    const char *why = jit_ra_check(ra, c->j->tmp);
    if (why)
        jit_fail(c->j->tmp->fail, JIT_ERR_MISCOMPILE, "register allocation: %s", why);
}

/* ---- O1 and above: the whole function at once ---- */

static void lower_all(compiler *c)
{
    mfunc *m = c->m;
    uint32_t n = m->blocks.len;
    uint32_t *after = ARENA_ARRAY_RAW(c->j->tmp, uint32_t, n);

    for (uint32_t k = n; k-- > 0;) {
        ask_host(c, k);
        after[k] = m->l.ninsts;
        jit_mach_lower_block(m, k);
    }
    for (uint32_t k = 0; k < n; k++) {
        m->ra_blocks.at[k].end = m->l.ninsts - after[k];
        m->ra_blocks.at[k].first = k ? m->ra_blocks.at[k - 1].end : 0;
    }
}

/* What only lowering needs of the IR. */
static void forget_values(compiler *c)
{
    lower *l = &c->m->l;
    size_t n = inst_count(l->f);

    if (c->j->numbered)
        return;
    jit_arena_recycle(l->tmp, l->values, ((size_t)l->f->values.len + 1) * sizeof *l->values);
    jit_arena_recycle(l->tmp, l->effects, n * sizeof *l->effects);
    jit_arena_recycle(l->tmp, l->facts, n * sizeof *l->facts);
    l->values = NULL;
    l->effects = NULL;
    l->facts = NULL;
}

/* Blocks that hold nothing but a jump are jumped over. */
static void thread_jumps(compiler *c)
{
    const lower *l = &c->m->l;
    const minst *insts = l->insts + l->cap - l->ninsts;
    uint32_t n = c->m->blocks.len, move = 0;
    uint32_t *fw = ARENA_ARRAY_RAW(c->j->tmp, uint32_t, n);

    for (uint32_t k = 0; k < n; k++) {
        const ra_block *b = &c->ra.blocks[k];
        while (move < c->ra.moves.len && c->ra.moves.at[move].pos < 2 * b->first)
            move++;
        bool moves = move < c->ra.moves.len && c->ra.moves.at[move].pos < 2 * b->end;
        bool empty = b->end == b->first + 1 && insts[b->first].op == MI_JUMP && !moves && k > 0
                     && !c->j->settings->block_padding;
        fw[k] = empty ? insts[b->first].ref : k;
    }
    for (uint32_t k = 0; k < n; k++) { /* chains; a ring of empty blocks ends by the bound */
        uint32_t to = fw[k];
        for (uint32_t hops = 0; fw[to] != to && hops < 16; hops++)
            to = fw[to];
        fw[k] = fw[to] == to ? to : k;
    }
    c->forward = fw;
    for (uint32_t t = 0; t < l->jump_tables.len; t++)
        for (uint32_t k = 0; k < l->jump_tables.at[t].n; k++)
            l->jump_tables.at[t].blocks[k] = fw[l->jump_tables.at[t].blocks[k]];
}

/* Registers that this function preserves although something it calls does not. */
static regset destroyed_by_calls(const compiler *c)
{
    const lower *l = &c->m->l;
    regset gone = 0;

    for (uint32_t k = 0; k < l->clobbers.len; k++)
        gone |= l->clobbers.at[k];
    return gone;
}

static void compile_whole(compiler *c)
{
    jit_stats *s = c->j->stats;

    lower_all(c);
    forget_values(c);
    stage(c, &s->lower_ns);
    view_code(c);
    c->ra.poll = ask_between;
    c->ra.poll_user = c;
    ask_between(c);
    jit_ra_linear(&c->ra, c->j->tmp);
    stage(c, &s->regalloc_ns);
    check_allocation(c, &c->ra);
    c->since = c->j->time ? c->j->clock() : 0;
    count_saved(&c->m->frame, (c->ra.used | destroyed_by_calls(c)) & c->abi.callee_saved);
    count_spills(c);
    jit_frame_finish(&c->m->frame, c->j->tmp->fail);

    thread_jumps(c);
    start_emission(c, 0);
    c->j->target->prologue(&c->e);
    uint32_t move = 0, n = c->m->blocks.len;
    for (uint32_t k = 0, next; k < n; k = next) {
        for (next = k + 1; next < n && c->forward[next] != next; next++)
            ;
        ask_host(c, k);
        c->e.next_block = next_in_layout(c, next, n);
        emit_block(c, k, c->ra.blocks[k].first, c->ra.blocks[k].end, &move);
    }
    jit_emit_finish(&c->e);
    stage(c, &s->emit_ns);
}

/* ---- O0: block by block over one small buffer ---- */

/* Keeps an allocated block for the checker, numbered within the whole function. */
static void record_block(compiler *c, uint32_t k)
{
    arena *tmp = c->j->tmp;
    uint32_t inst = c->all_insts.len, op = c->all_ops.len;

    for (uint32_t i = 0; i < c->ra.ninsts; i++) {
        ra_inst r = c->ra.insts[i];
        r.ops += op;
        vec_push(tmp, &c->all_insts, r);
    }
    for (uint32_t i = 0; i < c->ra.nops; i++)
        vec_push(tmp, &c->all_ops, c->ra.ops[i]);
    for (uint32_t i = 0; i < c->ra.moves.len; i++) {
        ra_move v = c->ra.moves.at[i];
        v.pos += 2 * inst;
        v.remat += v.remat ? inst : 0;
        vec_push(tmp, &c->record.moves, v);
    }
    c->m->ra_blocks.at[k].first = inst;
    c->m->ra_blocks.at[k].end = c->all_insts.len;
}

static void check_recorded(compiler *c)
{
    ra_func all = c->ra;

    all.insts = c->all_insts.at;
    all.ninsts = c->all_insts.len;
    all.ops = c->all_ops.at;
    all.nops = c->all_ops.len;
    memcpy(&all.moves, &c->record.moves, sizeof all.moves);
    check_allocation(c, &all);
}

static void late_prologue(compiler *c)
{
    mbuf front;
    strbuf *listing = c->e.listing;
    size_t body = listing ? listing->len : 0;

    count_spills(c);
    jit_frame_finish(&c->m->frame, c->j->tmp->fail);
    jit_mbuf_init(&front, c->j->tmp, c->j->target->fixups, c->j->target->shrinks, 0, 0);
    c->e.buf = &front;
    c->j->target->prologue(&c->e);
    c->e.buf = &c->buf;
    jit_mbuf_front(&c->buf, &front);
    if (listing && !listing->failed)
        jit_strbuf_rotate(listing, body);
}

static void compile_blocks(compiler *c)
{
    mfunc *m = c->m;
    jit_stats *s = c->j->stats;
    uint32_t n = m->blocks.len;
    ra_fast *fast = jit_ra_fast_new(&c->env, n, c->j->tmp);

    start_emission(c, c->j->target->front_bytes);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t move = 0;
        ask_host(c, k);
        m->l.ninsts = 0;
        m->l.ops.len = 0;
        jit_mach_lower_block(m, k);
        view_code(c);
        m->ra_blocks.at[k].first = 0;
        m->ra_blocks.at[k].end = m->l.ninsts;
        stage(c, &s->lower_ns);
        jit_ra_fast_block(fast, &c->ra, k);
        stage(c, &s->regalloc_ns);
        c->e.next_block = next_in_layout(c, k + 1, n);
        emit_block(c, k, 0, c->ra.ninsts, &move);
        stage(c, &s->emit_ns);
        if (c->j->settings->checks & JIT_CHECK_REGALLOC)
            record_block(c, k);
    }
    jit_emit_finish(&c->e);
    JIT_REQUIRE(c->j->tmp->fail, !(c->ra.used & c->env.callee_saved),
                "O0 used a register that its returns do not restore");
    late_prologue(c);
    check_recorded(c);
}

void jit_mach_compile(mach_job *j)
{
    compiler *c = ARENA_NEW(j->tmp, compiler);
    jit_stats *s = j->stats;

    c->j = j;
    c->m = ARENA_NEW(j->tmp, mfunc);
    c->since = j->time ? j->clock() : 0;
    prepare(c);
    stage(c, &s->analyse_ns);
    if (j->fast)
        compile_blocks(c);
    else
        compile_whole(c);
    c->since = j->time ? j->clock() : 0;
    if (j->fast)
        forget_values(c);
    jit_mbuf_finish(&c->buf, j->tmp, &j->code);
    if (j->numbered)
        jit_mach_map(j, c->m);
    j->nsymbols = c->m->l.symbols.len;
    j->symbols = ARENA_ARRAY_RAW(j->tmp, ir_name, j->nsymbols);
    for (uint32_t k = 0; k < j->nsymbols; k++) {
        ir_name *to = &j->symbols[k];
        *to = c->m->l.symbols.at[k];
        if (to->text)
            to->text = jit_arena_string(j->tmp, to->text, strlen(to->text));
    }
    stage(c, &s->emit_ns);
    s->code_bytes = j->code.size;
    s->machine_insts = c->e.insts;
    s->frame_accesses = c->e.frame_accesses;
    s->moves = c->e.moves;
    s->spill_slots = c->ra.nslots;
    s->frame_bytes = c->m->frame.total;
}
