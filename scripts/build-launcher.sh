#!/bin/sh
# Builds build/launcher: static where the C library can be (no loader to start, no library to swap), else dynamic.
#
#   build-launcher.sh [OUTPUT [FLAG]...]   with flags of the compiler's: a dynamic program, for tests
set -eu
cd "$(dirname "$0")/.."
output=${1:-build/launcher}
[ $# -eq 0 ] || shift
mkdir -p "$(dirname "$output")"
new=$output.$$
compile() {
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -pthread "$@" \
		-o "$new" src/launcher/*.c src/launcher/*/*.c
}
if [ $# -gt 0 ]; then
	compile "$@"
else
	compile -static 2>/dev/null || compile
fi
# rename(2): a launcher that is running meanwhile goes on with its own file.
mv "$new" "$output"
