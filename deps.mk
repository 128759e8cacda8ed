# deps: the Debian packages that building, testing and the demo need

DEBIAN_PACKAGES = gcc libc6-dev make \
	libmsgpack-dev libjansson-dev libyajl-dev libcsv-dev libarchive-dev libcurl4-openssl-dev libssl-dev libxxhash-dev \
	bats python3 python3-pip python3-venv python3-msgpack python3-xxhash ca-certificates openssl mandoc universal-ctags gnuplot-nox jq strace zsh
LINT_PACKAGES = clang clang-format
COVERAGE_PACKAGES = gcovr
FUZZ_PACKAGES = clang libclang-rt-14-dev

MISSING = for package in $(1); do \
	dpkg-query -W -f '$${db:Status-Status}\n' $$package 2>/dev/null | grep -qx installed || printf ' %s' $$package; done

define INSTALL_MISSING
	@command -v dpkg-query >/dev/null || { \
	    echo "deps: this is not Debian; install the equivalents of:$(1:%= %)" >&2; exit 1; }; \
	missing=$$($(call MISSING,$(1))); \
	if [ -z "$$missing" ]; then echo "deps: everything is installed"; exit 0; fi; \
	sudo=; if [ "$$(id -u)" != 0 ]; then sudo=sudo; \
	    command -v sudo >/dev/null || { echo "deps: neither root nor sudo; install:$$missing" >&2; exit 1; }; fi; \
	echo "deps: installing from Debian:$$missing"; \
	$$sudo apt-get update -q && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing
endef

deps: ## install what is missing from Debian (as root or with sudo)
	$(call INSTALL_MISSING,$(DEBIAN_PACKAGES))

lint-deps: ## install what `make lint` needs besides
	$(call INSTALL_MISSING,$(DEBIAN_PACKAGES) $(LINT_PACKAGES))

coverage-deps: ## install what `make coverage` needs besides
	$(call INSTALL_MISSING,$(DEBIAN_PACKAGES) $(COVERAGE_PACKAGES))

fuzz-deps: ## install what `make fuzz` needs besides
	$(call INSTALL_MISSING,$(DEBIAN_PACKAGES) $(FUZZ_PACKAGES))

# With `make -j deps check`, nothing else begins before the packages are there.
DEPS_TARGETS = deps lint-deps coverage-deps fuzz-deps
ifneq ($(filter $(DEPS_TARGETS),$(MAKECMDGOALS)),)
$(filter-out $(DEPS_TARGETS) help clean,$(MAKECMDGOALS)) $(OBJ)/flags: | $(filter $(DEPS_TARGETS),$(MAKECMDGOALS))
endif

.PHONY: $(DEPS_TARGETS)
