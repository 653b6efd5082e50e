/* gdb.c - GDB's JIT interface: a list of ELF images in memory, and a function to break on.
 *
 * GDB manual, "JIT Compilation Interface"; LLDB reads the same. The two names are demanded by it, and
 * weak, since another JIT in the process may define them too: all share one list then. */
#include "jit/debug.h"
#include "object/object.h"

typedef struct gdb_entry {
    struct gdb_entry *next, *prev;
    const char *file;
    uint64_t size;
} gdb_entry;

typedef struct gdb_descriptor {
    uint32_t version;
    uint32_t action;
    gdb_entry *relevant, *first;
} gdb_descriptor;

enum { GDB_NOTHING, GDB_REGISTER, GDB_UNREGISTER };

struct code_image {
    gdb_entry entry;
    jit_object *object; /* holds the file */
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
__attribute__((weak, visibility("default"), noinline)) void __jit_debug_register_code(void);
__attribute__((weak, visibility("default"), noinline)) void __jit_debug_register_code(void)
{
    __asm__ volatile("" ::: "memory");
}
extern gdb_descriptor __jit_debug_descriptor;
__attribute__((weak, visibility("default"))) gdb_descriptor __jit_debug_descriptor = {
    1, GDB_NOTHING, NULL, NULL
};
#pragma GCC diagnostic pop

/* The list is the process's, engines have locks of their own. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void tell(gdb_entry *entry, uint32_t action)
{
    __jit_debug_descriptor.relevant = entry;
    __jit_debug_descriptor.action = action;
    __jit_debug_register_code();
    __jit_debug_descriptor.action = GDB_NOTHING;
    __jit_debug_descriptor.relevant = NULL;
}

code_image *jit_gdb_add(jit_engine *e, const void *code, const jit_unit *u)
{
    code_image *i = jit_pool_alloc(&e->pool, sizeof *i);
    const uint8_t *bytes;
    size_t size;

    if (!i)
        return NULL;
    i->object = jit_object_image(u, code, &bytes, &size);
    if (!i->object) {
        jit_pool_free(&e->pool, i, sizeof *i);
        return NULL;
    }
    i->entry.file = (const char *)bytes;
    i->entry.size = size;
    pthread_mutex_lock(&lock);
    i->entry.next = __jit_debug_descriptor.first;
    if (i->entry.next)
        i->entry.next->prev = &i->entry;
    __jit_debug_descriptor.first = &i->entry;
    tell(&i->entry, GDB_REGISTER);
    pthread_mutex_unlock(&lock);
    return i;
}

void jit_gdb_remove(jit_engine *e, code_image *i)
{
    if (!i)
        return;
    pthread_mutex_lock(&lock);
    if (i->entry.prev)
        i->entry.prev->next = i->entry.next;
    else
        __jit_debug_descriptor.first = i->entry.next;
    if (i->entry.next)
        i->entry.next->prev = i->entry.prev;
    tell(&i->entry, GDB_UNREGISTER);
    pthread_mutex_unlock(&lock);
    jit_object_free(i->object);
    jit_pool_free(&e->pool, i, sizeof *i);
}
