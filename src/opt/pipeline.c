/* pipeline.c - the order of the mid-end's passes at each level. */
#include "opt/graph.h"
#include "opt/passes.h"

static const jit_func *optimize(const jit_func *f, const ir_cfg *cfg, arena *tmp)
{
    graph g;

    jit_graph_begin(&g, f, cfg, tmp);
    jit_graph_params(&g);
    jit_graph_copy(&g);
    return jit_graph_place(&g);
}

const jit_func *jit_opt_pipeline(const jit_func *f, const jit_settings *s, const ir_cfg *cfg,
                                 arena *tmp)
{
    switch (s->level) {
    case JIT_O0: return f;
    case JIT_O1: return jit_opt_local(f, tmp, cfg->rpo, cfg->nrpo);
    default: return optimize(f, cfg, tmp);
    }
}
