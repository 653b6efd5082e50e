/* passes.h - the mid-end: what each level does to a function before lowering. */
#ifndef JIT_OPT_PASSES_H
#define JIT_OPT_PASSES_H

#include "gantry/jit.h"
#include "ir/analysis.h"

/* What is compiled instead of f, in tmp's memory; f itself at O0. f is not changed. cfg is f's and
 * holds for the result as well: no pass of today changes edges. */
const jit_func *jit_opt_pipeline(const jit_func *f, const jit_settings *s, const ir_cfg *cfg,
                                 arena *tmp);

/* local.c: folds constants, numbers values within blocks, removes operations that change
 * nothing. */
const jit_func *jit_opt_local(const jit_func *f, arena *tmp, const uint32_t *rpo, uint32_t nrpo);

#endif
