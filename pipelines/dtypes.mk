# The same training in each type of matrix products: the loss curves over each other as a picture, and the scores of each;
# and what int8 makes of the scores of the first one's model.
#
#   make -f pipelines/dtypes.mk MODEL=bert-base-uncased/ ARCHIVE=aclImdb_v1.tar.gz
#
# Settings are those of imdb.mk, which runs once for each of TYPES. Two metrics streams of one's own are drawn by
# `bert-report --png pictures -o page.html float32.mp bf16.mp` alone.

TYPES       = float32 bf16
WORK        = build/dtypes
TRAIN_FLAGS =

-include $(dir $(lastword $(MAKEFILE_LIST)))programs.mk

METRICS = $(TYPES:%=$(WORK)/%.mp)

.DELETE_ON_ERROR:
.NOTPARALLEL:

$(WORK)/page.html: $(METRICS) $(WORK)/int8.txt ## draw the curves, print the scores
	bert-report --title 'Training in $(TYPES)' --png $(WORK)/pictures -o $@ $(METRICS)
	@for type in $(TYPES:%=%/evaluation) int8; do printf '%s: ' $${type%/*}; sed -n '/^accuracy/p' $(WORK)/$$type.txt; done

$(WORK)/int8.txt: $(METRICS)
	bert-eval -m $(WORK)/$(firstword $(TYPES))/model --dtype int8 -o $@ $(WORK)/tokens/test.mp

# A run in a chart is called after its stream.
$(METRICS): $(WORK)/%.mp:
	@$(MAKE) --no-print-directory -f $(BESIDE)imdb.mk WORK=$(WORK)/$* TOKENS=$(WORK)/tokens BUILD=$(BUILD) \
	    TRAIN_FLAGS='--dtype $* $(TRAIN_FLAGS)' EVAL_FLAGS='--dtype $*' evaluate
	@cp $(WORK)/$*/metrics.mp $@
