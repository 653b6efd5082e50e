/* emulate_account.c - holds each access to memory of emulated code against those of its IR.
 *
 * The accesses that the IR makes are told before a call, as the interpreter finds them. An
 * instruction of the machine may only touch bytes that an access of the IR instruction it was made
 * from touches, in the same direction and in the order of execution; or it touches its frame
 * outside of stack slots, or reads constants. Loads may be left out and done in pieces; of what
 * the IR stores each byte has to be stored, once. What the emulator reports in pieces is put
 * together first, instruction by instruction.
 *
 * Calls and returns are followed, so that an access to a stack slot is known by its call's depth
 * and the slot, not by the address, which differs between machine and interpreter. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_UNICORN

#include "emulate_machine.h"

enum { MAX_EXPECTED = 1 << 22, MAX_PIECES = 64, LOOK_BACK = 8, NONE = -1 };

/* An access that the IR makes. */
typedef struct expected {
    uint64_t address;          /* or offset in its slot */
    uint32_t frame, slot;      /* as in jit_access */
    uint32_t inst;
    uint8_t size;
    uint16_t done;             /* of a store: a bit for each byte stored */
    int32_t next, prev;        /* of its queue; NONE */
} expected;

/* The accesses in one direction that one instruction's code makes, in order. */
typedef struct queue {
    int32_t first, last, at;   /* at: the last match; of stores: the first one left to do */
} queue;

typedef struct account {
    const jit_func *func;
    const jit_code_map *map;
    uint64_t entry, end;
    uint64_t slots_low;        /* bytes from sp on entry down to the lowest slot */
    queue *queues;             /* by instruction: of loads, of stores */
} account;

typedef struct call_frame { const account *account; uint64_t sp; } call_frame; /* sp on entry */
typedef struct piece { uint64_t address, end; bool write; } piece;

struct ledger {
    account *accounts;         /* by rising entry */
    size_t naccounts;
    expected *expected;
    size_t nexpected, cap;
    bool begun, full;
    call_frame *frames;
    size_t nframes, frames_cap;
    piece pieces[MAX_PIECES];  /* of the instruction under way */
    size_t npieces;
    const account *in;         /* holds that instruction; NULL: not accounted for */
    uint64_t pc, next;
    char arriving;             /* how the next function's entry is reached: 'c' or 'j' */
    char wrong[256];           /* "": nothing yet */
};

static void *grown(void *old, size_t n, size_t *cap, size_t size)
{
    void *more;

    if (n < *cap)
        return old;
    *cap = *cap ? *cap * 2 : 64;
    more = tool_alloc(*cap, size);
    if (n > 0)
        memcpy(more, old, n * size);
    free(old);
    return more;
}

static account *account_at(const ledger *l, uint64_t pc)
{
    size_t low = 0, high = l->naccounts;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (l->accounts[mid].end <= pc)
            low = mid + 1;
        else
            high = mid;
    }
    return low < l->naccounts && l->accounts[low].entry <= pc ? &l->accounts[low] : NULL;
}

static account *account_of(const ledger *l, const jit_func *f)
{
    for (size_t k = 0; k < l->naccounts; k++)
        if (l->accounts[k].func == f)
            return &l->accounts[k];
    return NULL;
}

void tool_emulator_account(emulator *m, const jit_func *f, jit_entry entry, size_t size,
                           const jit_code_map *map)
{
    ledger *l = m->ledger ? m->ledger : tool_alloc(1, sizeof *l);
    account *more = tool_alloc(l->naccounts + 1, sizeof *more), a = { .func = f, .map = map };
    uintptr_t at;
    size_t k = 0;

    if (!m->ledger)
        tool_emulator_watch(m);
    memcpy(&at, &entry, sizeof at);
    a.entry = at;
    a.end = at + size;
    a.queues = tool_alloc(2 * map->ninsts, sizeof *a.queues);
    for (size_t s = 0; s < map->nslots; s++)
        a.slots_low = map->slots[s] > a.slots_low ? map->slots[s] : a.slots_low;
    for (; k < l->naccounts && l->accounts[k].entry < at; k++)
        more[k] = l->accounts[k];
    more[k] = a;
    for (; k < l->naccounts; k++)
        more[k + 1] = l->accounts[k];
    free(l->accounts);
    l->accounts = more;
    l->naccounts++;
    m->ledger = l;
}

void tool_account_free(ledger *l)
{
    if (!l)
        return;
    for (size_t k = 0; k < l->naccounts; k++)
        free(l->accounts[k].queues);
    free(l->accounts);
    free(l->expected);
    free(l->frames);
    free(l);
}

/* ---- What is expected ---- */

void tool_emulator_expect_begin(emulator *m)
{
    ledger *l = m->ledger;

    if (!l)
        return;
    l->nexpected = 0;
    l->begun = true;
    l->full = false;
    for (size_t k = 0; k < l->naccounts; k++)
        for (size_t q = 0; q < 2 * l->accounts[k].map->ninsts; q++)
            l->accounts[k].queues[q] = (queue){ NONE, NONE, NONE };
}

void tool_emulator_expect(void *user, const jit_access *a)
{
    const emulator *m = user;
    ledger *l = m->ledger;
    account *of = account_of(l, a->func);

    if (!of || l->full || l->nexpected == MAX_EXPECTED) {
        l->full = true; /* there is no judging half of a call */
        return;
    }
    l->expected = grown(l->expected, l->nexpected, &l->cap, sizeof *l->expected);
    queue *q = &of->queues[2 * of->map->made_by[a->inst] + a->write];
    int32_t k = (int32_t)l->nexpected++;
    l->expected[k] = (expected){ a->frame == UINT32_MAX ? a->address : a->offset, a->frame, a->slot,
                                 a->inst, (uint8_t)a->size, 0, NONE, q->last };
    if (q->last == NONE)
        q->first = q->at = k;
    else
        l->expected[q->last].next = k;
    q->last = k;
}

void tool_emulator_expect_nothing(emulator *m)
{
    if (m->ledger)
        m->ledger->full = true;
}

/* Where the machine has it; false: its call is not there. */
static bool place_of(const ledger *l, const expected *e, uint64_t *address)
{
    *address = e->address;
    if (e->frame == UINT32_MAX)
        return true;
    if (e->frame >= l->nframes)
        return false;
    const call_frame *f = &l->frames[e->frame];
    if (e->slot >= f->account->map->nslots)
        return false;
    *address += f->sp - f->account->map->slots[e->slot];
    return true;
}

/* ---- Judging ---- */

static bool complain(ledger *l, const piece *p, const char *why)
{
    if (l->wrong[0] == 0)
        snprintf(l->wrong, sizeof l->wrong, "%s of %llu bytes at 0x%llx %s, by 0x%llx of %s",
                 p->write ? "store" : "load", (unsigned long long)(p->end - p->address),
                 (unsigned long long)p->address, why, (unsigned long long)(l->pc - l->in->entry),
                 jit_func_name(l->in->func));
    return false;
}

/* Takes the first bytes of p off, as far as the IR's access e has them; false: it has not the
 * first. */
static bool take(const ledger *l, expected *e, piece *p)
{
    uint64_t from;

    if (!place_of(l, e, &from) || p->address - from >= e->size)
        return false;
    uint64_t end = p->end - from < e->size ? p->end : from + e->size;
    for (uint64_t at = p->address; p->write && at < end; at++) {
        if (e->done >> (at - from) & 1)
            return false; /* stored twice */
        e->done |= (uint16_t)(1u << (at - from));
    }
    p->address = end;
    return true;
}

static bool all_done(const expected *e)
{
    return e->done == (1u << e->size) - 1;
}

/* A load may leave others out, and look back at those that one instruction loads besides. */
static bool take_load(const ledger *l, queue *q, piece *p)
{
    int32_t k = q->at;

    for (unsigned back = 0; back < LOOK_BACK && k != NONE && l->expected[k].prev != NONE; back++)
        k = l->expected[k].prev;
    for (; k != NONE; k = l->expected[k].next)
        if (take(l, &l->expected[k], p)) {
            q->at = k;
            return true;
        }
    return false;
}

/* A store comes in its turn, but for those of other instructions made by the same code. */
static bool take_store(const ledger *l, queue *q, piece *p)
{
    for (int32_t k = q->at, first = k; k != NONE; k = l->expected[k].next) {
        if (k != first && l->expected[k].inst == l->expected[first].inst)
            return false;
        if (take(l, &l->expected[k], p)) {
            while (q->at != NONE && all_done(&l->expected[q->at]))
                q->at = l->expected[q->at].next;
            return true;
        }
    }
    return false;
}

static bool is_in_slots(const call_frame *f, const piece *p)
{
    uint64_t low = f->sp - f->account->slots_low;

    return f->account->map->nslots > 0 && p->address < low + f->account->map->slot_bytes
           && p->end > low;
}

/* The frame but for its slots, with the arguments above it and what a call pushes below. */
static bool is_own(const call_frame *f, const piece *p)
{
    const jit_code_map *map = f->account->map;

    return p->address >= f->sp - map->frame_bytes - 16
           && p->end <= f->sp + map->args_above + map->arg_bytes && !is_in_slots(f, p);
}

/* A probe of one of the frame's pages, which may lie in a slot. */
static bool is_probe(const call_frame *f, const piece *p)
{
    return !p->write && p->address >= f->sp - f->account->map->frame_bytes && p->end <= f->sp;
}

/* Whether p lies above the innermost frame and in no slot of any. */
static bool is_for_caller(const emulator *m, const ledger *l, const piece *p)
{
    bool good = p->address >= l->frames[l->nframes - 1].sp
                && p->end <= (uint64_t)(uintptr_t)(m->stack + STACK_BYTES);

    for (size_t k = 0; k < l->nframes && good; k++)
        good = !is_in_slots(&l->frames[k], p);
    return good;
}

static const jit_code_site *site_at(const account *a, uint64_t pc)
{
    size_t low = 0, high = a->map->nsites;

    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (a->map->sites[mid].offset <= pc - a->entry)
            low = mid;
        else
            high = mid;
    }
    return &a->map->sites[low];
}

static bool judge(const emulator *m, ledger *l, piece p)
{
    const jit_code_site *s = site_at(l->in, l->pc);
    const call_frame *top = l->nframes > 0 ? &l->frames[l->nframes - 1] : NULL;
    piece left = p;

    if (!top || top->account != l->in)
        return complain(l, &p, "in a function that was not called");
    if (s->kind != JIT_SITE_IR) {
        if (is_own(top, &p) || (!p.write && p.address >= m->code && p.end <= m->code_end)
            || (s->kind == JIT_SITE_PROLOGUE && is_probe(top, &p))
            || (s->kind == JIT_SITE_RESULTS && p.write && is_for_caller(m, l, &p)))
            return true;
        if (s->kind != JIT_SITE_PROLOGUE)
            return complain(l, &p, "outside of what is the frame's own");
    }
    queue *q = &l->in->queues[2 * l->in->map->made_by[s->inst] + p.write];
    while (left.address < left.end)
        if (!(p.write ? take_store(l, q, &left) : take_load(l, q, &left)))
            return complain(l, &p, "that the IR does not make there");
    return true;
}

/* ---- Pieces ---- */

/* A load over the end of a page (of 1 KiB on AArch64) is told three times: as it is, then the two
 * aligned words of its size in which it lies. */
static void drop_halves(ledger *l)
{
    for (size_t k = 0; k + 2 < l->npieces; k++) {
        const piece *p = &l->pieces[k];
        uint64_t size = p->end - p->address, low = p->address & ~(size - 1);
        if (p->write || p->address == low || p[1].address != low
            || p[2].address != low + size || p[1].write || p[2].write)
            continue;
        memmove(&l->pieces[k + 1], &l->pieces[k + 3], (l->npieces - k - 3) * sizeof *p);
        l->npieces -= 2;
    }
}

static int by_address(const void *x, const void *y)
{
    const piece *a = x, *b = y;

    if (a->write != b->write)
        return a->write ? 1 : -1;
    return a->address < b->address ? -1 : a->address > b->address;
}

/* Judges what the instruction at l->pc has touched. */
static void settle(const emulator *m, ledger *l)
{
    size_t n = 0;

    if (l->npieces == 0)
        return;
    drop_halves(l);
    qsort(l->pieces, l->npieces, sizeof *l->pieces, by_address);
    for (size_t k = 1; k < l->npieces; k++) {
        piece *p = &l->pieces[n];
        if (l->pieces[k].write == p->write && l->pieces[k].address <= p->end)
            p->end = l->pieces[k].end > p->end ? l->pieces[k].end : p->end;
        else
            l->pieces[++n] = l->pieces[k];
    }
    for (size_t k = 0; k <= n; k++) {
        piece p = l->pieces[k];
        if (!p.write && m->machine->loads && p.end - p.address == 16) {
            unsigned bytes = m->machine->loads((const uint8_t *)(uintptr_t)l->pc,
                                               (size_t)(l->next - l->pc));
            p.end = bytes ? p.address + bytes : p.end;
        }
        judge(m, l, p);
    }
    l->npieces = 0;
}

void tool_account_access(emulator *m, uint64_t address, unsigned size, bool write)
{
    ledger *l = m->ledger;

    if (!l->in || !l->begun || l->full)
        return;
    if (l->npieces == MAX_PIECES)
        settle(m, l);
    l->pieces[l->npieces++] = (piece){ address, address + size, write };
}

/* ---- Calls ---- */

void tool_account_call(emulator *m)
{
    ledger *l = m->ledger;

    l->nframes = 0;
    l->npieces = 0;
    l->in = NULL;
    l->arriving = 'c';
    l->wrong[0] = 0;
}

/* The instruction before has led elsewhere. */
static void leave(const emulator *m, ledger *l, uint64_t to)
{
    char how = m->machine->transfer((const uint8_t *)(uintptr_t)l->pc, (size_t)(l->next - l->pc));

    if (how == 'r' && l->nframes > 0)
        l->nframes--;
    else if (how == 'c' || to < l->in->entry || to >= l->in->end || to == l->in->entry)
        l->arriving = how;
}

static void arrive(const emulator *m, ledger *l, const account *a)
{
    if (l->arriving == 'j' && l->nframes > 0) /* a tail call: in place of its caller */
        l->nframes--;
    l->frames = grown(l->frames, l->nframes, &l->frames_cap, sizeof *l->frames);
    l->frames[l->nframes++] = (call_frame){ a, emu_reg(m, m->machine->sp) };
    l->arriving = 'c';
}

void tool_account_instruction(emulator *m, uint64_t address, uint32_t size)
{
    ledger *l = m->ledger;

    if (!l->begun || l->full)
        return;
    settle(m, l);
    if (address != l->next || !l->in) {
        if (l->in)
            leave(m, l, address);
        if (!l->in || address < l->in->entry || address >= l->in->end)
            l->in = account_at(l, address);
        if (l->in && address == l->in->entry) {
            arrive(m, l, l->in);
        } else if (l->in && l->arriving == 'j' && l->nframes > 0) {
            l->nframes--; /* a tail call of what is not accounted for has returned */
            l->arriving = 'c';
        }
    }
    l->pc = address;
    l->next = address + size;
}

const char *tool_account_end(emulator *m, bool trapped)
{
    ledger *l = m->ledger;

    if (!l->begun || l->full)
        return NULL;
    l->begun = false;
    if (!trapped)
        settle(m, l); /* an access that trapped was not made */
    for (size_t k = 0; k < l->naccounts && l->wrong[0] == 0; k++)
        for (size_t i = 0; i < l->accounts[k].map->ninsts && l->wrong[0] == 0; i++) {
            const queue *q = &l->accounts[k].queues[2 * i + 1];
            if (q->at != NONE)
                snprintf(l->wrong, sizeof l->wrong,
                         "instruction %u of %s stores %u bytes, which were not stored",
                         l->expected[q->at].inst, jit_func_name(l->accounts[k].func),
                         l->expected[q->at].size);
        }
    return l->wrong[0] ? l->wrong : NULL;
}

bool tool_emulator_accounted(const emulator *m)
{
    return m->ledger && !m->ledger->full;
}

#else

void tool_emulator_account(emulator *m, const jit_func *f, jit_entry entry, size_t size,
                           const jit_code_map *map)
{
    (void)m, (void)f, (void)entry, (void)size, (void)map;
}

void tool_emulator_expect_begin(emulator *m)
{
    (void)m;
}

void tool_emulator_expect_nothing(emulator *m)
{
    (void)m;
}

void tool_emulator_expect(void *user, const jit_access *a)
{
    (void)user, (void)a;
}

bool tool_emulator_accounted(const emulator *m)
{
    (void)m;
    return false;
}

#endif
