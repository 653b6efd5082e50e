/* wasm_compile.c - what the decoder finds valid compiles at each level with all checks on (verifier,
 * register allocation). Nothing is run. */
#include "runtime.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEVELS = 3, VARIANTS = 2 * LEVELS };

/* By level, then with explicit bounds, interruption and canonical NaNs. */
static gw_engine *engine(unsigned variant)
{
    static gw_engine *engines[VARIANTS];
    gw_options o;

    if (engines[variant])
        return engines[variant];
    memset(&o, 0, sizeof o);
    o.level = (jit_level)(variant % LEVELS);
    o.explicit_bounds = o.interruptible = o.nan_canonical = o.positions = variant >= LEVELS;
    o.checks = JIT_CHECK_ALL;
    engines[variant] = gw_engine_new(&o);
    if (!engines[variant])
        abort();
    return engines[variant];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_module *m;
    gw_error e;

    if (gw_module_decode(data, size, true, &m, &e) != GW_OK)
        return 0;
    gw_module_free(m);
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        gw_code *code;
        gw_status status = gw_code_new(engine(variant), data, size, false, &code, &e);
        if (status == GW_OK) {
            gw_code_compile_some(code);
            status = gw_code_finish(code, &e);
            gw_code_release(code);
        }
        if (status != GW_OK && status != GW_LIMIT)
            abort();
    }
    return 0;
}
