/* util.c - what every benchmark needs: a clock, medians, files, other programs, a counting heap. */
#define _XOPEN_SOURCE 700
#include "common/util.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char program_dir[4096] = ".";

void bench_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

void *bench_alloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);

    if (!p)
        bench_die("out of memory");
    return p;
}

uint64_t bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

uint64_t bench_median(uint64_t *at, size_t n)
{
    qsort(at, n, sizeof *at, compare);
    return n ? at[n / 2] : 0;
}

/* All that f still holds, terminated. */
static char *read_all(FILE *f, size_t *size)
{
    size_t n = 0, room = 1 << 16;
    char *text = malloc(room);

    while (text) {
        n += fread(text + n, 1, room - n - 1, f);
        if (n < room - 1)
            break;
        room *= 2;
        text = realloc(text, room);
    }
    if (!text)
        bench_die("out of memory");
    text[n] = '\0';
    *size = n;
    return text;
}

char *bench_quote(char *command, const char *word)
{
    size_t n = command ? strlen(command) : 0;
    char *p = realloc(command, n + 4 * strlen(word) + 4), *to;

    if (!p)
        bench_die("out of memory");
    to = p + n;
    *to++ = '\'';
    for (; *word; word++)
        if (*word == '\'') {
            memcpy(to, "'\\''", 4);
            to += 4;
        } else {
            *to++ = *word;
        }
    memcpy(to, "' ", 3);
    return p;
}

char *bench_output(const char *command, size_t *size)
{
    FILE *f = popen(command, "r");
    char *text;

    if (!f)
        return NULL;
    text = read_all(f, size);
    if (pclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

char *bench_read(const char *path, size_t *size)
{
    size_t n = strlen(path);
    char *text;

    if (n > 3 && strcmp(path + n - 3, ".xz") == 0) {
        char *command = bench_quote(bench_quote(NULL, "xz"), "-dc");

        command = bench_quote(command, path);
        text = bench_output(command, size);
        free(command);
    } else {
        FILE *f = fopen(path, "rb");

        text = f ? read_all(f, size) : NULL;
        if (f)
            fclose(f);
    }
    if (!text)
        bench_die("%s: cannot be read", path);
    return text;
}

char *bench_project_file(const char *path)
{
    const char *root = getenv("BENCH_ROOT");
    size_t n = (root ? strlen(root) : 1) + strlen(path) + 2;
    char *joined = bench_alloc(n);

    if (root)
        snprintf(joined, n, "%s/%s", root, path);
    else
        snprintf(joined, n, "%s", path);
    return joined;
}

void bench_set_program(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    if (slash && (size_t)(slash - argv0) < sizeof program_dir) {
        memcpy(program_dir, argv0, (size_t)(slash - argv0));
        program_dir[slash - argv0] = '\0';
    }
}

char *bench_sibling(const char *name)
{
    size_t n = strlen(program_dir) + strlen(name) + 2;
    char *path = bench_alloc(n);

    snprintf(path, n, "%s/%s", program_dir, name);
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

char *bench_clpeer(void)
{
    const char *named = getenv("CLPEER");
    size_t n = named ? strlen(named) + 1 : 0;

    if (!named) /* OUT/bench/NAME and BUILD/bench/cranelift, where OUT is BUILD/something */
        return bench_sibling("../../bench/cranelift/release/clpeer");
    return memcpy(bench_alloc(n), named, n);
}

FILE *bench_temporary(char **name)
{
    const char *dir = getenv("TMPDIR");
    size_t n;
    int fd;
    FILE *f;

    dir = dir ? dir : P_tmpdir;
    n = strlen(dir) + 32;
    *name = bench_alloc(n);
    snprintf(*name, n, "%s/gantry-bench-XXXXXX", dir);
    fd = mkstemp(*name);
    f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!f)
        bench_die("%s: cannot be written", *name);
    return f;
}

heap_count bench_heap;

static void *count_alloc(void *user, size_t size)
{
    void *p = malloc(size);

    (void)user;
    if (!p)
        return NULL;
    bench_heap.calls++;
    bench_heap.live += size;
    if (bench_heap.live > bench_heap.peak)
        bench_heap.peak = bench_heap.live;
    return p;
}

static void count_free(void *user, void *p, size_t size)
{
    (void)user;
    if (p)
        bench_heap.live -= size;
    free(p);
}

const jit_allocator bench_allocator = { count_alloc, count_free, NULL };
