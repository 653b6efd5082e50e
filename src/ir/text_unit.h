/* text_unit.h - what a module keeps of the text it was read from, beside its functions. */
#ifndef JIT_IR_TEXT_UNIT_H
#define JIT_IR_TEXT_UNIT_H

#include "gantry/jit_text.h"
#include "support/vec.h"

struct text_unit {
    VEC(jit_directive) directives; /* by line; strings in the module's arena */
};

/* Whether a comment is a line for the test runner (run:, check:, error:, ...). */
bool jit_text_is_command(const char *comment);

#endif
