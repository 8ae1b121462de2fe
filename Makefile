# The whole compendium, one target each. `make help` lists them.

PYTHON ?= python3.11
CORES ?= 2
BIN := .venv/bin
READY := .venv/.ready

# one notebook kernel: this environment's, not one registered in the home directory
export JUPYTER_PREFER_ENV_PATH := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# The network's training takes half an hour and its measurement a minute; the tests run and measure
# it on a smaller scale.
NOTEBOOKS := $(filter-out notebooks/train_vgg19_mini.ipynb notebooks/vgg19_mini.ipynb, \
	$(wildcard notebooks/*.ipynb notebooks/methods/*.ipynb))
# files are spread over the cores, and each process keeps to one
IN_PARALLEL := --numprocesses $(CORES) --dist loadfile
ONE_THREAD := TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1
STRIP := $(BIN)/nbstripout --keep-output --keep-count --keep-id --extra-keys \
	"metadata.papermill metadata.widgets cell.metadata.papermill cell.metadata.execution metadata.language_info.version"

.PHONY: help figures test lab notebooks train benchmark lint lock clean
.DELETE_ON_ERROR:

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

figures: $(READY)  ## run the paper and write figures/
	@start=$$(date +%s); \
	$(BIN)/snakemake --cores $(CORES) --keep-going --rerun-incomplete --quiet host rules && \
	echo && echo "Figures:" && ls figures/*.png figures/*.pdf && \
	echo "Heatmaps and records: $$(ls results/*/*.npz | wc -l) of each in results/" && \
	echo "$$(( $$(date +%s) - start )) seconds"

test: $(READY)  ## run the paper, then pytest and nbval
	$(BIN)/snakemake --cores $(CORES) --keep-going --rerun-incomplete --quiet host rules
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(ONE_THREAD) $(BIN)/python -m pytest $(IN_PARALLEL)
	$(ONE_THREAD) $(BIN)/python -m pytest $(IN_PARALLEL) -p no:cacheprovider \
		--nbval --nbval-current-env --nbval-cell-timeout=300 $(NOTEBOOKS)

lab: $(READY)  ## open JupyterLab
	$(BIN)/jupyter lab notebooks/index.ipynb

notebooks: $(READY)  ## execute the notebooks again and keep their outputs
	$(BIN)/snakemake --cores $(CORES) --quiet host rules
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace $(NOTEBOOKS)
	$(STRIP) $(NOTEBOOKS)

train: $(READY)  ## train vgg19-mini again (half an hour), keep its notebook, measure it
	$(BIN)/papermill notebooks/train_vgg19_mini.ipynb results/train_vgg19_mini.ipynb
	mv vgg19_mini.npz xai_utils/data/
	$(BIN)/papermill notebooks/vgg19_mini.ipynb results/vgg19_mini.ipynb \
		-r report xai_utils/data/vgg19_mini.json
	$(STRIP) results/train_vgg19_mini.ipynb
	mv results/train_vgg19_mini.ipynb notebooks/

benchmark: $(READY)  ## measure again what an explanation costs (an hour and a half, nothing else running)
	for name in cost images completeness; do $(BIN)/python benchmarks/$$name.py || exit 1; done

lint: $(READY)  ## mend what ruff can mend
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: $(READY)  ## write requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev \
		--generate-hashes --custom-compile-command "make lock" pyproject.toml -o requirements.txt

clean:  ## remove results, figures stay
	rm -rf results .snakemake .pytest_cache .ruff_cache

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --require-hashes --requirement requirements.txt
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	@touch $@
