/* fault_alloc.c - each block has its size in front, so that what is given back can be checked. */
#include "tests/support/fault_alloc.h"

#include <stdlib.h>
#include <string.h>

enum { FRONT = 16 };

static void *get(void *user, size_t size)
{
    fault_alloc *a = user;
    char *p;

    a->calls++;
    if (a->fail_at != 0 && (a->calls == a->fail_at || (a->fail_after && a->calls > a->fail_at)))
        return NULL;
    p = malloc(size + FRONT);
    if (!p)
        return NULL;
    memcpy(p, &size, sizeof size);
    memset(p + FRONT, 0xa5, size); /* nobody may rely on zeros */
    a->live++;
    a->bytes += size;
    if (a->bytes > a->peak)
        a->peak = a->bytes;
    return p + FRONT;
}

static void give_back(void *user, void *memory, size_t size)
{
    fault_alloc *a = user;
    size_t had;

    if (!memory)
        return;
    memcpy(&had, (char *)memory - FRONT, sizeof had);
    a->wrong_size = a->wrong_size || had != size;
    a->live--;
    a->bytes -= had;
    free((char *)memory - FRONT);
}

void fault_alloc_init(fault_alloc *a, size_t fail_at)
{
    memset(a, 0, sizeof *a);
    a->host = (jit_allocator){ get, give_back, a };
    a->fail_at = fail_at;
}
