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
# gcc's -O2, which distributions ask for, leaves most loops as they are.
KERNEL_MATH += $(if $(filter -O2,$(CFLAGS)),-O3)

# The files of nn/cpu that are compiled more than once, and what for. Which runs is decided when a program starts.
KERNELS_x86_64   = avx512 avx2
KERNELS          = $(KERNELS_$(ARCH)) portable
BF16_x86_64      = amx avx512bf16
BF16             = $(BF16_$(ARCH)) emulated
VNNI_x86_64      = avx512vnni avxvnni
VNNI             = $(VNNI_$(ARCH))
BFP_x86_64       = $(VNNI) avx2
BFP              = $(BFP_$(ARCH))
FLAGS_avx512     = -march=x86-64-v4 -mprefer-vector-width=512
FLAGS_avx2       = -march=x86-64-v3
FLAGS_portable   =
FLAGS_avx512bf16 = $(FLAGS_avx512) -mavx512bf16
FLAGS_amx        = $(FLAGS_avx512) -mavx512bf16 -mamx-tile -mamx-bf16 -DAMX
FLAGS_emulated   = -DAMX -DEMULATED
FLAGS_avx512vnni = $(FLAGS_avx512) -mavx512vnni
FLAGS_avxvnni    = $(FLAGS_avx2) -mavxvnni

# Every .c file in common/ is in the library, every one in tools/ is a program, every tests/unit/test_*.c a test.
VARIANT_SOURCES = $(addprefix common/nn/cpu/,kernels.c products.c products_bf16.c products_bfp.c products_int8.c)
COMMON_SOURCES := $(filter-out $(VARIANT_SOURCES),$(wildcard common/*/*.c common/*/*/*.c))
ifneq ($(CUDA),1)
COMMON_SOURCES := $(filter-out common/nn/cuda/%,$(COMMON_SOURCES))
endif
TOOL_SOURCES := $(wildcard tools/*.c)
TEST_SOURCES := $(wildcard tests/unit/test_*.c)
FUZZ_SOURCES := $(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c))

OBJ            = $(BUILD)/obj
PLAIN_OBJECTS  := $(patsubst %.c,$(OBJ)/%.o,$(COMMON_SOURCES) $(TOOL_SOURCES) $(TEST_SOURCES) $(FUZZ_SOURCES) tests/fuzz/replay.c)
CPU_OBJ         = $(OBJ)/common/nn/cpu
KERNEL_OBJECTS := $(KERNELS:%=$(CPU_OBJ)/kernels-%.o) $(KERNELS:%=$(CPU_OBJ)/products-%.o)
PRODUCT_OBJECTS := $(BF16:%=$(CPU_OBJ)/products_bf16-%.o) $(BFP:%=$(CPU_OBJ)/products_bfp-%.o) $(VNNI:%=$(CPU_OBJ)/products_int8-%.o)
LIB_OBJECTS    := $(COMMON_SOURCES:%.c=$(OBJ)/%.o) $(KERNEL_OBJECTS) $(PRODUCT_OBJECTS)
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

# FILE-VARIANT.o is FILE.c for that variant.
variant = $(lastword $(subst -, ,$(*F)))
$(KERNEL_OBJECTS) $(PRODUCT_OBJECTS): %.o: $(OBJ)/flags
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) $(KERNEL_MATH) $(FLAGS_$(variant)) $(VARIANT_NAME)=$(variant) -o $@ $(source)
$(KERNEL_OBJECTS): VARIANT_NAME = -DKERNELS
$(PRODUCT_OBJECTS): VARIANT_NAME = -DPRODUCTS
source = common/nn/cpu/$(firstword $(subst -, ,$(@F))).c

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

-include $(PLAIN_OBJECTS:.o=.d) $(KERNEL_OBJECTS:.o=.d) $(PRODUCT_OBJECTS:.o=.d)

include tests/tests.mk
include deps.mk
include install.mk

clean: ## remove build/
	rm -rf build

.PHONY: all help clean FORCE
