#!/bin/sh
# Builds bpf/*.bpf.c to bpf/*.bpf.o, which are committed: users need no clang.
#
#   build-bpf.sh          builds in place
#   build-bpf.sh --check  builds elsewhere; fails where a committed object is not what its source gives
#
# The same compiler gives the same bytes in any directory. CLANG and LLVM_STRIP name other tools than
# clang-14 and llvm-strip-14 (Debian 12: apt install clang-14 llvm-14 libbpf-dev).
set -eu
cd "$(dirname "$0")/.."

clang=${CLANG:-clang-14}
strip=${LLVM_STRIP:-llvm-strip-14}
for tool in "$clang" "$strip"; do
	command -v "$tool" >/dev/null || {
		echo "build-bpf: $tool is not installed (apt install clang-14 llvm-14 libbpf-dev)" >&2
		exit 2
	}
done

# -mcpu=v3: atomic operations that return a value, which decide() needs (Linux 5.12).
# llvm-strip -g takes DWARF away and keeps BTF, which the kernel and libbpf read.
build() { # SOURCE OBJECT
	"$clang" -O2 -g -target bpf -mcpu=v3 -std=gnu11 -Wall -Wextra -Werror \
		-fdebug-compilation-dir=. -ffile-prefix-map="$PWD"=. -Ibpf -c "$1" -o "$2"
	"$strip" -g "$2"
}

case ${1-} in
'')
	for source in bpf/*.bpf.c; do
		build "$source" "${source%.c}.o"
	done
	;;
--check)
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
	status=0
	for source in bpf/*.bpf.c; do
		object=${source%.c}.o
		build "$source" "$out/object"
		cmp -s "$out/object" "$object" || {
			echo "build-bpf: $object is not what $source gives with $("$clang" --version | head -n 1);" \
				"run scripts/build-bpf.sh and commit the result" >&2
			status=1
		}
	done
	for object in bpf/*.bpf.o; do
		[ -e "${object%.o}.c" ] || {
			echo "build-bpf: $object has no source" >&2
			status=1
		}
	done
	exit $status
	;;
*)
	echo "usage: build-bpf.sh [--check]" >&2
	exit 2
	;;
esac
