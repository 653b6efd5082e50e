/* test_parallel_move.c - every set of moves over a few locations, run and compared. */
#include "regalloc/regalloc.h"

#include <criterion/criterion.h>
#include <string.h>

enum { NLOCS = 6, REMAT = NLOCS, ABSENT = NLOCS + 1 };

typedef struct {
    ra_env env;
    ra_vreg vregs[NLOCS];
    ra_loc locs[NLOCS];
    uint8_t width;
    fail_ctx fail;
    arena tmp;
} setup;

static void start(setup *s, uint8_t cls, uint8_t width, uint8_t scratch)
{
    memset(s, 0, sizeof *s);
    memset(s->env.order, 0xff, sizeof s->env.order);
    for (uint8_t k = 0; k < 3; k++) {
        s->locs[k] = (uint32_t)(32 * cls + k);
        s->locs[k + 3] = LOC_SLOT(2u * k);
        s->env.order[cls][k] = (uint8_t)s->locs[k];
        s->env.allocatable |= REG_BIT(s->locs[k]);
    }
    for (int k = 0; k < NLOCS; k++) {
        s->vregs[k].cls = cls;
        s->vregs[k].width = width;
    }
    s->env.scratch = scratch;
    s->env.int_scratch = RA_NO_REG;
    s->width = width;
    jit_arena_init(&s->tmp, &jit_libc_allocator, &s->fail);
}

/* What a location holds: 0 for garbage, 1 + k for what location k held, 100 + k for remat of vreg
 * k. */
typedef struct { uint8_t reg[64], slot[256]; } memory;

static uint8_t *cell(memory *m, ra_loc l)
{
    return loc_is_reg(l) ? &m->reg[l] : &m->slot[loc_slot(l)];
}

static bool run(setup *s, const uint8_t *from, memory *m)
{
    ra_pmove moves[NLOCS];
    ra_func f = { .env = &s->env, .vregs = s->vregs, .nslots = 6 };
    uint32_t n = 0;

    for (uint32_t k = 0; k < NLOCS; k++) {
        ra_pmove p = { from[k] < NLOCS ? s->locs[from[k]] : LOC_NONE, s->locs[k], k, s->width,
                       from[k] == REMAT ? k + 1 : 0 };
        if (from[k] != ABSENT)
            moves[n++] = p;
    }
    memset(m, 0, sizeof *m);
    for (uint32_t k = 0; k < NLOCS; k++)
        *cell(m, s->locs[k]) = (uint8_t)(1 + k);
    jit_ra_parallel_move(&s->env, moves, n, 10, &f, &s->tmp);
    for (uint32_t k = 0; k < f.moves.len; k++) {
        const ra_move *mv = &f.moves.at[k];
        if (mv->pos != 10 || (mv->remat == 0 && loc_is_slot(mv->from) && loc_is_slot(mv->to)))
            return false;
        if (mv->remat != 0 && loc_is_slot(mv->to))
            return false;
        if (loc_is_slot(mv->to) && loc_slot(mv->to) + (s->width > 8 ? 2u : 1u) > f.nslots)
            return false;
        *cell(m, mv->to) = mv->remat ? (uint8_t)(99 + mv->remat) : *cell(m, mv->from);
    }
    return true;
}

static bool is_right(setup *s, const uint8_t *from, memory *m)
{
    for (uint32_t k = 0; k < NLOCS; k++) {
        uint32_t want = from[k] == ABSENT ? 1 + k : from[k] == REMAT ? 100 + k : 1u + from[k];
        if (*cell(m, s->locs[k]) != want)
            return false;
    }
    return true;
}

/* Each of the six locations gets one of the six values, or a repeated one, or keeps its own. */
static uint32_t failures(setup *s)
{
    uint8_t from[NLOCS] = { 0 };
    uint32_t bad = 0;
    int k = 0;

    while (k < NLOCS) {
        memory m;
        jit_arena_reset(&s->tmp);
        if (!run(s, from, &m) || !is_right(s, from, &m))
            bad++;
        for (k = 0; k < NLOCS && ++from[k] > ABSENT; k++)
            from[k] = 0;
    }
    jit_arena_free(&s->tmp);
    return bad;
}

Test(parallel_move, every_mixture_of_registers_slots_and_constants_is_right)
{
    setup s;

    start(&s, RC_INT, 8, RA_INT(11));
    cr_expect_eq(failures(&s), 0);
}

Test(parallel_move, integers_move_through_their_own_scratch)
{
    setup s;

    start(&s, RC_INT, 8, RA_FLOAT(15));
    s.env.int_scratch = RA_INT(11);
    cr_expect_eq(failures(&s), 0);
}

Test(parallel_move, floats_leave_the_scratch_of_integers_alone)
{
    setup s;

    start(&s, RC_FLOAT, 16, RA_FLOAT(15));
    s.env.int_scratch = RA_INT(11);
    cr_expect_eq(failures(&s), 0);
}

Test(parallel_move, floats_move_through_an_integer_scratch)
{
    setup s;

    start(&s, RC_FLOAT, 8, RA_INT(11));
    cr_expect_eq(failures(&s), 0);
}

Test(parallel_move, vectors_move_through_a_float_scratch)
{
    setup s;

    start(&s, RC_FLOAT, 16, RA_FLOAT(15));
    cr_expect_eq(failures(&s), 0);
}

Test(parallel_move, vectors_borrow_a_register_when_the_scratch_is_an_integer)
{
    setup s;

    start(&s, RC_FLOAT, 16, RA_INT(11));
    cr_expect_eq(failures(&s), 0);
}

Test(parallel_move, a_cycle_of_registers_takes_one_move_more)
{
    setup s;
    ra_func f;
    ra_pmove moves[3];

    start(&s, RC_INT, 8, RA_INT(11));
    memset(&f, 0, sizeof f);
    f.env = &s.env;
    f.vregs = s.vregs;
    for (uint32_t k = 0; k < 3; k++) {
        ra_pmove m = { s.locs[(k + 1) % 3], s.locs[k], k, 8, 0 };
        moves[k] = m;
    }
    jit_ra_parallel_move(&s.env, moves, 3, 0, &f, &s.tmp);
    cr_expect_eq(f.moves.len, 4);
    cr_expect_eq(f.nslots, 0);
    jit_arena_free(&s.tmp);
}

Test(parallel_move, many_moves_stay_cheap)
{
    enum { MANY = 20000 };
    setup s;
    ra_func f;
    ra_pmove *moves;

    start(&s, RC_INT, 8, RA_INT(11));
    memset(&f, 0, sizeof f);
    f.env = &s.env;
    f.vregs = s.vregs;
    f.nslots = MANY;
    moves = ARENA_ARRAY(&s.tmp, ra_pmove, MANY);
    for (uint32_t k = 0; k < MANY; k++) { /* one cycle through all slots */
        ra_pmove m = { LOC_SLOT((k + 1) % MANY), LOC_SLOT(k), 0, 8, 0 };
        moves[k] = m;
    }
    jit_ra_parallel_move(&s.env, moves, MANY, 0, &f, &s.tmp);
    cr_expect_eq(f.moves.len, 2 * MANY + 2);
    jit_arena_free(&s.tmp);
}
