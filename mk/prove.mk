# prove.mk - proofs of the rewrite rules in src/opt/rules (docs/rules.md). Needs Python's Z3.

PROVE_CACHE := $(BUILD)/prove.cache

.PHONY: prove prove-semantics
prove:
	@mkdir -p $(dir $(PROVE_CACHE))
	python3 tools/prove/prove.py --cache $(PROVE_CACHE) $(RULES)

# What the prover takes instructions to mean, against the interpreter.
prove-semantics: $(TOOL)
	python3 tools/prove/check_semantics.py $(TOOL) $(COUNT)
