# demo, check, asan, coverage, lint, parity, bench, fuzz, damage, crash, fault

# Within `make -j`, the submakes share its jobs; else they take every core.
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
BUILD_ALL = $(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD) all unit-tests

unit-tests: $(UNIT_TESTS) $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/tests/test_fuzz_%)

demo: ## train on the bundled reviews, evaluate, classify three texts
	@$(MAKE) --no-print-directory $(JOBS) all
	@$(MAKE) --no-print-directory -f pipelines/demo.mk BUILD=$(BUILD)

check: ## run all tests that need only Debian packages
	@$(BUILD_ALL)
	@tests/run $(BUILD)

asan: ## the same tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory check BUILD=build/asan \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined'

# Without optimisation every branch of the source is one; threads and processes count in the same files.
coverage: ## the same tests, then which lines and branches they ran; COVERAGE=common/text for that folder or file alone
	@mkdir -p build/coverage
	@find build/coverage -name '*.gcda' -delete
	@status=0; $(MAKE) --no-print-directory check BUILD=build/coverage CC=gcc \
	    CFLAGS='-O0 -g --coverage -fprofile-update=atomic' || status=1; \
	tests/coverage build/coverage $(COVERAGE) && exit $$status

lint: ## formatting, lengths, includes, manual pages, and both compilers' warnings
	@tests/lint.sh
	@$(MAKE) --no-print-directory $(JOBS) CC=gcc BUILD=build/lint-gcc CFLAGS=-O2 WERROR=-Werror all unit-tests
	@$(MAKE) --no-print-directory $(JOBS) CC=clang BUILD=build/lint-clang CFLAGS=-O2 WERROR=-Werror all unit-tests

parity: $(PARITY_VENV)/ready ## compare with Hugging Face (downloads PyTorch into a virtual environment)
	@$(BUILD_ALL)
	@PYTHON=$(PARITY_VENV)/bin/python tests/run $(BUILD) tests/parity/*.bats

parity-tokenizer: $(PARITY_VENV)/ready ## the tokeniser alone; STRINGS=N random strings for each vocabulary
	@$(BUILD_ALL)
	@PYTHON=$(PARITY_VENV)/bin/python BUILD=$(abspath $(BUILD)) bats tests/parity/tokenizer.bats

$(PARITY_VENV)/ready: tests/parity/requirements.txt
	$(PYTHON) -m venv $(PARITY_VENV)
	$(PARITY_VENV)/bin/python -m pip install -q -r $<
	@touch $@

include $(wildcard tests/bench/bench.mk)
include tests/fuzz/fuzz.mk
include tests/damage/damage.mk
include tests/crash/crash.mk
include tests/fault/fault.mk

.PHONY: unit-tests demo check asan coverage lint parity parity-tokenizer
