# crash: kills, and every state that a crash may leave of what the programs do to files

KILLS = 1000

crash: ## kill training KILLS=1000 times and replay every crash of a save; see tests/crash/
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD) all
	@$(CRASH_PYTHON) tests/crash/kills.py $(BUILD) --kills $(KILLS)
	@$(CRASH_PYTHON) tests/crash/replay.py $(BUILD)

# The first Python that has Debian's python3-xxhash.
CRASH_PYTHON = $(shell for python in $(PYTHON) /usr/bin/python3; do "$$python" -c 'import xxhash' 2>/dev/null && echo "$$python" && break; done)

.PHONY: crash
