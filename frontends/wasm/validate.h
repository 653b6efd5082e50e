/* validate.h - the rules of validation for code (sections 3.3 and 3.4.1, algorithm of 7.3): bodies
 * of functions and constant expressions. */
#ifndef GW_VALIDATE_H
#define GW_VALIDATE_H

#include "reader.h"

/* Works over one module at a time; its memory serves one body after the other. All zero but for `m`
 * at the beginning. */
typedef struct gw_validator {
    gw_module *m;
    gw_input *in;       /* what is being validated */
    const uint8_t *op;  /* the instruction in hand, for faults */
    gw_type *stack;     /* operands' types; GW_NOTYPE: any, of code that is not reached */
    uint32_t height, peak, capacity;
    uint32_t base;      /* height at which the innermost frame begins */
    bool dead;          /* the rest of the innermost frame cannot be reached */
    struct gw_frame *frames;
    uint32_t nframes, max_frames, frames_capacity;
    uint32_t ntables;   /* br_table instructions so far */
    gw_type *locals;    /* GW_MAX_LOCALS of them */
    uint32_t nlocals;
} gw_validator;

/* Reads a body up to the end of `in`. Once there is a fault of any kind only the format counts.
 * Fills in nlocals, max_stack and max_depth. */
void gw_validate_body(gw_validator *v, gw_func *f, gw_input *in);

/* Reads a constant expression with its `end`, which must give one value of the type. Functions that
 * it names become `referenced`. */
gw_constexpr gw_validate_const(gw_validator *v, gw_input *in, gw_type type);

void gw_validator_free(gw_validator *v);

#endif
