/* gw_mem.h - memory that is freed all at once, and the one place that it comes from. */
#ifndef GW_MEM_H
#define GW_MEM_H

#include <stddef.h>
#include <stdint.h>

/* Gives `size` bytes in place of `old` (NULL: none) as realloc() does; size 0 frees. */
typedef void *gw_mem_source(void *old, size_t size);

/* Replaces realloc() and free() for this process, before anything else of the engine is called.
 * NULL: back to those. */
void gw_mem_set_source(gw_mem_source *source);
void *gw_mem_realloc(void *old, size_t size); /* from the source; NULL: there is none */

/* Pieces are cut from chunks. All zero: an empty one. */
typedef struct gw_mem {
    struct gw_chunk *chunks;
    uint8_t *at; /* free bytes of the newest chunk */
    size_t left;
} gw_mem;

/* n zeroed elements, aligned for any type; NULL: there is no memory (never for n == 0). */
void *gw_mem_alloc(gw_mem *m, size_t n, size_t size);
void gw_mem_free(gw_mem *m);

#endif
