#!/bin/bash
# Builds, tests and measures on a machine with a GPU, torch and g++ that may have no network.
#
#   tools/gpu.sh pack FOLDER    here: the committed tree and the packages that it needs, to be carried over
#   tools/gpu.sh build          there, in the unpacked tree: the extension, in place (KIT: the folder that was carried)
#   tools/gpu.sh smoke          whether that runs at all
#   tools/gpu.sh test [ARG...]  the tests that need a GPU; ARG: more for pytest
#   tools/gpu.sh bench [ARG...] python -m bench.gpu
#   tools/gpu.sh all FOLDER [ARG...]  all of it within SECONDS_IN_ALL (570): logs and results go to the folder. What
#                               torch.compile needs is compiled beside the build.
set -eo pipefail
cd "$(dirname "$0")/.."
KIT=${KIT:-..}
BUILD=${BUILD:-/tmp/tracejet-build}
SITE=${SITE:-/tmp/tracejet-site}
PYTHON=${PYTHON:-python3}
# The system's compiler. A machine's CXX may bring a C++ library that isn't the one torch loads: what it builds crashes.
export CXX=${TRACEJET_CXX:-/usr/bin/g++} CC=${TRACEJET_CC:-/usr/bin/gcc}
export PYTHONPATH=python:.:$SITE${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1

pack() {
  mkdir -p "$1/site" "$1/xxhash"
  git archive HEAD | xz -T0 >"$1/tree.tar.xz"
  $PYTHON -m pip install -q --no-deps --python-version "${PYTHON_VERSION:-3.12}" --only-binary=:all: --target "$1/site" \
    --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 --platform manylinux_2_31_x86_64 \
    openvino openvino-telemetry nlohmann-json pytest pytest-xdist execnet iniconfig pluggy expecttest hypothesis \
    sortedcontainers click rich markdown-it-py mdurl pygments
  rm -f "$1"/site/openvino/libs/*{gpu,npu,auto,hetero}*plugin*  # what isn't used there is most of it
  $PYTHON -m pip download -q --no-deps --no-binary :all: -d "$1/xxhash" xxhash
  tar -C "$1/xxhash" --strip-components=3 --wildcards -xf "$1"/xxhash/xxhash-*.tar.gz '*/deps/xxhash/xxhash.h'
  tar -C "$1/site" -I "xz -3 -T0" -cf "$1/site.tar.xz" . && rm -r "$1/site" "$1"/xxhash/*.tar.gz
  du -sh "$1"
}

build() {
  mkdir -p "$SITE"
  [ -e "$SITE/openvino" ] || tar -C "$SITE" -xf "$KIT/site.tar.xz"
  cmake -S . -B "$BUILD" -G Ninja -DPython_EXECUTABLE="$(command -v "$PYTHON")" -DTRACEJET_INPLACE=ON -DTRACEJET_WERROR=OFF \
    -DOpenVINO_DIR="$SITE/openvino/cmake" -DTRACEJET_NLOHMANN_JSON_DIR="$SITE/nlohmann_json/include" \
    -DTRACEJET_XXHASH_DIR="$KIT/xxhash"
  cmake --build "$BUILD" --target _C -j"$(env -u OMP_NUM_THREADS nproc)"  # nproc takes that for a limit
  smoke
}

smoke() {
  $PYTHON -X faulthandler -c "import torch, tracejet
print(tracejet.compile(tracejet.trace(torch.nn.GELU(), arg_inputs=[torch.ones(3)]), engine='aten').report)"
}

all() {
  local out=$1 cache=/tmp/tracejet-inductor
  shift
  $PYTHON -m bench.gpu --cache $cache --compile-ahead "${COMPILE_AHEAD:-6}" --seconds 0 "$@" >"$out/ahead.log" 2>&1 &
  local ahead=$!
  build >"$out/build.log" 2>&1 || { tail -40 "$out/build.log"; exit 1; }
  echo "built after $SECONDS s"
  timeout 180 $PYTHON -m pytest -q -m gpu -n 4 -p no:cacheprovider ${TESTS:-tests/python} >"$out/tests.log" 2>&1 || true
  tail -25 "$out/tests.log"
  echo "tested after $SECONDS s"
  wait $ahead || true
  echo "torch.compile has compiled after $SECONDS s"
  $PYTHON -m bench.gpu --cache $cache --json "$out/gpu.json" --seconds $((${SECONDS_IN_ALL:-570} - SECONDS)) "$@" 2>"$out/bench.err" | tee "$out/bench.log"
}

case "$1" in
  pack) pack "${2:?a folder}" ;;
  build) build ;;
  smoke) smoke ;;
  test) shift; $PYTHON -m pytest -q -m gpu "${@:-tests/python}" ;;
  bench) shift; $PYTHON -m bench.gpu "$@" ;;
  all) shift; all "$@" ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
