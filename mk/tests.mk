# tests.mk - builds the test programs; tests/run drives them.
#
# For whoever adds a test:
#  tests/unit/test_*.c      Criterion tests, a file is a suite. All files become ONE program,
#                           $(OUT)/tests/unit (Criterion) and $(OUT)/tests/unit-plain (the same
#                           bodies on tests/plain/criterion/criterion.h, one process for all: for
#                           sanitizers, valgrind, qemu). They link libgantry.a and may include
#                           internal headers ("ir/func.h": -Isrc) and tests/ ("tests/support/x.h").
#  tests/corruption/*.c     likewise, one more such program: what needs long or special runs.
#                           A file in either folder with `int main(` at the start of a line is a
#                           program of its own, $(OUT)/tests/corruption-NAME; it prints
#                           "N passed, N failed, N skipped" last. TEST_SHORT=1 in the environment
#                           (sanitizers) asks it for a hundredth of the work.
#  tests/wasm/*.c           likewise, for the WebAssembly engine: linked with libgantry-wasm.a, whose
#                           headers need no prefix. Scripts and generators there go through check.sh.
#  tests/support/*.c        helpers, linked to every test program.
#  tests/fuzz/NAME.c        defines LLVMFuzzerTestOneInput(const uint8_t *, size_t) and becomes
#                           $(OUT)/tests/fuzz-NAME with the driver tests/plain/fuzz_main.c, which
#                           replays tests/corpus/NAME/* and then mutates for FUZZ_SECONDS. Or it
#                           has a main of its own, which honours FUZZ_SECONDS and FUZZ_SEED and
#                           ends with the same closing line. A finding is a crash, a sanitizer's
#                           report, abort(), or a non-zero exit. SAN=address,fuzzer CC=clang-19
#                           builds the former with libFuzzer instead.
#  tests/filetests/         see the README.md there: run/ opt/ isa/ go through `gantry test`
#                           in each way of file_suites() in tests/run, the others through check.sh.
#  Tests or suites named threads_* are what runs under TSan.

TEST_SUITES := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard tests/unit/*.c tests/corruption/*.c tests/wasm/*.c)))))
TEST_HELP   := $(sort $(wildcard tests/support/*.c))
FUZZ_NAMES  := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/*.c)))
test-flags   = -I. -Iinclude -Isrc -Ifrontends/wasm
FUZZ_SECONDS ?= 10
export FUZZ_SECONDS

# Capstone only for the programs that ask for it.
asks-capstone := $(shell grep -ls 'capstone/capstone.h' tests/*/*.c)
test-libs      = $(if $(filter $(asks-capstone),$(1)),-lcapstone)

# The WebAssembly engine likewise.
wasm-lib       = $(if $(filter wasm wasm_%,$(1)),$(WASM_A))

with-main    = $(if $(wildcard $(1)),$(shell grep -lE '^int main.' $(wildcard $(1))))
own-main    := $(call with-main,tests/unit/*.c tests/corruption/*.c tests/fuzz/*.c)
suite-src    = $(filter-out $(own-main),$(sort $(wildcard tests/$(1)/*.c)))

$(OUT)/criterion-obj/%.o: %.c $(OUT)/flags
	$(call compile,$(test-flags))

# The plain header comes first and so takes the place of Criterion's.
$(OUT)/plain-obj/%.o: %.c $(OUT)/flags
	$(call compile,-isystem tests/plain $(test-flags))

PLAIN_HELP := $(TEST_HELP:%.c=$(OUT)/plain-obj/%.o)
SHIM_OBJ   := $(OUT)/plain-obj/tests/plain/criterion/criterion.o

# Calls of the library's own that test_flush.c watches.
wrap-unit = -Wl,--wrap=jit_os_code_flush,--wrap=jit_os_code_sync_cores,--wrap=__clear_cache

define suite-programs
$(OUT)/tests/$(1): $(patsubst %.c,$(OUT)/criterion-obj/%.o,$(call suite-src,$(1)) $(TEST_HELP)) $(call wasm-lib,$(1)) $(LIB_A)
	@mkdir -p $$(@D); echo "  LD    $$@"; $(CC) -o $$@ $$^ -lcriterion $(call test-libs,$(call suite-src,$(1))) $(wrap-$(1)) $(LINK_FLAGS)
$(OUT)/tests/$(1)-plain: $(patsubst %.c,$(OUT)/plain-obj/%.o,$(call suite-src,$(1))) $(PLAIN_HELP) $(SHIM_OBJ) $(call wasm-lib,$(1)) $(LIB_A)
	@mkdir -p $$(@D); echo "  LD    $$@"; $(CC) -o $$@ $$^ $(call test-libs,$(call suite-src,$(1))) $(wrap-$(1)) $(LINK_FLAGS)
endef
live-suites := $(foreach s,$(TEST_SUITES),$(if $(call suite-src,$(s)),$(s)))
$(foreach s,$(live-suites),$(eval $(call suite-programs,$(s))))

# tests/SUITE/NAME.c with a main of its own
# The command's emulator, for programs that run the code of other machines.
EMULATOR := $(patsubst %.c,$(OUT)/%.o,$(wildcard tools/gantry/emulate*.c)) $(OUT)/tools/gantry/report.o
define own-program
$(OUT)/tests/$(subst /,-,$(patsubst tests/%.c,%,$(1))): $(patsubst %.c,$(OUT)/plain-obj/%.o,$(1)) $(PLAIN_HELP) $(EMULATOR) $(LIB_A)
	@mkdir -p $$(@D); echo "  LD    $$@"; $(CC) -o $$@ $$^ $(call test-libs,$(1)) $(LINK_FLAGS) $(UNICORN_LIBS)
endef
$(foreach s,$(own-main),$(eval $(call own-program,$(s))))

fuzz-main = $(if $(findstring fuzzer,$(SAN)),,$(OUT)/plain-obj/tests/plain/fuzz_main.o)
define fuzz-program
$(OUT)/tests/fuzz-$(1): $(OUT)/plain-obj/tests/fuzz/$(1).o $(fuzz-main) $(PLAIN_HELP) $(call wasm-lib,$(1)) $(LIB_A)
	@mkdir -p $$(@D); echo "  LD    $$@"; $(CC) -o $$@ $$^ $(LINK_FLAGS) $(if $(findstring fuzzer,$(SAN)),-fsanitize=fuzzer)
endef
$(foreach n,$(filter-out $(patsubst tests/fuzz/%.c,%,$(own-main)),$(FUZZ_NAMES)),$(eval $(call fuzz-program,$(n))))

# Decodes modules and does no more; tests/wasm/check.sh asks for it.
$(OUT)/tests/wasm-decode: $(OUT)/plain-obj/tests/wasm/tools/decode.o $(WASM_A) $(LIB_A)
	@mkdir -p $(@D); echo "  LD    $@"; $(CC) -o $@ $^ $(LINK_FLAGS)

CRITERION_PROGRAMS := $(live-suites:%=$(OUT)/tests/%)
PLAIN_PROGRAMS     := $(live-suites:%=$(OUT)/tests/%-plain)
OWN_PROGRAMS       := $(foreach s,$(filter-out tests/fuzz/%,$(own-main)),$(OUT)/tests/$(subst /,-,$(s:tests/%.c=%)))
FUZZ_PROGRAMS      := $(FUZZ_NAMES:%=$(OUT)/tests/fuzz-%)
# Those that need no tool or library of the machine they run on.
PORTABLE_PROGRAMS  := $(filter-out %_llvm %_capstone,$(OWN_PROGRAMS))

# Ten million functions compiled and freed, with memory that stays as it is.
.PHONY: soak
soak: $(OUT)/tests/corruption-soak
	$< $(or $(CYCLES),10000000)

.PHONY: test check test-aarch64 test-build test-plain test-plain-build test-own-build
.PHONY: test-portable-build fuzz-build
test check:
	@scripts/install-deps.sh
	@MAKE='$(MAKE)' BUILD='$(BUILD)' tests/run

# All of it as an AArch64 program, under qemu-aarch64.
test-aarch64:
	@scripts/install-deps.sh
	@MAKE='$(MAKE)' BUILD='$(BUILD)' tests/run aarch64

test-build: $(CRITERION_PROGRAMS) test-own-build $(OUT)/tests/wasm-decode
test-own-build: $(OWN_PROGRAMS)
test-portable-build: $(PORTABLE_PROGRAMS)
test-plain-build: $(PLAIN_PROGRAMS) $(OUT)/tests/wasm-decode
fuzz-build: $(FUZZ_PROGRAMS)

test-plain: test-plain-build
	@for t in $(PLAIN_PROGRAMS); do echo "== $$t"; $$t $(TESTS) || exit 1; done

# Random programs with fresh seeds until stopped; FUZZ holds options of `gantry fuzz`.
.PHONY: fuzz campaign
fuzz: $(TOOL)
	@mkdir -p $(BUILD)/found
	$(TOOL) fuzz --seed $(or $(SEED),$(shell date +%s)000000) --save $(BUILD)/found $(FUZZ)

# A run of COUNT programs on WHERE, native or emulated, behind the last one of the log.
campaign: $(TOOL)
	@mkdir -p $(BUILD)/found
	nice -n 19 $(TOOL) fuzz --$(or $(WHERE),native) --count $(or $(COUNT),100000) --continue \
	    --log docs/fuzz-log.md --note $(shell git rev-parse --short HEAD) --save $(BUILD)/found $(FUZZ)

# Breaks the compiler in one place at a time and sees that random programs find it.
.PHONY: mutate
mutate:
	tests/fuzz/mutate --build $(BUILD)/mutate $(MUTATE)

fuzz-%: $(OUT)/tests/fuzz-%
	$< $(wildcard tests/corpus/$*)

# For scripts: a variable's value in this setting, say print-FUZZ_PROGRAMS, and the build folder.
print-%:
	@echo '$($*)'
print-out:
	@echo '$(OUT)'
