/* report.c - prints events one line each, and the small things every file here needs. */
#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tool_event(const char *path, uint32_t line, const char *kind, const char *format, ...)
{
    va_list args;

    printf("%s:%u: %s: ", path, line, kind);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

void *tool_alloc(size_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size);

    if (!p) {
        fprintf(stderr, "gantry: no memory\n");
        exit(2);
    }
    return p;
}

char *tool_text(const char *s, size_t n)
{
    char *p = tool_alloc(n + 1, 1);

    memcpy(p, s, n);
    return p;
}

static size_t append(char *buffer, size_t size, size_t at, const char *text)
{
    size_t n = strlen(text);

    if (at + n < size)
        memcpy(buffer + at, text, n + 1);
    return at + n;
}

void tool_print_values(char *buffer, size_t size, const jit_signature *sig, const jit_bits *values)
{
    char one[256];
    size_t at = 0;

    buffer[0] = 0;
    at = append(buffer, size, at, sig->nresults == 1 ? "" : "[");
    for (uint32_t k = 0; k < sig->nresults; k++) {
        jit_text_print_value(JIT_PARAM_TYPE(sig->results[k]), values[k].at, one, sizeof one);
        at = append(buffer, size, at, k > 0 ? ", " : "");
        at = append(buffer, size, at, one);
    }
    append(buffer, size, at, sig->nresults == 1 ? "" : "]");
}

const char *tool_arch_name(jit_arch arch)
{
    return arch == JIT_ARCH_AARCH64 ? "aarch64" : "x86_64";
}

const char *tool_reason(const jit_func *f, const char *message, uint32_t *line)
{
    const char *name = jit_func_name(f), *rest = message + 9;
    size_t n = strlen(name);

    *line = jit_func_line(f);
    if (strncmp(message, "function ", 9) != 0 || strncmp(rest, name, n) != 0)
        return message;
    rest += n;
    if (strncmp(rest, ", line ", 7) == 0) {
        char *end;
        unsigned long at = strtoul(rest + 7, &end, 10);
        *line = at > 0 && at < UINT32_MAX ? (uint32_t)at : *line;
        rest = end;
    }
    return strncmp(rest, ": ", 2) == 0 ? rest + 2 : message;
}

int tool_exit_status(const totals *t)
{
    return t->refused ? 2 : t->failed > 0 ? 1 : 0;
}
