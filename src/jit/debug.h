/* debug.h - who is told of code in memory besides the engine: the unwinder of C++, GDB, perf.
 *
 * Each is asked for by a setting of the engine. What is told is taken back before the code goes. It is
 * told after the code is in place, when publishing can no longer fail: where there is no memory for
 * it, the code is there all the same and unknown to them. Under the engine's lock. */
#ifndef JIT_DEBUG_H
#define JIT_DEBUG_H

#include "jit/engine.h"

/* frames.c: unwind tables. NULL: not told. */
typedef struct code_frames code_frames;
code_frames *jit_frames_add(jit_engine *e, const void *code, uint32_t size,
                            const mbuf_unwind *rows, uint32_t nrows);
void jit_frames_remove(jit_engine *e, code_frames *f); /* NULL is fine */

/* gdb.c: GDB's JIT interface. NULL: not told. */
typedef struct code_image code_image;
code_image *jit_gdb_add(jit_engine *e, const void *code, const jit_unit *u);
void jit_gdb_remove(jit_engine *e, code_image *i); /* NULL is fine */

/* jitdump.c: the file that `perf inject --jit` reads. NULL: it cannot be written. */
typedef struct jitdump jitdump;
jitdump *jit_jitdump_open(jit_engine *e);
void jit_jitdump_close(jit_engine *e, jitdump *d); /* NULL is fine */
void jit_jitdump_add(jitdump *d, const void *code, size_t size, const char *name);

#endif
