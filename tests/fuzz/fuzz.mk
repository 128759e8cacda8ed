# fuzz: every tests/fuzz/NAME.c under libFuzzer and the sanitizers; for `make check`, over its corpus alone; see fuzz.h

T       = 60
TARGETS = $(FUZZ_SOURCES:tests/fuzz/%.c=%)

fuzz: ## feed the libraries made-up inputs for T=60 seconds a target (make fuzz-deps installs what it needs); TARGETS=NAME
	@$(MAKE) --no-print-directory $(JOBS) CC=clang BUILD=build/fuzz fuzz-targets \
	    CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined'
	@for target in $(TARGETS); do tests/fuzz/run build/fuzz "$$target" $(T) || exit 1; done

fuzz-targets: $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/fuzz/%)

$(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $(OBJ)/tests/fuzz/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(SAY) LD $@
	$(Q)$(CC) $(CFLAGS_) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(LIBRARY) $(LDLIBS_)

$(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/tests/test_fuzz_%): $(BUILD)/tests/test_fuzz_%: $(OBJ)/tests/fuzz/%.o $(OBJ)/tests/fuzz/replay.o $(LIBRARY)
	@mkdir -p $(@D)
	$(SAY) LD $@
	$(Q)$(CC) $(CFLAGS_) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBRARY) $(LDLIBS_)

.PHONY: fuzz fuzz-targets
