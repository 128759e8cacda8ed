# damage: what the streams promise, tried to the end; `make check` has a sample

COMMANDS =
GB       = 5

damage: ## streams of every type, cut at every byte and flipped at every bit, into every program; COMMANDS=REGEX
	@$(BUILD_ALL)
	@PATH=$(abspath $(BUILD)):$$PATH $(PYTHON) tests/damage/run.py 0 '$(COMMANDS)'

large-stream: ## a stream of GB=5 through a pipe of filters, and the memory that each took
	@$(BUILD_ALL)
	@PATH=$(abspath $(BUILD)):$$PATH $(PYTHON) tests/damage/large.py $(GB)

.PHONY: damage large-stream
