/* kernel.h - the kernel of a CLIF file: its function %bench, else %main, else the first with a run
 * line, called with the arguments of its first run line, whose results it must give. */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include <gantry/jit.h>

enum { MAX_VALUES = 32 };

typedef struct kernel {
    const char *path;
    jit_engine *engine;
    jit_module *module;
    jit_func *func;
    const jit_signature *sig;
    jit_bits args[MAX_VALUES], results[MAX_VALUES];
} kernel;

/* False, with a message, when the file has no kernel. Else the module is to be freed. */
bool kernel_load(kernel *k, jit_engine *e, const char *path);
bool kernel_is_right(const kernel *k, const jit_bits *results);

/* All functions of the file as code; codes gets as many as the module has. */
typedef struct kernel_code {
    jit_ctx *ctx;
    jit_unit **units;
    jit_code **codes;
    size_t n;
    jit_entry entry; /* of the kernel; NULL, with a message: it could not be compiled */
} kernel_code;
kernel_code kernel_compile(const kernel *k, jit_level level, const char *what);
void kernel_code_free(kernel_code *c);

#endif
