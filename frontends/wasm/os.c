/* os.c - every call of this front end to the operating system but those of WASI: address space and
 * stacks. Linux. */
#define _GNU_SOURCE
#include "runtime.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

size_t gw_os_page(void)
{
    long n = sysconf(_SC_PAGESIZE);
    return n > 0 ? (size_t)n : 4096;
}

void *gw_os_reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool gw_os_commit(void *p, size_t size)
{
    return size == 0 || mprotect(p, size, PROT_READ | PROT_WRITE) == 0;
}

void gw_os_release(void *p, size_t size)
{
    if (p)
        munmap(p, size);
}

static uintptr_t find_stack_bottom(void)
{
    pthread_attr_t a;
    void *low = NULL;
    size_t size, guard = 0;

    if (pthread_getattr_np(pthread_self(), &a) != 0)
        return 0;
    if (pthread_attr_getstack(&a, &low, &size) != 0)
        low = NULL;
    pthread_attr_getguardsize(&a, &guard);
    pthread_attr_destroy(&a);
    return low ? (uintptr_t)low + guard : 0;
}

uintptr_t gw_os_stack_bottom(void)
{
    static _Thread_local uintptr_t
        bottom; /* of a thread it never changes, and asking reads a file */

    if (bottom == 0)
        bottom = find_stack_bottom();
    return bottom;
}

bool gw_os_signal_stack(void)
{
    stack_t now, mine;

    if (sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE))
        return true;
    mine.ss_size = 64 * 1024;
    mine.ss_sp =
        mmap(NULL, mine.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mine.ss_flags = 0;
    return mine.ss_sp != MAP_FAILED && sigaltstack(&mine, NULL) == 0;
}
