# wasm.mk - the WebAssembly front end: libgantry-wasm from frontends/wasm/, on public headers only.

WASM_SRC := $(sort $(wildcard frontends/wasm/*.c))
WASM_OBJ := $(WASM_SRC:%.c=$(OUT)/%.o)
WASM_A   := $(OUT)/libgantry-wasm.a
WASM_SO  := $(OUT)/libgantry-wasm.so

$(OUT)/frontends/wasm/%.o: frontends/wasm/%.c $(OUT)/flags
	$(call compile,-Iinclude -fPIC -fvisibility=hidden)

$(WASM_A): $(WASM_OBJ) $(OUT)/wasm-objects
	@echo "  AR    $@"; rm -f $@; $(AR) rcs $@ $(WASM_OBJ)

$(WASM_SO): $(WASM_OBJ) $(OUT)/libgantry.so $(OUT)/wasm-objects
	@echo "  LD    $@"
	@$(CC) -shared -Wl,-soname,libgantry-wasm.so.$(SOVERSION) $(if $(SAN),,-Wl,-z,defs) \
	    -Wl,-z,relro,-z,now,-Bsymbolic-functions -o $@ $(WASM_OBJ) -L$(OUT) -lgantry $(LINK_FLAGS)

# Programs of the ecosystem say #include <wasm.h>: with these flags that is <gantry/wasm.h>.
$(OUT)/gantry-wasm.pc: frontends/wasm/gantry-wasm.pc.in FORCE
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	    -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

# QuickJS as a WASI command at every level against the same engine natively. Fetches and builds it
# below BUILD first, unless it is there.
.PHONY: test-quickjs
test-quickjs: all
	@scripts/get-quickjs.sh $(BUILD)/quickjs || [ $$? = 77 ]
	@python3 tests/quickjs/run.py $(OUT)/gantry $(BUILD)/quickjs
