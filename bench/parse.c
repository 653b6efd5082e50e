/* parse.c - speed of the CLIF reader in MB of text a second, beside Cranelift's. */
#include "common/util.h"

#include <stdlib.h>
#include <string.h>

enum { REPS = 5 };

static char *default_files[] = { "bench/data/gemm.clif.xz", "bench/data/interp.clif.xz",
                                 "bench/data/sha.clif.xz" };

/* Nanoseconds for reading a text once; *insts of all its functions. */
static uint64_t time_reading(jit_engine *e, const char *path, const char *text, size_t size,
                             size_t *insts)
{
    uint64_t at[REPS];

    for (unsigned r = 0; r < REPS; r++) {
        jit_module *m = NULL;
        uint64_t start = bench_now();
        jit_status status = jit_module_read(e, text, size, &m, NULL, NULL);

        at[r] = bench_now() - start;
        if (status != JIT_OK)
            fprintf(stderr, "%s: %s\n", path, jit_status_name(status));
        *insts = 0;
        for (size_t k = 0; m && k < jit_module_function_count(m); k++)
            *insts += jit_func_inst_count(jit_module_function_at(m, k));
        jit_module_free(m);
    }
    return bench_median(at, REPS);
}

/* clpeer's MB/s for a file, 0 without it. */
static double peer_speed(const char *path)
{
    char *peer = bench_clpeer(), *command, *text;
    double speed = 0;
    size_t size;

    if (!peer)
        return 0;
    command = bench_quote(bench_quote(bench_quote(NULL, peer), "parse"), "--tsv");
    command = bench_quote(command, path);
    text = bench_output(command, &size);
    if (text && strrchr(text, '\t'))
        speed = strtod(strrchr(text, '\t') + 1, NULL);
    free(text);
    free(command);
    free(peer);
    return speed;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)argc - 1 : sizeof default_files / sizeof *default_files;
    char **files = argc > 1 ? argv + 1 : default_files;
    jit_engine *e = jit_engine_new(NULL);

    if (!e)
        bench_die("no engine");
    bench_set_program(argv[0]);
    printf("%-40s%12s%14s%16s%16s\n", "file", "bytes", "ns/inst", "gantry MB/s", "cranelift MB/s");
    for (size_t k = 0; k < n; k++) {
        size_t size, insts;
        char *text = bench_read(files[k], &size);
        uint64_t ns = time_reading(e, files[k], text, size, &insts);

        printf("%-40s%12zu%14.1f%16.1f%16.1f\n", files[k], size,
               (double)ns / (double)(insts ? insts : 1), 1e3 * (double)size / (double)(ns ? ns : 1),
               peer_speed(files[k]));
        free(text);
    }
    jit_engine_free(e);
    return 0;
}
