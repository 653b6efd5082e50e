/* x64_matrix.h - every x86-64 row in every shape of its operands, for tests that hold the encoder
 * against other decoders and assemblers. */
#ifndef TEST_X64_MATRIX_H
#define TEST_X64_MATRIX_H

#include "backends/x86_64/x64_emit.h"

typedef struct x64_case {
    unsigned op;
    x64_args args;
    uint8_t bytes[32];
    unsigned nbytes;
    char text[160]; /* as the printer puts it */
} x64_case;

/* Calls visit for each case: each row at each size, each register in each place, edge immediates
 * and displacements, all addressing modes. Returns the number of cases; *failed counts those
 * whose encoding failed. sparse: every 16th only. */
unsigned x64_matrix(bool sparse, void (*visit)(void *user, const x64_case *c), void *user,
                    unsigned *failed);

#endif
