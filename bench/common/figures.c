/* figures.c - what is measured of one engine at one setting, and how it is printed. */
#include "common/figures.h"

#include <stdio.h>

const char *const class_names[CLASSES] = { "1-10",    "11-30",    "31-100",
                                           "101-300", "301-1000", ">1000" };

unsigned class_of(size_t insts)
{
    static const size_t most[CLASSES - 1] = { 10, 30, 100, 300, 1000 };
    unsigned k = 0;

    while (k < CLASSES - 1 && insts > most[k])
        k++;
    return k;
}

void figures_tsv(const figures *f)
{
    printf("%s\t%s\t%zu\t%zu\t%.1f\t%.2f\t%zu\n", f->engine, f->setting, f->functions, f->insts,
           f->ns_per_inst, f->bytes_per_inst, f->peak);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

void figures_print(const figures *f, size_t n)
{
    printf("%-10s%-18s%9s%11s%9s%12s%9s%8s%13s%8s\n", "engine", "setting", "ns/inst", "bytes/inst",
           "peak kB", "allocations", "frame %", "move %", "inner loads", "%");
    for (size_t k = 0; k < n; k++) {
        const shape *s = &f[k].shape;

        printf("%-10s%-18s%9.1f%11.2f%9zu%12zu", f[k].engine, f[k].setting, f[k].ns_per_inst,
               f[k].bytes_per_inst, f[k].peak / 1000, f[k].allocations);
        if (s->insts)
            printf("%9.1f%8.1f%13llu%8.1f", percent(s->frame, s->insts),
                   percent(s->moves, s->insts), (unsigned long long)s->inner_loads,
                   percent(s->inner_loads, s->inner_insts));
        putchar('\n');
    }
    printf("\nµs a function, by its number of IR instructions\n%-28s", "");
    for (unsigned c = 0; c < CLASSES; c++)
        printf("%11s", class_names[c]);
    printf("\n%-28s", "functions");
    for (unsigned c = 0; n && c < CLASSES; c++)
        printf("%11zu", f[0].class_count[c]);
    putchar('\n');
    for (size_t k = 0; k < n; k++) {
        printf("%-10s%-18s", f[k].engine, f[k].setting);
        for (unsigned c = 0; c < CLASSES; c++)
            if (f[k].class_count[c])
                printf("%11.2f", f[k].class_ns[c] / 1000);
            else
                printf("%11s", "-");
        putchar('\n');
    }
}
