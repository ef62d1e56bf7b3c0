#!/bin/sh
# SPDX-License-Identifier: MIT
# The npm package's `minderbinder`: becomes the launcher of this machine's architecture, in the package's build/.
# (In a checkout bin/minderbinder is a link to the one launcher that was built there; npm link and npm install -g . come
# here, and this takes the same.)
#
# Whatever is set here, the launcher starts with the environment that this script was given: src/launcher/front/handover.h.
# What sh itself takes away it cannot bring back: whether SIGCHLD was ignored (dash, busybox) or blocked (bash), and
# bash reads this file through descriptor 2 where that was closed.

# bash takes functions from the environment, and ld.so libraries for the two programs below.
unset -f printf readlink test uname
unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT
PATH=/usr/bin:/bin:$PATH

fail() {
	printf 'minderbinder: %s\n' "$1" >&2
	exit 125
}

case $0 in
*/*) script=$0 ;;
*) script=./$0 ;;
esac
# npm links to this file.
script=$(readlink -f "$script") || fail "cannot tell where it is installed: readlink -f $0 fails"
package=${script%/bin/*}
machine=$(uname -m) || fail 'cannot tell the architecture of this machine: uname -m fails'
case $machine in # under setarch(8) and linux32 it is the name of the 32-bit one
i?86) machine=x86_64 ;;
armv8l) machine=aarch64 ;;
esac
launcher=$package/build/launcher
test -f "$launcher" || launcher=$launcher-$machine

if ! test -f "$launcher"; then
	case $machine in
	x86_64 | aarch64) fail "$launcher is missing: install the package again, from a file packed for $machine; in a checkout, npm run build makes it" ;;
	*) fail "there is no $launcher: minderbinder is for x86_64 and aarch64, and this is $machine" ;;
	esac
fi

# Parts of the environment, each into a variable: one has at most 128 KiB. Only names of our own, for the caller's stay.
MINDERBINDER_PART=1
MINDERBINDER_NAME=MINDERBINDER_ENVIRONMENT
while :; do
	eval "$MINDERBINDER_NAME=\$(\"\$launcher\" --environment-of $$ $MINDERBINDER_PART)"
	MINDERBINDER_STATUS=$?
	export "${MINDERBINDER_NAME?}"
	case $MINDERBINDER_STATUS in
	0) exec "$launcher" "$@" ;;
	3) ;; # another one follows
	*) fail "$launcher does not run: see the line above" ;;
	esac
	MINDERBINDER_PART=$((MINDERBINDER_PART + 1))
	MINDERBINDER_NAME=MINDERBINDER_ENVIRONMENT_$MINDERBINDER_PART
done
