/* regalloc.c - random functions through both allocators, judged by the checker and by execution;
 * and faults put into their results, which the checker has to see when execution can.
 *
 * fuzz-regalloc [--seed N] [--count M] [--seconds S] [--faults] [--print N]
 *
 * Without arguments FUZZ_SEED and FUZZ_SECONDS hold. --print shows one input and what became of it.
 * --faults counts, class by class, the mutations that some path shows and that the checker
 * reports. */
#include "tests/support/ra_gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    uint64_t seed;
    arena tmp;
    fail_ctx fail;
    const char *what;  /* allocator */
    char finding[640];
    uint32_t moves[2];
} job;

static void fault(job *j, const ra_func *f, const char *text)
{
    snprintf(j->finding, sizeof j->finding, "seed %llu, %s: %s", (unsigned long long)j->seed,
             j->what,
             text);
    (void)f;
}

static void judge(job *j, ra_func *f)
{
    const char *error = jit_ra_check(f, &j->tmp);
    uint32_t where = 0;

    if (error) {
        fault(j, f, error);
        return;
    }
    for (uint64_t path = 0; path < 2; path++)
        if (!ra_simulate(f, j->seed * 16 + path, 150, &where, &j->tmp)) {
            char text[80];
            snprintf(text, sizeof text, "execution differs at instruction %u", where);
            fault(j, f, text);
            return;
        }
}

static void allocate(ra_func *f, int which, arena *tmp)
{
    ra_forget(f);
    if (which == 0)
        ra_run_fast(f, tmp);
    else
        jit_ra_linear(f, tmp);
}

static const char *const allocators[2] = { "fast", "linear" };

static void run(void *arg)
{
    job *j = arg;
    ra_func *f;

    jit_arena_reset(&j->tmp);
    f = ra_generate(j->seed, &j->tmp);
    for (int which = 0; which < 2 && !j->finding[0]; which++) {
        j->what = allocators[which];
        allocate(f, which, &j->tmp);
        j->moves[which] += f->moves.len;
        judge(j, f);
    }
}

/* ---- seeded faults ---- */

enum { LOC_OTHER_REG, LOC_OTHER_SLOT, MOVE_DROPPED, MOVE_OTHER_FROM, MOVE_OTHER_TO, MOVES_SWAPPED,
       MOVE_SHIFTED, SLOT_SHARED, REG_SHARED, WRONG_VREG, NCLASSES };
static const char *const class_names[NCLASSES] = {
    "operand in another register", "operand in another slot", "move left out",
    "move from elsewhere",
    "move to elsewhere", "two moves exchanged", "move one place off", "two slots made one",
    "two registers made one in a block", "operand of another value"
};
static uint32_t shown[NCLASSES], seen[NCLASSES], made[NCLASSES], both[NCLASSES];

static ra_loc other(ra_random *r, const ra_func *f, ra_loc l)
{
    if (loc_is_slot(l))
        return f->nslots > 1 ? LOC_SLOT(ra_below(r, f->nslots)) : l;
    return (l & 32) | f->env->order[l >> 5][ra_below(r, 3)] % 32;
}

static void share(ra_func *f, const ra_block *b, ra_loc from, ra_loc to)
{
    for (uint32_t i = b->first; i < b->end; i++)
        for (uint32_t k = 0; k < f->insts[i].nops; k++)
            if (f->ops[f->insts[i].ops + k].loc == from
                && f->ops[f->insts[i].ops + k].constraint != RA_FIXED)
                f->ops[f->insts[i].ops + k].loc = to;
    for (uint32_t m = 0; m < f->moves.len; m++)
        if (f->moves.at[m].pos >= 2 * b->first && f->moves.at[m].pos < 2 * b->end) {
            if (f->moves.at[m].from == from)
                f->moves.at[m].from = to;
            if (f->moves.at[m].to == from)
                f->moves.at[m].to = to;
        }
}

static bool is_scratch(const ra_func *f, ra_loc l)
{
    return l == f->env->scratch || l == f->env->int_scratch;
}

/* Puts one fault into the result; false when the class does not apply here. */
static bool mutate(ra_func *f, uint32_t class, ra_random *r)
{
    ra_operand *op = &f->ops[ra_below(r, f->nops)];
    uint32_t m = ra_below(r, f->moves.len);
    ra_move *mv = f->moves.len ? &f->moves.at[m] : NULL;
    ra_loc a, b;

    if (class >= MOVE_DROPPED && class <= SLOT_SHARED && !mv)
        return false;
    switch (class) {
    case LOC_OTHER_REG:
    case LOC_OTHER_SLOT:
        if (op->loc == LOC_NONE || loc_is_slot(op->loc) != (class == LOC_OTHER_SLOT))
            return false;
        a = op->loc;
        op->loc = other(r, f, a);
        return op->loc != a;
    case MOVE_DROPPED:
        memmove(mv, mv + 1, (f->moves.len - m - 1) * sizeof *mv);
        f->moves.len--;
        return true;
    case MOVE_OTHER_FROM:
        a = mv->from;
        if (a == LOC_NONE || is_scratch(f, a))
            return false;
        mv->from = other(r, f, a);
        return mv->from != a;
    case MOVE_OTHER_TO:
        a = mv->to;
        if (is_scratch(f, a))
            return false;
        mv->to = other(r, f, a);
        return mv->to != a;
    case MOVES_SWAPPED: {
        ra_move t = *mv;
        if (m + 1 == f->moves.len || mv[1].pos != mv->pos)
            return false;
        mv[0] = mv[1];
        mv[1] = t;
        return true;
    }
    case MOVE_SHIFTED:
        mv->pos += ra_chance(r, 50) ? 1u : UINT32_MAX;
        if (mv->pos >= 2 * f->ninsts)
            return false;
        return (m == 0 || mv[-1].pos <= mv->pos) && (m + 1 == f->moves.len || mv[1].pos >= mv->pos);
    case SLOT_SHARED:
        a = LOC_SLOT(ra_below(r, f->nslots));
        b = LOC_SLOT(ra_below(r, f->nslots));
        if (a == b || f->nslots == 0)
            return false;
        for (uint32_t k = 0; k < f->nblocks; k++)
            share(f, &f->blocks[k], a, b);
        return true;
    case REG_SHARED:
        if (!loc_is_reg(op->loc) || is_scratch(f, op->loc))
            return false;
        b = other(r, f, op->loc);
        if (b == op->loc)
            return false;
        share(f, &f->blocks[ra_below(r, f->nblocks)], op->loc, b);
        return true;
    default:
        if (op->kind > RA_USE_LATE || op->vreg == RA_NO_VREG)
            return false;
        a = op->vreg;
        op->vreg = ra_below(r, f->nvregs);
        return op->vreg != a && f->vregs[op->vreg].cls == f->vregs[a].cls
            && f->vregs[op->vreg].width == f->vregs[a].width;
    }
}

static void run_fault(void *arg)
{
    job *j = arg;
    ra_random r = { j->seed };
    uint32_t class = (uint32_t)(j->seed % NCLASSES), where = 0;
    int which = ra_chance(&r, 50);
    ra_func *f;
    bool reported, noticed = false;

    jit_arena_reset(&j->tmp);
    f = ra_generate(j->seed, &j->tmp);
    allocate(f, which, &j->tmp);
    if (!mutate(f, class, &r))
        return;
    made[class]++;
    reported = jit_ra_check(f, &j->tmp) != NULL;
    for (uint64_t path = 0; path < 12 && !noticed; path++)
        noticed = !ra_simulate(f, j->seed * 16 + path, 400, &where, &j->tmp);
    shown[class] += noticed;
    seen[class] += reported;
    both[class] += noticed && reported;
    if (noticed && !reported) {
        char text[120];
        snprintf(text, sizeof text, "fault \"%s\" shows at instruction %u, not reported",
                 class_names[class], where);
        j->what = allocators[which];
        fault(j, f, text);
    }
}

static void print_input(job *j)
{
    ra_func *f = ra_generate(j->seed, &j->tmp);

    for (int which = 0; which < 2; which++) {
        const char *error;
        uint32_t where = 0;
        printf("== %s\n", allocators[which]);
        fflush(stdout);
        allocate(f, which, &j->tmp);
        error = jit_ra_check(f, &j->tmp);
        ra_print(f);
        printf("%s; execution %s", error ? error : "correct",
               ra_simulate(f, j->seed * 16, 150, &where, &j->tmp) ? "agrees\n" : "differs");
        printf(" at %u\n", where);
        fflush(stdout);
    }
}

static void print_one(void *arg)
{
    print_input(arg);
}

static double now(void)
{
    struct timespec t;

    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    const char *seconds = getenv("FUZZ_SECONDS"), *first = getenv("FUZZ_SEED");
    double limit = seconds ? atof(seconds) : 10, begin = now();
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1, count = UINT64_MAX, done = 0;
    unsigned findings = 0;
    bool faults = false;
    static job j;

    jit_arena_init(&j.tmp, &jit_libc_allocator, &j.fail);
    for (int k = 1; k < argc; k++) {
        if (strcmp(argv[k], "--faults") == 0) {
            faults = true;
        } else if (strcmp(argv[k], "--seed") == 0 && k + 1 < argc) {
            seed = strtoull(argv[++k], NULL, 10);
        } else if (strcmp(argv[k], "--count") == 0 && k + 1 < argc) {
            count = strtoull(argv[++k], NULL, 10);
            limit = 1e9;
        } else if (strcmp(argv[k], "--seconds") == 0 && k + 1 < argc) {
            limit = atof(argv[++k]);
        } else if (strcmp(argv[k], "--print") == 0 && k + 1 < argc) {
            j.seed = strtoull(argv[++k], NULL, 10);
            if (jit_guard(&j.fail, print_one, &j) != JIT_OK)
                printf("%s\n", j.fail.message);
            return 0;
        }
    }
    for (; done < count && findings < 10 && (done % 64 != 0 || now() - begin < limit); done++) {
        j.seed = seed + done;
        j.finding[0] = 0;
        if (jit_guard(&j.fail, faults ? run_fault : run, &j) != JIT_OK)
            fault(&j, NULL, j.fail.message);
        if (j.finding[0]) {
            printf("%s\n", j.finding);
            findings++;
        }
    }
    printf("%llu inputs in %.1f s; moves %u and %u\n", (unsigned long long)done, now() - begin,
           j.moves[0], j.moves[1]);
    if (faults)
        for (int k = 0; k < NCLASSES; k++)
            printf("%-36s made %7u, shows in execution %7u, of these reported %7u, reported %7u\n",
                   class_names[k], made[k], shown[k], both[k], seen[k]);
    printf("%u passed, %u failed, 0 skipped\n", findings ? 0u : 1u, findings);
    jit_arena_free(&j.tmp);
    return findings != 0;
}
