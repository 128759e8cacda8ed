# bench: bertpipe and PyTorch side by side. BENCH_FLAGS: see tests/bench/run.py --help

bench: $(PARITY_VENV)/ready $(BUILD)/bench/gemm-peak ## measure speed and memory beside PyTorch (as `make parity`)
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD) all
	@BUILD=$(BUILD) $(PARITY_VENV)/bin/python tests/bench/run.py $(BENCH_FLAGS)

$(BUILD)/bench/gemm-peak: tests/bench/gemm-peak.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_) $(CFLAGS_) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LDLIBS_)

.PHONY: bench
