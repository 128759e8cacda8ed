# crash, soak: kills, and every state that a crash may leave of what the programs do to files

KILLS = 1000

crash: ## kill training KILLS=1000 times and replay every crash of a save; see tests/crash/
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD) all
	@$(CRASH_PYTHON) tests/crash/kills.py $(BUILD) --kills $(KILLS)
	@$(CRASH_PYTHON) tests/crash/replay.py $(BUILD)

soak: ## stop and kill the programs of pipes at random, for T=60 seconds; see tests/crash/soak.py
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD) all
	@$(CRASH_PYTHON) tests/crash/soak.py $(BUILD) --seconds $(T)

# The first Python that has Debian's python3-xxhash.
CRASH_PYTHON = $(shell for python in $(PYTHON) /usr/bin/python3; do "$$python" -c 'import xxhash' 2>/dev/null && echo "$$python" && break; done)

.PHONY: crash soak
