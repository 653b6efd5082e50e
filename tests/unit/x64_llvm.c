/* x64_llvm.c - holds every x86-64 row against llvm-mc: our text, assembled by it, must give our
 * bytes. One run of llvm-mc for all cases. */
#define _POSIX_C_SOURCE 200809L
#include "tests/support/x64_matrix.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOOL "llvm-mc-19"

typedef struct cases { x64_case *at; size_t n, cap; FILE *source; } cases;

static void collect(void *user, const x64_case *c)
{
    cases *all = user;

    if (all->n == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 4096;
        all->at = realloc(all->at, all->cap * sizeof *all->at);
        if (!all->at)
            abort();
    }
    all->at[all->n] = *c;
    int mnemonic = (int)strcspn(c->text, " ");
    /* ".s" asks llvm-mc for the form that stores. */
    bool stores = c->op == X64_movap_r || c->op == X64_vmovap_r;
    /* llvm-mc would save the third prefix byte by exchanging the operands of what commutes.
     * Gantry does not, since which NaN is given depends on their order. */
    bool vex3 = c->bytes[0] == 0xc4 && x64_row(c->op)->format == X64_FORMAT_VSSE && !stores;
    fprintf(all->source, "c%zu:\n%s%.*s%s%s\n", all->n++, vex3 ? "{vex3} " : "", mnemonic, c->text,
            stores ? ".s" : "", c->text + mnemonic);
}

/* Starts llvm-mc with `source` as its input; returns its output. */
static FILE *assemble(FILE *source, pid_t *child)
{
    int out[2];

    fflush(source);
    if (pipe(out) || (*child = fork()) < 0)
        return NULL;
    if (*child == 0) {
        lseek(fileno(source), 0, SEEK_SET);
        dup2(fileno(source), 0);
        dup2(out[1], 1);
        close(out[0]);
        close(out[1]);
        execlp(TOOL, TOOL, "-triple=x86_64-linux-gnu", "-x86-asm-syntax=intel", "-show-encoding",
               "-output-asm-variant=1", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    return fdopen(out[0], "r");
}

/* Reads "encoding: [0x48,0x01,...]". */
static unsigned read_bytes(const char *line, uint8_t *bytes)
{
    const char *p = strstr(line, "encoding: [");
    unsigned n = 0;

    if (!p)
        return 0;
    for (p += strlen("encoding: ["); n < 32; p++) {
        char *end;
        bytes[n++] = (uint8_t)strtoul(p, &end, 16);
        p = end;
        if (*p != ',')
            break;
    }
    return n;
}

static void show(const char *what, const uint8_t *bytes, unsigned n)
{
    printf("  %s", what);
    for (unsigned k = 0; k < n; k++)
        printf(" %02x", bytes[k]);
}

/* Between two registers most of the one-byte opcodes have two forms, to reg and to rm: of the same
 * length, with REX.R and REX.B, modrm.reg and modrm.rm exchanged. */
static bool is_other_direction(const x64_case *c, const uint8_t *bytes, unsigned n)
{
    unsigned k = 0;

    if (n != c->nbytes || c->args.is_mem || x64_row(c->op)->format != X64_FORMAT_MODRM)
        return false;
    if (bytes[k] == 0x66 && c->bytes[k] == 0x66)
        k++;
    if ((bytes[k] & 0xf0) == 0x40) {
        uint8_t swapped = (uint8_t)((bytes[k] & 0xf8) | (bytes[k] & 1) << 2 | (bytes[k] & 4) >> 2);
        if (swapped != c->bytes[k++])
            return false;
    }
    uint8_t modrm = (uint8_t)(0xc0 | (bytes[k + 1] & 7) << 3 | (bytes[k + 1] >> 3 & 7));
    return k + 2 == n && (bytes[k] ^ 2) == c->bytes[k] && modrm == c->bytes[k + 1];
}

int main(void)
{
    cases all = { NULL, 0, 0, tmpfile() };
    unsigned failed, passed = 0;
    char line[512];
    pid_t child;
    int status = 0;

    if (system("command -v " TOOL " >/dev/null") != 0) {
        printf("0 passed, 0 failed, 1 skipped\n");
        return 0;
    }
    if (!all.source)
        return 1;
    x64_matrix(getenv("TEST_SHORT") != NULL, collect, &all, &failed);
    FILE *out = assemble(all.source, &child);
    if (!out)
        return 1;
    bool *seen = calloc(all.n + 1, sizeof *seen);
    size_t at = all.n;
    while (seen && fgets(line, sizeof line, out)) {
        uint8_t bytes[32];
        unsigned n;
        if (line[0] == 'c' && sscanf(line, "c%zu:", &at) == 1)
            continue;
        if (at >= all.n || !(n = read_bytes(line, bytes)))
            continue;
        const x64_case *c = &all.at[at];
        seen[at] = true;
        bool equal = n == c->nbytes && memcmp(bytes, c->bytes, n) == 0;
        if (equal || is_other_direction(c, bytes, n)) {
            passed++;
        } else if (failed++ < 40) {
            printf("%s\n", c->text);
            show("ours", c->bytes, c->nbytes);
            show(" llvm", bytes, n);
            printf("\n");
        }
        at = all.n;
    }
    for (size_t k = 0; seen && k < all.n; k++)
        if (!seen[k] && failed++ < 40)
            printf("not assembled: %s\n", all.at[k].text);
    fclose(out);
    waitpid(child, &status, 0);
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    free(seen);
    free(all.at);
    return failed || !WIFEXITED(status) || WEXITSTATUS(status);
}
