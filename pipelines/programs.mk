# For the pipelines: the programs of a build of these sources, or else those installed with this file, come before others.

BESIDE := $(dir $(lastword $(MAKEFILE_LIST)))
BUILD   = $(or $(patsubst %/bert-train,%,$(firstword $(wildcard $(BESIDE)../build/bert-train $(BESIDE)../../bin/bert-train))),$(BESIDE)../build)
export PATH := $(abspath $(BUILD)):$(PATH)
