# install and uninstall: the programs and their manual pages

MAN_PAGES := $(wildcard man/*.[157])

install: all ## install into $(DESTDIR)$(PREFIX)
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7
	install -m 755 $(TOOLS) $(DESTDIR)$(PREFIX)/bin
	for page in $(MAN_PAGES); do install -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.} || exit 1; done

uninstall: ## remove what install installed
	rm -f $(TOOLS:$(BUILD)/%=$(DESTDIR)$(PREFIX)/bin/%)
	for page in $(MAN_PAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done

.PHONY: install uninstall
