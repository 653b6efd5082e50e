/* place.c - gives floating instructions their places, and makes a function of the graph again.
 *
 * From what has an effect it is found what is needed; a block parameter is needed when something
 * needed reads it, and then so are its arguments. The earliest block for an instruction is the
 * deepest of its operands' in the dominator tree, the latest one is where all its uses are
 * dominated; between them it goes to the latest, unless a loop begins in between: then to the
 * block before that loop (Click 1995, section 3). Within its block of old it keeps its place,
 * elsewhere it stands before its first user. A cheap one whose only variable operand may be
 * needed anyway is made again in each of a few blocks that use it: a register that is kept over
 * the way from one to the other, and over the calls there, costs more.
 *
 * Needs: a graph after jit_graph_copy().  Makes: blocks by the same numbers, those that cannot
 * be reached left out.  Cost: n log n, by jumps over ancestors of the dominator tree (Myers
 * 1983). */
#include "opt/graph.h"
#include "opt/fold.h"
#include <string.h>

enum {
    LOOPS_LEFT = 16, /* at most so many does one instruction leave */
    COPIES = 6       /* in at most so many blocks is a cheap one made again */
};

typedef struct users { uint32_t n, block[COPIES]; } users; /* n > COPIES: too many */
typedef struct placed { uint32_t inst, next; } placed;     /* next: index + 1 */

typedef struct placer {
    graph *g;
    jit_func *f;          /* the graph's */
    jit_func *to;         /* what is made */
    uint32_t *depth, *jump; /* by block: of the dominator tree; an ancestor far up */
    uint32_t *place;      /* by inst of f: its block; while it is sought, where its uses meet */
    bitset needed;        /* by value id of f */
    bitset live;          /* by inst of f */
    uint32_t *calls, *ncalls; /* block calls that lead to each block, from pred_first on */
    uint32_t *todo, ntodo;    /* values to be marked */
    uint32_t *users_of;   /* by inst of f: index + 1 of its users' blocks; 0: not cheap */
    VEC(users) users;
    uint32_t *chain;      /* by block: first of what floats and is placed there, index + 1 */
    VEC(placed) placed;
    uint32_t *made;       /* by inst of f: block in which it was made last + 1; 0: not yet */
    uint32_t *value;      /* by value id of f: value id in to */
    VEC(uint32_t) stack;
} placer;

/* ---- What is needed ---- */

static void need_value(placer *p, uint32_t v)
{
    if (v < EH_RET(0) && bitset_add(&p->needed, v))
        p->todo[p->ntodo++] = v;
}

static void need_operands(placer *p, const ir_inst *i)
{
    ir_args a = inst_args(p->f, i);

    for (uint32_t k = 0; k < a.len; k++)
        need_value(p, a.at[k]);
}

static const ir_inst *terminator_of(const graph *g, uint32_t b)
{
    return inst_at(g->f, g->pinned.at[g->end[b] - 1]);
}

static void collect_calls(placer *p)
{
    const graph *g = p->g;
    const ir_cfg *c = g->cfg;

    p->calls = ARENA_ARRAY_RAW(g->tmp, uint32_t, c->pred_first[c->nblocks]);
    p->ncalls = ARENA_ARRAY(g->tmp, uint32_t, c->nblocks);
    for (uint32_t k = 0; k < c->nrpo; k++) {
        const ir_inst *i = terminator_of(g, c->rpo[k]);
        uint32_t n = op_of(i)->props & OP_BRANCH ? jit_inst_target_count(p->f, i) : 0;
        for (uint32_t t = 0; t < n; t++) {
            uint32_t call = jit_inst_target(p->f, i, t), to = block_call(p->f, call).block;
            p->calls[c->pred_first[to] + p->ncalls[to]++] = call;
        }
    }
}

static void mark_live(placer *p)
{
    const graph *g = p->g;
    const jit_func *f = p->f;
    const ir_block *entry = &g->from->blocks.at[g->cfg->rpo[0]];

    for (uint32_t k = 0; k < entry->nparams; k++) /* the function's own are always there */
        need_value(p, f->pool.at[entry->params + k]);
    for (uint32_t k = 0; k < g->pinned.len; k++) {
        uint32_t at = g->pinned.at[k];
        const ir_inst *i = inst_at(f, at);
        if (jit_inst_has_effect(f, i) || op_of(i)->props & OP_TERM) {
            bitset_add(&p->live, at);
            need_operands(p, i);
        }
    }
    while (p->ntodo) {
        uint32_t v = p->todo[--p->ntodo];
        const ir_value *d = &f->values.at[v - 1];
        if (d->kind == VALUE_RESULT) {
            if (bitset_add(&p->live, d->def))
                need_operands(p, inst_at(f, d->def));
            continue;
        }
        uint32_t first = g->cfg->pred_first[d->def];
        for (uint32_t k = 0; k < p->ncalls[d->def]; k++)
            need_value(p, block_call(f, p->calls[first + k]).args[d->num]);
    }
}

/* ---- The dominator tree ---- */

static void number_tree(placer *p)
{
    const graph *g = p->g;
    const ir_cfg *c = g->cfg;

    p->depth = ARENA_ARRAY(g->tmp, uint32_t, c->nblocks);
    p->jump = ARENA_ARRAY(g->tmp, uint32_t, c->nblocks);
    p->jump[c->rpo[0]] = c->rpo[0];
    for (uint32_t k = 1; k < c->nrpo; k++) {
        uint32_t b = c->rpo[k], up = g->dom.idom[b], far = p->jump[up];
        p->depth[b] = p->depth[up] + 1;
        p->jump[b] = p->depth[up] - p->depth[far] == p->depth[far] - p->depth[p->jump[far]]
                     ? p->jump[far] : up;
    }
}

static uint32_t common_ancestor(const placer *p, uint32_t a, uint32_t b)
{
    const uint32_t *idom = p->g->dom.idom;

    if (p->depth[a] < p->depth[b]) {
        uint32_t x = a;
        a = b;
        b = x;
    }
    while (p->depth[a] > p->depth[b])
        a = p->depth[p->jump[a]] >= p->depth[b] ? p->jump[a] : idom[a];
    while (a != b) {
        bool apart = p->jump[a] != p->jump[b];
        a = apart ? p->jump[a] : idom[a];
        b = apart ? p->jump[b] : idom[b];
    }
    return a;
}

/* ---- Places ---- */

static uint32_t block_of_value(const placer *p, uint32_t v, const uint32_t *early)
{
    const ir_value *d = &p->f->values.at[v - 1];

    if (d->kind == VALUE_PARAM)
        return d->def;
    return p->g->home.at[d->def] == GRAPH_FLOATS ? early[d->def] : p->g->home.at[d->def];
}

/* By inst: the first block, from the entry on, at which a floating instruction's operands are
 * there. */
static uint32_t *find_earliest(const placer *p)
{
    const graph *g = p->g;
    uint32_t n = inst_count(p->f);
    uint32_t *early = ARENA_ARRAY_RAW(g->tmp, uint32_t, n);

    for (uint32_t k = 0; k < n; k++) {
        early[k] = g->cfg->rpo[0];
        if (g->home.at[k] != GRAPH_FLOATS || !bitset_has(&p->live, k))
            continue;
        ir_args a = inst_args(p->f, inst_at(p->f, k));
        for (uint32_t j = 0; j < a.len; j++) {
            uint32_t b = block_of_value(p, a.at[j], early);
            if (p->depth[b] > p->depth[early[k]])
                early[k] = b;
        }
    }
    return early;
}

/* One machine instruction at most, of one operand that is no constant. */
static bool is_cheap(const jit_func *f, const ir_inst *i)
{
    uint64_t k;

    switch (i->op) {
    case JIT_OP_iadd: case JIT_OP_isub: case JIT_OP_band: case JIT_OP_bor: case JIT_OP_bxor:
    case JIT_OP_ishl: case JIT_OP_ushr: case JIT_OP_sshr: case JIT_OP_icmp:
        return jit_type_is_int(i->type) && i->type != JIT_I128 && jit_fold_constant(f, i->b, &k);
    case JIT_OP_uextend: case JIT_OP_sextend: case JIT_OP_ireduce: case JIT_OP_bnot:
    case JIT_OP_ineg:
    case JIT_OP_load:
        return true;
    default:
        return false;
    }
}

static void note_user(users *u, uint32_t b)
{
    for (uint32_t k = 0; k < u->n && k < COPIES; k++)
        if (u->block[k] == b)
            return;
    if (u->n < COPIES)
        u->block[u->n] = b;
    if (u->n <= COPIES)
        u->n++;
}

static void use_in(placer *p, uint32_t v, uint32_t b)
{
    const ir_value *d = v < EH_RET(0) ? &p->f->values.at[v - 1] : NULL;

    if (!d || d->kind == VALUE_PARAM || p->g->home.at[d->def] != GRAPH_FLOATS)
        return;
    uint32_t *at = &p->place[d->def];
    if (p->users_of[d->def])
        note_user(&p->users.at[p->users_of[d->def] - 1], b);
    *at = *at == IR_NO_BLOCK ? b : common_ancestor(p, *at, b);
}

static void use_operands(placer *p, const ir_inst *i, uint32_t b)
{
    ir_args a = inst_args(p->f, i);

    for (uint32_t k = 0; k < a.len; k++)
        use_in(p, a.at[k], b);
}

/* Arguments are used at the end of the block that passes them. */
static void use_arguments(placer *p, const ir_inst *i, uint32_t b)
{
    uint32_t n = op_of(i)->props & OP_BRANCH ? jit_inst_target_count(p->f, i) : 0;

    for (uint32_t t = 0; t < n; t++) {
        ir_target to = block_call(p->f, jit_inst_target(p->f, i, t));
        const ir_block *block = &p->g->from->blocks.at[to.block];
        for (uint32_t k = 0; k < to.nargs; k++)
            if (bitset_has(&p->needed, p->f->pool.at[block->params + k]))
                use_in(p, to.args[k], b);
    }
}

/* From the latest block out of loops, while the block before the loop is not above the earliest
 * one. */
static uint32_t leave_loops(const placer *p, uint32_t early, uint32_t late)
{
    const ir_loops *l = &p->g->loops;
    uint32_t best = late;

    for (unsigned k = 0; k < LOOPS_LEFT && l->loop_of[best] != IR_NO_BLOCK; k++) {
        uint32_t header = l->header[l->loop_of[best]];
        if (header == p->g->cfg->rpo[0] || !dom_block(&p->g->dom, header, best))
            break; /* no block before it; entered elsewhere, too */
        uint32_t before = p->g->dom.idom[header];
        if (l->depth[before] >= l->depth[best] || !dom_block(&p->g->dom, early, before))
            break;
        best = before;
    }
    return best;
}

static void place_in(placer *p, uint32_t inst, uint32_t b)
{
    placed at = { inst, p->chain[b] };

    vec_push(p->g->tmp, &p->placed, at);
    p->chain[b] = p->placed.len;
    use_operands(p, inst_at(p->f, inst), b);
}

/* Whether a cheap instruction, for which `best` would be the one place, is made by each of its
 * users: there are few, and none is in a loop that it would have left. */
static bool is_made_again(const placer *p, uint32_t inst, uint32_t best)
{
    const users *u = p->users_of[inst] ? &p->users.at[p->users_of[inst] - 1] : NULL;

    if (!u || u->n < 2 || u->n > COPIES)
        return false;
    for (uint32_t k = 0; k < u->n; k++)
        if (p->g->loops.depth[u->block[k]] > p->g->loops.depth[best])
            return false;
    return true;
}

static void place_floating(placer *p, uint32_t inst, uint32_t early)
{
    uint32_t best = leave_loops(p, early, p->place[inst]);

    if (is_made_again(p, inst, best)) {
        users u = p->users.at[p->users_of[inst] - 1];
        for (uint32_t k = 0; k < u.n; k++)
            place_in(p, inst, u.block[k]);
        p->place[inst] = IR_NO_BLOCK;
        return;
    }
    p->users_of[inst] = 0;
    p->place[inst] = best;
    place_in(p, inst, best);
}

static void choose_places(placer *p)
{
    const graph *g = p->g;
    uint32_t n = inst_count(p->f), *early = find_earliest(p);

    p->place = ARENA_ARRAY_RAW(g->tmp, uint32_t, n);
    p->chain = ARENA_ARRAY(g->tmp, uint32_t, g->cfg->nblocks);
    p->users_of = ARENA_ARRAY(g->tmp, uint32_t, n);
    for (uint32_t k = 0; k < n; k++) {
        bool floats = g->home.at[k] == GRAPH_FLOATS;
        p->place[k] = floats ? IR_NO_BLOCK : g->home.at[k];
        if (floats && bitset_has(&p->live, k) && is_cheap(p->f, inst_at(p->f, k))) {
            users none = { 0 };
            vec_push(g->tmp, &p->users, none);
            p->users_of[k] = p->users.len;
        }
    }
    for (uint32_t k = n; k-- > 0;) { /* users before what they use */
        if (!bitset_has(&p->live, k))
            continue;
        if (g->home.at[k] == GRAPH_FLOATS) {
            place_floating(p, k, early[k]);
            continue;
        }
        use_operands(p, inst_at(p->f, k), p->place[k]);
        use_arguments(p, inst_at(p->f, k), p->place[k]);
    }
}

/* ---- Making the function ---- */

static uint32_t put_list(placer *p, const uint32_t *ids, uint32_t n)
{
    arena *tmp = p->g->tmp;
    uint32_t at;

    vec_push(tmp, &p->to->pool, n);
    at = p->to->pool.len;
    vec_reserve(tmp, &p->to->pool, n);
    for (uint32_t k = 0; k < n; k++)
        p->to->pool.at[p->to->pool.len++] = p->value[ids[k]];
    return at;
}

static uint32_t put_call(placer *p, uint32_t call)
{
    arena *tmp = p->g->tmp;
    ir_target t = block_call(p->f, call);
    const ir_block *block = &p->g->from->blocks.at[t.block];
    uint32_t at = p->to->pool.len, n = 0;

    vec_reserve(tmp, &p->to->pool, 3 + t.nargs);
    p->to->pool.len += 3;
    for (uint32_t k = 0; k < t.nargs; k++)
        if (bitset_has(&p->needed, p->f->pool.at[block->params + k])) {
            p->to->pool.at[p->to->pool.len++] = t.args[k] < EH_RET(0) ? p->value[t.args[k]]
                                                                      : t.args[k];
            n++;
        }
    p->to->pool.at[at] = t.block + 1;
    p->to->pool.at[at + 1] = p->to->pool.at[at + 2] = n;
    return at;
}

static void put_targets(placer *p, ir_inst *i)
{
    arena *tmp = p->g->tmp;
    const uint32_t *table;
    uint32_t at, n;
    ir_ehtable *e;

    switch (op_of(i)->format) {
    case FMT_JUMP:
        i->a = put_call(p, i->a);
        break;
    case FMT_BRIF:
        i->b = put_call(p, i->b);
        i->c = put_call(p, i->c);
        break;
    case FMT_BR_TABLE:
        table = p->f->pool.at + i->b;
        n = table[0];
        at = p->to->pool.len;
        vec_reserve(tmp, &p->to->pool, n + 2);
        p->to->pool.len += n + 2;
        p->to->pool.at[at] = n;
        for (uint32_t k = 0; k <= n; k++) {
            uint32_t call = put_call(p, table[1 + k]);
            p->to->pool.at[at + 1 + k] = call;
        }
        i->b = at;
        break;
    default: /* try_call; tables are shared with from, so a new one */
        e = &p->to->ehtables.at[i->b];
        e->normal = put_call(p, e->normal);
        for (uint32_t k = 0; k < e->nentries; k++)
            if (e->entries[k].block_call)
                e->entries[k].block_call = put_call(p, e->entries[k].block_call);
    }
}

static void put_inst(placer *p, uint32_t at)
{
    const graph *g = p->g;
    jit_func *to = p->to;
    const ir_inst *from = inst_at(p->f, at);
    const op_info *o = op_of(from);
    uint32_t results = jit_inst_result_count(p->f, from);
    ir_inst i = *from;

    if (o->pooled)
        i.a = put_list(p, p->f->pool.at + from->a, inst_args(p->f, from).len);
    if (!o->pooled && o->nargs > 0)
        i.a = p->value[i.a];
    if (!o->pooled && o->nargs > 1)
        i.b = p->value[i.b];
    if (o->props & OP_BRANCH)
        put_targets(p, &i);
    if (results)
        i.c = to->values.len + 1;
    for (uint32_t k = 0; k < results; k++) {
        ir_value v = p->f->values.at[from->c - 1 + k];
        v.def = to->insts.len;
        vec_push(g->tmp, &to->values, v);
        p->value[from->c + k] = to->values.len;
    }
    vec_push(g->tmp, &to->insts, i);
    if (to->srcpos.at) {
        uint32_t origin = g->origin.at[at];
        uint32_t pos = origin < g->from->srcpos.len ? g->from->srcpos.at[origin] : UINT32_MAX;
        vec_push(g->tmp, &to->srcpos, pos);
    }
}

/* Whether the floating instruction stands in block b. What is made again stands wherever it is
 * asked for. */
static bool stands_in(const placer *p, uint32_t inst, uint32_t b)
{
    return p->place[inst] == b || p->users_of[inst];
}

/* The instruction that makes v, when it is to stand in block b and does not yet. */
static bool is_due(const placer *p, uint32_t v, uint32_t b, uint32_t *def)
{
    const ir_value *d = v < EH_RET(0) ? &p->f->values.at[v - 1] : NULL;

    if (!d || d->kind == VALUE_PARAM)
        return false;
    *def = d->def;
    return p->g->home.at[d->def] == GRAPH_FLOATS && stands_in(p, d->def, b)
           && p->made[d->def] != b + 1;
}

/* An instruction's floating operands of this block, theirs before them, and then itself. */
static void put_with_operands(placer *p, uint32_t at, uint32_t b)
{
    arena *tmp = p->g->tmp;
    uint32_t bottom = p->stack.len, def;

    vec_push(tmp, &p->stack, at);
    while (p->stack.len > bottom) {
        uint32_t top = p->stack.at[p->stack.len - 1], before = p->stack.len;
        if (p->made[top] == b + 1) {
            p->stack.len--;
            continue;
        }
        ir_args a = inst_args(p->f, inst_at(p->f, top));
        for (uint32_t k = a.len; k-- > 0;)
            if (is_due(p, a.at[k], b, &def))
                vec_push(tmp, &p->stack, def);
        if (p->stack.len == before) {
            p->stack.len--;
            p->made[top] = b + 1;
            put_inst(p, top);
        }
    }
}

/* What the terminator compares comes last, so that it can be one with it. */
static void put_rest(placer *p, uint32_t b, uint32_t last)
{
    const ir_inst *t = inst_at(p->f, last);
    ir_args a = inst_args(p->f, t);
    uint32_t own = UINT32_MAX;

    if (t->op == JIT_OP_brif || t->op == JIT_OP_br_table)
        (void)is_due(p, a.at[0], b, &own);
    for (uint32_t k = p->chain[b]; k; k = p->placed.at[k - 1].next) {
        uint32_t inst = p->placed.at[k - 1].inst;
        if (inst != own && p->made[inst] != b + 1)
            put_with_operands(p, inst, b);
    }
}

static void put_params(placer *p, uint32_t b)
{
    const jit_func *from = p->g->from;
    jit_func *to = p->to;
    const ir_block *block = &from->blocks.at[b];
    uint32_t at = to->pool.len, n = 0;

    vec_reserve(p->g->tmp, &to->pool, block->nparams);
    for (uint32_t k = 0; k < block->nparams; k++) {
        uint32_t v = p->f->pool.at[block->params + k];
        if (!bitset_has(&p->needed, v))
            continue;
        ir_value made = p->f->values.at[v - 1];
        made.num = n++ & IR_MAX_BLOCK_PARAMS;
        vec_push(p->g->tmp, &to->values, made);
        p->value[v] = to->values.len;
        to->pool.at[to->pool.len++] = to->values.len;
    }
    to->blocks.at[b].params = at;
    to->blocks.at[b].nparams = to->blocks.at[b].params_cap = n;
}

/* What was in block b before inst `at`, and still is; from *next on, which moves. */
static void put_earlier(placer *p, uint32_t b, uint32_t at, uint32_t *next)
{
    while (*next && p->placed.at[*next - 1].inst < at) {
        uint32_t inst = p->placed.at[*next - 1].inst;
        if (p->g->born.at[inst] == b && p->made[inst] != b + 1)
            put_with_operands(p, inst, b);
        *next = p->placed.at[*next - 1].next;
    }
}

static void put_block(placer *p, uint32_t b)
{
    const graph *g = p->g;
    ir_block *block = &p->to->blocks.at[b];
    uint32_t next = p->chain[b]; /* by rising instruction numbers */

    block->first = p->to->insts.len;
    for (uint32_t k = g->first[b]; k < g->end[b]; k++) {
        uint32_t at = g->pinned.at[k];
        if (!bitset_has(&p->live, at))
            continue;
        if (k + 1 < g->end[b])
            put_earlier(p, b, at, &next);
        if (k + 1 == g->end[b])
            put_rest(p, b, at);
        put_with_operands(p, at, b);
    }
    p->to->blocks.at[b].end = p->to->insts.len;
}

/* Exception tables hold block calls, so they are this function's own. */
static void copy_ehtables(placer *p)
{
    arena *tmp = p->g->tmp;
    const jit_func *from = p->g->from;
    uint32_t n = from->ehtables.len;

    if (!n)
        return;
    p->to->ehtables.at = ARENA_ARRAY_RAW(tmp, ir_ehtable, n);
    memcpy(p->to->ehtables.at, from->ehtables.at, n * sizeof *from->ehtables.at);
    for (uint32_t k = 0; k < n; k++) {
        ir_ehtable *e = &p->to->ehtables.at[k];
        ir_ehentry *own = ARENA_ARRAY_RAW(tmp, ir_ehentry, e->nentries);
        if (e->nentries)
            memcpy(own, e->entries, e->nentries * sizeof *own);
        e->entries = own;
    }
}

static void begin_function(placer *p)
{
    const graph *g = p->g;
    const jit_func *from = g->from;
    jit_func *to = p->to = ARENA_NEW(g->tmp, jit_func);
    uint32_t nblocks = from->blocks.len;

    *to = *p->f;
    memset(&to->insts, 0, sizeof to->insts);
    memset(&to->values, 0, sizeof to->values);
    memset(&to->pool, 0, sizeof to->pool);
    memset(&to->srcpos, 0, sizeof to->srcpos);
    memset(&to->lines, 0, sizeof to->lines);
    memset(&to->value_name, 0, sizeof to->value_name);
    memset(&to->notes, 0, sizeof to->notes);
    vec_reserve(g->tmp, &to->insts, inst_count(p->f));
    vec_reserve(g->tmp, &to->values, p->f->values.len);
    vec_reserve(g->tmp, &to->pool, from->pool.len + 1);
    if (from->srcpos.len)
        vec_reserve(g->tmp, &to->srcpos, inst_count(p->f) + 1);
    to->pool.at[to->pool.len++] = 0; /* never used */
    to->blocks.at = ARENA_ARRAY_RAW(g->tmp, ir_block, nblocks);
    memcpy(to->blocks.at, from->blocks.at, nblocks * sizeof *from->blocks.at);
    copy_ehtables(p);
}

/* In the order in which they were made. Blocks that cannot be reached are left out, and empty. */
static void lay_out(placer *p)
{
    const graph *g = p->g;
    jit_func *to = p->to;

    to->layout.at = ARENA_ARRAY_RAW(g->tmp, uint32_t, g->cfg->nrpo);
    to->layout.len = to->layout.cap = g->cfg->nrpo;
    memcpy(to->layout.at, g->cfg->rpo, g->cfg->nrpo * sizeof *g->cfg->rpo);
    for (uint32_t b = 0; b < g->cfg->nblocks; b++)
        if (g->cfg->rpo_index[b] == IR_NO_BLOCK)
            to->blocks.at[b] = (ir_block){ .cold = to->blocks.at[b].cold };
}

jit_func *jit_graph_place(graph *g)
{
    placer p = { .g = g, .f = g->f };
    uint32_t n = inst_count(p.f), nvalues = p.f->values.len;

    p.needed = bitset_new(g->tmp, nvalues + 1);
    p.live = bitset_new(g->tmp, n);
    p.made = ARENA_ARRAY(g->tmp, uint32_t, n);
    p.todo = ARENA_ARRAY_RAW(g->tmp, uint32_t, nvalues);
    p.value = ARENA_ARRAY(g->tmp, uint32_t, (size_t)nvalues + 1);
    collect_calls(&p);
    mark_live(&p);
    number_tree(&p);
    choose_places(&p);
    begin_function(&p);
    for (uint32_t k = 0; k < g->cfg->nrpo; k++)
        put_params(&p, g->cfg->rpo[k]);
    for (uint32_t k = 0; k < g->cfg->nrpo; k++)
        put_block(&p, g->cfg->rpo[k]);
    lay_out(&p);
    return p.to;
}
