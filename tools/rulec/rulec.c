/* rulec.c - compiles rewrite rules to C: rulec FILE.rules... > rules.c */
#include "rulec.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const opcode opcodes[] = {
#define OP(name, format, types, rule, props, meaning) { #name, rule, props },
#include "gantry/jit_opcodes.def"
#undef OP
};
const int nopcodes = sizeof opcodes / sizeof *opcodes;

void rulec_die(const char *file, int line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t n = 0, cap = 1 << 16;
    char *text = malloc(cap);

    if (!f || !text)
        rulec_die(path, 0, "cannot be read");
    for (size_t got; (got = fread(text + n, 1, cap - n - 1, f)) > 0;)
        if ((n += got) == cap - 1 && !(text = realloc(text, cap *= 2)))
            rulec_die(path, 0, "no memory");
    text[n] = 0;
    fclose(f);
    return text;
}

int main(int argc, char **argv)
{
    rules all = { NULL, 0, 0 };

    if (argc < 2) {
        fprintf(stderr, "usage: rulec FILE.rules... > rules.c\n");
        return 2;
    }
    for (int k = 1; k < argc; k++)
        rulec_parse(&all, argv[k], read_file(argv[k]));
    for (int k = 0; k < all.n; k++)
        rulec_check(all.at[k]);
    rulec_check_all(&all);
    rulec_expand(&all);
    rulec_emit(&all);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "rulec: cannot write\n");
        return 1;
    }
    return 0;
}
