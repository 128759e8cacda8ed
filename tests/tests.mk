# demo, check, asan, tsan, valgrind, coverage, lint, parity, bench, fuzz, damage, crash, fault

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

# What runs on several threads: the kernels, training, evaluation, prediction and tokenising. The rest has one thread.
THREADED_UNITS = encode_stream nn_% text_% train_%
THREADED_BATS  = bert-eval bert-predict bert-train bert-train-% devices long-texts wp-tokenize
threaded       = $(filter $(THREADED_UNITS:%=$(BUILD)/tests/test_%),$(UNIT_TESTS)) $(filter $(THREADED_BATS:%=tests/%.bats),$(wildcard tests/*.bats))

tsan: ## the tests of what runs on threads under the thread sanitizer
	@$(MAKE) --no-print-directory tsan-check BUILD=build/tsan CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=thread'

tsan-check:
	@$(BUILD_ALL)
	@tests/run $(BUILD) $(threaded)

# Valgrind knows no AVX-512, and the programs see that. The fuzz targets' replays are left to `make asan`: they bound the memory.
VALGRIND_BATS  = $(TOOL_SOURCES:tools/%.c=%) bert-train-% devices long-texts wp-tokenize-decode
VALGRIND_TESTS = $(UNIT_TESTS:$(BUILD)/%=build/valgrind/%) $(filter $(VALGRIND_BATS:%=tests/%.bats),$(wildcard tests/*.bats))

valgrind: ## each program's tests under valgrind (an hour); VALGRIND_TESTS='build/valgrind/tests/test_stream tests/rec-cat.bats'
	@$(BUILD_ALL)
	@tests/valgrind $(BUILD) build/valgrind
	@tests/run build/valgrind $(VALGRIND_TESTS)

# Without optimisation every branch of the source is one; threads and processes count in the same files.
COVERED       = --no-print-directory BUILD=build/coverage CC=gcc CFLAGS='-O0 -g --coverage -fprofile-update=atomic'
FORGET_COUNTS = mkdir -p build/coverage && find build/coverage -name '*.gcda' -delete

coverage: ## the same tests, then which lines and branches they ran; COVERAGE=common/text for that folder or file alone
	@$(FORGET_COUNTS)
	@status=0; $(MAKE) $(COVERED) check || status=1; tests/coverage build/coverage $(COVERAGE) && exit $$status

# The tests of what reads from outside (tests/parsers.txt); without the engine's, which take most of the time.
PARSER_UNITS = cli cli_% data_% fuzz_% hub log_% model_% stream stream_corpus stream_wire text_files text_tokeniser train_state
PARSER_BATS  = arguments bert-fetch bert-init bert-train-checkpoints fault imdb-fetch readers rec-% stream wp-tokenize
of_parsers   = $(filter $(PARSER_UNITS:%=$(BUILD)/tests/test_%),$(UNIT_TESTS) $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/tests/test_fuzz_%)) \
    $(filter $(PARSER_BATS:%=tests/%.bats),$(wildcard tests/*.bats))

coverage-parsers: ## which lines and branches of the parsers their own tests run
	@$(FORGET_COUNTS)
	@status=0; $(MAKE) $(COVERED) check-parsers || status=1; tests/coverage build/coverage --parsers && exit $$status

check-parsers:
	@$(BUILD_ALL)
	@tests/run $(BUILD) $(of_parsers)

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

.PHONY: unit-tests demo check asan tsan tsan-check valgrind coverage coverage-parsers check-parsers lint parity parity-tokenizer
