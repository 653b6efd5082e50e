/* x64_emit.h - what emission of instructions, of frames and printing share. */
#ifndef JIT_X64_EMIT_H
#define JIT_X64_EMIT_H

#include "backends/x86_64/x64_enc.h"

void jit_x64_put(emit *e, unsigned op, const x64_args *a); /* one encoded instruction */

const char *jit_x64_cc_name(unsigned cc);
/* An instruction as it is encoded; e for the names of symbols, may be NULL. */
void jit_x64_print_inst(strbuf *s, const emit *e, unsigned op, const x64_args *a);
void jit_x64_print_args(const emit *e, unsigned op, const x64_args *a); /* a line of e's listing */

#endif
