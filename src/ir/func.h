/* func.h - how a function of IR is stored: the structs that every pass reads.
 *
 * Everything lives in the function's arena and is referred to by index. Instructions of a block are
 * contiguous in `insts` (a block is filled from start to terminator before the next one), so order
 * within a block is index order and a walk is a loop over an array, forwards or backwards.
 *
 * An inst is 16 bytes. Values are 32-bit ids (0: none, else index + 1). Where operands stand:
 *   1 or 2 operands            a, b
 *   pooled (TERNARY, MULTI, CALL, ...)  a: index into `pool` of the operands; their number:
 *                              3 for TERNARY/ATOMIC_CAS, else pool[a - 1]
 *   block call (JUMP a; BRIF b, c): index into `pool` of { block id, nargs, capacity, args... }
 *   BR_TABLE b: index into `pool` of { n, block call of the default, n block calls of the entries }
 *   TRY_CALL b: index into `ehtables`; c: jit_fnref id (TRY_CALL_INDIRECT: 0)
 *   c: id of the first result; further results follow it without a gap (but see STORE: Offset).
 * Operands never name a VALUE_ALIAS: builder and reader resolve them before they are done. */
#ifndef JIT_IR_FUNC_H
#define JIT_IR_FUNC_H

#include "gantry/jit_ir.h"
#include "support/bitset.h"
#include "support/map.h"
#include "support/vec.h"

enum {
    OP_TERM = 1, OP_BRANCH = 2, OP_EFFECT = 4, OP_TRAPS = 8, OP_LOADS = 16, OP_STORES = 32,
    OP_CALL = 64, OP_COMMUTES = 128, OP_EXPLICIT = 256
};

typedef enum ir_format {
#define FORMAT(name, nargs, pooled, text) FMT_##name,
#include "gantry/jit_formats.def"
#undef FORMAT
    FMT_COUNT
} ir_format;

typedef struct op_info {
    const char *name;    /* as in the text */
    const char *rule;    /* operand types > result types, see jit_opcodes.def */
    const char *meaning;
    uint16_t props;
    uint8_t format;      /* ir_format */
    uint8_t types;       /* index of the typeset */
    int8_t nargs;        /* fixed operands; -1: varies */
    uint8_t pooled;
    uint8_t nresults;    /* 0, 1, 2; 255: by signature */
} op_info;
extern const op_info jit_op_table[JIT_OP_COUNT]; /* ir/opcodes.c; row 0 is JIT_OP_none */
enum { OP_RESULTS_BY_SIG = 255 };
/* Whether t is a type at all: a scalar, or a vector of 16 to 128 bits in lanes of 8 to 64. */
static inline bool type_is_legal(jit_type t)
{
    unsigned lane = t & 15u;
    return lane >= JIT_I8 && lane <= JIT_F128
           && (t < 16 || (t >> 4 <= 4 && jit_type_lane_bits(t) <= 64 && jit_type_bits(t) <= 128));
}
bool jit_typeset_has(unsigned typeset, jit_type t); /* false for an illegal type */
const char *jit_typeset_name(unsigned typeset);     /* "INTV", for messages */
/* Type of letter c of a rule under controlling type t; JIT_VOID when it is not fixed by t. */
jit_type jit_rule_type(char c, jit_type t);

typedef struct ir_inst {
    uint8_t op;     /* jit_opcode */
    jit_type type;  /* controlling type; JIT_VOID when the opcode has none */
    uint16_t aux;   /* condition, trap code, index into `mems`, lane */
    uint32_t a, b, c;
} ir_inst;

enum { VALUE_NONE, VALUE_RESULT, VALUE_PARAM, VALUE_ALIAS };
typedef struct ir_value {
    uint32_t def;       /* RESULT: inst index; PARAM: block index; ALIAS: id of the value meant */
    uint32_t type : 8;  /* jit_type */
    uint32_t kind : 2;
    uint32_t num : 22;  /* RESULT, PARAM: the how-manieth */
} ir_value;
#define IR_MAX_BLOCK_PARAMS ((1u << 22) - 1)
#define IR_MAX_ENTITIES (1u << 31) /* of instructions, values, blocks, words of the pool */

typedef struct ir_block {
    uint32_t first, end; /* indices into insts; empty while first == end */
    uint32_t params;     /* index into pool of ids of its parameters */
    uint32_t nparams;
    uint32_t params_cap; /* room for them at params */
    uint8_t cold;
    uint8_t placed;      /* it stands in `layout` */
    uint8_t sealed;
} ir_block;

/* A name: a string (space == NAME_TEXT, index into the module's or function's strings) or a
 * pair. */
enum { NAME_NONE, NAME_TEXT, NAME_USER, NAME_LIBCALL };
typedef struct ir_name {
    uint8_t kind;
    uint32_t space, index;  /* NAME_USER: u<space>:<index>; NAME_LIBCALL: index of libcall */
    const char *text;       /* NAME_TEXT: without %, terminated, in the function's arena */
} ir_name;

/* `number` of a declaration: its number in the text + 1; 0: its index. Only the writer looks at it.
 * `line`: where it stands in the text, 0: it was not read. */
typedef struct ir_sig {
    uint32_t conv, nparams, nresults;
    jit_abi_param *params, *results;
    uint32_t number, line;
} ir_sig;
typedef struct ir_callee {
    ir_name name;
    jit_sigref sig;
    bool colocated, patchable;
    uint32_t number, line;
} ir_callee;
typedef struct ir_slot {
    uint32_t size, align; /* bytes; align a power of two, at least 1 */
    bool dynamic;
    bool has_key;         /* "key = N" of the text */
    uint64_t key;
    uint32_t dynamic_type;/* number of its type in the text + 1, kept for printing */
    uint32_t number, line;
} ir_slot;
/* dt0 = i32x4*gv0 */
typedef struct ir_dyntype { uint32_t number; jit_type base; jit_gv scale; } ir_dyntype;
enum { GV_VMCTX, GV_LOAD, GV_IADD_IMM, GV_SYMBOL, GV_DYN_SCALE };
typedef struct ir_gv {
    uint8_t kind;
    jit_type type;        /* LOAD, IADD_IMM; else I64 */
    bool colocated, tls;
    uint16_t mem;         /* LOAD: index into mems */
    jit_gv base;          /* LOAD, IADD_IMM; always declared before */
    int64_t offset;       /* LOAD (fits 32 bits), IADD_IMM, SYMBOL */
    ir_name name;         /* SYMBOL */
    uint32_t number, line;
} ir_gv;
/* text: NULL or what it is */
typedef struct ir_region { uint32_t number, user_id; const char *text; } ir_region;
typedef struct ir_const { uint8_t *bytes; uint32_t size, number; } ir_const;
#define CONST_IS_MASK UINT32_MAX /* as number: only a shuffle's mask, which is printed in full */
typedef struct ir_ehentry { uint8_t kind; uint32_t tag_or_value; uint32_t block_call; } ir_ehentry;
enum { EH_TAG, EH_DEFAULT, EH_CONTEXT };
typedef struct ir_ehtable {
    jit_sigref sig;
    uint32_t normal;      /* block call; args may be EH_RET(k) or EH_EXN(k) */
    ir_ehentry *entries;
    uint32_t nentries;
} ir_ehtable;
/* In block calls of exception tables only: retK and exnK stand as these ids. */
#define EH_RET(k) (0xfffe0000u + (k))
#define EH_EXN(k) (0xffff0000u + (k))

/* Text-only facts about an instruction, kept by the reader for printing; sorted by inst. */
typedef struct ir_note { uint32_t inst; const char *text; } ir_note;

struct jit_func {
    arena mem;
    fail_ctx fail;            /* first error of a builder call; status JIT_OK: none */
    jit_engine *engine;       /* may be NULL in tests */
    jit_module *module;       /* NULL: none */
    ir_name name;
    const char *printed;      /* the name as in the text */
    jit_linkage linkage;
    ir_sig sig;
    jit_signature public_sig; /* the same for the host */
    uint32_t line;            /* of `function` in the text; 0: none */

    VEC(ir_inst) insts;
    VEC(ir_value) values;
    VEC(uint32_t) pool;       /* index 0 is never used */
    VEC(ir_block) blocks;
    VEC(uint32_t) layout;     /* block indices in the order of the text; the entry first */
    VEC(jit_mem) mems;        /* interned memory flags; 0 is {0} */
    map mem_index;

    VEC(ir_sig) sigs;
    VEC(ir_callee) callees;
    VEC(ir_slot) slots;
    VEC(ir_gv) gvs;
    VEC(ir_region) regions;
    VEC(ir_const) consts;
    VEC(ir_dyntype) dyntypes; /* kept for the text */
    VEC(ir_ehtable) ehtables;
    jit_gv stack_limit;

    VEC(uint32_t) srcpos;     /* by inst index, ~0u none; shorter than insts: none beyond */
    VEC(uint32_t) lines;      /* by inst index, line in the text; empty unless read */
    VEC(uint32_t) value_name; /* by value index: number in the text + 1; empty: the index */
    VEC(uint32_t) block_name; /* likewise by block index */
    VEC(uint32_t) block_line; /* by block index, line of its header; empty unless read */
    uint32_t stack_limit_line;/* in the text; 0: none */
    VEC(ir_note) notes;       /* debug tags, stack maps as written */
    bool verified;            /* stamp; any edit clears it */
    jit_builder *builder;     /* between jit_build() and jit_build_end(); else NULL */
};

static inline const op_info *op_of(const ir_inst *i) { return &jit_op_table[i->op]; }
static inline uint32_t inst_count(const jit_func *f) { return f->insts.len; }
static inline const ir_inst *inst_at(const jit_func *f, uint32_t k) { return &f->insts.at[k]; }

/* Operands of an instruction, in order: pointer to ids. Valid until the next edit. */
typedef struct ir_args { const uint32_t *at; uint32_t len; } ir_args;
static inline ir_args inst_args(const jit_func *f, const ir_inst *i)
{
    const op_info *o = op_of(i);
    ir_args r;
    if (!o->pooled) {
        r.at = &i->a;
        r.len = (uint32_t)o->nargs;
    } else {
        r.at = f->pool.at + i->a;
        r.len = o->nargs >= 0 ? (uint32_t)o->nargs : f->pool.at[i->a - 1];
    }
    return r;
}
static inline jit_type value_type(const jit_func *f, uint32_t id)
{
    return (jit_type)f->values.at[id - 1].type;
}
static inline uint64_t inst_imm64(const ir_inst *i) { return (uint64_t)i->b << 32 | i->a; }

/* A block call: at[0] is the block id, then the arguments' ids. */
typedef struct ir_target { uint32_t block; const uint32_t *args; uint32_t nargs; } ir_target;
static inline ir_target block_call(const jit_func *f, uint32_t pool_index)
{
    const uint32_t *p = f->pool.at + pool_index;
    ir_target t = { p[0] - 1, p + 3, p[1] };
    return t;
}
/* Number of block calls of a terminator and the pool index of the k-th: JUMP 1; BRIF then, else;
 * BR_TABLE entries in order, then the default; TRY_CALL normal, then the entries that have one. */
uint32_t jit_inst_target_count(const jit_func *f, const ir_inst *i);
uint32_t jit_inst_target(const jit_func *f, const ir_inst *i, uint32_t k);
/* The signature that a CALL, CALL_INDIRECT or TRY_CALL follows. */
const ir_sig *jit_inst_signature(const jit_func *f, const ir_inst *i);
uint32_t jit_inst_result_count(const jit_func *f, const ir_inst *i);
/* Whether it must stay although unused: OP_EFFECT, or a load that may fault (no notrap). */
bool jit_inst_has_effect(const jit_func *f, const ir_inst *i);

/* ---- Making: the only functions that append. 0 on failure, with f->fail set. They check memory
 * and index ranges only; meaning is the verifier's. Each clears the stamp. ---- */
uint32_t jit_func_add_block(jit_func *f);                       /* its index + 1 */
bool jit_func_place_block(jit_func *f, uint32_t block);     /* appends to the layout, starts it */
uint32_t jit_func_add_param(jit_func *f, uint32_t block, jit_type t); /* a value id */
/* Appends to the block placed last. results: types of its results (n of them). Result ids are
 * consecutive; returns inst index + 1. */
uint32_t jit_func_append(jit_func *f, const ir_inst *i, const jit_type *results, uint32_t n);
/* Pool index, with the length before it. */
uint32_t jit_func_list(jit_func *f, const uint32_t *ids, uint32_t n);
uint32_t jit_func_block_call(jit_func *f, uint32_t block, const uint32_t *args, uint32_t nargs);
/* Makes room for n more arguments; may move the list, returns its pool index. */
uint32_t jit_func_block_call_reserve(jit_func *f, uint32_t call, uint32_t n);
/* Appends one argument; may move the list, returns its pool index. */
uint32_t jit_func_block_call_push(jit_func *f, uint32_t call, uint32_t arg);
uint32_t jit_func_mem(jit_func *f, jit_mem flags); /* index into mems, or ~0u */
uint32_t jit_func_add_const(jit_func *f, const void *bytes, uint32_t size); /* jit_const id */
jit_sigref jit_func_add_sig(jit_func *f, const jit_signature *sig);
/* "sum", "%sum", "u0:12", "%CeilF32" */
bool jit_name_parse(jit_func *f, const char *text, ir_name *out);
/* The same without a copy: out->text points into text. false: not a name. */
bool jit_name_scan(const char *text, ir_name *out);
bool jit_name_equal(const ir_name *a, const ir_name *b);
uint64_t jit_name_hash(const ir_name *n);
/* Writes the name as in the text; returns its length. */
size_t jit_name_print(const ir_name *n, char *buffer, size_t size);
jit_func *jit_func_create(const jit_allocator *host, jit_engine *e, const ir_name *name,
                          const jit_signature *sig); /* NULL: no memory */
void jit_func_destroy(jit_func *f);                /* jit_func_free for a module's functions too */
const jit_allocator *jit_engine_allocator(const jit_engine *e); /* jit/engine.c; e is not NULL */

/* ---- Libcalls ---- */
enum {
#define LIBCALL(name, text) LIBCALL_##name,
#include "ir/libcalls.def"
#undef LIBCALL
    LIBCALL_COUNT
};
const char *jit_libcall_name(unsigned libcall); /* "CeilF32" */

/* ---- Modules ---- */
typedef struct ir_data {
    ir_name name; jit_linkage linkage; uint8_t *bytes; size_t size, align; bool writable;
} ir_data;
struct jit_module {
    arena mem;
    fail_ctx fail;
    jit_engine *engine;
    const jit_allocator *host;
    VEC(jit_func *) funcs;
    VEC(ir_data) data;
    map names;              /* hash of name -> index + 1 of funcs, or of data with MODULE_DATA set;
                               collisions by probing key + 1 */
    struct text_unit *text; /* header directives, comments, run lines; NULL unless read from text */
};
#define MODULE_DATA (1u << 31)
/* Makes f one of m's; false with m->fail set when its name is taken or memory is out. */
bool jit_module_adopt(jit_module *m, jit_func *f);
/* The function of that name; NULL: none. */
jit_func *jit_module_lookup(const jit_module *m, const ir_name *name);

#endif
