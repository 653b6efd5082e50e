/* jit_text.h - CLIF text: reading modules, printing functions. */
#ifndef GANTRY_JIT_TEXT_H
#define GANTRY_JIT_TEXT_H

#include <gantry/jit_ir.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads text of n bytes (need not be terminated) into a new module. Each error goes to fn (may be
 * NULL) with line, column and what was expected; reading goes on at the next `function`. On an
 * error the result is its status, and *m holds the functions that were sound (NULL only for
 * JIT_ERR_NOMEM). Free *m with jit_module_free(). Verifies nothing beyond the grammar and types. */
JIT_API jit_status jit_module_read(jit_engine *e, const char *text, size_t n, jit_module **m,
                                   jit_diagnostic_fn fn, void *user);

/* Header and comments of the text, as a test runner needs them. Strings live as long as m. */
typedef enum jit_directive_kind {
    JIT_DIR_TEST,    /* test run: text is what follows `test` */
    JIT_DIR_SET,     /* set opt_level=speed */
    JIT_DIR_TARGET,  /* target x86_64 has_avx */
    JIT_DIR_FEATURE, /* feature "x" */
    JIT_DIR_COMMENT  /* a comment inside or after a function; text without ';' and blanks */
} jit_directive_kind;
typedef struct jit_directive {
    jit_directive_kind kind;
    uint32_t line;      /* from 1 */
    uint32_t function;  /* COMMENT: index of the function it stands in or follows; ~0u: none */
    const char *text;   /* terminated */
} jit_directive;
JIT_API size_t jit_module_directive_count(const jit_module *m);
JIT_API jit_directive jit_module_directive(const jit_module *m, size_t k);
JIT_API uint32_t jit_func_line(const jit_func *f); /* line of `function`; 0: not read from text */

/* Canonical CLIF of f, terminated, in memory of the host's allocator; *length (may be NULL) without
 * the terminator. NULL: no memory. Give back with jit_string_free(). */
JIT_API char *jit_func_print(const jit_func *f, size_t *length);
JIT_API char *jit_module_print(const jit_module *m, size_t *length);
JIT_API void jit_string_free(jit_engine *e, char *s);

/* Values as run lines write them. Reads one value of type t from *text (at most *n bytes), advances
 * both; 16 bytes of little-endian result. False: *error (static string) says what was expected. */
JIT_API bool jit_text_value(jit_type t, const char **text, size_t *n, uint8_t out[16],
                            const char **error);
/* Prints a value in that form; returns its length, at most size - 1 bytes are written. */
JIT_API size_t jit_text_print_value(jit_type t, const uint8_t bytes[16], char *buffer, size_t size);
JIT_API const char *jit_type_name(jit_type t, char buffer[16]); /* "i32", "f32x4" */

#ifdef __cplusplus
}
#endif
#endif
