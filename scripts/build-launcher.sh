#!/bin/sh
# Builds build/launcher: static where the C library can be (no loader to start, no library to swap), else dynamic.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
compile() {
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -pthread "$@" \
		-o build/launcher.new src/launcher/*.c
}
compile -static 2>build/static.log || compile
rm -f build/static.log
# rename(2): a launcher that is running meanwhile goes on with its own file.
mv build/launcher.new build/launcher
