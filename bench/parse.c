/* parse.c - speed of the CLIF reader in MB of text a second, beside Cranelift's. */
#include "common/util.h"

#include <stdlib.h>
#include <string.h>

enum { REPS = 5 };

static const char *const data[] = { "bench/data/gemm.clif.xz", "bench/data/interp.clif.xz",
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

static void measure(jit_engine *e, const char *path)
{
    size_t size, insts;
    char *text = bench_read(path, &size);
    uint64_t ns = time_reading(e, path, text, size, &insts);

    printf("%-40s%12zu%14.1f%16.1f%16.1f\n", path, size, (double)ns / (double)(insts ? insts : 1),
           1e3 * (double)size / (double)(ns ? ns : 1), peer_speed(path));
    free(text);
}

int main(int argc, char **argv)
{
    jit_engine *e = jit_engine_new(NULL);

    if (!e)
        bench_die("no engine");
    bench_set_program(argv[0]);
    printf("%-40s%12s%14s%16s%16s\n", "file", "bytes", "ns/inst", "gantry MB/s", "cranelift MB/s");
    for (int k = 1; k < argc; k++)
        measure(e, argv[k]);
    for (size_t k = 0; argc == 1 && k < sizeof data / sizeof *data; k++) {
        char *path = bench_project_file(data[k]);

        measure(e, path);
        free(path);
    }
    jit_engine_free(e);
    return 0;
}
