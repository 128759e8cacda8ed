# What a builder may want to change; each can also be given on the command line: make CC=clang PREFIX=/usr

PREFIX  = /usr/local
MANDIR  = $(PREFIX)/share/man
DESTDIR =

CC      = gcc
AR      = ar
CFLAGS  = -O3 -g
LDFLAGS =

# -Werror makes warnings errors, as `make lint` and .ci/run have it. Compilers newer than those tested may warn of more.
WERROR  =

# The processor family decides which kernels are built; which of them runs is decided when a program starts.
ARCH    := $(shell uname -m)

# CUDA=1 also builds common/nn/cuda.
CUDA    = 0

# Where `make parity` keeps its Python reference (PyTorch and transformers; never needed to run bertpipe).
PARITY_VENV = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bertpipe/venv
PYTHON      = python3
