/* wasm.h - what the files of the tool's WebAssembly part share. */
#ifndef GANTRY_TOOL_WASM_H
#define GANTRY_TOOL_WASM_H

#include <gantry/wasm_gantry.h>

#define TOOL_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* ---- wasm.c ---- */
bool tool_read_file(const char *path, wasm_byte_vec_t *out); /* false: errno says why */
/* The option at word for a config; false: it is none. */
bool tool_wasm_option(wasm_config_t *c, const char *word);
bool tool_wasm_is_host(const char *arch); /* whether modules can run for it */
int tool_wasm(int argc, char **argv);

/* ---- wasm_commands.c ---- */
int tool_wasm_commands(wasm_engine_t *engine);

/* ---- wasm_spectest.c ---- */
typedef struct spectest spectest;
spectest *tool_spectest_new(wasm_store_t *s);
void tool_spectest_free(spectest *t);
wasm_extern_t *tool_spectest_export(const spectest *t,
                                    const wasm_name_t *name); /* borrowed; NULL: none */

/* ---- wasm_run.c ---- */
/* Whether `gantry run` is given a module: its first word that is no option ends in .wasm. */
bool tool_is_wasm_run(int argc, char **argv);
int tool_wasm_run(int argc, char **argv);

#endif
