#!/bin/sh
# Builds the test kernels into build/kernels, from Debian's linux-source packages and test/kernel/*.config.
#
#   build-kernels.sh               every version that apt offers (6.1 on Debian 12; newer ones with backports)
#   build-kernels.sh 6.1 6.12      these
#   build-kernels.sh -a arm64 6.12  for another architecture; the default is x86_64
#
# What is built already is kept until this script, the configuration or Debian's package changes. About 8 minutes
# of 2 cores and 3 GB (in $TMPDIR or /tmp) a kernel; needs no root.
#   apt install build-essential flex bison bc dwarves libelf-dev libssl-dev cpio xz-utils
#   (and gcc-aarch64-linux-gnu for arm64)
set -eu
cd "$(dirname "$0")/.."
out=$PWD/build/kernels
architecture=x86_64
if [ "${1-}" = -a ]; then
	architecture=${2-}
	shift 2
fi
case $architecture in
x86_64) machine=x86_64 image=arch/x86/boot/bzImage suffix= ;;
arm64) machine=aarch64 image=arch/arm64/boot/Image suffix=-arm64 ;;
*)
	echo "build-kernels: no architecture $architecture: x86_64 and arm64 are there" >&2
	exit 2
	;;
esac
# Debian's own compiler has this name, too.
export ARCH=$architecture CROSS_COMPILE=$machine-linux-gnu-
# As the kernel's own build calls it.
file=${image##*/}

for tool in "${CROSS_COMPILE}gcc" make flex bison bc pahole xz cpio apt-get dpkg-deb; do
	command -v "$tool" >/dev/null || {
		echo "build-kernels: $tool is not installed: apt install build-essential flex bison bc dwarves" \
			"libelf-dev libssl-dev cpio xz-utils gcc-aarch64-linux-gnu" >&2
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
cat test/kernel/kernel.config "test/kernel/kernel-$architecture.config" >"$work/fragment"

build() { # VERSION
	package=$(apt-cache policy "linux-source-$1" | sed -n 's/^ *Candidate: //p')
	case $package in
	'' | '(none)')
		echo "build-kernels: apt offers no linux-source-$1" >&2
		return 2
		;;
	esac
	sum=$({ cat scripts/build-kernels.sh "$work/fragment" && echo "$package"; } | sha256sum)
	name=$1$suffix
	if [ -e "$out/$file-$name" ] && [ "$(cat "$out/sum-$name" 2>/dev/null)" = "$sum" ]; then
		echo "build-kernels: $name ($package) is built already"
		return 0
	fi
	echo "build-kernels: $name out of linux-source-$1 $package"
	mkdir "$work/$1"
	(
		cd "$work/$1"
		apt-get -q download "linux-source-$1=$package"
		dpkg-deb --fsys-tarfile linux-source-*.deb | tar -xO "./usr/src/linux-source-$1.tar.xz" | xz -dc | tar -x
		rm linux-source-*.deb
		cd "linux-source-$1"
		make -s tinyconfig >/dev/null
		scripts/kconfig/merge_config.sh -m .config "$work/fragment" >/dev/null
		make -s olddefconfig
		# An option that another one needs is dropped without a word.
		missing=$(grep -v '^#' "$work/fragment" | grep . | grep -vxFf .config || :)
		[ -z "$missing" ] || {
			echo "build-kernels: Linux $name does not take:" $missing >&2
			exit 1
		}
		[ -z "${MINDERBINDER_KERNEL_CONFIG_ONLY-}" ] || exit 0
		make -s -j"$(nproc)" "$file"
		cp .config "$out/config-$name"
		cp "$image" "$out/$file-$name.new"
		mv "$out/$file-$name.new" "$out/$file-$name"
		echo "$sum" >"$out/sum-$name"
	)
	rm -rf "${work:?}/$1"
}

for version; do build "$version"; done
