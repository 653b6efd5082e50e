/* writer.h - what printing a function needs to know, shared by the files writer*.c. */
#ifndef JIT_IR_WRITER_H
#define JIT_IR_WRITER_H

#include "ir/func.h"
#include "ir/literal.h"

typedef struct writer {
    const jit_func *f;
    strbuf out;
    arena tmp;
    fail_ctx fail;              /* of tmp; never raised */
    uint32_t indent;            /* of instructions */
    uint32_t note;              /* next of f->notes */
    uint32_t block;             /* being printed */
    uint32_t *alias, *next_alias; /* by value index: first and next alias's id; NULL: none at all */
} writer;

void jit_writer_inst(writer *w, uint32_t inst);
void jit_writer_value(writer *w, uint32_t id);
void jit_writer_block(writer *w, uint32_t block);
void jit_writer_mem(writer *w, jit_mem flags);
void jit_writer_offset(strbuf *s, int64_t offset);
void jit_writer_bytes(strbuf *s, const uint8_t *bytes, uint32_t size);

/* Number of a declaration in the text: id into a vector of f with a member `number`. */
#define DECL_NUMBER(f, v, id) \
    ((id) - 1 < (f)->v.len && (f)->v.at[(id) - 1].number != 0 ? (f)->v.at[(id) - 1].number - 1 \
                                                             : (id) - 1)

#endif
