/* pipeline.c - the order of the mid-end's passes at each level. */
#include "opt/passes.h"

const jit_func *jit_opt_pipeline(const jit_func *f, const jit_settings *s, arena *tmp)
{
    (void)s;
    (void)tmp;
    return f;
}
