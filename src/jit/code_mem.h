/* code_mem.h - memory for code: one region near itself, handed out and taken back by the function.
 *
 * The region is cut into granules of 64 bytes. A free range is in a list by its size class (two
 * levels: power of two, quarter of it), so that finding and joining ranges takes constant time.
 * Side arrays by granule, in memory that the system gives as it is touched, hold the sizes, and the
 * owner of each used granule, which is looked up lock-free and from signal handlers. Behind the
 * code lie cells: 8-byte words in plain memory, what calls by name read. */
#ifndef JIT_CODE_MEM_H
#define JIT_CODE_MEM_H

#include "support/os.h"
#include "support/arena.h"
#include <stdatomic.h>

#define CODE_GRANULE 64u
#define CODE_CLASSES 112u

/* Granules; index + 1 of the neighbours in its list. */
typedef struct code_range { uint32_t size, prev, next; } code_range;

typedef struct code_mem {
    os_code os;
    uint32_t ngranules;
    uint32_t ncells, cells_used; /* never given back to the bump below; free ones are listed */
    uint32_t free_cell;          /* index + 1 of the first free cell; each holds the next */
    uint32_t heads[CODE_CLASSES];/* index + 1 of the first range of a class */
    code_range *ranges;          /* by granule: at the first granule of a range its size and links,
                                  * at the last one its size */
    _Atomic uint32_t *start;     /* by granule: first granule + 1 of the code it is in; 0: free */
    void *_Atomic *owner;        /* by first granule */
    uint8_t *touched;            /* by granule: has held code, so cores must be synchronized */
    uint32_t page;               /* granules that mprotect acts on; 1 when dual */
    size_t used;                 /* bytes handed out */
    size_t touched_bytes;        /* bytes that have ever been handed out */
    int process;                 /* that made the mappings */
    bool dirty;                  /* cores may hold old code of what was handed out since the last
                                  * sync */
} code_mem;

/* JIT_OK, JIT_ERR_NOMEM or JIT_ERR_ARG. provider: jit_memory_provider. */
jit_status jit_code_mem_init(code_mem *m, size_t size, int provider);
void jit_code_mem_free(code_mem *m);
/* Room for size bytes; its execution address, and where to write it. False: full. */
bool jit_code_mem_alloc(code_mem *m, size_t size, uint8_t **exec, uint8_t **write);
/* Written: makes [exec, exec + size) executable with owner (NULL: a stub of the engine's). False:
 * the system refused; or it is not the start of memory handed out and not owned so far. */
bool jit_code_mem_commit(code_mem *m, uint8_t *exec, size_t size, void *owner);
/* False, and nothing happens: it is not the start of memory that is handed out and owner's. */
bool jit_code_mem_release(code_mem *m, uint8_t *exec, const void *owner);
/* Once a batch, after its commits: other cores forget what these addresses held before. */
void jit_code_mem_sync(code_mem *m);
/* Before any change: in a forked child the pages become its own. False: no memory for that. */
bool jit_code_mem_own(code_mem *m);
/* Lock-free: owner of the code that holds pc; NULL: none. */
void *jit_code_mem_owner(const code_mem *m, const void *pc);
/* A cell; NULL: full. Its content is zero. */
_Atomic(uint64_t) *jit_code_mem_cell(code_mem *m);
void jit_code_mem_cell_free(code_mem *m, _Atomic(uint64_t) *cell);
bool jit_code_mem_is_valid(const code_mem *m);

#endif
