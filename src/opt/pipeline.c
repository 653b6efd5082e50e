/* pipeline.c - the order of the mid-end's passes at each level. */
#include "opt/passes.h"

const jit_func *jit_opt_pipeline(const jit_func *f, const jit_settings *s, const ir_cfg *cfg,
                                 arena *tmp)
{
    if (s->level == JIT_O0)
        return f;
    return jit_opt_local(f, tmp, cfg->rpo, cfg->nrpo); /* O2 and O3 run as O1 as yet */
}
