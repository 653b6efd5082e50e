/* a64_llvm.c - holds every AArch64 row against llvm-mc: our text, assembled by it, must give our
 * word. One run of llvm-mc for all cases. */
#define _POSIX_C_SOURCE 200809L
#include "tests/support/a64_matrix.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOOL "llvm-mc-19"

typedef struct cases { a64_case *at; size_t n, cap; FILE *source; } cases;

static void collect(void *user, const a64_case *c)
{
    cases *all = user;

    if (all->n == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 4096;
        all->at = realloc(all->at, all->cap * sizeof *all->at);
        if (!all->at)
            abort();
    }
    all->at[all->n] = *c;
    fprintf(all->source, "c%zu:\n%s\n", all->n++, c->text);
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
        execlp(TOOL, TOOL, "-triple=aarch64-linux-gnu", "-mattr=+pauth", "-show-encoding", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    return fdopen(out[0], "r");
}

/* Reads "encoding: [0x48,0x01,0x02,0x03]". */
static bool read_word(const char *line, uint32_t *word)
{
    const char *p = strstr(line, "encoding: [");

    if (!p)
        return false;
    *word = 0;
    p += strlen("encoding: [");
    for (unsigned n = 0; n < 4; n++, p++) {
        char *end;
        *word |= (uint32_t)strtoul(p, &end, 16) << 8 * n;
        p = end;
    }
    return true;
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
    a64_matrix(getenv("TEST_SHORT") != NULL, collect, &all, &failed);
    FILE *out = assemble(all.source, &child);
    if (!out)
        return 1;
    bool *seen = calloc(all.n + 1, sizeof *seen);
    size_t at = all.n;
    while (seen && fgets(line, sizeof line, out)) {
        uint32_t word;
        if (line[0] == 'c' && sscanf(line, "c%zu:", &at) == 1)
            continue;
        if (at >= all.n || !read_word(line, &word))
            continue;
        const a64_case *c = &all.at[at];
        seen[at] = true;
        if (word == c->word)
            passed++;
        else if (failed++ < 40)
            printf("%s\n  ours %08x llvm %08x\n", c->text, (unsigned)c->word, (unsigned)word);
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
