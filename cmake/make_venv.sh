#!/bin/sh
# make_venv.sh PYTHON FOLDER: makes a virtual environment with pip in it.
set -eu
python=$1
venv=$2

if "$python" -c 'from ensurepip import bootstrap' 2>/dev/null; then
  exec "$python" -m venv "$venv"
fi
# Debian's Python keeps pip for virtual environments in packages of their own.
"$python" -m venv --without-pip "$venv"
wheels=$venv/debian/usr/share/python-wheels
if ! "$(dirname "$0")/unpack_debian_packages.sh" "$venv/debian" python3-pip-whl; then
  echo "$python makes no virtual environments: install its venv (Debian, Ubuntu: python3-venv)." >&2
  exit 1
fi
"$venv/bin/python" "$(echo "$wheels"/pip-*.whl)/pip" install --quiet --no-index --find-links "$wheels" pip
