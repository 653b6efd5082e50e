/* code_mem.c - hands out executable memory, function by function (see code_mem.h). */
#include "jit/code_mem.h"
#include "gantry/jit.h"
#include <string.h>

/* What JIT_MEMORY_DEFAULT tries first. A build for an emulator that goes on running what it once
 * translated when that is rewritten at another address (qemu-user before 8.1) says
 * JIT_MEMORY_MPROTECT here. */
#ifndef JIT_MEMORY_FIRST
#define JIT_MEMORY_FIRST JIT_MEMORY_DUAL
#endif

static uint32_t log2_floor(uint32_t x)
{
    return 31u - (uint32_t)__builtin_clz(x);
}

/* Size class of a range of n granules: 4 for each power of two. */
static uint32_t class_of(uint32_t n)
{
    uint32_t e = log2_floor(n), q = e >= 2 ? n >> (e - 2) & 3 : (n << (2 - e)) & 3;
    return 4 * e + q;
}

static void unlink_range(code_mem *m, uint32_t at)
{
    code_range *r = &m->ranges[at];

    if (r->prev)
        m->ranges[r->prev - 1].next = r->next;
    else
        m->heads[class_of(r->size)] = r->next;
    if (r->next)
        m->ranges[r->next - 1].prev = r->prev;
}

static void link_range(code_mem *m, uint32_t at, uint32_t n)
{
    uint32_t *head = &m->heads[class_of(n)];
    code_range *r = &m->ranges[at];

    m->ranges[at + n - 1].size = n;
    r->size = n;
    r->prev = 0;
    r->next = *head;
    if (*head)
        m->ranges[*head - 1].prev = at + 1;
    *head = at + 1;
}

jit_status jit_code_mem_init(code_mem *m, size_t size, int provider)
{
    size_t page = jit_os_page_size(), cells;
    bool dual = (provider == JIT_MEMORY_DEFAULT ? JIT_MEMORY_FIRST : provider) == JIT_MEMORY_DUAL;

    memset(m, 0, sizeof *m);
    m->os.fd = -1;
    size = (size + page - 1) / page * page;
    if (size < 4 * page || size > (size_t)1 << 30)
        return JIT_ERR_ARG;
    cells = (size / 8 + page - 1) / page * page;
    if (!jit_os_code_map(&m->os, size, cells, dual)
        && (provider != JIT_MEMORY_DEFAULT || !jit_os_code_map(&m->os, size, cells, dual = false)))
        return JIT_ERR_NOMEM;
    m->page = dual ? 1 : (uint32_t)(page / CODE_GRANULE);
    m->ngranules = (uint32_t)(size / CODE_GRANULE);
    m->ncells = (uint32_t)(cells / 8);
    m->ranges = jit_os_reserve(m->ngranules * sizeof *m->ranges);
    m->start = jit_os_reserve(m->ngranules * sizeof *m->start);
    m->owner = jit_os_reserve(m->ngranules * sizeof *m->owner);
    m->touched = jit_os_reserve(m->ngranules);
    m->process = jit_os_process();
    if (!m->ranges || !m->start || !m->owner || !m->touched) {
        jit_code_mem_free(m);
        return JIT_ERR_NOMEM;
    }
    link_range(m, 0, m->ngranules);
    jit_os_code_sync_register();
    return JIT_OK;
}

void jit_code_mem_free(code_mem *m)
{
    jit_os_release(m->ranges, m->ngranules * sizeof *m->ranges);
    jit_os_release((void *)m->start, m->ngranules * sizeof *m->start);
    jit_os_release((void *)m->owner, m->ngranules * sizeof *m->owner);
    jit_os_release(m->touched, m->ngranules);
    jit_os_code_unmap(&m->os);
    memset(m, 0, sizeof *m);
}

/* First granule + 1 of a free range of at least n; 0: none. Ranges of the class of n itself may be
 * too small: a few are looked at, then any range of a larger class fits. */
static uint32_t find(const code_mem *m, uint32_t n)
{
    uint32_t c = class_of(n), at = m->heads[c];

    for (uint32_t tries = 0; at && tries < 32; tries++) {
        if (m->ranges[at - 1].size >= n)
            return at;
        at = m->ranges[at - 1].next;
    }
    while (++c < CODE_CLASSES)
        if (m->heads[c])
            return m->heads[c];
    for (at = m->heads[class_of(n)]; at; at = m->ranges[at - 1].next) /* nearly full: look at all */
        if (m->ranges[at - 1].size >= n)
            return at;
    return 0;
}

bool jit_code_mem_alloc(code_mem *m, size_t size, uint8_t **exec, uint8_t **write)
{
    if (size > m->os.size)
        return false;
    uint64_t want = ((uint64_t)size + CODE_GRANULE - 1) / CODE_GRANULE;
    want = want ? (want + m->page - 1) / m->page * m->page : m->page;
    if (want > m->ngranules)
        return false;
    uint32_t n = (uint32_t)want, found = find(m, n);
    if (!found)
        return false;
    uint32_t at = found - 1, have = m->ranges[at].size;
    unlink_range(m, at);
    if (have > n)
        link_range(m, at + n, have - n);
    size_t offset = (size_t)at * CODE_GRANULE;
    if (!jit_os_code_open(&m->os, offset, (size_t)n * CODE_GRANULE)) {
        link_range(m, at, n);
        return false;
    }
    m->ranges[at].size = m->ranges[at + n - 1].size = n;
    m->dirty |= m->os.dual && OS_FETCHES_AHEAD;
    for (uint32_t k = 0; k < n; k++) {
        m->dirty |= m->touched[at + k];
        m->touched_bytes += m->touched[at + k] ? 0 : CODE_GRANULE;
        m->touched[at + k] = 1;
        atomic_store_explicit(&m->start[at + k], at + 1, memory_order_relaxed);
    }
    m->used += (size_t)n * CODE_GRANULE;
    *exec = m->os.exec + offset;
    *write = m->os.write + offset;
    return true;
}

/* Whether exec is the first byte of a range that is handed out and has this owner. Whoever acts on
 * other memory than its own would write over somebody's code, so this is looked at in every
 * build. */
static bool is_owned(const code_mem *m, const uint8_t *exec, const void *owner)
{
    size_t offset = (size_t)((uintptr_t)exec - (uintptr_t)m->os.exec), at = offset / CODE_GRANULE;

    return offset < m->os.size && offset % CODE_GRANULE == 0
           && atomic_load_explicit(&m->start[at], memory_order_relaxed) == at + 1
           && atomic_load_explicit(&m->owner[at], memory_order_relaxed) == owner;
}

bool jit_code_mem_commit(code_mem *m, uint8_t *exec, size_t size, void *owner)
{
    size_t offset = (size_t)(exec - m->os.exec);
    uint32_t at = (uint32_t)(offset / CODE_GRANULE);

    if (!is_owned(m, exec, NULL) || size > (size_t)m->ranges[at].size * CODE_GRANULE)
        return false;
    jit_os_code_flush(exec, m->os.write + offset, size);
    if (!jit_os_code_seal(&m->os, offset, (size_t)m->ranges[at].size * CODE_GRANULE))
        return false;
    atomic_store_explicit(&m->owner[at], owner, memory_order_release);
    return true;
}

bool jit_code_mem_release(code_mem *m, uint8_t *exec, const void *owner)
{
    uint32_t at = (uint32_t)((size_t)(exec - m->os.exec) / CODE_GRANULE);

    if (!is_owned(m, exec, owner))
        return false;
    uint32_t n = m->ranges[at].size;
    m->used -= (size_t)n * CODE_GRANULE;
    atomic_store_explicit(&m->owner[at], NULL, memory_order_release);
    for (uint32_t k = 0; k < n; k++)
        atomic_store_explicit(&m->start[at + k], 0, memory_order_relaxed);
    if (at + n < m->ngranules && !atomic_load_explicit(&m->start[at + n], memory_order_relaxed)) {
        uint32_t more = m->ranges[at + n].size;
        unlink_range(m, at + n);
        n += more;
    }
    if (at > 0 && !atomic_load_explicit(&m->start[at - 1], memory_order_relaxed)) {
        uint32_t more = m->ranges[at - 1].size;
        unlink_range(m, at - more);
        at -= more;
        n += more;
    }
    link_range(m, at, n);
    return true;
}

void jit_code_mem_sync(code_mem *m)
{
    if (m->dirty)
        jit_os_code_sync_cores();
    m->dirty = false;
}

bool jit_code_mem_own(code_mem *m)
{
    int process = jit_os_process();

    if (process == m->process)
        return true;
    if (!jit_os_code_unshare(&m->os))
        return false;
    m->process = process;
    jit_os_code_sync_register();
    return true;
}

void *jit_code_mem_owner(const code_mem *m, const void *pc)
{
    uintptr_t at = (uintptr_t)pc - (uintptr_t)m->os.exec;

    if (at >= m->os.size)
        return NULL;
    uint32_t s = atomic_load_explicit(&m->start[at / CODE_GRANULE], memory_order_relaxed);
    return s ? atomic_load_explicit(&m->owner[s - 1], memory_order_acquire) : NULL;
}

/* ---- Cells ---- */

static _Atomic(uint64_t) *cell_at(const code_mem *m, uint32_t k)
{
    return (_Atomic(uint64_t) *)(void *)(m->os.exec + m->os.size + (size_t)k * 8);
}

_Atomic(uint64_t) *jit_code_mem_cell(code_mem *m)
{
    _Atomic(uint64_t) *cell;

    if (m->free_cell) {
        cell = cell_at(m, m->free_cell - 1);
        m->free_cell = (uint32_t)atomic_load(cell);
    } else if (m->cells_used < m->ncells) {
        cell = cell_at(m, m->cells_used++);
    } else {
        return NULL;
    }
    atomic_store(cell, 0);
    return cell;
}

void jit_code_mem_cell_free(code_mem *m, _Atomic(uint64_t) *cell)
{
    atomic_store(cell, m->free_cell);
    m->free_cell = (uint32_t)(cell - cell_at(m, 0)) + 1;
}

bool jit_code_mem_is_valid(const code_mem *m)
{
    uint32_t listed = 0, free_granules = 0;

    for (uint32_t at = 0; at < m->ngranules;) {
        uint32_t n = m->ranges[at].size;
        if (n == 0 || n > m->ngranules - at || m->ranges[at + n - 1].size != n)
            return false;
        bool used = m->start[at] != 0;
        for (uint32_t k = 0; k < n; k++)
            if (m->start[at + k] != (used ? at + 1 : 0))
                return false;
        free_granules += used ? 0 : n;
        at += n;
    }
    for (uint32_t c = 0; c < CODE_CLASSES; c++)
        for (uint32_t at = m->heads[c]; at; at = m->ranges[at - 1].next) {
            if (m->start[at - 1] || class_of(m->ranges[at - 1].size) != c)
                return false;
            listed += m->ranges[at - 1].size;
        }
    return listed == free_granules
           && m->used == (size_t)(m->ngranules - free_granules) * CODE_GRANULE;
}
