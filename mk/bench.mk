# bench.mk - the benchmarks: bench/NAME.c, or all of bench/NAME/*.c, becomes $(OUT)/bench/NAME.
# They may look inside (-Isrc), since some time single stages. bench/*.sh drive them; `make bench`
# runs bench/all.sh with $OUT and $CC set, or, without that script, each program by itself.

BENCH_ONE := $(patsubst bench/%.c,%,$(sort $(wildcard bench/*.c)))
BENCH_DIR := $(patsubst bench/%/,%,$(sort $(dir $(wildcard bench/*/*.c))))
BENCHES   := $(addprefix $(OUT)/bench/,$(BENCH_ONE) $(BENCH_DIR))

$(OUT)/bench-obj/%.o: bench/%.c $(OUT)/flags
	$(call compile,-Iinclude -Isrc -Ibench)

define bench-program
$(OUT)/bench/$(1): $(patsubst bench/%.c,$(OUT)/bench-obj/%.o,$(2)) $(LIB_A)
	@mkdir -p $$(@D); echo "  LD    $$@"; $(CC) -o $$@ $$^ $(LINK_FLAGS)
endef
$(foreach b,$(BENCH_ONE),$(eval $(call bench-program,$(b),bench/$(b).c)))
$(foreach b,$(BENCH_DIR),$(eval $(call bench-program,$(b),$(sort $(wildcard bench/$(b)/*.c)))))

.PHONY: bench bench-build
bench-build: $(TOOL) $(BENCHES)

bench: bench-build
	@if [ -x bench/all.sh ]; then OUT='$(OUT)' CC='$(CC)' bench/all.sh; \
	else for b in $(BENCHES); do echo "== $$b"; $$b || exit 1; done; fi
