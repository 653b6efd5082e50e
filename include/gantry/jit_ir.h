/* jit_ir.h - modules, functions and the builder: how a host makes IR.
 *
 * The IR is CLIF: SSA with block parameters. A jit_func has memory of its own; compiling only reads
 * it, so several contexts may compile one function at once, but one thread at a time may edit it.
 * The first error of a builder call stays with the function: the call returns none (id 0), so do
 * all that take it, and jit_compile_function() reports it. So no single call need be checked. */
#ifndef GANTRY_JIT_IR_H
#define GANTRY_JIT_IR_H

#include <gantry/jit_base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jit_engine jit_engine;
typedef struct jit_module jit_module;
typedef struct jit_func jit_func;
typedef struct jit_builder jit_builder;

/* Opcodes: JIT_OP_iadd and so on, one for each row of jit_opcodes.def. */
typedef enum jit_opcode {
    JIT_OP_none = 0,
#define OP(name, format, types, rule, props, meaning) JIT_OP_##name,
#include <gantry/jit_opcodes.def>
#undef OP
    JIT_OP_COUNT
} jit_opcode;

/* Integer conditions; `c ^ 1` is the inverse. */
typedef enum jit_intcc {
    JIT_EQ, JIT_NE, JIT_SLT, JIT_SGE, JIT_SLE, JIT_SGT, JIT_ULT, JIT_UGE, JIT_ULE, JIT_UGT
} jit_intcc;

/* Float conditions; `c ^ 1` is the inverse. U: or unordered. */
typedef enum jit_floatcc {
    JIT_FEQ, JIT_FNE, JIT_FONE, JIT_FUEQ, JIT_FLT, JIT_FUGE, JIT_FLE, JIT_FUGT,
    JIT_FGT, JIT_FULE, JIT_FGE, JIT_FULT, JIT_FORD, JIT_FUNO
} jit_floatcc;

/* Trap codes. 1 to 250 are user1 to user250 (0 is none). */
enum {
    JIT_TRAP_NONE = 0,
    JIT_TRAP_STK_OVF = 251, JIT_TRAP_HEAP_OOB = 252, JIT_TRAP_INT_OVF = 253,
    JIT_TRAP_INT_DIVZ = 254, JIT_TRAP_BAD_TOINT = 255,
    JIT_TRAP_UNDEFINED = 256 /* reported only: a call by a name without code behind it */
};
/* "int_divz", "user7"; "?" for 0. The string is static. */
JIT_API const char *jit_trap_name(unsigned code);

/* Memory flags: bits, a trap code (JIT_MEM_TRAP; default heap_oob) and an alias region. Promises:
 * NOTRAP the access cannot fault, ALIGNED the address is a multiple of the access size, READONLY
 * the memory never changes, CAN_MOVE the access may be done wherever its operands are at hand. */
typedef struct jit_mem {
    uint8_t bits;      /* JIT_MEM_* */
    uint8_t trap;      /* trap code of a fault; 0: heap_oob */
    jit_region region; /* none: may alias everything */
} jit_mem;
enum {
    JIT_MEM_NOTRAP = 1, JIT_MEM_ALIGNED = 2, JIT_MEM_READONLY = 4, JIT_MEM_CAN_MOVE = 8,
    JIT_MEM_BIG = 16, JIT_MEM_LITTLE = 32
};

/* Calling conventions. system_v is the C one on both machines; fast may be anything between
 * Gantry's functions (it is system_v's assignment today); tail: see docs, callee pops its stack
 * arguments and saves no registers. The others parse, and compile as JIT_ERR_UNSUPPORTED. */
typedef enum jit_conv {
    JIT_CONV_DEFAULT = 0, /* system_v */
    JIT_CONV_SYSTEM_V, JIT_CONV_FAST, JIT_CONV_TAIL, JIT_CONV_COLD,
    JIT_CONV_WINDOWS_FASTCALL, JIT_CONV_APPLE_AARCH64, JIT_CONV_PROBESTACK, JIT_CONV_WINCH,
    JIT_CONV_PRESERVE_ALL, JIT_CONV_COUNT
} jit_conv;

/* A parameter or result: type | extension | purpose. sarg's size is JIT_SARG(bytes). */
typedef uint32_t jit_abi_param;
#define JIT_UEXT 0x100u   /* the producer extends it to a register with zeros */
#define JIT_SEXT 0x200u   /* ... with the sign */
#define JIT_VMCTX 0x1000u /* the VM's context pointer, what global value `vmctx` reads */
#define JIT_SRET 0x2000u  /* address of the caller's memory for a returned struct */
#define JIT_SARG(bytes) (JIT_I64 | 0x3000u | (uint32_t)(bytes) / 8 << 16) /* struct by value */
#define JIT_PARAM_TYPE(p) ((jit_type)((p) & 0xffu))
#define JIT_PARAM_PURPOSE(p) ((p) & 0xf000u)
#define JIT_PARAM_SARG_BYTES(p) ((p) >> 16 << 3)

typedef struct jit_signature {
    jit_conv conv;
    uint32_t nparams, nresults;
    const jit_abi_param *params;
    const jit_abi_param *results;
} jit_signature;

/* JIT_SIG(result, parameter...): a pointer to a signature with one result or JIT_VOID, default
 * convention; lives as long as the block (C) or the full expression (C++) it stands in. */
#ifndef __cplusplus
#define JIT_SIG_FIRST(a, ...) (a)
#define JIT_SIG(...) \
    (&(const jit_signature){ JIT_CONV_DEFAULT, \
        (uint32_t)(sizeof((const jit_abi_param[]){ __VA_ARGS__ }) / sizeof(jit_abi_param)) - 1, \
        JIT_SIG_FIRST(__VA_ARGS__, 0) != JIT_VOID, (const jit_abi_param[]){ __VA_ARGS__ } + 1, \
        (const jit_abi_param[]){ __VA_ARGS__ } })
#endif

/* ---- Functions ---- */

/* A new, empty function that belongs to no module; once published, others call it by its name
 * (linkage JIT_EXPORT). Copies name (an identifier, or "u0:12" style)
 * and signature. NULL when there is no memory. Free with jit_func_free(). */
JIT_API jit_func *jit_func_new(jit_engine *e, const char *name, const jit_signature *sig);
JIT_API void jit_func_free(jit_func *f); /* NULL is fine; a module's functions go with it */
JIT_API const char *jit_func_name(const jit_func *f); /* "%sum" or "u0:12", as printed */
JIT_API const jit_signature *jit_func_signature(const jit_func *f);
JIT_API size_t jit_func_inst_count(const jit_func *f);
JIT_API size_t jit_func_block_count(const jit_func *f);
/* The first error that a builder call on f met; JIT_OK: none. *message (may be NULL) is f's. */
JIT_API jit_status jit_func_error(const jit_func *f, const char **message);

/* ---- Declarations inside a function ---- */

JIT_API jit_sigref jit_sig_declare(jit_func *f, const jit_signature *sig);
/* A callee by name. colocated: near enough for a direct call, in the same publish. */
JIT_API jit_fnref jit_callee_declare(jit_func *f, const char *name, jit_sigref sig, bool colocated);
JIT_API jit_slot jit_slot_declare(jit_func *f, uint32_t size, uint32_t align); /* a power of 2 */
JIT_API jit_region jit_region_declare(jit_func *f, uint32_t user_id, const char *text);
JIT_API jit_gv jit_gv_vmctx(jit_func *f);
JIT_API jit_gv jit_gv_load(jit_func *f, jit_type t, jit_mem flags, jit_gv base, int32_t offset);
JIT_API jit_gv jit_gv_iadd_imm(jit_func *f, jit_type t, jit_gv base, int64_t imm);
JIT_API jit_gv jit_gv_symbol(jit_func *f, const char *name, int64_t offset, bool colocated,
                             bool tls);
/* The prologue compares the stack pointer with this value and traps stk_ovf below it. */
JIT_API void jit_func_stack_limit(jit_func *f, jit_gv limit);

/* ---- Building ----
 * One builder for a function at a time, in the function's memory. The entry block is made and
 * started by jit_build() with the signature's parameters. A block is filled from
 * jit_block_start() to its terminator, then another one is started. A block is sealed when all
 * its predecessors are known, by jit_block_seal() or for all by jit_build_end(). */
JIT_API jit_builder *jit_build(jit_func *f);
JIT_API void jit_build_end(jit_builder *b); /* seals all, ends the builder */

JIT_API jit_block jit_block_new(jit_builder *b);
/* Before its branches are made. */
JIT_API jit_value jit_block_param(jit_builder *b, jit_block block, jit_type t);
/* The k-th parameter that the host made for block. */
JIT_API jit_value jit_block_param_at(jit_builder *b, jit_block block, uint32_t k);
JIT_API void jit_block_start(jit_builder *b, jit_block block);
JIT_API void jit_block_seal(jit_builder *b, jit_block block);
JIT_API void jit_block_cold(jit_builder *b, jit_block block);
JIT_API jit_value jit_param(jit_builder *b, uint32_t k); /* k-th parameter of the function */
JIT_API void jit_source_position(jit_builder *b, uint32_t pos); /* of what follows; ~0u: none */

JIT_API jit_var jit_var_new(jit_builder *b, jit_type t);
JIT_API void jit_var_set(jit_builder *b, jit_var var, jit_value v);
JIT_API jit_value jit_var_get(jit_builder *b, jit_var var); /* unset on some path: zero there */

/* One function for each instruction, named after it, with this shape for its format: */
#define JIT_BUILD_NULLARY(n) JIT_API void jit_##n(jit_builder *b);
#define JIT_BUILD_NULLARY_ADDR(n) JIT_API jit_value jit_##n(jit_builder *b);
#define JIT_BUILD_UNARY(n) JIT_API jit_value jit_##n(jit_builder *b, jit_value x);
#define JIT_BUILD_UNARY2(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_value x, jit_value *second);
#define JIT_BUILD_CONVERT(n) JIT_API jit_value jit_##n(jit_builder *b, jit_type t, jit_value x);
#define JIT_BUILD_BINARY(n) JIT_API jit_value jit_##n(jit_builder *b, jit_value x, jit_value y);
#define JIT_BUILD_BINARY2(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, jit_value *second);
#define JIT_BUILD_BINARY_IMM8(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_value x, uint8_t imm);
#define JIT_BUILD_TERNARY(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, jit_value z);
#define JIT_BUILD_TERNARY2(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, jit_value z, \
                              jit_value *second);
#define JIT_BUILD_TERNARY_IMM8(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, uint8_t imm);
#define JIT_BUILD_ICONST(n) JIT_API jit_value jit_##n(jit_builder *b, jit_type t, int64_t value);
#define JIT_BUILD_F16CONST(n) JIT_API jit_value jit_##n(jit_builder *b, uint16_t bits);
#define JIT_BUILD_F32CONST(n) JIT_API jit_value jit_##n(jit_builder *b, float value);
#define JIT_BUILD_F64CONST(n) JIT_API jit_value jit_##n(jit_builder *b, double value);
#define JIT_BUILD_CONST(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_type t, const void *bytes); /* little-endian */
#define JIT_BUILD_GLOBAL_VALUE(n) JIT_API jit_value jit_##n(jit_builder *b, jit_gv gv);
#define JIT_BUILD_INT_CMP(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_intcc cc, jit_value x, jit_value y);
#define JIT_BUILD_FLOAT_CMP(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_floatcc cc, jit_value x, jit_value y);
#define JIT_BUILD_JUMP(n) JIT_API void jit_##n(jit_builder *b, jit_block to);
#define JIT_BUILD_BRIF(n) \
    JIT_API void jit_##n(jit_builder *b, jit_value c, jit_block then, jit_block otherwise);
#define JIT_BUILD_BR_TABLE(n) /* no block arguments: use variables */ \
    JIT_API void jit_##n(jit_builder *b, jit_value x, jit_block fallback, uint32_t count, \
                         const jit_block *targets);
#define JIT_BUILD_TRAP(n) JIT_API void jit_##n(jit_builder *b, unsigned code);
#define JIT_BUILD_COND_TRAP(n) JIT_API void jit_##n(jit_builder *b, jit_value c, unsigned code);
#define JIT_BUILD_ADD_TRAP(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, unsigned code);
#define JIT_BUILD_MULTI(n) JIT_API void jit_##n(jit_builder *b, jit_value v); /* none: no value */
#define JIT_BUILD_CALL(n) /* results: jit_result() */ \
    JIT_API jit_inst jit_##n(jit_builder *b, jit_fnref fn, uint32_t nargs, const jit_value *args);
#define JIT_BUILD_CALL_INDIRECT(n) \
    JIT_API jit_inst jit_##n(jit_builder *b, jit_sigref sig, jit_value callee, uint32_t nargs, \
                             const jit_value *args);
#define JIT_BUILD_TRY_CALL(n)          /* by text only, as yet */
#define JIT_BUILD_TRY_CALL_INDIRECT(n) /* by text only, as yet */
#define JIT_BUILD_FUNC_ADDR(n) JIT_API jit_value jit_##n(jit_builder *b, jit_fnref fn);
#define JIT_BUILD_LOAD(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_type t, jit_mem flags, jit_value addr, \
                              int32_t offset);
#define JIT_BUILD_STORE(n) \
    JIT_API void jit_##n(jit_builder *b, jit_mem flags, jit_value v, jit_value addr, \
                         int32_t offset);
#define JIT_BUILD_LOAD_NO_OFFSET(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_type t, jit_mem flags, jit_value addr);
#define JIT_BUILD_STORE_NO_OFFSET(n) \
    JIT_API void jit_##n(jit_builder *b, jit_mem flags, jit_value v, jit_value addr);
#define JIT_BUILD_BITCAST(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_type t, jit_mem flags, jit_value x);
#define JIT_BUILD_STACK_ADDR(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_slot slot, int32_t offset);
#define JIT_BUILD_DYNAMIC_STACK_ADDR(n) /* by text only, as yet */
#define JIT_BUILD_ATOMIC_RMW(n)         /* by text only, as yet */
#define JIT_BUILD_ATOMIC_CAS(n)         /* by text only, as yet */
#define JIT_BUILD_SHUFFLE(n) \
    JIT_API jit_value jit_##n(jit_builder *b, jit_value x, jit_value y, const uint8_t mask[16]);
#define JIT_BUILD_EH_ADDR(n) /* by text only, as yet */
#define OP(name, format, types, rule, props, meaning) JIT_BUILD_##format(name)
#include <gantry/jit_opcodes.def>
#undef OP

/* Forms that take block arguments or several values. */
JIT_API void jit_jump_args(jit_builder *b, jit_block to, uint32_t nargs, const jit_value *args);
JIT_API void jit_brif_args(jit_builder *b, jit_value c, jit_block then, uint32_t nthen,
                           const jit_value *then_args, jit_block otherwise, uint32_t notherwise,
                           const jit_value *otherwise_args);
JIT_API void jit_return_values(jit_builder *b, uint32_t n, const jit_value *values);
JIT_API void jit_return_void(jit_builder *b);
JIT_API jit_value jit_result(jit_builder *b, jit_inst call, uint32_t k); /* k-th result of a call */
JIT_API jit_type jit_builder_type(const jit_builder *b, jit_value v);    /* JIT_VOID for none */

/* ---- Modules: what a CLIF file or a WebAssembly module becomes ---- */

typedef enum jit_linkage { JIT_LOCAL, JIT_EXPORT, JIT_IMPORT } jit_linkage;

JIT_API jit_module *jit_module_new(jit_engine *e); /* NULL: no memory */
JIT_API void jit_module_free(jit_module *m);       /* with all its functions */
/* A new function in m; NULL and an error in m's message when the name is taken. */
JIT_API jit_func *jit_module_function(jit_module *m, const char *name, const jit_signature *sig,
                                      jit_linkage linkage);
JIT_API size_t jit_module_function_count(const jit_module *m);
JIT_API jit_func *jit_module_function_at(const jit_module *m, size_t k);
JIT_API jit_func *jit_module_find(const jit_module *m, const char *name); /* NULL: none */
/* A data object of size bytes, aligned; bytes NULL: zeros. Its address is a symbol after
 * publish. */
JIT_API jit_status jit_module_data(jit_module *m, const char *name, const void *bytes, size_t size,
                                   size_t align, bool writable, jit_linkage linkage);

/* ---- Verifying ---- */

/* Checks every rule of the IR; reports each fault to fn (may be NULL), with its place. JIT_OK, or
 * JIT_ERR_VERIFY. Once f is found sound it is not checked again until it is edited. */
JIT_API jit_status jit_func_verify(jit_func *f, jit_diagnostic_fn fn, void *user);

#ifdef __cplusplus
} /* extern "C" */

#include <initializer_list>
/* JIT_SIG for C++: a temporary that turns into a signature until the end of the expression. */
class jit_sig_temporary {
public:
    jit_sig_temporary(std::initializer_list<jit_abi_param> all)
    {
        for (jit_abi_param p : all)
            if (n < 64)
                at[n++] = p;
        sig.conv = JIT_CONV_DEFAULT;
        sig.nparams = n > 0 ? n - 1 : 0;
        sig.nresults = n > 0 && at[0] != JIT_VOID;
        sig.params = at + 1;
        sig.results = at;
    }
    jit_sig_temporary(const jit_sig_temporary &) = delete;
    operator const jit_signature *() const { return &sig; }

private:
    jit_abi_param at[64];
    uint32_t n = 0;
    jit_signature sig;
};
#define JIT_SIG(...) (jit_sig_temporary{ __VA_ARGS__ })
#endif
#endif
