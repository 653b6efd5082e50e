/* pipeline.c - the order of the mid-end's passes at each level. */
#include "opt/passes.h"

const jit_func *jit_opt_pipeline(const jit_func *f, const jit_settings *s, arena *tmp)
{
    (void)s; /* O1 to O3 do the same until the optimizing passes exist */
    return jit_opt_local(f, tmp);
}
