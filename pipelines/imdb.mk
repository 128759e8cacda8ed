# Sentiment of film reviews, end to end: fetch, tokenise, train, evaluate, predict. Every stage is a file that make keeps, and
# appears only when it is whole.
#
#   make -f pipelines/imdb.mk MODEL=bert-base-uncased/            downloads IMDB (80 MB)
#   make -f pipelines/imdb.mk MODEL=... ARCHIVE=aclImdb_v1.tar.gz reads a local copy
#
# MODEL is a Hugging Face model folder, or the name of a cached model. Results go to WORK; with other settings give another WORK.

MODEL          =
ARCHIVE        =
ARCHIVE_MD5    =
WORK           = build/imdb
# Where the tokens are kept.
TOKENS         = $(WORK)
LENGTH         = 512
EPOCHS         = 3
BATCH          = 16
LEARNING_RATE  = 5e-5
WARMUP         = 500
WEIGHT_DECAY   = 0.01
SEED           = 42
# Empty: as the model's config.json says.
DROPOUT        =
TRAIN_FLAGS    =
EVAL_FLAGS     =
TOKENIZE_FLAGS = -j $(shell nproc)

-include $(dir $(lastword $(MAKEFILE_LIST)))programs.mk

RUN   = $(WORK)/model
FETCH = imdb-fetch $(if $(ARCHIVE),-a $(ARCHIVE)) $(if $(ARCHIVE_MD5),--verify --md5 $(ARCHIVE_MD5))

define TEXTS
This movie was absolutely fantastic! I loved every minute of it.
I was really disappointed with this film. The plot was boring and predictable.
It was okay, nothing special but not terrible either.
endef
export TEXTS

ifeq ($(MODEL)$(filter clean,$(MAKECMDGOALS)),)
$(error give MODEL=FOLDER, a Hugging Face model folder, or the name of a cached one)
endif

.DELETE_ON_ERROR:
.NOTPARALLEL:

predict: $(WORK)/predictions.txt evaluate ## classify three texts with the trained model
	@echo
	@cat $<

evaluate: $(WORK)/evaluation.txt ## accuracy on the test reviews
	@cat $<

train: $(RUN)/bertpipe.json ## train the model

$(TOKENS)/train.mp $(TOKENS)/test.mp: $(TOKENS)/%.mp: $(wildcard $(MODEL)/config.json) $(ARCHIVE)
	@mkdir -p $(@D)
	$(FETCH) -s $* | wp-tokenize -m $(MODEL) -L $(LENGTH) $(TOKENIZE_FLAGS) -o $@

$(RUN)/bertpipe.json: $(TOKENS)/train.mp $(TOKENS)/test.mp
	@mkdir -p $(WORK)
	bert-train -m $(MODEL) -o $(RUN) --eval $(TOKENS)/test.mp --num-train-epochs $(EPOCHS) \
	    --per-device-train-batch-size $(BATCH) --learning-rate $(LEARNING_RATE) \
	    --warmup-steps $(WARMUP) --weight-decay $(WEIGHT_DECAY) --seed $(SEED) \
	    $(if $(DROPOUT),--dropout $(DROPOUT)) $(TRAIN_FLAGS) < $(TOKENS)/train.mp > $(WORK)/metrics.part
	@mv $(WORK)/metrics.part $(WORK)/metrics.mp
	@test -e $@

$(WORK)/evaluation.txt: $(RUN)/bertpipe.json $(TOKENS)/test.mp
	bert-eval -m $(RUN) $(EVAL_FLAGS) -o $@ < $(TOKENS)/test.mp

$(WORK)/predictions.txt: $(RUN)/bertpipe.json
	printf '%s\n' "$$TEXTS" | rec-load | wp-tokenize -k -m $(RUN) -L $(LENGTH) | \
	    bert-predict -m $(RUN) -f text -o $@

clean: ## remove WORK
	rm -rf $(WORK)

.PHONY: predict evaluate train clean
