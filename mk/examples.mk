# examples.mk - programs that see include/ and the archive only: each examples/*.c is one.

EXAMPLES := $(patsubst examples/%.c,$(OUT)/examples/%,$(sort $(wildcard examples/*.c)))

$(OUT)/examples/%: examples/%.c $(LIB_A) $(OUT)/flags
	@mkdir -p $(@D); echo "  CC    $<"; \
	$(CC) -Iinclude $(BASE_FLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIB_A) $(LINK_FLAGS)

# README's program, exactly as it stands there.
$(OUT)/examples/readme.c: README.md
	@mkdir -p $(@D); awk '/^```c$$/ { on = 1; next } /^```/ { on = 0 } on' $< > $@

$(OUT)/examples/readme: $(OUT)/examples/readme.c $(LIB_A) $(OUT)/flags
	@echo "  CC    README.md"; $(CC) -Iinclude $(BASE_FLAGS) -o $@ $< $(LIB_A) $(LINK_FLAGS)

.PHONY: examples run
examples: $(EXAMPLES)

run: $(OUT)/examples/brainfuck
	$(OUT)/examples/brainfuck $(ARGS)
