# bench.mk - the benchmarks: each bench/NAME.c becomes $(OUT)/bench/NAME, linked with all of
# bench/common/*.c. The links bench/NAME build what they need and run it; bench/all.sh, which
# `make bench` calls, runs all of them with their default arguments. All of this file is needed by
# the benchmarks: the kernels in C by bench/run, clpeer by all of them.

BENCHES      := $(patsubst bench/%.c,$(OUT)/bench/%,$(sort $(wildcard bench/*.c)))
BENCH_COMMON := $(patsubst bench/%.c,$(OUT)/bench-obj/%.o,$(sort $(wildcard bench/common/*.c)))

$(OUT)/bench-obj/%.o: bench/%.c $(OUT)/flags
	$(call compile,-I. -Iinclude -Ibench)

$(OUT)/bench/%: $(OUT)/bench-obj/%.o $(BENCH_COMMON) $(LIB_A)
	@mkdir -p $(@D); echo "  LD    $@"; $(CC) -o $@ $^ $(LINK_FLAGS) $(bench-libs) -ldl -lm

# It runs the code of another machine.
$(OUT)/bench/count: $(EMULATOR)
$(OUT)/bench/count: bench-libs = $(UNICORN_LIBS)

# The examples' kernels in C, which bench/run loads: by gcc as it comes and at -O2.
KERNEL_CC ?= gcc
KERNELS   := $(patsubst bench/kernels/%.c,%,$(sort $(wildcard bench/kernels/*.c)))
KERNEL_SO := $(foreach k,$(KERNELS),$(OUT)/bench/kernels/$(k)-O0.so $(OUT)/bench/kernels/$(k)-O2.so)

define kernel
$(OUT)/bench/kernels/$(1)-O$(2).so: bench/kernels/$(1).c
	@mkdir -p $$(@D); echo "  CC    $$< -O$(2)"; \
	$(KERNEL_CC) -std=c17 $(WARNINGS) -O$(2) -ffp-contract=off -fno-math-errno -fPIC \
	    -shared -o $$@ $$< -lm
endef
$(foreach k,$(KERNELS),$(eval $(call kernel,$(k),0))$(eval $(call kernel,$(k),2)))

# The peer needs cargo and the crates it names; without them the benchmarks do without Cranelift.
CLPEER := $(BUILD)/bench/cranelift/release/clpeer
CARGO  ?= $(shell command -v cargo)

$(CLPEER): $(wildcard bench/cranelift/src/*.rs) bench/cranelift/Cargo.toml
	@if [ -n '$(CARGO)' ]; then echo "  CARGO $@"; \
	cd bench/cranelift && CARGO_TARGET_DIR='$(abspath $(BUILD))/bench/cranelift' \
	    '$(CARGO)' build --release --quiet; \
	else echo "no cargo: no figures of Cranelift"; fi

.PHONY: bench bench-build clpeer
clpeer: $(CLPEER)
bench-build: $(BENCHES) $(KERNEL_SO) $(CLPEER)
.SECONDARY: $(BENCHES:$(OUT)/bench/%=$(OUT)/bench-obj/%.o)

bench: bench-build
	@OUT='$(OUT)' bench/all.sh
