/* passes.h - the mid-end: what each level does to a function before lowering. */
#ifndef JIT_OPT_PASSES_H
#define JIT_OPT_PASSES_H

#include "gantry/jit.h"
#include "ir/func.h"

/* What is compiled instead of f, in tmp's memory (f itself when nothing is to be done). O1 and above:
 * constants folded, values numbered within each block, no-ops removed. f is not changed. */
const jit_func *jit_opt_pipeline(const jit_func *f, const jit_settings *s, arena *tmp);

#endif
