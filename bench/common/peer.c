/* peer.c - Cranelift's figures, measured by clpeer on the functions that Gantry compiled. */
#include "common/peer.h"

#include "common/util.h"
#include <stdlib.h>
#include <string.h>

/* ---- Reading clpeer's lines ---- */

/* The next field of a line, ended by a tab. */
static char *field(char **at)
{
    static char empty[1];
    char *start = *at ? *at : empty, *tab = strchr(start, '\t');

    if (tab)
        *tab = '\0';
    *at = tab ? tab + 1 : NULL;
    return start;
}

static uint64_t number(char **at)
{
    return strtoull(field(at), NULL, 10);
}

static shape read_shape(char **at)
{
    shape s;

    s.insts = number(at);
    s.frame = number(at);
    s.moves = number(at);
    s.inner_insts = number(at);
    s.inner_loads = number(at);
    return s;
}

static figures *find(figures *out, size_t n, const char *setting)
{
    for (size_t k = 0; k < n; k++)
        if (strcmp(out[k].setting, setting) == 0)
            return &out[k];
    return NULL;
}

static void read_total(char *at, figures *f)
{
    memset(f, 0, sizeof *f);
    f->engine = "cranelift";
    snprintf(f->setting, sizeof f->setting, "%s", field(&at));
    f->functions = (size_t)number(&at);
    f->insts = (size_t)number(&at);
    f->ns_per_inst = strtod(field(&at), NULL);
    f->bytes_per_inst = strtod(field(&at), NULL);
    f->peak = (size_t)number(&at);
    f->allocations = (size_t)number(&at);
    f->shape = read_shape(&at);
}

static void read_class(char *at, figures *out, size_t n)
{
    figures *f = find(out, n, field(&at));
    const char *name = field(&at);

    for (unsigned c = 0; f && c < CLASSES; c++)
        if (strcmp(name, class_names[c]) == 0) {
            f->class_count[c] = (size_t)number(&at);
            f->class_ns[c] = strtod(field(&at), NULL);
            return;
        }
}

static void read_skip(char *at, corpus *c)
{
    const char *path = field(&at);
    uint64_t line = number(&at);
    char reason[300];

    snprintf(reason, sizeof reason, "Cranelift: %s", field(&at));
    for (size_t k = 0; k < c->n; k++)
        if (c->at[k].func && strcmp(c->paths[c->at[k].file], path) == 0
            && (line == 0 || c->at[k].line == line))
            corpus_skip(c, k, reason);
}

static size_t read_lines(char *text, corpus *c, figures out[PEER_SETTINGS])
{
    size_t n = 0;

    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        const char *kind;

        *end = '\0';
        kind = field(&line);
        if (strcmp(kind, "total") == 0 && n < PEER_SETTINGS)
            read_total(line, &out[n++]);
        else if (strcmp(kind, "class") == 0)
            read_class(line, out, n);
        else if (strcmp(kind, "skip") == 0)
            read_skip(line, c);
    }
    corpus_sort_out(c);
    return n;
}

/* ---- Running clpeer ---- */

/* The list of functions for --only, in a file of its own. */
static char *write_only(const corpus *c)
{
    char *name;
    FILE *f = bench_temporary(&name);

    for (size_t k = 0; k < c->n; k++)
        fprintf(f, "%s\t%u\n", c->paths[c->at[k].file], (unsigned)c->at[k].line);
    fclose(f);
    return name;
}

size_t peer_compile(corpus *c, unsigned reps, unsigned seconds, const char *settings,
                    figures out[PEER_SETTINGS])
{
    char *peer = bench_clpeer(), *command = NULL, *text, *only, number_text[16];
    size_t size, n = 0;

    if (!peer) {
        fprintf(stderr, "no clpeer, so no figures of Cranelift (it needs cargo)\n");
        return 0;
    }
    only = write_only(c);
    if (seconds) { /* what was printed before the time was up is still read */
        snprintf(number_text, sizeof number_text, "%u", seconds);
        command = bench_quote(bench_quote(command, "timeout"), number_text);
    }
    command = bench_quote(bench_quote(command, peer), "compile");
    command = bench_quote(bench_quote(command, "--tsv"), "--only");
    snprintf(number_text, sizeof number_text, "%u", reps);
    command = bench_quote(bench_quote(bench_quote(command, only), "--reps"), number_text);
    if (c->arch == JIT_ARCH_AARCH64)
        command = bench_quote(bench_quote(command, "--target"), "aarch64");
    if (settings)
        command = bench_quote(bench_quote(command, "--settings"), settings);
    for (size_t k = 0; k < c->nfiles; k++)
        command = bench_quote(command, c->paths[k]);
    command = realloc(command, strlen(command) + 8);
    if (!command)
        bench_die("out of memory");
    strcat(command, "; true");
    text = bench_output(command, &size);
    if (text)
        n = read_lines(text, c, out);
    remove(only);
    free(only);
    free(text);
    free(command);
    free(peer);
    return n;
}

void peer_put_code(FILE *f, const uint8_t *code, size_t n)
{
    uint8_t length[4] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24) };

    fwrite(length, 1, sizeof length, f);
    fwrite(code, 1, n, f);
}

void peer_shape(const char *path, shape *s)
{
    char *peer = bench_clpeer(), *command, *text, *at;
    size_t size;

    if (!peer)
        return;
    command = bench_quote(bench_quote(bench_quote(NULL, peer), "shares"), path);
    at = text = bench_output(command, &size);
    if (text)
        *s = read_shape(&at);
    free(text);
    free(command);
    free(peer);
}
