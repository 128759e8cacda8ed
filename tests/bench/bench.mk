# bench: bertpipe and PyTorch side by side. BENCH_FLAGS: see tests/bench/run.py --help

bench: $(PARITY_VENV)/ready $(BUILD)/bench/gemm-peak ## measure speed and memory beside PyTorch (as `make parity`)
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD) all
	@BUILD=$(BUILD) $(PARITY_VENV)/bin/python tests/bench/run.py $(BENCH_FLAGS)

bench-latency: $(PARITY_VENV)/ready ## start to first answer, and answers in a live pipe; BENCH_FLAGS='--flags "--dtype bf16"'
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD) all
	@BUILD=$(BUILD) $(PARITY_VENV)/bin/python tests/bench/latency.py $(BENCH_FLAGS)

bench-tokenizer: $(PARITY_VENV)/ready $(BUILD)/bench/tokenise ## speed of the tokeniser beside nanotoken and tokenizers
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD) all
	@BUILD=$(BUILD) $(PARITY_VENV)/bin/python tests/bench/tokenise.py $(BENCH_FLAGS)

bench-adversarial: $(BUILD)/bench/tokenise ## the tokeniser with input that is made to hurt: linear time, bounded memory
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD) all
	@BUILD=$(BUILD) $(PYTHON) tests/bench/adversarial.py $(BENCH_FLAGS)

$(BUILD)/bench/gemm-peak $(BUILD)/bench/tokenise: $(BUILD)/bench/%: tests/bench/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_) $(CFLAGS_) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LDLIBS_)

.PHONY: bench bench-latency bench-tokenizer bench-adversarial
