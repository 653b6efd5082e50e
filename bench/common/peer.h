/* peer.h - Cranelift's figures, measured by clpeer on the functions that Gantry compiled. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "common/corpus.h"
#include "common/figures.h"
#include <stdio.h>

enum { PEER_SETTINGS = 4 };

/* Measures the functions of c, for its machine, at Cranelift's settings and takes out of c what
 * Cranelift refuses. seconds bounds the run, 0: no bound; settings that were not reached are
 * missing. settings (NULL: all four) is a list with commas. Returns the number of figures; 0 also
 * when there is no clpeer, which it says. */
size_t peer_compile(corpus *c, unsigned reps, unsigned seconds, const char *settings,
                    figures out[PEER_SETTINGS]);

/* Writes the code of a function to a file that peer_shape() then reads. */
void peer_put_code(FILE *f, const uint8_t *code, size_t n);
/* The shape of all code in that file; leaves *s alone when there is no clpeer. */
void peer_shape(const char *path, shape *s);

#endif
