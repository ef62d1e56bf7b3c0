#!/bin/sh
# Runs a command under another kernel in a virtual machine: scripts/vm.sh 6.1 -- uname -r
# See test/helpers/vm-command.ts. The machine dies with this process.
root=$(dirname "$0")/..
root=$(cd "$root" && pwd)
exec node --import "file://$root/node_modules/tsx/dist/loader.mjs" "$root/test/helpers/vm-command.ts" "$@"
