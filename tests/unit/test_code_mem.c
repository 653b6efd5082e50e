/* test_code_mem.c - code memory: what is handed out is apart from all else, comes back, and is
 * reused. */
#include "jit/code_mem.h"
#include "jit/pool.h"
#include "gantry/jit.h"
#include "tests/support/fault_alloc.h"
#include "tests/support/graph.h"

#include <signal.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static code_mem mem;
static uint64_t seed;

static void begin(size_t size, int provider)
{
    seed = 3;
    cr_assert_eq(jit_code_mem_init(&mem, size, provider), JIT_OK);
    cr_assert(jit_code_mem_is_valid(&mem));
}

static void end(void)
{
    cr_expect(jit_code_mem_is_valid(&mem));
    jit_code_mem_free(&mem);
}

/* What a block holds: where it is, written with its owner at once. */
typedef struct block { uint8_t *exec; size_t size; uint8_t byte; } block;

static bool take(block *b, size_t size)
{
    uint8_t *write;

    if (!jit_code_mem_alloc(&mem, size, &b->exec, &write))
        return false;
    b->size = size;
    b->byte = (uint8_t)test_random(&seed);
    memset(write, b->byte, size);
    cr_assert(jit_code_mem_commit(&mem, b->exec, size, b));
    return true;
}

static void check(const block *b)
{
    for (size_t k = 0; k < b->size; k++)
        cr_assert_eq(b->exec[k], b->byte);
    cr_assert_eq(jit_code_mem_owner(&mem, b->exec), b);
    cr_assert_eq(jit_code_mem_owner(&mem, b->exec + b->size - 1), b);
}

static void give(block *b)
{
    check(b);
    cr_assert(jit_code_mem_release(&mem, b->exec, b));
    cr_assert_null(jit_code_mem_owner(&mem, b->exec));
    b->exec = NULL;
}

/* Random takes and gives until the end; then all comes back and one block of everything fits. */
static void fragment(size_t size, int provider, unsigned steps)
{
    enum { BLOCKS = 300 };
    static block b[BLOCKS];
    unsigned full = 0;
    block whole;

    memset(b, 0, sizeof b);
    begin(size, provider);
    size_t room = mem.os.size;
    for (unsigned k = 0; k < steps; k++) {
        block *x = &b[test_random(&seed) % BLOCKS];
        if (x->exec)
            give(x);
        else
            full += !take(x, 1 + test_random(&seed) % (test_random(&seed) % 8 ? 700 : 9000));
        if (k % 16 == 0)
            cr_assert(jit_code_mem_is_valid(&mem));
    }
    cr_expect_gt(full, 0, "it was never full");
    for (unsigned k = 0; k < BLOCKS; k++)
        if (b[k].exec)
            give(&b[k]);
    cr_expect_eq(mem.used, 0);
    cr_expect(take(&whole, room), "what was given back does not join");
    give(&whole);
    end();
}

Test(code_mem, fragments_join_again)
{
    fragment(128 << 10, JIT_MEMORY_DUAL, 20000);
}

Test(code_mem, fragments_join_again_with_mprotect)
{
    fragment(512 << 10, JIT_MEMORY_MPROTECT, 4000);
}

Test(code_mem, it_is_full_at_its_size_and_not_before)
{
    block b[64], more;

    begin(16 << 10, JIT_MEMORY_DUAL);
    for (unsigned k = 0; k < 64; k++)
        cr_assert(take(&b[k], 256));
    cr_expect_not(take(&more, 1));
    give(&b[10]);
    give(&b[11]);
    cr_expect_not(take(&more, 513));
    cr_expect(take(&more, 512));
    end();
}

Test(code_mem, sizes_that_make_no_sense_are_refused)
{
    code_mem m;
    uint8_t *exec, *write;

    cr_expect_eq(jit_code_mem_init(&m, 0, JIT_MEMORY_DUAL), JIT_ERR_ARG);
    cr_expect_eq(jit_code_mem_init(&m, SIZE_MAX - 5000, JIT_MEMORY_DUAL), JIT_ERR_ARG);
    cr_expect_eq(jit_code_mem_init(&m, SIZE_MAX, JIT_MEMORY_DUAL), JIT_ERR_ARG);
    begin(64 << 10, JIT_MEMORY_DUAL);
    cr_expect_not(jit_code_mem_alloc(&mem, SIZE_MAX, &exec, &write));
    cr_expect_not(jit_code_mem_alloc(&mem, (size_t)1 << 40, &exec, &write));
    cr_expect(jit_code_mem_alloc(&mem, 0, &exec, &write));
    end();
}

Test(code_mem, addresses_outside_have_no_owner)
{
    block b;

    begin(64 << 10, JIT_MEMORY_DUAL);
    cr_assert(take(&b, 100));
    cr_expect_null(jit_code_mem_owner(&mem, NULL));
    cr_expect_null(jit_code_mem_owner(&mem, mem.os.exec - 1));
    cr_expect_null(jit_code_mem_owner(&mem, mem.os.exec + mem.os.size));
    cr_expect_null(jit_code_mem_owner(&mem, &b));
    cr_expect_null(jit_code_mem_owner(&mem, b.exec + 128));
    end();
}

static void write_to_code(int provider)
{
    block b;

    begin(64 << 10, provider);
    cr_assert(take(&b, 100));
    *(volatile uint8_t *)b.exec = 1;
}

Test(code_mem, code_is_never_writable_where_it_is_executed, .signal = SIGSEGV)
{
    write_to_code(JIT_MEMORY_DUAL);
}

Test(code_mem, code_is_never_writable_where_it_is_executed_with_mprotect, .signal = SIGSEGV)
{
    write_to_code(JIT_MEMORY_MPROTECT);
}

Test(code_mem, cells_are_zero_and_come_again)
{
    _Atomic(uint64_t) *c[100];

    begin(16 << 10, JIT_MEMORY_DUAL);
    for (unsigned k = 0; k < 100; k++) {
        cr_assert_not_null(c[k] = jit_code_mem_cell(&mem));
        cr_expect_eq(*c[k], 0);
        *c[k] = ~0ull;
    }
    for (unsigned k = 0; k < 100; k++)
        jit_code_mem_cell_free(&mem, c[k]);
    for (unsigned k = 0; k < 100; k++) {
        _Atomic(uint64_t) *again = jit_code_mem_cell(&mem);
        cr_expect_eq(*again, 0);
        cr_expect(again >= c[0] && again <= c[99]);
    }
    uint32_t n = 100;
    while (jit_code_mem_cell(&mem))
        n++;
    cr_expect_eq(n, mem.ncells);
    end();
}

Test(code_mem, a_child_writes_to_pages_of_its_own)
{
    block b, theirs;
    int status = 0;
    uint8_t other;

    begin(64 << 10, JIT_MEMORY_DUAL);
    cr_assert(take(&b, 100));
    other = (uint8_t)(b.byte ^ 0xff);
    pid_t child = fork();
    if (child == 0) {
        bool ok = jit_code_mem_own(&mem) && b.exec[99] == b.byte;
        uint8_t *exec, *write;
        ok = ok && jit_code_mem_release(&mem, b.exec, &b);
        ok = ok && jit_code_mem_alloc(&mem, 64 << 10, &exec, &write);
        if (ok)
            memset(write, other, 64 << 10);
        _exit(ok && b.exec[50] == other ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    check(&b);
    cr_assert(take(&theirs, 200));
    check(&b);
    end();
}

/* ---- The pool ---- */

Test(pool, blocks_are_zeroed_apart_and_reused)
{
    enum { BLOCKS = 400 };
    static struct { uint8_t *at; size_t size; uint8_t byte; } b[BLOCKS];
    fault_alloc host;
    pool p;

    seed = 11;
    fault_alloc_init(&host, 0);
    jit_pool_init(&p, &host.host);
    for (unsigned k = 0; k < 60000; k++) {
        uint32_t i = test_random(&seed) % BLOCKS;
        if (b[i].at) {
            for (size_t x = 0; x < b[i].size; x++)
                cr_assert_eq(b[i].at[x], b[i].byte);
            jit_pool_free(&p, b[i].at, b[i].size);
            b[i].at = NULL;
            continue;
        }
        b[i].size = test_random(&seed) % (k % 50 ? 400 : 100000);
        b[i].byte = (uint8_t)test_random(&seed);
        cr_assert_not_null(b[i].at = jit_pool_alloc(&p, b[i].size));
        cr_assert_eq((uintptr_t)b[i].at % 8, 0);
        for (size_t x = 0; x < b[i].size; x++)
            cr_assert_eq(b[i].at[x], 0);
        memset(b[i].at, b[i].byte, b[i].size);
    }
    for (unsigned k = 0; k < BLOCKS; k++) {
        jit_pool_free(&p, b[k].at, b[k].size);
        b[k].at = NULL;
    }
    cr_expect_eq(p.live, 0);
    jit_pool_done(&p);
    cr_expect_eq(host.live, 0);
    cr_expect_not(host.wrong_size);
}

Test(pool, every_size_up_to_the_largest_has_a_class_that_holds_it)
{
    fault_alloc host;
    pool p;

    fault_alloc_init(&host, 0);
    jit_pool_init(&p, &host.host);
    for (size_t n = 0; n <= POOL_LARGEST + 100; n += n < 2000 ? 1 : 61) {
        uint8_t *a = jit_pool_alloc(&p, n), *b = jit_pool_alloc(&p, n);
        memset(a, 1, n);
        memset(b, 2, n);
        cr_assert(n == 0 || (a[0] == 1 && a[n - 1] == 1));
        jit_pool_free(&p, a, n);
        jit_pool_free(&p, b, n);
        uint8_t *again = jit_pool_alloc(&p, n);
        cr_assert(n > POOL_LARGEST || again == b);
        jit_pool_free(&p, again, n);
    }
    jit_pool_free(&p, NULL, 10);
    jit_pool_done(&p);
    cr_expect_eq(host.live, 0);
}

Test(pool, no_memory_is_null)
{
    fault_alloc host;
    pool p;

    fault_alloc_init(&host, 1);
    host.fail_after = true;
    jit_pool_init(&p, &host.host);
    cr_expect_null(jit_pool_alloc(&p, 40));
    cr_expect_null(jit_pool_alloc(&p, 100000));
    cr_expect_eq(p.live, 0);
    jit_pool_done(&p);
}
