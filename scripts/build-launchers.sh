#!/bin/sh
# Builds what the npm package ships: build/launcher-x86_64 and build/launcher-aarch64 (the names are those of
# `uname -m`), static and stripped, and build/own-filter-x86_64.so and build/own-filter-aarch64.so. The machine's own needs no more than a C compiler and a static C library
# (Debian's gcc and libc6-dev); the other one's compiler may be missing, and then the package is for this machine only.
#
#   build-launchers.sh [--all] [FOLDER]     with --all (a release) a missing compiler is an error
#   apt install gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross
# (and on arm64 gcc-x86-64-linux-gnu libc6-dev-amd64-cross)
set -eu
cd "$(dirname "$0")/.."
all=
if [ "${1-}" = --all ]; then
	all=yes
	shift
fi
folder=${1:-build}
for machine in x86_64 aarch64; do
	compiler=$machine-linux-gnu-gcc
	if command -v "$compiler" >/dev/null; then
		:
	elif [ "$machine" = "$(uname -m)" ]; then
		compiler=${CC:-cc}
	else
		echo "build-launchers: no launcher for $machine: $compiler is not installed (apt install gcc-$(echo $machine | tr _ -)-linux-gnu)" >&2
		[ -z "$all" ] || exit 2
		rm -f "$folder/launcher-$machine" "$folder/own-filter-$machine.so" # old ones
		continue
	fi
	CC=$compiler sh scripts/build-launcher.sh "$folder/launcher-$machine" -static -s
	CC=$compiler sh scripts/build-own-filter.sh "$folder/own-filter-$machine.so" -s
done
