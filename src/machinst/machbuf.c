/* machbuf.c - the code buffer: reservations, labels, fixups, constants, shortening, islands. */
#include "machinst/machbuf.h"
#include <string.h>

#define NO_DEADLINE UINT32_MAX
#define ALIGN_MOST 64u   /* of constants: what code memory is aligned to */

#ifdef JIT_STRESS
#define FIRST_BYTES 32u /* so that the buffer grows at every turn, each time up to a protected
                         * page */
#else
#define FIRST_BYTES 4096u
#endif

void jit_mbuf_init(mbuf *b, arena *mem, const fixup_kind *kinds, const shrink_form *shrinks,
                   uint32_t front, uint32_t limit)
{
    memset(b, 0, sizeof *b);
    b->mem = mem;
    b->fail = mem->fail;
    b->kinds = kinds;
    b->shrinks = shrinks;
    b->limit = limit && limit < INT32_MAX ? limit : INT32_MAX;
    b->deadline = NO_DEADLINE;
    b->cap = b->easy = FIRST_BYTES + front;
    b->at = jit_arena_fenced(mem, b->cap);
    b->len = b->front = b->entry = front;
    if (front)
        memset(b->at, 0, front);
}

_Noreturn void jit_mbuf_overrun(mbuf *b)
{
    jit_fail(b->fail, JIT_ERR_INTERNAL,
             "code buffer: an instruction at offset %u exceeds its reservation",
             b->len - b->front);
}

static void set_easy(mbuf *b)
{
    uint32_t ahead = b->pending_bytes + MBUF_ISLAND_SLACK;

    b->easy = b->cap;
    if (b->deadline != NO_DEADLINE && b->deadline < (uint64_t)b->cap + ahead + 1)
        b->easy = b->deadline > ahead ? b->deadline - ahead - 1 : 0;
}

static void grow(mbuf *b, uint64_t need)
{
    uint64_t cap = b->cap;

    if (need > (uint64_t)b->limit + b->front)
        jit_fail(b->fail, JIT_ERR_LIMIT, "code of more than %u bytes", b->limit);
    while (cap < need)
        cap += cap < 32 << 10 ? cap : cap / 2;
    cap = (cap + 15) & ~(uint64_t)15;
    if (!arena_extend(b->mem, b->at, b->cap, cap - b->cap)) {
        uint8_t *at = jit_arena_fenced(b->mem, cap);
        memcpy(at, b->at, b->len);
        jit_arena_recycle_fenced(b->mem, b->at, b->cap);
        b->at = at;
    }
    b->cap = (uint32_t)(cap < UINT32_MAX ? cap : UINT32_MAX);
    set_easy(b);
}

/* ---- Islands: targets whose branches reach less than a function may be long ---- */

static uint32_t fixup_deadline(const mbuf *b, const mbuf_fixup *f)
{
    const fixup_kind *k = &b->kinds[f->kind];

    if (!k->island_bytes)
        return NO_DEADLINE;
    uint64_t last = (uint64_t)f->offset + (uint64_t)k->max;
    return last < NO_DEADLINE ? (uint32_t)last : NO_DEADLINE;
}

/* Not bound so far, or bound too far behind. What is in reach stays so: code only shrinks. */
static bool needs_island(const mbuf *b, const mbuf_fixup *f)
{
    const fixup_kind *k = &b->kinds[f->kind];
    uint32_t bound = b->labels.at[f->label];

    return k->island_bytes
           && (!bound || (int64_t)bound - 1 + f->addend - (int64_t)f->offset < k->min);
}

static void note_pending(mbuf *b, const mbuf_fixup *f)
{
    uint32_t d = fixup_deadline(b, f);

    if (d < b->deadline)
        b->deadline = d;
    if (!b->pending_bytes)
        b->pending_bytes = b->skip_bytes;
    b->pending_bytes += b->kinds[f->kind].island_bytes;
    set_easy(b);
}

/* What is bound by now does not count any longer. */
static void recompute_deadline(mbuf *b)
{
    b->deadline = NO_DEADLINE;
    b->pending_bytes = 0;
    for (uint32_t k = b->settled; k < b->fixups.len; k++)
        if (needs_island(b, &b->fixups.at[k]))
            note_pending(b, &b->fixups.at[k]);
    set_easy(b);
}

static bool deadline_passes(const mbuf *b, uint32_t max)
{
    return b->deadline != NO_DEADLINE
           && (uint64_t)b->len + max + b->pending_bytes + MBUF_ISLAND_SLACK >= b->deadline;
}

typedef struct urgent { uint32_t deadline, fixup; } urgent;

/* By deadline, the nearest first (Shell 1959). */
static void sort_urgent(urgent *u, uint32_t n)
{
    for (uint32_t gap = n / 2; gap > 0; gap /= 2)
        for (uint32_t k = gap; k < n; k++) {
            urgent x = u[k];
            uint32_t i = k;
            for (; i >= gap && u[i - gap].deadline > x.deadline; i -= gap)
                u[i] = u[i - gap];
            u[i] = x;
        }
}

/* What has been noted for the instruction that comes next moves behind the island. */
static void move_notes(mbuf *b, uint32_t from)
{
    for (uint32_t k = b->traps.len; k-- > 0 && b->traps.at[k].offset == from;)
        b->traps.at[k].offset = b->len;
    if (b->srcpos.len && b->srcpos.at[b->srcpos.len - 1].offset == from)
        b->srcpos.at[b->srcpos.len - 1].offset = b->len;
}

static mbuf_const *constant_of(const mbuf *b, uint32_t label) /* label: index */
{
    uint32_t lo = 0, hi = b->consts.len;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (b->consts.at[mid].label <= label)
            lo = mid + 1;
        else
            hi = mid;
    }
    JIT_REQUIRE(b->fail, hi < b->consts.len && b->consts.at[hi].label == label + 1,
                "no such constant");
    return &b->consts.at[hi];
}

/* A copy of the constant that fixup k names, once in the island that begins at `start`. */
static void put_copy(mbuf *b, uint32_t k, uint32_t start)
{
    mbuf_const *c = constant_of(b, b->fixups.at[k].label);

    if (!c->copy || b->labels.at[c->copy - 1] <= start) {
        memcpy(b->at + b->len, c->bytes, c->size);
        vec_push(b->mem, &b->labels, b->len + 1);
        c->copy = b->labels.len;
        b->len += c->size;
    }
    b->fixups.at[k].label = c->copy - 1;
}

static void put_hop(mbuf *b, uint32_t k)
{
    mbuf_fixup f = b->fixups.at[k];
    mbuf_fixup hop = { b->len, f.label, 0, 0, f.addend };

    b->kinds[f.kind].island(b->at + b->len, &hop.kind);
    vec_push(b->mem, &b->labels, b->len + 1);
    b->fixups.at[k].label = b->labels.len - 1;
    b->fixups.at[k].addend = 0;
    b->len += b->kinds[f.kind].island_bytes;
    vec_push(b->mem, &b->fixups, hop);
}

/* A jump over, then for each open branch a hop of longer reach that the branch now leads to, for
 * each open literal its constant. */
static void put_island(mbuf *b)
{
    uint32_t start = b->len, bytes = b->pending_bytes, n = 0;
    urgent *u = ARENA_ARRAY_RAW(b->mem, urgent, b->fixups.len - b->settled);

    for (uint32_t k = b->settled; k < b->fixups.len; k++)
        if (needs_island(b, &b->fixups.at[k])) {
            u[n].deadline = fixup_deadline(b, &b->fixups.at[k]);
            u[n++].fixup = k;
        }
    b->settled = b->fixups.len; /* but hops are ahead */
    sort_urgent(u, n);
    if ((uint64_t)b->len + bytes > b->cap)
        grow(b, (uint64_t)b->len + bytes);
    b->len += b->skip_bytes;
    for (uint32_t k = 0; k < n; k++) {
        const fixup_kind *kind = &b->kinds[b->fixups.at[u[k].fixup].kind];
        JIT_REQUIRE(b->fail, b->len - start + kind->island_bytes <= bytes,
                    "an island exceeds its reservation");
        if (kind->island)
            put_hop(b, u[k].fixup);
        else
            put_copy(b, u[k].fixup, start);
    }
    b->skip(b->at + start, b->len - start);
    move_notes(b, start);
    recompute_deadline(b);
}

/* Whether a branch back does not reach, or a literal would not reach its constant at the end. */
static bool needs_last_island(const mbuf *b)
{
    uint64_t end = (uint64_t)b->len + ALIGN_MOST;

    for (uint32_t k = 0; k < b->consts.len; k++)
        end += (uint64_t)b->consts.at[k].size + b->consts.at[k].align;
    for (uint32_t k = b->settled; k < b->fixups.len; k++) {
        const mbuf_fixup *f = &b->fixups.at[k];
        if (needs_island(b, f) && (b->kinds[f->kind].island || fixup_deadline(b, f) < end))
            return true;
    }
    return false;
}

void jit_mbuf_make_room(mbuf *b, uint32_t max)
{
    JIT_REQUIRE(b->fail, !b->open, "code buffer opened twice");
    if (deadline_passes(b, max)) {
        recompute_deadline(b);
        if (deadline_passes(b, max))
            put_island(b);
    }
    uint64_t need = (uint64_t)b->len + max;
    if (need > b->cap)
        grow(b, need);
}

/* ---- Labels and tables ---- */

mlabel jit_mbuf_label(mbuf *b)
{
    vec_push(b->mem, &b->labels, 0);
    mlabel l = { b->labels.len };
    return l;
}

/* A field is as long as its kind says, or the bytes of what follows would be patched. */
static void check_field(const mbuf *b, const mbuf_fixup *f)
{
    if ((uint64_t)f->offset + b->kinds[f->kind].bytes > b->len)
        jit_fail(b->fail, JIT_ERR_INTERNAL,
                 "code buffer: an instruction at offset %u ends within its %s",
                 f->offset - b->front, b->kinds[f->kind].name);
}

void jit_mbuf_bind(mbuf *b, mlabel l)
{
    JIT_REQUIRE(b->fail, l.id && l.id <= b->labels.len && !b->labels.at[l.id - 1],
                "label bound twice");
    if (b->fixups.len)
        check_field(b, &b->fixups.at[b->fixups.len - 1]);
    b->labels.at[l.id - 1] = b->len + 1;
    b->bound = b->len + 1;
}

void jit_mbuf_replace(mbuf *b, const uint8_t *bytes, uint32_t n)
{
    bool patched = b->fixups.len && b->fixups.at[b->fixups.len - 1].offset + n >= b->len;

    JIT_REQUIRE(b->fail, !b->open && n <= b->len - b->front && b->bound != b->len + 1 && !patched,
                "bytes that are referred to are replaced");
    memcpy(b->at + b->len - n, bytes, n);
}

void jit_mbuf_fixup(mbuf *b, uint32_t offset, mlabel l, uint8_t kind, uint8_t shrink,
                    int32_t addend)
{
    mbuf_fixup f = { offset, l.id - 1, kind, shrink, addend };

    JIT_REQUIRE(b->fail, l.id && l.id <= b->labels.len, "fixup of no label");
    vec_push(b->mem, &b->fixups, f);
    if (needs_island(b, &f))
        note_pending(b, &f);
}

mlabel jit_mbuf_constant(mbuf *b, const void *bytes, uint32_t size, uint32_t align)
{
    uint32_t n = b->consts.len < 32 ? b->consts.len : 32;

    JIT_REQUIRE(b->fail, align && align <= ALIGN_MOST && !(align & (align - 1)),
                "alignment of a constant");
    for (uint32_t k = 1; k <= n; k++) {
        mbuf_const *o = &b->consts.at[b->consts.len - k];
        if (o->size == size && memcmp(o->bytes, bytes, size) == 0) {
            if (o->align < align)
                o->align = align;
            mlabel l = { o->label };
            return l;
        }
    }
    mlabel l = jit_mbuf_label(b);
    mbuf_const c = { l.id, size, align, 0, memcpy(arena_raw(b->mem, size), bytes, size) };
    vec_push(b->mem, &b->consts, c);
    return l;
}

void jit_mbuf_trap(mbuf *b, uint8_t code)
{
    mbuf_trap t = { b->len, code };
    vec_push(b->mem, &b->traps, t);
}

void jit_mbuf_new_srcpos(mbuf *b, uint32_t pos)
{
    mbuf_srcpos p = { b->len, pos };

    if (b->srcpos.len && b->srcpos.at[b->srcpos.len - 1].offset == b->len)
        b->srcpos.at[b->srcpos.len - 1] = p;
    else
        vec_push(b->mem, &b->srcpos, p);
}

void jit_mbuf_site(mbuf *b, uint32_t inst, uint8_t kind)
{
    mbuf_site s = { b->len, inst, kind };
    mbuf_site *last = b->sites.len ? &b->sites.at[b->sites.len - 1] : NULL;

    if (last && last->offset == b->len)
        *last = s;
    else if (!last || last->inst != inst || last->kind != kind)
        vec_push(b->mem, &b->sites, s);
}

void jit_mbuf_reloc(mbuf *b, uint32_t offset, uint8_t kind, uint32_t symbol, int64_t addend)
{
    mbuf_reloc r = { offset, kind, symbol, addend };
    vec_push(b->mem, &b->relocs, r);
}

void jit_mbuf_call(mbuf *b, uint32_t ir)
{
    mbuf_call c = { b->len, ir };
    vec_push(b->mem, &b->calls, c);
}

void jit_mbuf_unwind(mbuf *b, uint8_t kind, uint8_t reg, int32_t value)
{
    mbuf_unwind u = { b->len, kind, reg, value };
    vec_push(b->mem, &b->unwind, u);
}

/* ---- The prologue that is made last ---- */

void jit_mbuf_front(mbuf *b, mbuf *prologue)
{
    uint32_t n = prologue->len;

    JIT_REQUIRE(b->fail, n <= b->front && b->entry == b->front, "prologue exceeds its room");
    uint32_t at = b->front - n;
    memcpy(b->at + at, prologue->at, n);
    b->entry = at;
    /* Its tables go before the body's. */
    for (uint32_t k = 0; k < prologue->traps.len; k++)
        prologue->traps.at[k].offset += at;
    for (uint32_t k = 0; k < prologue->unwind.len; k++)
        prologue->unwind.at[k].offset += at;
    JIT_REQUIRE(b->fail, prologue->relocs.len == 0 && prologue->consts.len == 0,
                "relocation in a late prologue");
    uint32_t nt = prologue->traps.len, nu = prologue->unwind.len;
    if (nt > 0) {
        vec_reserve(b->mem, &b->traps, nt);
        memmove(b->traps.at + nt, b->traps.at, b->traps.len * sizeof *b->traps.at);
        memcpy(b->traps.at, prologue->traps.at, nt * sizeof *b->traps.at);
        b->traps.len += nt;
    }
    if (nu > 0) {
        vec_reserve(b->mem, &b->unwind, nu);
        memmove(b->unwind.at + nu, b->unwind.at, b->unwind.len * sizeof *b->unwind.at);
        memcpy(b->unwind.at, prologue->unwind.at, nu * sizeof *b->unwind.at);
        b->unwind.len += nu;
    }
    /* Labels and fixups of its own are independent of the body's. */
    for (uint32_t k = 0; k < prologue->fixups.len; k++) {
        mbuf_fixup f = prologue->fixups.at[k];
        uint32_t bound = prologue->labels.at[f.label];
        JIT_REQUIRE(b->fail, bound != 0, "open label in a late prologue");
        mlabel l = jit_mbuf_label(b);
        b->labels.at[l.id - 1] = bound + at;
        jit_mbuf_fixup(b, f.offset + at, l, f.kind, 0, f.addend);
    }
}

/* ---- Finishing ---- */

/* Branches that got shorter: where, and how many bytes are gone from there on. */
typedef struct cut { uint32_t end, removed; } cut; /* end: of the long form, in buffer offsets */
typedef struct cuts { cut *at; uint32_t n, last; } cuts; /* last: where the last answer was found */

static uint32_t search_removed(cuts *c, uint32_t x)
{
    uint32_t lo = 0, hi = c->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (c->at[mid].end <= x)
            lo = mid + 1;
        else
            hi = mid;
    }
    c->last = lo;
    return lo ? c->at[lo - 1].removed : 0;
}

/* Bytes removed before buffer offset x. Most callers ask in rising order: the last answer is
 * near. */
static inline uint32_t removed_before(cuts *c, uint32_t x)
{
    uint32_t k = c->last;

    for (unsigned tries = 0; tries < 4 && k < c->n && c->at[k].end <= x; tries++)
        k++;
    if ((k < c->n && c->at[k].end <= x) || (k && c->at[k - 1].end > x))
        return search_removed(c, x);
    c->last = k;
    return k ? c->at[k - 1].removed : 0;
}

/* Whether the long branch f reaches its label in the short form, by what is known to be gone. */
static bool fits_short(const mbuf *b, const mbuf_fixup *f, cuts *c)
{
    const shrink_form *s = &b->shrinks[f->shrink - 1];
    uint32_t end = f->offset + b->kinds[f->kind].bytes, to = b->labels.at[f->label] - 1;
    int64_t distance = (int64_t)to + f->addend - end;

    if (distance > 2 * s->max + 64 || distance < 2 * s->min - 64)
        return false; /* not worth the exact count */
    if (distance > 0) /* what vanishes between counts in its favour */
        distance -= (int64_t)removed_before(c, to) - removed_before(c, end);
    else
        distance += (int64_t)removed_before(c, end) - removed_before(c, to)
                    + s->long_bytes - s->short_bytes;
    return distance >= s->min && distance <= s->max;
}

/* Chooses the branches to shorten: distances only shrink, so each choice stays right. */
static cuts choose_short(mbuf *b, bool *is_short)
{
    cuts c = { NULL, 0, 0 };
    uint32_t candidates = 0;

    for (uint32_t k = 0; k < b->fixups.len; k++)
        candidates += b->fixups.at[k].shrink && b->labels.at[b->fixups.at[k].label];
    if (!candidates)
        return c;
    c.at = ARENA_ARRAY_RAW(b->mem, cut, candidates);
    cut *next = ARENA_ARRAY_RAW(b->mem, cut, candidates);
    for (unsigned round = 0; round < 3; round++) {
        uint32_t removed = 0, n = 0;
        bool changed = false;
        for (uint32_t k = 0; k < b->fixups.len; k++) {
            const mbuf_fixup *f = &b->fixups.at[k];
            if (!f->shrink || !b->labels.at[f->label])
                continue;
            if (!is_short[k]) {
                if (!fits_short(b, f, &c))
                    continue;
                is_short[k] = changed = true;
            }
            const shrink_form *s = &b->shrinks[f->shrink - 1];
            removed += (uint32_t)(s->long_bytes - s->short_bytes);
            next[n].end = f->offset + b->kinds[f->kind].bytes;
            next[n++].removed = removed;
        }
        cut *t = c.at;
        c.at = next;
        next = t;
        c.n = n;
        c.last = 0;
        if (!changed)
            break;
    }
    return c;
}

/* Lays constants behind the code, binds their labels (as offsets in the result). */
static uint32_t place_constants(mbuf *b, uint32_t code_size, uint32_t *align, uint32_t *where)
{
    uint64_t at = code_size;

    for (uint32_t k = 0; k < b->consts.len; k++) {
        const mbuf_const *c = &b->consts.at[k];
        at = (at + c->align - 1) & ~(uint64_t)(c->align - 1);
        if (c->align > *align)
            *align = c->align;
        where[k] = (uint32_t)at;
        at += c->size;
        if (at > b->limit)
            jit_fail(b->fail, JIT_ERR_LIMIT, "code and constants of more than %u bytes", b->limit);
    }
    return (uint32_t)at;
}

static void copy_code(const mbuf *b, const bool *is_short, uint8_t *out)
{
    uint32_t from = b->entry;

    for (uint32_t k = 0; k < b->fixups.len; k++) {
        const mbuf_fixup *f = &b->fixups.at[k];
        if (!is_short[k])
            continue;
        const shrink_form *s = &b->shrinks[f->shrink - 1];
        uint32_t start = f->offset + b->kinds[f->kind].bytes - s->long_bytes;
        memcpy(out, b->at + from, start - from);
        out += start - from;
        s->rewrite(b->at + start, out);
        out += s->short_bytes;
        from = start + s->long_bytes;
    }
    memcpy(out, b->at + from, b->len - from);
}

static void patch_fixups(mbuf *b, const bool *is_short, cuts *c, mcode *code)
{
    for (uint32_t k = 0; k < b->fixups.len; k++) {
        const mbuf_fixup *f = &b->fixups.at[k];
        const fixup_kind *kind = &b->kinds[f->kind];
        uint32_t to = code->label_offsets[f->label];
        JIT_REQUIRE(b->fail, to != UINT32_MAX, "a branch to a label that was never bound");
        if (is_short[k]) {
            uint32_t end = f->offset + kind->bytes;
            uint32_t at = end - removed_before(c, end) - b->entry;
            int64_t distance = (int64_t)to + f->addend - at;
            const shrink_form *s = &b->shrinks[f->shrink - 1];
            JIT_REQUIRE(b->fail, distance >= s->min && distance <= s->max,
                        "short branch out of reach");
            code->bytes[at - s->short_bytes + s->field] = (uint8_t)distance;
            continue;
        }
        uint32_t at = f->offset - removed_before(c, f->offset) - b->entry;
        int64_t distance = (int64_t)to + f->addend - at;
        if (distance < kind->min || distance > kind->max)
            jit_fail(b->fail, JIT_ERR_LIMIT, "%s at offset %u cannot reach %lld bytes", kind->name,
                     at, (long long)distance);
        kind->patch(code->bytes + at, distance + kind->bias);
    }
}

/* Rows rise, and so do cuts: both are walked at once. */
#define MOVE_TABLE(b, c, out, code, field, count, T)                    \
    do {                                                                \
        uint32_t cut_ = 0, gone_ = (b)->entry;                          \
        (code)->count = (b)->field.len;                                 \
        (code)->field = ARENA_ARRAY_RAW((out), T, (b)->field.len);      \
        for (uint32_t k_ = 0; k_ < (b)->field.len; k_++) {              \
            T x_ = (b)->field.at[k_];                                   \
            while (cut_ < (c)->n && (c)->at[cut_].end <= x_.offset)     \
                gone_ = (c)->at[cut_++].removed + (b)->entry;           \
            x_.offset -= gone_;                                         \
            (code)->field[k_] = x_;                                     \
        }                                                               \
    } while (0)

void jit_mbuf_finish(mbuf *b, arena *out, mcode *code)
{
    JIT_REQUIRE(b->fail, !b->open, "code buffer finished twice");
    if (b->skip && b->fixups.len) {
        recompute_deadline(b);
        if (needs_last_island(b))
            put_island(b);
    }
    b->open = b->finished = true;
    memset(code, 0, sizeof *code);
    for (uint32_t k = 0; k < b->fixups.len; k++)
        check_field(b, &b->fixups.at[k]);
#ifdef JIT_DEBUG
    JIT_REQUIRE(b->fail, jit_mbuf_is_valid(b), "code buffer: its tables are not in order");
#endif
    bool *is_short = ARENA_ARRAY(b->mem, bool, b->fixups.len);
    uint32_t *where = ARENA_ARRAY_RAW(b->mem, uint32_t, b->consts.len);
    cuts c = choose_short(b, is_short);
    uint32_t removed = c.n ? c.at[c.n - 1].removed : 0;

    code->code_size = b->len - b->entry - removed;
    code->align = 16;
    code->size = place_constants(b, code->code_size, &code->align, where);
    if (code->size > b->limit)
        jit_fail(b->fail, JIT_ERR_LIMIT, "code of %u bytes, at most %u", code->size, b->limit);
    code->bytes = ARENA_ARRAY_RAW(out, uint8_t, code->size);
    copy_code(b, is_short, code->bytes);
    memset(code->bytes + code->code_size, 0, code->size - code->code_size);

    code->nlabels = b->labels.len;
    code->label_offsets = ARENA_ARRAY_RAW(b->mem, uint32_t, b->labels.len);
    for (uint32_t k = 0; k < b->labels.len; k++) {
        uint32_t at = b->labels.at[k] - 1;
        code->label_offsets[k] =
            b->labels.at[k] ? at - removed_before(&c, at) - b->entry : UINT32_MAX;
    }
    for (uint32_t k = 0; k < b->consts.len; k++) {
        code->label_offsets[b->consts.at[k].label - 1] = where[k];
        memcpy(code->bytes + where[k], b->consts.at[k].bytes, b->consts.at[k].size);
    }
    patch_fixups(b, is_short, &c, code);
    MOVE_TABLE(b, &c, out, code, traps, ntraps, mbuf_trap);
    MOVE_TABLE(b, &c, out, code, srcpos, nsrcpos, mbuf_srcpos);
    MOVE_TABLE(b, &c, out, code, sites, nsites, mbuf_site);
    MOVE_TABLE(b, &c, out, code, relocs, nrelocs, mbuf_reloc);
    MOVE_TABLE(b, &c, out, code, calls, ncalls, mbuf_call);
    MOVE_TABLE(b, &c, out, code, unwind, nunwind, mbuf_unwind);
}

#define RISES(table)                                                          \
    do {                                                                      \
        for (uint32_t k_ = 0; k_ < b->table.len; k_++)                        \
            if (b->table.at[k_].offset < b->entry || b->table.at[k_].offset > b->len \
                || (k_ && b->table.at[k_ - 1].offset > b->table.at[k_].offset)) \
                return false;                                                 \
    } while (0)

bool jit_mbuf_is_valid(const mbuf *b)
{
    uint32_t last = 0;

    if (b->len > b->cap || b->entry > b->front || b->front > b->len)
        return false;
    for (uint32_t k = 0; k < b->labels.len; k++)
        if (b->labels.at[k] > b->len + 1)
            return false;
    for (uint32_t k = 0; k < b->fixups.len; k++) {
        const mbuf_fixup *f = &b->fixups.at[k];
        if (f->label >= b->labels.len || (uint64_t)f->offset + b->kinds[f->kind].bytes > b->len)
            return false;
        if (f->shrink && f->offset < last) /* shortening takes them in their order */
            return false;
        last = f->shrink ? f->offset : last;
    }
    RISES(traps);
    RISES(srcpos);
    RISES(sites);
    RISES(relocs);
    RISES(calls);
    RISES(unwind);
    return true;
}
