# A search over learning rates, batch sizes, epochs and dropout: every combination is a run that make keeps, and the runs are
# ranked by what they reach in evaluation.
#
#   make -f pipelines/sweep.mk MODEL=bert-base-uncased/ TRAIN=train.mp EVAL=valid.mp LEARNING_RATES='2e-5 5e-5' EPOCHS='2 3'
#   make -f pipelines/sweep.mk MODEL=... ARCHIVE=aclImdb_v1.tar.gz SAMPLE=20      twenty combinations, drawn at random
#
# TRAIN and EVAL are tokens streams; without them IMDB is fetched and tokenised, once. Stopped at any moment, by a signal or a
# power cut, it goes on from its last checkpoints. Other combinations add runs, and only those are trained; with another MODEL,
# TRAIN, EVAL or TRAIN_FLAGS each run begins anew. Give -j 2 and THREADS=4 to train two at a time on eight cores.

MODEL          =
WORK           = build/sweep
TRAIN          = $(WORK)/train.mp
EVAL           = $(WORK)/test.mp
LEARNING_RATES = 2e-5 3e-5 5e-5
BATCH_SIZES    = 16 32
EPOCHS         = 3
DROPOUTS       = 0.1
SEEDS          = 42
# How many combinations, drawn at random (the same for the same DRAW); empty: all.
SAMPLE         =
DRAW           = 1
# What ranks the runs: a score of bert-eval. loss is the better the lower.
METRIC         = accuracy
THREADS        = 0
TRAIN_FLAGS    =
# Of IMDB, when TRAIN and EVAL are not given.
ARCHIVE        =
LENGTH         = 256

-include $(dir $(lastword $(MAKEFILE_LIST)))programs.mk

ifeq ($(MODEL)$(filter clean,$(MAKECMDGOALS)),)
$(error give MODEL=FOLDER, a Hugging Face model folder, or the name of a cached one)
endif

GRID = $(foreach lr,$(LEARNING_RATES),$(foreach b,$(BATCH_SIZES),$(foreach n,$(EPOCHS),$(foreach d,$(DROPOUTS), \
	$(foreach s,$(SEEDS),lr-$(lr)_batch-$(b)_epochs-$(n)_dropout-$(d)_seed-$(s))))))
# Sorted by a checksum of the name and DRAW.
RUNS := $(if $(SAMPLE),$(shell for run in $(GRID); do \
	printf '%s %s\n' "$$(printf '%s' '$(DRAW) '"$$run" | cksum)" $$run; done | sort -n | head -n $(SAMPLE) | sed 's/.* //'),$(GRID))

.DELETE_ON_ERROR:
.SECONDARY:

rank: $(WORK)/ranking.txt ## train what is missing, and print the ranking
	@cat $<

picture: $(WORK)/ranking.svg $(WORK)/ranking.png $(WORK)/curves.html ## draw the ranking and all curves; needs gnuplot

$(WORK)/train.mp $(WORK)/test.mp: $(WORK)/%.mp: $(WORK)/tokens-settings $(wildcard $(MODEL)/config.json) $(ARCHIVE)
	imdb-fetch $(if $(ARCHIVE),-a $(ARCHIVE)) -s $* | wp-tokenize -m $(MODEL) -L $(LENGTH) -o $@

# Two files that change only when their contents do.
$(WORK)/tokens-settings: CONTENTS = $(MODEL) $(LENGTH) $(ARCHIVE)
$(WORK)/runs-settings: CONTENTS = $(MODEL) $(TRAIN) $(EVAL) $(TRAIN_FLAGS)
$(WORK)/tokens-settings $(WORK)/runs-settings: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CONTENTS))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(CONTENTS))' > $@

settings = --learning-rate $(strip $(subst _seed-, --seed ,$(subst _dropout-, --dropout ,$(subst _epochs-, --num-train-epochs , \
	$(subst _batch-, --per-device-train-batch-size ,$(1:lr-%=%))))))

# A run begins anew, without the checkpoints of the one before, when what it is made of is newer than its beginning.
$(WORK)/%/begun: $(WORK)/runs-settings $(wildcard $(MODEL)/config.json $(MODEL)/*.safetensors) $(TRAIN) $(EVAL)
	@rm -rf $(@D)
	@mkdir $(@D)
	@touch $@

# A run's options are in its name. Its folder has bertpipe.json when it is done.
$(WORK)/%/bertpipe.json: $(WORK)/%/begun
	bert-train -m $(MODEL) -o $(@D) --force --resume-from-checkpoint last --save-total-limit 1 -j $(THREADS) \
	    $(call settings,$*) --eval $(EVAL) $(TRAIN_FLAGS) $(TRAIN) > $(@D)/metrics.part
	@mv $(@D)/metrics.part $(@D)/metrics.mp
	@test -e $@

$(WORK)/%/evaluation.tsv: $(WORK)/%/bertpipe.json $(EVAL)
	bert-eval -q -m $(@D) -f tsv -j $(THREADS) -o $@ $(EVAL)

# Rank, score, loss, and the run's settings.
$(WORK)/ranking.tsv: $(RUNS:%=$(WORK)/%/evaluation.tsv) FORCE
	@for run in $(RUNS); do awk -F '\t' -v run=$$run -v metric=$(METRIC) ' $$1 != "eval" { next } \
	        $$2 == metric { score = $$3; found = 1 } $$2 == "loss" { loss = $$3 } \
	        END { if (!found) { print "sweep: no score " metric > "/dev/stderr"; exit 1 } \
	            name = run; gsub(/(^|_)[a-z]+-/, "\t", run); print score "\t" loss run "\t" name }' \
	        $(WORK)/$$run/evaluation.tsv || exit 1; \
	done > $@.part
	@sort -t "$$(printf '\t')" -k 1,1g$(if $(filter loss rmse mse mae brier calibration_error hamming_loss,$(METRIC)),,r) -k 2,2g $@.part | \
	    awk -F '\t' -v OFS='\t' 'BEGIN { print "rank", "$(METRIC)", "loss", "learning_rate", "batch_size", "epochs", \
	    "dropout", "seed", "run" } { print NR, $$0 }' > $@.new
	@rm $@.part
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(WORK)/ranking.txt: $(WORK)/ranking.tsv
	@awk -F '\t' '{ printf "%4s  %-10s %-10s %-13s %-10s %-6s %-7s %s\n", $$1, \
	    (NR == 1 ? $$2 : sprintf("%.4f", $$2)), (NR == 1 ? $$3 : sprintf("%.4f", $$3)), $$4, $$5, $$6, $$7, $$8 }' $< > $@

TERMINAL_svg = svg size 900,540
TERMINAL_png = pngcairo size 1350,810 fontscale 1.3

# Each run by its learning rate; a batch size has a colour.
$(WORK)/ranking.svg $(WORK)/ranking.png: $(WORK)/ranking.%: $(WORK)/ranking.tsv
	gnuplot -e "set terminal $(TERMINAL_$*) noenhanced; set output '$@'; \
	    set datafile separator '\t'; set logscale x; set format x '%g'; set xlabel 'learning rate'; set ylabel '$(METRIC)'; \
	    set key outside right; set grid; set offsets graph 0.1, graph 0.1, graph 0.1, graph 0.1; \
	    plot for [b in '$(sort $(BATCH_SIZES))'] '$<' using (stringcolumn(5) eq b ? \$$4 : NaN):2 \
	    with points pointtype 7 pointsize 1.2 title 'batch '.b"

$(WORK)/curves.html: $(RUNS:%=$(WORK)/%/evaluation.tsv)
	bert-report -q --title 'Sweep' -o $@ $(RUNS:%=$(WORK)/%/metrics.mp)

clean: ## remove WORK
	rm -rf $(WORK)

FORCE:
.PHONY: rank picture clean FORCE
