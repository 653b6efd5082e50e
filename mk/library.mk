# library.mk - the library from src/ and the command from tools/gantry/, by wildcard.
# One set of position-independent objects serves the archive and the shared object.

LIB_DIRS = support ir opt machinst regalloc jit object backends/x86_64 backends/aarch64
LIB_SRC := $(sort $(wildcard $(LIB_DIRS:%=src/%/*.c)))
LIB_OBJ := $(LIB_SRC:%.c=$(OUT)/%.o) $(OUT)/gen/rules.o
LIB_A   := $(OUT)/libgantry.a
LIB_SO  := $(OUT)/libgantry.so

TOOL_SRC := $(sort $(wildcard tools/gantry/*.c))
TOOL_OBJ := $(TOOL_SRC:%.c=$(OUT)/%.o)
TOOL     := $(OUT)/gantry

# The interpreter defines the meaning of float code: nothing may be contracted, and square root
# must be the instruction, not a call into libm.
FP_FLAGS = -ffp-contract=off -fno-math-errno

compile = @mkdir -p $(@D); echo "  CC    $<"; \
          $(CC) $(1) $(BASE_FLAGS) -MMD -MP -c -o $@ $<

$(OUT)/src/%.o: src/%.c $(OUT)/flags
	$(call compile,-Iinclude -Isrc -fPIC -fvisibility=hidden -DJIT_BUILD=1 $(FP_FLAGS))

# The command runs the code of other machines where Unicorn is installed; UNICORN= leaves it out.
UNICORN ?= $(shell pkg-config --exists unicorn 2>/dev/null && echo 1)
UNICORN_FLAGS = $(if $(UNICORN),-DHAVE_UNICORN $(shell pkg-config --cflags unicorn))
UNICORN_LIBS  = $(if $(UNICORN),$(shell pkg-config --libs unicorn) -lm)

# The rewrite rules become C by a program of the machine that builds, whatever CC builds for.
RULES  := $(sort $(wildcard src/opt/rules/*.rules))
HOSTCC ?= cc
RULEC  := $(BUILD)/rulec

$(RULEC): $(wildcard tools/rulec/*.c tools/rulec/*.h) include/gantry/jit_opcodes.def
	@mkdir -p $(@D); echo "  CC    tools/rulec"
	@$(HOSTCC) -std=c17 $(WARNINGS) -O1 -Iinclude -o $@.$$$$ $(filter %.c,$^) && mv $@.$$$$ $@

$(OUT)/gen/rules.c: $(RULES) $(RULEC)
	@mkdir -p $(@D); echo "  RULEC $(words $(RULES)) files"; $(RULEC) $(RULES) > $@

$(OUT)/gen/rules.o: $(OUT)/gen/rules.c $(OUT)/flags
	$(call compile,-Iinclude -Isrc -fPIC -fvisibility=hidden -DJIT_BUILD=1 $(FP_FLAGS))

# Public headers only, as for any other host program.
$(OUT)/tools/%.o: tools/%.c $(OUT)/flags
	$(call compile,-Iinclude $(UNICORN_FLAGS))

$(LIB_A): $(LIB_OBJ) $(OUT)/objects
	@echo "  AR    $@"; rm -f $@; $(AR) rcs $@ $(LIB_OBJ)

$(LIB_SO): $(LIB_OBJ) $(OUT)/objects
	@echo "  LD    $@"
	@$(CC) -shared -Wl,-soname,libgantry.so.$(SOVERSION) $(if $(SAN),,-Wl,-z,defs) \
	    -Wl,-z,relro,-z,now,-Bsymbolic-functions -o $@ $(LIB_OBJ) $(LINK_FLAGS)

$(TOOL): $(TOOL_OBJ) $(WASM_A) $(LIB_A) $(OUT)/tool-objects
	@echo "  LD    $@"; $(CC) -o $@ $(TOOL_OBJ) $(WASM_A) $(LIB_A) $(LINK_FLAGS) $(UNICORN_LIBS)
