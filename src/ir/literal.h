/* literal.h - values as the text writes them: integers, hexadecimal floats, vectors, types. */
#ifndef JIT_IR_LITERAL_H
#define JIT_IR_LITERAL_H

#include "gantry/jit_text.h"
#include "support/strbuf.h"

__extension__ typedef unsigned __int128 u128;

/* The text of an integer without its meaning: sign and magnitude. */
typedef struct literal_int { bool negative; u128 magnitude; } literal_int;

/* Reads n bytes that are one integer: a sign, digits or 0x and digits, `_` between them. */
bool jit_literal_int(const char *s, size_t n, literal_int *out);
/* Whether x fits a width of bits (at most 128) as a signed or an unsigned number; *out: masked. */
bool jit_literal_fits(literal_int x, unsigned bits, u128 *out);
/* The same for a number that has to be unsigned, or signed. */
bool jit_literal_unsigned(const char *s, size_t n, uint64_t most, uint64_t *out);
bool jit_literal_signed(const char *s, size_t n, int64_t least, int64_t most, int64_t *out);

/* Reads n bytes that are one float of type t (a scalar). NULL, or what is wrong. */
const char *jit_literal_float(jit_type t, const char *s, size_t n, u128 *bits);
/* Reads 0x and an even number of digits, most significant byte first, at most 16 bytes; *size bytes
 * stand in out, least significant first. NULL, or what is wrong. */
const char *jit_literal_bytes(const char *s, size_t n, uint8_t out[16], uint32_t *size);
/* One scalar of type t in n bytes; out gets little-endian bytes. NULL, or what was expected. */
const char *jit_literal_scalar(jit_type t, const char *s, size_t n, uint8_t *out);
/* Length of the number at s: all that may belong to an integer or a float. */
size_t jit_literal_span(const char *s, size_t n);

/* The type of that name, JIT_VOID if none. *too_wide: it would be one, of more than 128 bits. */
jit_type jit_type_parse(const char *s, size_t n, bool *too_wide);

void jit_print_float(strbuf *s, jit_type t, u128 bits);
void jit_print_type(strbuf *s, jit_type t);
/* As the text writes 64-bit immediates: decimal below 10000, else hexadecimal in groups of four. */
void jit_print_imm64(strbuf *s, int64_t x);
void jit_print_hex(strbuf *s, uint64_t x);

#endif
