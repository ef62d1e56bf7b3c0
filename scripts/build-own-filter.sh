#!/bin/sh
# Builds build/own-filter.so, which the library for tests loads into their process (src/own-filter). It exports what
# own-filter.h names, needs nothing but a C library, and is never unloaded, for its threads stay.
#
#   build-own-filter.sh [OUTPUT [FLAG]...]   with more flags of the compiler's
set -eu
cd "$(dirname "$0")/.."
output=${1:-build/own-filter.so}
[ $# -eq 0 ] || shift
mkdir -p "$(dirname "$output")"
new=$output.$$
"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -pthread -fPIC -fvisibility=hidden "$@" \
	-shared -Wl,-z,nodelete -Wl,-z,defs -Wl,--version-script=src/own-filter/exports.map -o "$new" \
	src/own-filter/*.c src/launcher/shared/filter.c src/launcher/stage/raw.c
# rename(2): a process that has it loaded goes on with its own file.
mv "$new" "$output"
