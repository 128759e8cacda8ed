# fault: every program with each of its system calls and allocations failing in turn; see fault.c and run

FAULT_FLAGS =

fault: ## make the n-th allocation, read, write, ... of every program fail, for all n; FAULT_FLAGS="--sites 3 --case rec-*"
	@$(BUILD_ALL)
	@tests/fault/run $(BUILD) $(FAULT_FLAGS)

# Never under a sanitizer, whose allocator it is called before.
$(BUILD)/fault.so: tests/fault/fault.c
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) -std=c11 $(WARNINGS) $(WERROR) -D_GNU_SOURCE -O1 -g -fPIC -shared -o $@ $<

unit-tests: $(BUILD)/fault.so

.PHONY: fault
