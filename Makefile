# bertpipe. `make help` lists the targets, config.mk holds what can be changed.

include config.mk

BUILD = build

WARNINGS   = -Wall -Wextra -Wpedantic
CPPFLAGS_  = -D_GNU_SOURCE -Icommon $(CPPFLAGS)
CFLAGS_    = -std=c11 $(WARNINGS) -pthread $(CFLAGS)
COMPILE    = $(CC) $(CPPFLAGS_) $(CFLAGS_) $(WERROR) -MMD -MP -c
LDLIBS_    = -lmsgpackc -ljansson -lyajl -lcsv -larchive -lcurl -lcrypto -lxxhash -lm -lpthread $(LDLIBS)
# Contraction is a choice of the compiler's, so results outside the kernels would depend on it.
PLAIN_MATH  = -ffp-contract=off
KERNEL_MATH = -ffp-contract=fast -fno-math-errno -fno-trapping-math

KERNELS_x86_64 = avx512 avx2
KERNELS        = $(KERNELS_$(ARCH)) portable
MARCH_avx512   = -march=x86-64-v4 -mprefer-vector-width=512
MARCH_avx2     = -march=x86-64-v3
MARCH_portable =

# Every .c file in common/ is in the library, every one in tools/ is a program, every tests/unit/test_*.c a test.
KERNEL_SOURCE  := $(wildcard common/nn/cpu/kernels.c)
COMMON_SOURCES := $(filter-out $(KERNEL_SOURCE),$(wildcard common/*/*.c common/*/*/*.c))
ifneq ($(CUDA),1)
COMMON_SOURCES := $(filter-out common/nn/cuda/%,$(COMMON_SOURCES))
endif
TOOL_SOURCES := $(wildcard tools/*.c)
TEST_SOURCES := $(wildcard tests/unit/test_*.c)
FUZZ_SOURCES := $(wildcard tests/fuzz/*.c)

OBJ            = $(BUILD)/obj
PLAIN_OBJECTS  := $(patsubst %.c,$(OBJ)/%.o,$(COMMON_SOURCES) $(TOOL_SOURCES) $(TEST_SOURCES) $(FUZZ_SOURCES))
KERNEL_OBJECTS := $(if $(KERNEL_SOURCE),$(KERNELS:%=$(OBJ)/common/nn/cpu/kernels_%.o))
LIB_OBJECTS    := $(COMMON_SOURCES:%.c=$(OBJ)/%.o) $(KERNEL_OBJECTS)
LIBRARY        = $(BUILD)/libbertpipe.a
TOOLS          := $(TOOL_SOURCES:tools/%.c=$(BUILD)/%)
UNIT_TESTS     := $(TEST_SOURCES:tests/unit/%.c=$(BUILD)/tests/%)

# V=1 shows the commands.
Q   = $(if $(filter 1,$(V)),,@)
SAY = @$(if $(filter 1,$(V)),:,echo)

.DELETE_ON_ERROR:
.SUFFIXES:

all: $(TOOLS) ## build the programs into build/ (default)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(PLAIN_OBJECTS): $(OBJ)/%.o: %.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) $(PLAIN_MATH) -o $@ $<

$(KERNEL_OBJECTS): $(OBJ)/common/nn/cpu/kernels_%.o: common/nn/cpu/kernels.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) $(KERNEL_MATH) $(MARCH_$*) -DKERNELS=$* -o $@ $<

$(LIBRARY): $(LIB_OBJECTS) $(OBJ)/members
	@rm -f $@
	$(SAY) AR $@
	$(Q)$(AR) qcs $@ $(LIB_OBJECTS)

$(TOOLS): $(BUILD)/%: $(OBJ)/tools/%.o $(LIBRARY)
	$(SAY) LD $@
	$(Q)$(CC) $(CFLAGS_) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LDLIBS_)

$(UNIT_TESTS): $(BUILD)/tests/%: $(OBJ)/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(SAY) LD $@
	$(Q)$(CC) $(CFLAGS_) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LDLIBS_)

# Two files that change only when their contents do: other flags rebuild everything, a source that went away the library.
$(OBJ)/flags: CONTENTS = $(CC) $(CPPFLAGS_) $(CFLAGS_) $(PLAIN_MATH) $(KERNEL_MATH) $(LDFLAGS)
$(OBJ)/members: CONTENTS = $(LIB_OBJECTS)
$(OBJ)/flags $(OBJ)/members: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CONTENTS))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(CONTENTS))' > $@

FORCE:

-include $(PLAIN_OBJECTS:.o=.d) $(KERNEL_OBJECTS:.o=.d)

include tests/tests.mk
include deps.mk
include install.mk

clean: ## remove build/
	rm -rf build

.PHONY: all help clean FORCE
