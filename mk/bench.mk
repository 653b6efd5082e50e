# bench.mk - the benchmarks: each bench/NAME.c, with all of bench/common/, becomes
# $(OUT)/bench/NAME. They may look inside (-Isrc), since some time single stages. `make bench` runs
# bench/all.sh with OUT and CC set; bench/cranelift is the peer, a Cargo project that they build
# themselves where there is cargo.

BENCHES      := $(patsubst bench/%.c,$(OUT)/bench/%,$(sort $(wildcard bench/*.c)))
BENCH_COMMON := $(patsubst bench/%.c,$(OUT)/bench-obj/%.o,$(sort $(wildcard bench/common/*.c)))

$(OUT)/bench-obj/%.o: bench/%.c $(OUT)/flags
	$(call compile,-Iinclude -Isrc -Ibench)

$(OUT)/bench/%: $(OUT)/bench-obj/%.o $(BENCH_COMMON) $(LIB_A)
	@mkdir -p $(@D); echo "  LD    $@"; $(CC) -o $@ $^ $(LINK_FLAGS) -lm

.PHONY: bench bench-build
.SECONDARY: $(BENCHES:$(OUT)/bench/%=$(OUT)/bench-obj/%.o)
bench-build: $(TOOL) $(BENCHES)

bench: bench-build
	@OUT='$(OUT)' CC='$(CC)' bench/all.sh
