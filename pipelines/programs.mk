# For the pipelines: the programs of a build of these sources, or else those installed with this file, come before others.
# Where this file's path has a space, which make takes for two names, they are those of PATH.

BESIDE := $(dir $(lastword $(MAKEFILE_LIST)))
BUILD   = $(or $(patsubst %/bert-train,%,$(firstword $(wildcard $(BESIDE)../build/bert-train $(BESIDE)../../bin/bert-train))),$(BESIDE)../build)
export PATH := $(abspath $(BUILD)):$(PATH)
