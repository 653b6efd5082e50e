# install.mk - the library, its headers, gantry.pc and the command below DESTDIR/PREFIX.

INCLUDEDIR ?= $(PREFIX)/include
LIBDIR     ?= $(PREFIX)/lib
BINDIR     ?= $(PREFIX)/bin
INSTALL    ?= install

$(OUT)/gantry.pc: gantry.pc.in FORCE
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	    -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

.PHONY: install uninstall
install: all $(OUT)/gantry.pc $(OUT)/gantry-wasm.pc
	$(INSTALL) -d $(DESTDIR)$(INCLUDEDIR)/gantry $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 644 include/gantry/* $(DESTDIR)$(INCLUDEDIR)/gantry
	$(INSTALL) -m 644 $(LIB_A) $(DESTDIR)$(LIBDIR)
	$(INSTALL) -m 755 $(LIB_SO) $(DESTDIR)$(LIBDIR)/libgantry.so.$(VERSION)
	ln -sf libgantry.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libgantry.so.$(SOVERSION)
	ln -sf libgantry.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libgantry.so
	$(INSTALL) -m 644 $(WASM_A) $(DESTDIR)$(LIBDIR)
	$(INSTALL) -m 755 $(WASM_SO) $(DESTDIR)$(LIBDIR)/libgantry-wasm.so.$(VERSION)
	ln -sf libgantry-wasm.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libgantry-wasm.so.$(SOVERSION)
	ln -sf libgantry-wasm.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libgantry-wasm.so
	$(INSTALL) -m 644 $(OUT)/gantry.pc $(OUT)/gantry-wasm.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	$(INSTALL) -m 755 $(TOOL) $(DESTDIR)$(BINDIR)

uninstall:
	rm -rf $(DESTDIR)$(INCLUDEDIR)/gantry
	rm -f $(DESTDIR)$(LIBDIR)/libgantry.* $(DESTDIR)$(LIBDIR)/libgantry-wasm.* \
	    $(DESTDIR)$(LIBDIR)/pkgconfig/gantry.pc $(DESTDIR)$(LIBDIR)/pkgconfig/gantry-wasm.pc \
	    $(DESTDIR)$(BINDIR)/gantry
