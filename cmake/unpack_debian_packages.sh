#!/bin/sh
# unpack_debian_packages.sh FOLDER PACKAGE...: unpacks Debian's packages into a folder, without root and without
# installing anything. What it needs (apt-get, dpkg-deb) is part of every Debian and Ubuntu.
set -eu
packages=$1/packages
mkdir -p "$packages"
cd "$packages"
shift

apt() {
  apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"
}

# A fresh container has no package lists, and an old machine may have outdated ones: then with lists of our own.
if ! apt download "$@" 2>/dev/null; then
  mkdir -p state/lists/partial cache/archives/partial
  own_lists="-o Dir::State=$PWD/state -o Dir::State::Status=/var/lib/dpkg/status -o Dir::Cache=$PWD/cache"
  apt $own_lists update
  apt $own_lists download "$@"
fi
for package in *.deb; do dpkg-deb -x "$package" ..; done
