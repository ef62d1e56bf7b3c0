#!/bin/sh
# Builds what the npm package ships: build/launcher-x86_64 and build/launcher-aarch64 (the names are those of
# `uname -m`), static and stripped.
#   apt install gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross
# (and on arm64 gcc-x86-64-linux-gnu libc6-dev-amd64-cross)
set -eu
cd "$(dirname "$0")/.."
for machine in x86_64 aarch64; do
	compiler=$machine-linux-gnu-gcc
	command -v "$compiler" >/dev/null || {
		echo "build-launchers: $compiler is not installed: apt install gcc-$(echo $machine | tr _ -)-linux-gnu" >&2
		exit 2
	}
	CC=$compiler sh scripts/build-launcher.sh build/launcher-$machine -static -s
done
