# install and uninstall: the programs, their manual pages, completions and pipelines

MAN_PAGES := $(wildcard man/*.[157])
NAMES      = $(TOOLS:$(BUILD)/%=%)
ROOT       = $(DESTDIR)$(PREFIX)
BASH_DIR   = $(ROOT)/share/bash-completion/completions
ZSH_DIR    = $(ROOT)/share/zsh/site-functions
# Where IMDB's pipeline, the search over hyperparameters and the comparison of types are.
PIPES_DIR  = $(ROOT)/share/bertpipe
PIPELINES  = pipelines/imdb.mk pipelines/sweep.mk pipelines/dtypes.mk pipelines/programs.mk

install: all ## install into $(DESTDIR)$(PREFIX)
	mkdir -p "$(ROOT)/bin" "$(DESTDIR)$(MANDIR)/man1" "$(DESTDIR)$(MANDIR)/man5" "$(DESTDIR)$(MANDIR)/man7" \
	    "$(BASH_DIR)" "$(ZSH_DIR)" "$(PIPES_DIR)"
	install -m 755 $(TOOLS) "$(ROOT)/bin"
	install -m 755 pipelines/classify "$(ROOT)/bin/bert-classify"
	install -m 644 $(PIPELINES) "$(PIPES_DIR)"
	for page in $(MAN_PAGES); do install -m 644 $$page "$(DESTDIR)$(MANDIR)/man$${page##*.}" || exit 1; done
	for name in $(NAMES); do \
	    $(BUILD)/$$name --completion bash > "$(BASH_DIR)/$$name" && \
	    $(BUILD)/$$name --completion zsh > "$(ZSH_DIR)/_$$name" || exit 1; \
	done

uninstall: ## remove what install installed
	for name in $(NAMES); do rm -f "$(ROOT)/bin/$$name" "$(BASH_DIR)/$$name" "$(ZSH_DIR)/_$$name" || exit 1; done
	rm -f "$(ROOT)/bin/bert-classify" $(patsubst pipelines/%,"$(PIPES_DIR)/%",$(PIPELINES))
	for page in $(MAN_PAGES); do rm -f "$(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}" || exit 1; done
	rmdir "$(PIPES_DIR)" 2>/dev/null || :

.PHONY: install uninstall
