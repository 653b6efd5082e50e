/* interp_memory.c - loads, stores and the promises made about them.
 *
 * Addresses are the host's. Memory is the registered ranges and the live slots of the stack; each
 * byte of the stack has a state (BYTE_*). An access elsewhere is a fault: a trap, or a breach if it
 * said notrap. Inside the stack, what is no slot's is a breach at once, since machine code would
 * find its own frame there.
 *
 * Two promises reach over several accesses. Regions: within one call, bytes accessed through one
 * region and written through another break it. Readonly: bytes that a call loads so must not be
 * written from its start to its end, by its callees neither. Both are watched per byte, in cells of
 * eight bytes in two hash tables; only in functions that make these promises, so that others
 * pay nothing. Tables are bounded: at MAX_CELLS they forget. */
#include "ir/interp.h"

#include <string.h>

/* ---- Ranges of the host ---- */

/* Index of the first range whose end lies above address. */
static uint32_t first_above(const jit_interp *in, uint64_t address)
{
    uint32_t low = 0, high = in->ranges.len;

    while (low < high) {
        uint32_t k = low + (high - low) / 2;
        if (in->ranges.at[k].base + in->ranges.at[k].size <= address)
            low = k + 1;
        else
            high = k;
    }
    return low;
}

/* False: no memory, or it overlaps another range. The same range again changes `writable`. */
bool jit_interp_add_range(jit_interp *in, uint64_t base, uint64_t size, bool writable)
{
    uint32_t k = first_above(in, base);

    if (k < in->ranges.len && in->ranges.at[k].base < base + size) {
        range *r = &in->ranges.at[k];
        if (r->base != base || r->size != size)
            return false;
        r->writable = writable;
        return true;
    }
    if (!vec_try_reserve(&in->mem, &in->ranges, 1))
        return false;
    memmove(&in->ranges.at[k + 1], &in->ranges.at[k],
            (in->ranges.len - k) * sizeof *in->ranges.at);
    in->ranges.at[k] = (range){ base, size, writable };
    in->ranges.len++;
    in->last_range = 0;
    return true;
}

jit_status jit_interp_memory(jit_interp *in, void *base, size_t size, bool writable)
{
    uint64_t b = (uint64_t)(uintptr_t)base;
    uint32_t k;

    if (!base || size == 0 || size > UINT64_MAX - b)
        return JIT_ERR_ARG;
    k = first_above(in, b);
    if (k < in->ranges.len && in->ranges.at[k].base < b + size
        && (in->ranges.at[k].base != b || in->ranges.at[k].size != size))
        return JIT_ERR_ARG;
    return jit_interp_add_range(in, b, size, writable) ? JIT_OK : JIT_ERR_NOMEM;
}

/* The range that holds all of size bytes at address; NULL: none. */
static const range *range_of(jit_interp *in, uint64_t address, uint64_t size)
{
    const range *r;
    uint32_t k = in->last_range;

    if (k >= in->ranges.len || address - in->ranges.at[k].base >= in->ranges.at[k].size)
        k = first_above(in, address);
    if (k >= in->ranges.len)
        return NULL;
    r = &in->ranges.at[k];
    in->last_range = k;
    bool within = address >= r->base && address - r->base < r->size
               && size <= r->size - (address - r->base);
    return within ? r : NULL;
}

/* ---- The stack ---- */

static bool touches_stack(const jit_interp *in, uint64_t address, uint64_t size)
{
    return address < stack_high(in) && (address >= stack_low(in) || stack_low(in) - address < size);
}

bool jit_interp_enter_frame(jit_interp *in, frame *f, uint64_t return_address)
{
    uint64_t top = in->frames.len > 0 ? in->at->sp : stack_high(in);
    uint64_t caller_fp = in->frames.len > 0 ? in->at->fp : 0;
    uint64_t room = top - stack_low(in), low = stack_low(in);
    const jit_func *func = f->code->f;

    if (f->code->align > STACK_BYTES || room < 16 + f->code->frame_bytes + f->code->align)
        return false;
    f->fp = top - 16;
    f->sp = (f->fp - f->code->frame_bytes) & ~(f->code->align - 1);
    memset(in->bytes + (f->sp - low), BYTE_NONE, (size_t)(f->fp - f->sp));
    for (uint32_t k = 0; k < func->slots.len; k++)
        if (!func->slots.at[k].dynamic)
            memset(in->bytes + (f->sp + f->code->slot_at[k] - low), BYTE_UNWRITTEN,
                   func->slots.at[k].size);
    memset(in->bytes + (f->fp - low), BYTE_FIXED, 16);
    memcpy(in->stack + (f->fp - low), &caller_fp, 8);
    memcpy(in->stack + (f->fp - low) + 8, &return_address, 8);
    if (in->marked < top)
        in->marked = top;
    return true;
}

void jit_interp_host_ran(jit_interp *in)
{
    uint64_t low = stack_low(in);

    for (uint64_t at = in->at->sp; at < in->marked; at++)
        if (in->bytes[at - low] == BYTE_UNWRITTEN)
            in->bytes[at - low] = BYTE_WRITTEN;
    in->marked = in->at->sp;
}

/* Whether size bytes at address, which touch the stack, may be read or written. */
static bool check_stack(jit_interp *in, uint64_t address, uint64_t size, bool write)
{
    if (address < in->at->sp || size > stack_high(in) - address)
        return jit_interp_breach(in, "access to the stack outside of all live slots");
    const uint8_t *state = in->bytes + (address - stack_low(in));
    for (uint64_t k = 0; k < size; k++) {
        if (state[k] == BYTE_NONE)
            return jit_interp_breach(in, "access to stack memory that belongs to no slot");
        if (write && state[k] == BYTE_FIXED)
            return jit_interp_breach(in, "write over a return address or saved frame pointer");
        if (!write && state[k] == BYTE_UNWRITTEN)
            return jit_interp_breach(in, "read of a stack slot's byte that was never written");
    }
    return true;
}

static void mark_written(jit_interp *in, uint64_t address, uint64_t size)
{
    memset(in->bytes + (address - stack_low(in)), BYTE_WRITTEN, (size_t)size);
}

/* ---- Cells: what was accessed before ---- */

void jit_interp_number_frame(jit_interp *in)
{
    if (in->serial == UINT32_MAX) { /* begin again; what was accessed is forgotten */
        for (uint32_t k = 0; k < in->frames.len; k++)
            in->frames.at[k].serial = k + 1;
        in->serial = in->frames.len - 1;
        if (in->region_cells)
            memset(in->region_cells, 0, in->region_cap * sizeof *in->region_cells);
        if (in->change_cells)
            memset(in->change_cells, 0, in->change_cap * sizeof *in->change_cells);
        in->nregion_cells = in->nchange_cells = 0;
    }
    in->at->serial = ++in->serial;
}

/* Whether the frame with that serial has not returned yet. */
static bool is_live(const jit_interp *in, uint32_t serial)
{
    uint32_t low = 0, high = in->frames.len;

    while (low < high) {
        uint32_t k = low + (high - low) / 2;
        if (in->frames.at[k].serial < serial)
            low = k + 1;
        else
            high = k;
    }
    return low < in->frames.len && in->frames.at[low].serial == serial;
}

static void *alloc_cells(jit_interp *in, size_t size)
{
    void *p = in->host->alloc(in->host->user, size);

    if (!p)
        jit_fail(&in->fail, JIT_ERR_NOMEM, "no memory to watch promises");
    memset(p, 0, size);
    return p;
}

static region_cell *find_region_cell(const jit_interp *in, uint64_t granule, uint32_t serial)
{
    uint32_t k = (uint32_t)hash_mix(granule * 31 + serial) & (in->region_cap - 1);
    region_cell *c;

    for (c = &in->region_cells[k]; c->serial != 0; c = &in->region_cells[k]) {
        if (c->granule == granule && c->serial == serial)
            break;
        k = (k + 1) & (in->region_cap - 1);
    }
    return c;
}

/* A larger table with what live frames accessed; an empty one at the bound. */
static void grow_region_cells(jit_interp *in)
{
    region_cell *old = in->region_cells;
    uint32_t cap = in->region_cap, live = 0;

    for (uint32_t k = 0; k < cap; k++)
        live += old[k].serial != 0 && is_live(in, old[k].serial);
    if (live >= MAX_CELLS / 2)
        live = 0;
    uint32_t wanted = 256;
    while (wanted < 4 * live)
        wanted *= 2;
    in->region_cells = alloc_cells(in, wanted * sizeof *old);
    in->region_cap = wanted;
    in->nregion_cells = live;
    for (uint32_t k = 0; k < cap && live > 0; k++)
        if (old[k].serial != 0 && is_live(in, old[k].serial))
            *find_region_cell(in, old[k].granule, old[k].serial) = old[k];
    if (old)
        in->host->free(in->host->user, old, cap * sizeof *old);
}

/* Holds an access through a region against earlier ones of the same call. */
static bool watch_region(jit_interp *in, uint32_t region, uint64_t address, unsigned size,
                         bool write)
{
    region_cell *c = NULL;

    if (region > UINT16_MAX)
        return true;
    for (uint64_t at = address; at < address + size; at++) {
        unsigned k = at & 7;
        if (!c || k == 0) {
            if (2 * (in->nregion_cells + 1) > in->region_cap)
                grow_region_cells(in);
            c = find_region_cell(in, at >> 3, in->at->serial);
            if (c->serial == 0) {
                memset(c, 0, sizeof *c);
                c->granule = at >> 3;
                c->serial = in->at->serial;
                in->nregion_cells++;
            }
        }
        if (c->region[k] == 0)
            c->region[k] = (uint16_t)region;
        bool other = c->region[k] != region;
        if ((other && (c->written >> k & 1)) || (write && (other || (c->shared >> k & 1))))
            return jit_interp_breach(in, "a byte accessed through one region is %s through another",
                                     write ? "written" : "read");
        c->written |= (uint8_t)(write << k);
        c->shared |= (uint8_t)(other << k);
    }
    return true;
}

static change_cell *find_change_cell(const jit_interp *in, uint64_t granule)
{
    uint32_t k = (uint32_t)hash_mix(granule) & (in->change_cap - 1);

    while (in->change_cells[k].granule != 0 && in->change_cells[k].granule != granule + 1)
        k = (k + 1) & (in->change_cap - 1);
    return &in->change_cells[k];
}

/* Whether a cell may still matter: written or promised since the outermost frame began. */
static bool is_current(const jit_interp *in, const change_cell *c)
{
    uint32_t oldest = in->frames.at[0].serial;
    bool current = false;

    for (unsigned k = 0; k < 8; k++)
        current |= c->written[k] >= oldest || c->promised[k] >= oldest;
    return c->granule != 0 && current;
}

static void grow_change_cells(jit_interp *in)
{
    change_cell *old = in->change_cells;
    uint32_t cap = in->change_cap, live = 0;

    for (uint32_t k = 0; k < cap; k++)
        live += is_current(in, &old[k]);
    if (live >= MAX_CELLS / 2)
        live = 0;
    uint32_t wanted = 256;
    while (wanted < 4 * live)
        wanted *= 2;
    in->change_cells = alloc_cells(in, wanted * sizeof *old);
    in->change_cap = wanted;
    in->nchange_cells = live;
    for (uint32_t k = 0; k < cap && live > 0; k++)
        if (is_current(in, &old[k]))
            *find_change_cell(in, old[k].granule - 1) = old[k];
    if (old)
        in->host->free(in->host->user, old, cap * sizeof *old);
}

/* Holds stores against readonly loads of calls under way, and the other way round. */
static bool watch_change(jit_interp *in, uint64_t address, uint64_t size, bool write)
{
    change_cell *c = NULL;

    for (uint64_t at = address; at < address + size; at++) {
        unsigned k = at & 7;
        if (!c || k == 0) {
            if (2 * (in->nchange_cells + 1) > in->change_cap)
                grow_change_cells(in);
            c = find_change_cell(in, at >> 3);
            if (c->granule == 0) {
                memset(c, 0, sizeof *c);
                c->granule = (at >> 3) + 1;
                in->nchange_cells++;
            }
        }
        bool promised = c->promised[k] != 0 && is_live(in, c->promised[k]);
        if (write) {
            if (promised)
                return jit_interp_breach(in, "write to memory that was loaded as readonly");
            c->written[k] = in->at->serial;
        } else {
            if (c->written[k] >= in->at->serial)
                return jit_interp_breach(in, "readonly load of memory written during this call");
            if (!promised)
                c->promised[k] = in->at->serial;
        }
    }
    return true;
}

/* ---- Accesses ---- */

/* A fault: the access's trap, or a breach of its promise that there is none. */
static bool fault(jit_interp *in, jit_mem m, uint64_t address, unsigned size, const char *why)
{
    if (m.bits & JIT_MEM_NOTRAP)
        return jit_interp_breach(in, "notrap access of %u bytes at 0x%llx: %s", size,
                                 (unsigned long long)address, why);
    return jit_interp_trap(in, m.trap ? m.trap : JIT_TRAP_HEAP_OOB);
}

void jit_interp_watch(jit_interp *in, void (*fn)(void *user, const jit_access *a), void *user)
{
    in->watch = fn;
    in->watch_user = user;
}

/* Depth of the call in whose frame an address of the stack lies. */
static uint32_t frame_of(const jit_interp *in, uint64_t address)
{
    uint32_t low = 0, high = in->frames.len - 1;

    while (low < high) { /* each frame lies below those before it */
        uint32_t mid = low + (high - low) / 2;
        if (in->frames.at[mid].sp <= address)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static void tell_watcher(const jit_interp *in, uint64_t address, unsigned size, bool write,
                         bool on_stack)
{
    jit_access a = { in->at->code->f, in->at->pc, address, size, write, UINT32_MAX, 0, 0 };
    uint32_t depth = on_stack ? frame_of(in, address) : 0;
    const frame *fr = &in->frames.at[depth];

    for (uint32_t k = 0; on_stack && k < fr->code->f->slots.len; k++) {
        uint64_t into = address - fr->sp - fr->code->slot_at[k];
        if (!fr->code->f->slots.at[k].dynamic && into < fr->code->f->slots.at[k].size) {
            a.frame = depth;
            a.slot = k;
            a.offset = into;
        }
    }
    in->watch(in->watch_user, &a);
}

/* The memory of an access, with all that was promised about it checked; NULL: the run has ended. */
static uint8_t *access(jit_interp *in, jit_mem m, uint64_t address, unsigned size, bool write)
{
    bool on_stack = touches_stack(in, address, size);
    const range *r;

    if ((m.bits & JIT_MEM_ALIGNED) && address % size != 0) {
        jit_interp_breach(in, "aligned access of %u bytes at 0x%llx", size,
                          (unsigned long long)address);
        return NULL;
    }
    if (on_stack) {
        if (!check_stack(in, address, size, write))
            return NULL;
    } else {
        r = range_of(in, address, size);
        if (!r || (write && !r->writable)) {
            fault(in, m, address, size, r ? "it may only be read" : "nothing is there");
            return NULL;
        }
    }
    if (write && (m.bits & JIT_MEM_READONLY)) {
        jit_interp_breach(in, "a store says readonly");
        return NULL;
    }
    if (m.region.id && in->at->code->regions
        && !watch_region(in, m.region.id, address, size, write))
        return NULL;
    if (((write && in->readonly_frames > 0) || (!write && (m.bits & JIT_MEM_READONLY)))
        && !watch_change(in, address, size, write))
        return NULL;
    if (on_stack && write)
        mark_written(in, address, size);
    if (in->watch)
        tell_watcher(in, address, size, write, on_stack);
    return (uint8_t *)(uintptr_t)address;
}

/* Bytes 0 .. size - 1 of v in reverse. */
static void reverse(reg *v, unsigned size)
{
    uint8_t bytes[sizeof *v], turned[sizeof *v] = { 0 };

    memcpy(bytes, v, sizeof bytes);
    for (unsigned k = 0; k < size; k++)
        turned[k] = bytes[size - 1 - k];
    memcpy(v, turned, sizeof turned);
}

bool jit_interp_load(jit_interp *in, jit_mem m, uint64_t address, unsigned size, reg *value)
{
    const uint8_t *p = access(in, m, address, size, false);

    if (!p)
        return false;
    *value = (reg){ 0, 0 };
    memcpy(value, p, size);
    if (m.bits & JIT_MEM_BIG)
        reverse(value, size);
    return true;
}

bool jit_interp_store(jit_interp *in, jit_mem m, uint64_t address, unsigned size, reg value)
{
    uint8_t *p = access(in, m, address, size, true);

    if (!p)
        return false;
    if (m.bits & JIT_MEM_BIG)
        reverse(&value, size);
    memcpy(p, &value, size);
    return true;
}

/* ---- Libcalls ---- */

/* As access(), of any size, but for whether the bytes are written yet. */
static bool reach(jit_interp *in, uint64_t address, uint64_t size, bool write)
{
    const range *r;

    if (touches_stack(in, address, size)) {
        if (address < in->at->sp || size > stack_high(in) - address)
            return jit_interp_breach(in, "libcall on the stack outside of all live slots");
        const uint8_t *state = in->bytes + (address - stack_low(in));
        for (uint64_t k = 0; k < size; k++)
            if (state[k] == BYTE_NONE || (write && state[k] == BYTE_FIXED))
                return jit_interp_breach(in, "libcall on stack memory that belongs to no slot");
    } else {
        r = range_of(in, address, size);
        if (!r || (write && !r->writable)) /* the C library has no trap code */
            return jit_interp_breach(in, "libcall on %llu bytes at 0x%llx, which it may not touch",
                                     (unsigned long long)size, (unsigned long long)address);
    }
    return !write || in->readonly_frames == 0 || watch_change(in, address, size, true);
}

uint8_t *jit_interp_span(jit_interp *in, uint64_t address, uint64_t size, bool write)
{
    if (!reach(in, address, size, write))
        return NULL;
    if (touches_stack(in, address, size)) {
        if (write)
            mark_written(in, address, size);
        else if (!check_stack(in, address, size, false))
            return NULL;
    }
    return (uint8_t *)(uintptr_t)address;
}

bool jit_interp_copy(jit_interp *in, uint64_t to, uint64_t from, uint64_t size)
{
    bool to_stack, from_stack;

    if (size == 0)
        return true;
    to_stack = touches_stack(in, to, size);
    from_stack = touches_stack(in, from, size);
    if (!reach(in, from, size, false) || !reach(in, to, size, true))
        return false;
    if (from_stack && !to_stack && !check_stack(in, from, size, false))
        return false;
    if (to_stack && from_stack)
        memmove(in->bytes + (to - stack_low(in)), in->bytes + (from - stack_low(in)), (size_t)size);
    else if (to_stack)
        mark_written(in, to, size);
    memmove((void *)(uintptr_t)to, (const void *)(uintptr_t)from, (size_t)size);
    return true;
}
