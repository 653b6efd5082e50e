/* bytecode.c - examples/clif/bytecode.clif in C. */
#include <stdint.h>

typedef struct result {
    int64_t value;
    uint64_t output;
} result;

enum { HALT, CONST, ADD, SUB, MUL, LT, JUMP, JUMP_IF, LOAD, STORE, REM, DUP, OUT };

static result run(const uint8_t *code, int64_t *locals)
{
    int64_t stack[32], *sp = stack;
    const uint8_t *pc = code;
    uint64_t output = 0;

    for (;;)
        switch (*pc++) {
        case HALT:
            return (result){ sp[-1], output };
        case CONST:
            *sp++ = (int8_t)*pc++;
            break;
        case ADD:
            sp--;
            sp[-1] = (int64_t)((uint64_t)sp[-1] + (uint64_t)sp[0]);
            break;
        case SUB:
            sp--;
            sp[-1] = (int64_t)((uint64_t)sp[-1] - (uint64_t)sp[0]);
            break;
        case MUL:
            sp--;
            sp[-1] = (int64_t)((uint64_t)sp[-1] * (uint64_t)sp[0]);
            break;
        case LT:
            sp--;
            sp[-1] = sp[-1] < sp[0];
            break;
        case JUMP:
            pc = code + *pc;
            break;
        case JUMP_IF:
            pc = *--sp ? code + *pc : pc + 1;
            break;
        case LOAD:
            *sp++ = locals[*pc++];
            break;
        case STORE:
            locals[*pc++] = *--sp;
            break;
        case REM:
            sp--;
            sp[-1] %= sp[0];
            break;
        case DUP:
            *sp = sp[-1];
            sp++;
            break;
        case OUT:
            output = output * 31 + (uint64_t)*--sp;
            break;
        default:
            __builtin_trap();
        }
}

result kernel(void)
{
    static const uint8_t primes[] = {
        CONST, 2, STORE, 1, CONST, 0, STORE, 3,
        /* 8: next */ LOAD, 1, LOAD, 0, LT, JUMP_IF, 18, LOAD, 3, HALT,
        /* 18: test */ CONST, 2, STORE, 2,
        /* 22: try */ LOAD, 1, LOAD, 2, DUP, MUL, LT, JUMP_IF, 49, LOAD, 1, LOAD, 2, REM,
        JUMP_IF, 40, JUMP, 59,
        /* 40: up */ LOAD, 2, CONST, 1, ADD, STORE, 2, JUMP, 22,
        /* 49: prime */ LOAD, 3, CONST, 1, ADD, STORE, 3, LOAD, 1, OUT,
        /* 59: inc */ LOAD, 1, CONST, 1, ADD, STORE, 1, JUMP, 8
    };
    int64_t locals[8] = { 6000 };

    return run(primes, locals);
}
