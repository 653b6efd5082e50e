/* tool.h - what the files of the command `gantry` share: options, sources, targets, run lines. */
#ifndef GANTRY_TOOL_H
#define GANTRY_TOOL_H

#include "emulate.h"

#include <gantry/jit.h>

#define TOOL_PRINTF(f, a) __attribute__((format(printf, f, a)))

typedef struct options {
    jit_arch arch;        /* --target; JIT_ARCH_HOST: not given */
    jit_level level;      /* -O; JIT_LEVEL_DEFAULT: not given */
    bool interpret, all, emulate, count, disassemble;
    const char *with;     /* --with: flags in place of the targets' own; NULL: not given */
    const char *output;   /* -o; NULL: none */
    char **args;          /* files, and for `run` the function's arguments */
    int nargs;
} options;

/* What has happened so far, over all files. */
typedef struct totals { unsigned passed, failed, skipped; bool refused; } totals;

typedef struct source {
    const char *path;
    char *text;           /* terminated */
    size_t size;
    jit_module *module;   /* NULL: it could not be read at all */
    bool *faulty;         /* by function, what the verifier has refused; NULL: not verified */
    uint32_t unread;      /* line of the first fault that kept a function from being read; 0: none */
} source;

/* One configuration to compile for: a `target` line with the settings in front of it. */
typedef struct config {
    uint32_t line;        /* of the target; 0: there is none */
    char tag[256];        /* as results are tagged, "x86_64 has_avx" */
    char skip[192];       /* why it cannot be used; "": it can */
    jit_arch arch;
    uint64_t features;    /* JIT_X86_* */
    bool host_features, emulated;
    jit_settings settings;
} config;

typedef struct configs {
    config *at;
    size_t n;
    bool nan_canonical;   /* by all `set` lines of the file: for the interpreter */
} configs;

typedef enum run_kind { RUN_EQUAL, RUN_DIFFERENT, RUN_NONZERO, RUN_TRAPS, RUN_PRINT } run_kind;
typedef struct run_line {
    run_kind kind;
    uint32_t line;
    const jit_func *func;
    size_t index;         /* of func in its module */
    char *text;           /* as it is reported */
    jit_bits *args, *expected;
    unsigned trap;        /* RUN_TRAPS */
} run_line;

/* ---- report.c: events, memory, values ---- */
void tool_event(const char *path, uint32_t line, const char *kind, const char *format, ...)
    TOOL_PRINTF(4, 5);
void *tool_alloc(size_t n, size_t size); /* zeroed; ends the process when there is no memory */
char *tool_text(const char *s, size_t n);
void tool_print_values(char *buffer, size_t size, const jit_signature *sig, const jit_bits *values);
const char *tool_arch_name(jit_arch arch);
/* A compile's message about f without the place that it may begin with; *line: of the place. */
const char *tool_reason(const jit_func *f, const char *message, uint32_t *line);

/* ---- source.c: files ---- */
jit_engine *tool_engine(void); /* for the host; modules are read with it */
/* A new engine for a configuration; NULL and why. */
jit_engine *tool_engine_for(const config *c, char *why, size_t size);
void tool_engine_end(void);
bool tool_load(source *s, const char *path, totals *t); /* reports an unreadable file */
/* Reads and reports each fault to fn; NULL fn: as error events. */
jit_status tool_parse(source *s, totals *t, jit_diagnostic_fn fn, void *user);
jit_status tool_verify(source *s, totals *t, jit_diagnostic_fn fn, void *user);
void tool_unload(source *s);

/* ---- targets.c: set and target lines ---- */
/* The levels that differ: O3 runs as O2. */
static const jit_level tool_levels[] = { JIT_O0, JIT_O1, JIT_O2 };
bool tool_configs(const source *s, const options *o, bool for_test, configs *list, totals *t);
void tool_configs_free(configs *list);
/* Whether code can be made for it; the host need not be able to run it. */
bool tool_compiles(const config *c);

/* ---- runlines.c ---- */
run_line *tool_run_lines(const source *s, totals *t, size_t *n);
void tool_run_lines_free(run_line *lines, size_t n);
/* Reports a line's outcome; 'p', 'f', 's', 'o': a print line, 'x': it could not be judged. */
char tool_judge(const source *s, const char *tag, const run_line *r, const outcome *out,
                const jit_bits *results);

/* ---- native.c: compiling and running machine code ---- */
void tool_run_native(const source *s, const config *c, const run_line *lines, size_t n, totals *t);
typedef struct call_report {
    bool began;     /* there was code to call */
    uint64_t steps; /* instructions that it executed, if emulated */
} call_report;
/* Calls one function, in a process of its own. */
outcome tool_call_native(const source *s, const config *c, size_t index, const jit_bits *args,
                         jit_bits *results, call_report *report);

/* ---- interpret.c ---- */
void tool_run_interpreter(const source *s, bool nan_canonical, const run_line *lines, size_t n,
                          totals *t);

/* ---- expect.c: what the printed code has to look like ---- */
bool tool_has_test(const source *s, const char *name, const char **rest);
void tool_expect_code(source *s, const config *c, bool precise, bool must_fail, totals *t);
void tool_expect_text(const source *s, totals *t); /* test cat */

/* ---- commands ---- */
int tool_test(const options *o);
int tool_verify_command(const options *o);
int tool_print(const options *o);
int tool_compile(const options *o);
int tool_run(const options *o);
int tool_exit_status(const totals *t);

#endif
