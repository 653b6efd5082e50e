# docs.mk - docs/instructions.md, made from the tables of the IR.

$(OUT)/opdoc: tools/opdoc.c $(OUT)/flags
	@mkdir -p $(@D); echo "  CC    $<"; \
	$(CC) -Iinclude $(BASE_FLAGS) -MMD -MP -MF $@.d -o $@ $< $(LINK_FLAGS)

.PHONY: docs
docs: $(OUT)/opdoc
	$(OUT)/opdoc > docs/instructions.md
