# Makefile - builds the library, the command and what tests them; the parts are in mk/*.mk.
#
#   make                libgantry.a, libgantry.so, gantry            make run      the example VM
#   make test           everything (= make check)                    make bench    the benchmarks
#   make test-plain     unit tests without Criterion                 make install  DESTDIR= PREFIX=
#   make test-aarch64   all tests as an AArch64 program, under qemu  make docs     docs/instructions.md
#   make fuzz           random programs until stopped                make campaign  docs/fuzzing.md
#   make fuzz-NAME      one fuzz target, FUZZ_SECONDS=10             make prove    the rewrite rules
#   make clean
#
# Settings, each combination with a folder of its own under BUILD:
#   CC= CFLAGS= LDFLAGS=  as usual         SAN=address|undefined|thread|address,undefined
#   STRESS=1  tiny branch reach, registers and chunks, so that rare paths run
#   DEBUG=1   -O1, asserts and structure checks (release builds are -DNDEBUG)
#   BUILD=    the root of all build folders

# The library's own constants say which version this is.
VERSION  := $(shell awk '/define JIT_VERSION_/ { v = v dot $$3; dot = "." } END { print v }' \
                include/gantry/jit_base.h)
SOVERSION = 0
PREFIX   ?= /usr/local
BUILD    ?= build
AR       ?= ar
CFLAGS   ?= $(if $(DEBUG),-O1,-O2) -g

comma := ,
cc-name   := $(notdir $(lastword $(filter-out -%,$(CC))))
parts     := $(cc-name) $(subst $(comma),+,$(SAN)) $(if $(STRESS),stress) $(if $(DEBUG),debug)
OUT       := $(BUILD)/$(subst $(eval ) ,-,$(strip $(parts)))

WARNINGS   = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
san-flags  = $(if $(SAN),-fsanitize=$(SAN:%fuzzer=%fuzzer-no-link) -fno-omit-frame-pointer) \
             $(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=all)
DEFINES    = $(if $(DEBUG),-DJIT_DEBUG=1,-DNDEBUG) $(if $(STRESS),-DJIT_STRESS=1)
# CFLAGS last, so that the user has the last word.
BASE_FLAGS = -std=c17 $(WARNINGS) $(DEFINES) $(san-flags) -pthread $(CFLAGS)
LINK_FLAGS = $(san-flags) -pthread $(CFLAGS) $(LDFLAGS)

# As many jobs as there are processors, unless -j says something else.
ifeq ($(filter -j% --jobserver% clean,$(MAKEFLAGS) $(MAKECMDGOALS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

include mk/wasm.mk
include mk/library.mk
include mk/examples.mk
include mk/tests.mk
include mk/bench.mk
include mk/install.mk
include mk/docs.mk
include mk/prove.mk

.PHONY: all clean
all: $(LIB_A) $(LIB_SO) $(WASM_A) $(WASM_SO) $(if $(TOOL_SRC),$(TOOL))

clean:
	rm -rf $(BUILD)

# Rewrites a file only when the text it holds changes, so that what depends on it is made anew:
# $(call stamp,FILE,TEXT). Other flags or another set of sources can then leave nothing stale.
define stamp
$(1): FORCE
	@mkdir -p $$(@D); printf '%s\n' '$(2)' | cmp -s - $$@ || printf '%s\n' '$(2)' > $$@
endef
.PHONY: FORCE
FORCE:
$(eval $(call stamp,$(OUT)/flags,$(CC) $(BASE_FLAGS)))
$(eval $(call stamp,$(OUT)/objects,$(LIB_OBJ)))
$(eval $(call stamp,$(OUT)/wasm-objects,$(WASM_OBJ)))
$(eval $(call stamp,$(OUT)/tool-objects,$(TOOL_OBJ)))

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
