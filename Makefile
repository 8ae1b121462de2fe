# The whole compendium, one target each. `make help` lists them.

CORES ?= 2
BIN := .venv/bin
READY := .venv/.ready
# a keras.json or a kernel in the user's home must not change what comes out
OWN := $(BIN)/python workflow/own_settings.py

# The network's training takes three quarters of an hour and its measurement some minutes; the tests
# run and measure it on a smaller scale.
NOTEBOOKS := $(filter-out notebooks/train_vgg19_mini.ipynb notebooks/vgg19_mini.ipynb, \
	$(wildcard notebooks/*.ipynb notebooks/methods/*.ipynb))
STRIP := $(BIN)/nbstripout --keep-output --keep-count --keep-id --extra-keys \
	"metadata.papermill metadata.widgets cell.metadata.papermill cell.metadata.execution metadata.language_info.version"

# make explain IMAGES=holiday MODEL=my.keras TARGETS=labels.csv LAYER=... METHODS="grad_cam ..." ...
EXPLAIN := $(BIN)/python -m xai_utils explain
OPTION = $(if $($(1)),$(2) "$($(1))")

.PHONY: help figures imagenet explain live site engine test portable lab notebooks train benchmark study heads again answer lint lock clean style pytest nbval
.DELETE_ON_ERROR:

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

figures: $(READY)  ## run the paper, draw its figures, and say whether they are the committed ones
	@$(BIN)/python workflow/figures.py $(CORES)

imagenet: $(READY)  ## run the paper on a network with ImageNet's classes, in results/imagenet
	@$(BIN)/python workflow/figures.py $(CORES) imagenet

explain: $(READY)  ## explain a folder of pictures: make explain IMAGES=holiday [MODEL=vgg19-mini ...]
	@$(if $(IMAGES),,echo "say which pictures: make explain IMAGES=holiday" >&2; exit 2)
	@$(EXPLAIN) "$(IMAGES)" $(call OPTION,MODEL,--model) $(call OPTION,TARGETS,--targets) \
		$(call OPTION,LAYER,--layer) $(if $(METHODS),--methods $(METHODS)) \
		$(if $(SCORES),--scores $(SCORES)) $(call OPTION,BASELINE,--baseline) \
		$(call OPTION,CROP,--crop) $(call OPTION,OUT,--out) $(if $(FORCE),--force)

live: $(READY)  ## build results/live.html: the maps of your own photograph, in a browser, offline
	@$(BIN)/python live/build.py results/live.html
	@ls -sh results/live.html

engine:  ## compile the live page's arithmetic again (needs npm; only after a change to engine.ts)
	cd live/engine && npm ci && npm run build

test: $(READY)  ## figures, style, pytest and nbval: each, even if one before it fails
	@failed=; \
	for step in figures style pytest nbval; do \
		echo "== $$step"; $(MAKE) --no-print-directory $$step || failed="$$failed $$step"; \
	done; \
	if [ -n "$$failed" ]; then echo "== failed:$$failed"; exit 1; fi; echo "== all passed"

portable: $(READY)  ## nbval with other rounding: weights changed by a millionth, other kernels, threads
	@$(BIN)/python workflow/portable.py

style: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

pytest: $(READY)
	$(OWN) python -m pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder

nbval: $(READY)
	@$(BIN)/python workflow/portable.py today

lab: $(READY)  ## open JupyterLab
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab notebooks/index.ipynb

site: live  ## build the site from the committed notebooks, in results/site
	@$(OWN) python site/build.py results/site results/live.html

notebooks: figures  ## execute the notebooks again and keep their outputs
	rm -rf notebooks/methods/results notebooks/results
	$(OWN) jupyter nbconvert --to notebook --execute --inplace $(NOTEBOOKS)
	$(STRIP) $(NOTEBOOKS)
	$(BIN)/python workflow/widget_views.py $(NOTEBOOKS)

SEEDS ?= 1

train: OWN := TF_NUM_INTRAOP_THREADS=$(CORES) OMP_NUM_THREADS=$(CORES) $(OWN)
train: $(READY)  ## train vgg19-mini again (three quarters of an hour), keep its notebook, measure it; with SEEDS=5 also 4 others, and 2 with sigmoids
ifneq ($(SEEDS),1)
	$(OWN) python -m xai_utils.embedded.trainings $(SEEDS)
else
	$(OWN) papermill notebooks/train_vgg19_mini.ipynb results/train_vgg19_mini.ipynb
	mv vgg19_mini.npz xai_utils/embedded/data/
	$(OWN) papermill notebooks/vgg19_mini.ipynb results/vgg19_mini.ipynb \
		-r report xai_utils/embedded/data/vgg19_mini.json
	$(STRIP) results/train_vgg19_mini.ipynb
	mv results/train_vgg19_mini.ipynb notebooks/
	rm -f vgg19_mini.checkpoint.npz
endif

benchmark: live  ## measure again what an explanation costs (two hours, nothing else running)
	for name in cost images points completeness report live; do $(BIN)/python benchmarks/$$name.py || exit 1; done

# PHOTOGRAPHS: folder with one photograph for each of ImageNet's classes, for its networks
SCALE ?= full
STUDY = scale=$(if $(SMALL),small,$(SCALE)) $(if $(PHOTOGRAPHS),'photographs=$(PHOTOGRAPHS)') $(if $(SEED),seed=$(SEED))
study: $(READY)  ## measure which score is best (an hour and more; SMALL=1: two minutes; SEED=14: other images; SCALE=others: two networks more); goes on where it was
	$(OWN) python -m snakemake --snakefile workflow/study.smk --cores $(CORES) --rerun-incomplete \
		--rerun-triggers mtime input --nolock --quiet rules --config $(STUDY)

heads: $(READY)  ## measure two last layers that differ in the loss alone, on PHOTOGRAPHS (ten minutes), for notebook 8
	STUDY_SEED=13 $(OWN) python -m xai_utils.study.best.heads '$(PHOTOGRAPHS)' notebooks/8_heads.csv.gz

again: $(READY)  ## after make study with SEED=14 and with SCALE=others: what they say of the answer, for notebook 8
	STUDY_SEED=14 $(BIN)/python -m xai_utils.study.best again results/study/full-14/table.csv.gz notebooks/8_again.json
	$(BIN)/python -m xai_utils.study.best again results/study/others/table.csv.gz notebooks/8_others.json

# the table beside the notebook, its three sentences in the texts, and the notebook executed
ANSWER := notebooks/8_what_is_best.ipynb
answer: $(READY)  ## after make study: put its table and its answer into the notebook and the texts
	cp results/study/full/table.csv.gz notebooks/8_table.csv.gz
	$(BIN)/python -m xai_utils.study.best answer --again notebooks/8_again.json --heads notebooks/8_heads.csv.gz notebooks/8_table.csv.gz README.md notebooks/index.ipynb $(ANSWER)
	$(OWN) jupyter nbconvert --to notebook --execute --inplace $(ANSWER)
	$(STRIP) $(ANSWER)

lint: $(READY)  ## mend what ruff can mend
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: $(READY)  ## write requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
		--extra dev --extra site --generate-hashes --custom-compile-command "make lock" pyproject.toml -o requirements.txt

clean:  ## remove results, figures stay
	rm -rf results notebooks/figures notebooks/results notebooks/methods/results .snakemake .pytest_cache .ruff_cache

$(READY): requirements.txt pyproject.toml
	@python=$$(PYTHON="$(PYTHON)" sh workflow/find_python.sh) && \
	echo "$$("$$python" --version) from $$python" && "$$python" -m venv --clear .venv
	$(BIN)/python -m pip install --require-hashes --requirement requirements.txt
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	@touch $@
