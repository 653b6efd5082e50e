/* fuzz_flow.c - generates control flow: branches, tables, loops of both kinds, calls, returns.
 *
 * What a block defines is in scope in the blocks it dominates; variables carry values everywhere.
 * Every loop counts down a variable of its own, so all programs end. */
#include "fuzz_gen.h"

enum { MAX_DEPTH = 4, MAX_LOOPS = 3, CYCLE = 3 };

static jit_block new_block(gen *g)
{
    jit_block b = jit_block_new(g->b);

    if (one_in(g, 10))
        jit_block_cold(g->b, b);
    return b;
}

static void jump(gen *g, jit_block to)
{
    gen_count(g, JIT_OP_jump, 0, 0);
    jit_jump(g->b, to);
}

static void branch_on(gen *g, jit_value c, jit_block yes, jit_block no)
{
    gen_count(g, JIT_OP_brif, 0, jit_builder_type(g->b, c));
    jit_brif(g->b, c, yes, no);
}

/* Fills a block that ends in a jump to `join`; what it defines is out of scope behind it. */
static void arm(gen *g, jit_block block, jit_block join)
{
    uint32_t scope = g->navail;

    jit_block_start(g->b, block);
    tool_gen_statements(g, 1 + below(g, 3));
    jump(g, join);
    g->navail = scope;
}

static void branch(gen *g)
{
    jit_block yes = new_block(g), no = new_block(g), join = jit_block_new(g->b);
    bool short_cut = one_in(g, 3), inverted = one_in(g, 2);
    jit_value c = tool_gen_truth(g);

    if (short_cut)
        branch_on(g, c, inverted ? join : yes, inverted ? yes : join);
    else
        branch_on(g, c, yes, no);
    arm(g, yes, join);
    if (!short_cut)
        arm(g, no, join);
    jit_block_start(g->b, join);
}

/* A branch whose blocks take parameters, the same value several times now and then. */
static void branch_with_args(gen *g)
{
    jit_block join = jit_block_new(g->b), other = one_in(g, 3) ? join : jit_block_new(g->b);
    jit_value args[2][4], params[4];
    uint32_t n = 1 + below(g, 4), scope;

    for (uint32_t k = 0; k < n; k++) {
        jit_type t = tool_gen_type(g);
        params[k] = jit_block_param(g->b, join, t);
        for (int way = 0; way < 2; way++)
            args[way][k] = k > 0 && one_in(g, 4) && jit_builder_type(g->b, args[way][k - 1]) == t
                ? args[way][k - 1] : tool_gen_pick(g, t);
    }
    jit_value c = tool_gen_truth(g);
    gen_count(g, JIT_OP_brif, 0, jit_builder_type(g->b, c));
    if (other.id == join.id) {
        jit_brif_args(g->b, c, join, n, args[0], join, n, args[1]);
    } else {
        jit_brif_args(g->b, c, join, n, args[0], other, 0, NULL);
        scope = g->navail;
        jit_block_start(g->b, other);
        tool_gen_statements(g, below(g, 3));
        jit_jump_args(g->b, join, n, args[1]);
        g->navail = scope;
    }
    jit_block_start(g->b, join);
    for (uint32_t k = 0; k < n; k++)
        tool_gen_keep(g, params[k]);
}

static void table(gen *g)
{
    jit_block arms[4], all[9], join = jit_block_new(g->b);
    uint32_t n = 1 + below(g, 4), entries = below(g, 9);
    jit_value x = one_in(g, 2) ? tool_gen_dirty(g, JIT_I32) : tool_gen_pick(g, JIT_I32);

    for (uint32_t k = 0; k < n; k++)
        arms[k] = new_block(g);
    for (uint32_t k = 0; k < entries; k++)
        all[k] = arms[below(g, n)];
    if (one_in(g, 2))
        x = tool_gen_2(g, JIT_OP_band, x, tool_gen_int(g, JIT_I32, 7));
    gen_count(g, JIT_OP_br_table, 0, JIT_I32);
    jit_br_table(g->b, x, arms[0], entries, all);
    for (uint32_t k = 0; k < n; k++)
        arm(g, arms[k], join);
    jit_block_start(g->b, join);
}

/* Counts a variable down; the value before. */
static jit_value count_down(gen *g, jit_var counter, jit_type t)
{
    jit_value n = jit_var_get(g->b, counter);

    jit_var_set(g->b, counter, one_in(g, 2)
        ? tool_gen_2(g, JIT_OP_isub, n, tool_gen_int(g, t, 1))
        : tool_gen_2(g, JIT_OP_iadd, n, tool_gen_int(g, t, UINT64_MAX)));
    return n;
}

static jit_var new_counter(gen *g, jit_type t, uint32_t n)
{
    jit_var counter = jit_var_new(g->b, t);

    jit_var_set(g->b, counter, tool_gen_int(g, t, n));
    return counter;
}

/* Whether the counter has not run out, in one of the ways that say so. */
static jit_value goes_on(gen *g, jit_value n, jit_type t)
{
    static const unsigned ccs[] = { JIT_NE, JIT_SGT, JIT_UGT };

    return one_in(g, 2) ? n : tool_gen_icmp(g, ccs[below(g, 3)], n, tool_gen_int(g, t, 0));
}

/* Values go round: the moves on the back edge are cycles. */
static void rotate_vars(gen *g)
{
    jit_type t = g->var_type[below(g, g->nvars)];
    uint32_t which[4], n = 0;
    jit_value was[4];

    for (uint32_t k = 0; k < g->nvars && n < 4; k++)
        if (g->var_type[k] == t) {
            which[n] = k;
            was[n++] = jit_var_get(g->b, g->vars[k]);
        }
    for (uint32_t k = 0; k < n; k++)
        jit_var_set(g->b, g->vars[which[k]], was[(k + 1) % n]);
}

static void loop(gen *g)
{
    jit_block head = jit_block_new(g->b), body = new_block(g), done = jit_block_new(g->b);
    jit_type t = gen_int_type(g);
    jit_var counter = new_counter(g, t, 1 + below(g, 6));
    bool test_last = one_in(g, 2);
    uint32_t scope;

    jump(g, head);
    scope = g->navail;
    jit_block_start(g->b, head);
    if (!test_last) {
        tool_gen_statements(g, below(g, 3));
        branch_on(g, goes_on(g, jit_var_get(g->b, counter), t), body, done);
    } else {
        jump(g, body);
    }
    uint32_t in_body = g->navail;
    jit_block_start(g->b, body);
    jit_value n = count_down(g, counter, t);
    tool_gen_statements(g, 1 + below(g, 4));
    if (one_in(g, 2))
        rotate_vars(g);
    if (one_in(g, 4)) /* its value is used after the loop, too */
        tool_gen_observe(g, n);
    if (test_last) {
        branch_on(g, goes_on(g, jit_var_get(g->b, counter), t), head, done);
    } else {
        jump(g, head);
    }
    g->navail = test_last ? g->navail : in_body;
    if (g->navail < scope)
        g->navail = scope;
    jit_block_start(g->b, done);
}

/* Blocks that jump to each other in a ring which is entered anywhere. */
static void irreducible(gen *g)
{
    jit_block ring[CYCLE], out = jit_block_new(g->b);
    jit_var counter = new_counter(g, JIT_I32, 2 + below(g, 8));
    uint32_t scope = g->navail;

    for (int k = 0; k < CYCLE; k++)
        ring[k] = new_block(g);
    if (one_in(g, 2)) {
        jit_value x = tool_gen_2(g, JIT_OP_band, tool_gen_pick(g, JIT_I32),
                                 tool_gen_int(g, JIT_I32, 3));
        gen_count(g, JIT_OP_br_table, 0, JIT_I32);
        jit_br_table(g->b, x, ring[0], CYCLE, ring);
    } else {
        branch_on(g, tool_gen_truth(g), ring[0], ring[1]);
    }
    for (int k = 0; k < CYCLE; k++) {
        jit_block stays = jit_block_new(g->b);
        jit_block_start(g->b, ring[k]);
        jit_value n = count_down(g, counter, JIT_I32);
        tool_gen_statements(g, 1 + below(g, 2));
        branch_on(g, goes_on(g, n, JIT_I32), stays, out);
        jit_block_start(g->b, stays);
        if (one_in(g, 2))
            rotate_vars(g);
        if (one_in(g, 2))
            branch_on(g, tool_gen_truth(g), ring[(k + 1) % CYCLE], ring[(k + 2) % CYCLE]);
        else
            jump(g, ring[(k + 1) % CYCLE]);
        g->navail = scope;
    }
    jit_block_start(g->b, out);
}

void tool_gen_return(gen *g)
{
    jit_value values[FUZZ_RESULTS];

    for (uint32_t k = 0; k < g->sig->nresults; k++) {
        jit_type t = JIT_PARAM_TYPE(g->sig->results[k]);
        values[k] = jit_type_is_int(t) && one_in(g, 3) ? tool_gen_dirty(g, t) : tool_gen_pick(g, t);
    }
    gen_count(g, JIT_OP_return, 0, 0);
    jit_return_values(g->b, g->sig->nresults, values);
}

static void leave_early(gen *g)
{
    jit_block out = new_block(g), on = jit_block_new(g->b);
    bool inverted = one_in(g, 2);
    jit_value c = tool_gen_truth(g);
    uint32_t scope = g->navail;

    branch_on(g, c, inverted ? on : out, inverted ? out : on);
    jit_block_start(g->b, out);
    if (g->settings->traps && one_in(g, 3)) {
        gen_count(g, JIT_OP_trap, 0, 0);
        jit_trap(g->b, 1 + below(g, 250));
    } else {
        tool_gen_return(g);
    }
    g->navail = scope;
    jit_block_start(g->b, on);
}

/* A block that is never reached, with a trap in it: x & 1 is 2. */
static void never(gen *g)
{
    jit_block out = new_block(g), on = jit_block_new(g->b);
    jit_value x = tool_gen_2(g, JIT_OP_band, tool_gen_pick(g, JIT_I32),
                             tool_gen_int(g, JIT_I32, 1));

    branch_on(g, tool_gen_icmp(g, JIT_EQ, x, tool_gen_int(g, JIT_I32, 2)), out, on);
    jit_block_start(g->b, out);
    gen_count(g, JIT_OP_trap, 0, 0);
    jit_trap(g->b, 1 + below(g, 250));
    jit_block_start(g->b, on);
}

/* trapz and trapnz: of a condition that never holds, unless traps are wanted. */
static void check(gen *g)
{
    bool may = g->settings->traps && one_in(g, 3), zero = one_in(g, 2);
    jit_type t = gen_int_type(g);
    jit_value c;

    if (may) {
        c = tool_gen_truth(g);
        if (one_in(g, 2)) { /* seldom: of 64 bits, below a small number */
            c = tool_gen_icmp(g, zero ? JIT_UGE : JIT_ULT, tool_gen_pick(g, JIT_I64),
                              tool_gen_int(g, JIT_I64, below(g, 4)));
        }
    } else if (zero) {
        c = tool_gen_2(g, JIT_OP_bor, tool_gen_dirty(g, t),
                       tool_gen_int(g, t, (uint64_t)1 << below(g, jit_type_bits(t))));
        if (one_in(g, 2))
            c = tool_gen_icmp(g, JIT_NE, c, tool_gen_int(g, t, 0));
    } else {
        c = tool_gen_2(g, JIT_OP_band, tool_gen_pick(g, t), tool_gen_int(g, t, 15));
        c = tool_gen_icmp(g, one_in(g, 2) ? JIT_UGT : JIT_EQ, c,
                          tool_gen_int(g, t, 16 + below(g, 99)));
    }
    gen_count(g, zero ? JIT_OP_trapz : JIT_OP_trapnz, 0, jit_builder_type(g->b, c));
    if (zero)
        jit_trapz(g->b, c, 1 + below(g, 250));
    else
        jit_trapnz(g->b, c, 1 + below(g, 250));
}

/* ---- Calls ---- */

/* The memory that the callee gets for a struct: of the heap, or a slot. */
static jit_value struct_memory(gen *g)
{
    if (g->nslots == 0 || one_in(g, 2))
        return tool_gen_2(g, JIT_OP_iadd, jit_var_get(g->b, g->heap),
                          tool_gen_int(g, JIT_I64, 8 * below(g, 128)));
    gen_count(g, JIT_OP_stack_addr, JIT_I64, 0);
    uint32_t slot = below(g, g->nslots);
    return jit_stack_addr(g->b, g->slots[slot], g->slot_base[slot]);
}

static jit_value argument(gen *g, const gen_callee *c, bool host, uint32_t k)
{
    jit_type t = JIT_PARAM_TYPE(c->is->params[k]);

    if (!host && k == 0)
        return jit_var_get(g->b, g->heap);
    if (JIT_PARAM_PURPOSE(c->is->params[k]) == JIT_SRET)
        return struct_memory(g);
    return jit_type_is_int(t) && one_in(g, 3) ? tool_gen_dirty(g, t) : tool_gen_pick(g, t);
}

/* Of the host's, or of a function made before, which gets the heap first. */
void tool_gen_call(gen *g)
{
    bool host = g->ncallees == g->nhosts || one_in(g, 3);
    const gen_callee *c = &g->callees[host ? below(g, g->nhosts)
                                           : g->nhosts + below(g, g->ncallees - g->nhosts)];
    jit_value args[FUZZ_PARAMS], address;
    jit_inst i;

    for (uint32_t k = 0; k < c->is->nparams; k++)
        args[k] = argument(g, c, host, k);
    if (one_in(g, 2)) {
        gen_count(g, JIT_OP_call, 0, 0);
        i = jit_call(g->b, c->ref, c->is->nparams, args);
    } else {
        bool symbol = c->symbol.id && one_in(g, 3);
        gen_count(g, symbol ? JIT_OP_symbol_value : JIT_OP_func_addr, JIT_I64, 0);
        gen_count(g, JIT_OP_call_indirect, 0, 0);
        address = symbol ? jit_symbol_value(g->b, c->symbol) : jit_func_addr(g->b, c->ref);
        i = jit_call_indirect(g->b, c->sig, address, c->is->nparams, args);
    }
    for (uint32_t k = 0; k < c->is->nresults; k++)
        tool_gen_keep(g, jit_result(g->b, i, k));
}

/* ---- Odd ones ---- */

/* Addresses differ from run to run, so only what is the same everywhere is kept of them. */
static void frame_address(gen *g)
{
    jit_value x;

    switch (below(g, g->nslots > 0 ? 6 : 5)) {
    case 0:
        gen_count(g, JIT_OP_get_frame_pointer, JIT_I64, 0);
        x = jit_get_frame_pointer(g->b);
        break;
    case 1:
        gen_count(g, JIT_OP_get_stack_pointer, JIT_I64, 0);
        x = jit_get_stack_pointer(g->b);
        break;
    case 2:
        gen_count(g, JIT_OP_get_return_address, JIT_I64, 0);
        x = jit_get_return_address(g->b);
        break;
    case 3:
        gen_count(g, JIT_OP_nop, JIT_I64, 0);
        jit_nop(g->b);
        return;
    case 4:
        gen_count(g, JIT_OP_sequence_point, JIT_I64, 0);
        jit_sequence_point(g->b);
        return;
    default: /* the slot's alignment shows */
        gen_count(g, JIT_OP_stack_addr, JIT_I64, 0);
        x = jit_stack_addr(g->b, g->slots[below(g, g->nslots)], (int32_t)below(g, 8));
        tool_gen_keep(g, tool_gen_2(g, JIT_OP_band, x, tool_gen_int(g, JIT_I64, 7)));
        return;
    }
    tool_gen_keep(g, tool_gen_2(g, JIT_OP_ushr, x, tool_gen_int(g, JIT_I8, 63)));
}

/* ---- Statements ---- */

static void nested(gen *g, uint32_t what)
{
    bool may_loop = g->loops < MAX_LOOPS;

    g->depth++;
    if (what < 3) {
        branch(g);
    } else if (what < 4) {
        branch_with_args(g);
    } else if (what < 7 && may_loop) {
        g->loops++;
        if (what < 6)
            loop(g);
        else
            irreducible(g);
        g->loops--;
    } else if (what < 8) {
        table(g);
    } else {
        leave_early(g);
    }
    g->depth--;
}

void tool_gen_statements(gen *g, uint32_t n)
{
    for (; n > 0 && g->budget > 0; n--) {
        uint32_t what = below(g, 48);
        g->budget--;
        if (g->depth < MAX_DEPTH && what < 9)
            nested(g, what);
        else if (what < 19)
            tool_gen_access(g);
        else if (what < 21)
            tool_gen_call(g);
        else if (what == 21 && one_in(g, 2))
            check(g);
        else if (what == 22 && one_in(g, 3))
            frame_address(g);
        else if (what == 23 && one_in(g, 4))
            never(g);
        else
            tool_gen_compute(g);
    }
}
