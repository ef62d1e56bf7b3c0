#!/bin/sh
# Builds the test kernels into build/kernels, from Debian's linux-source packages and test/kernel/kernel.config.
#
#   build-kernels.sh            every version that apt offers (6.1 on Debian 12; newer ones with backports)
#   build-kernels.sh 6.1 6.12   these
#
# What is built already is kept until this script, the configuration or Debian's package changes. About 8 minutes
# of 2 cores and 3 GB (in $TMPDIR or /tmp) a kernel; needs no root.
#   apt install build-essential flex bison bc dwarves libelf-dev libssl-dev cpio xz-utils
set -eu
cd "$(dirname "$0")/.."
fragment=$PWD/test/kernel/kernel.config
out=$PWD/build/kernels

for tool in gcc make flex bison bc pahole xz cpio apt-get dpkg-deb; do
	command -v "$tool" >/dev/null || {
		echo "build-kernels: $tool is not installed: apt install build-essential flex bison bc dwarves" \
			"libelf-dev libssl-dev cpio xz-utils" >&2
		exit 2
	}
done

if [ $# -eq 0 ]; then
	# shellcheck disable=SC2046
	set -- $(apt-cache search --names-only '^linux-source-[0-9]+\.[0-9]+$' | sed 's/^linux-source-//; s/ .*//')
fi
[ $# -gt 0 ] || {
	echo 'build-kernels: apt offers no linux-source-N.N: run apt-get update, or add Debian to its sources' >&2
	exit 2
}

mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

build() { # VERSION
	package=$(apt-cache policy "linux-source-$1" | sed -n 's/^ *Candidate: //p')
	case $package in
	'' | '(none)')
		echo "build-kernels: apt offers no linux-source-$1" >&2
		return 2
		;;
	esac
	sum=$({ cat scripts/build-kernels.sh "$fragment" && echo "$package"; } | sha256sum)
	if [ -e "$out/bzImage-$1" ] && [ "$(cat "$out/sum-$1" 2>/dev/null)" = "$sum" ]; then
		echo "build-kernels: $1 ($package) is built already"
		return 0
	fi
	echo "build-kernels: $1 out of linux-source-$1 $package"
	mkdir "$work/$1"
	(
		cd "$work/$1"
		apt-get -q download "linux-source-$1=$package"
		dpkg-deb --fsys-tarfile linux-source-*.deb | tar -xO "./usr/src/linux-source-$1.tar.xz" | xz -dc | tar -x
		rm linux-source-*.deb
		cd "linux-source-$1"
		make -s tinyconfig >/dev/null
		scripts/kconfig/merge_config.sh -m .config "$fragment" >/dev/null
		make -s olddefconfig
		# An option that another one needs is dropped without a word.
		missing=$(grep -v '^#' "$fragment" | grep . | grep -vxFf .config || :)
		[ -z "$missing" ] || {
			echo "build-kernels: Linux $1 does not take:" $missing >&2
			exit 1
		}
		[ -z "${MINDERBINDER_KERNEL_CONFIG_ONLY-}" ] || exit 0
		make -s -j"$(nproc)" bzImage
		cp .config "$out/config-$1"
		cp arch/x86/boot/bzImage "$out/bzImage-$1.new"
		mv "$out/bzImage-$1.new" "$out/bzImage-$1"
		echo "$sum" >"$out/sum-$1"
	)
	rm -rf "${work:?}/$1"
}

for version; do build "$version"; done
