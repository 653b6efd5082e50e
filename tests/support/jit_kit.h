/* jit_kit.h - what tests of the engine need again and again: small functions, files, calls. */
#ifndef TESTS_JIT_KIT_H
#define TESTS_JIT_KIT_H

#include "gantry/jit.h"

#include <string.h>

/* An engine with a small code space. host NULL: malloc and free. */
jit_engine *kit_engine(const jit_allocator *host, size_t code_space, jit_memory_provider provider);
void kit_level(jit_ctx *c, jit_level level); /* with all checks on */

/* `function %NAME() -> i32 { return K }`, by the builder. NULL: no memory. */
jit_func *kit_constant(jit_engine *e, const char *name, int32_t k);

/* One function or a whole module from text. NULL, and a line on stderr, when it is not sound. */
jit_module *kit_read(jit_engine *e, const char *text);

/* Compiles all functions of m and publishes them in one batch, after its data; codes gets one each.
 * All or nothing, but for the data. At most 64 functions. */
jit_status kit_publish(jit_engine *e, jit_ctx *c, const jit_module *m, const jit_settings *s,
                       jit_code **codes);
void kit_free(jit_code **codes, size_t n);

/* The first function of text, compiled and published by itself. NULL: a line on stderr tells
 * why. */
jit_code *kit_code(jit_engine *e, jit_ctx *c, const char *text);

/* Calls that take and give whole registers. */
int32_t kit_call_i32(const jit_code *code); /* () -> i32 */
static inline jit_bits kit_bits(uint64_t x)
{
    jit_bits b = { { 0 } };
    memcpy(b.at, &x, sizeof x);
    return b;
}
static inline uint64_t kit_word(jit_bits b)
{
    uint64_t x;
    memcpy(&x, b.at, sizeof x);
    return x;
}
static inline void *kit_address(jit_entry f)
{
    void *p;
    memcpy(&p, &f, sizeof p);
    return p;
}

/* The files of examples/clif in order; calls visit with path and text. Returns their number. */
unsigned kit_examples(void (*visit)(const char *path, const char *text, size_t n));

/* Runs body in a child; returns what it wrote to stderr (static), *status its wait status. */
const char *kit_stderr_of(void (*body)(void), int *status);

bool kit_short(void); /* TEST_SHORT is set: do a hundredth */

#endif
