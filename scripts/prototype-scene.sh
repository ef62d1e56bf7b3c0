#!/bin/sh
# What docs/prototype.yaml is about: curl, wget, ping, vim and cat at work, with a web server behind a link of its own.
#   unshare --net sh scripts/prototype-scene.sh COMMAND [ARG]...
# runs COMMAND beside them, in a network namespace where `near0` leads to 198.18.0.2; all of it ends with COMMAND.
set -eu

folder=$(mktemp -d)
echo text >"$folder/text"

server='
import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\n")
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("198.18.0.2", 8000), Handler).serve_forever()
'
ip link set lo up
unshare --net sleep 1000 &
far=$!
# Until it is in a namespace of its own.
until [ "$(readlink "/proc/$far/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
ip link add near0 type veth peer name far0 netns "$far"
ip addr add 198.18.0.1/30 dev near0
ip link set near0 up
nsenter "--net=/proc/$far/ns/net" ip addr add 198.18.0.2/30 dev far0
nsenter "--net=/proc/$far/ns/net" ip link set far0 up
nsenter "--net=/proc/$far/ns/net" /usr/bin/python3 -c "$server" &
server=$!

(
	exec >/dev/null 2>&1 </dev/null
	url=http://198.18.0.2:8000/
	repeat() { while :; do "$@" || :; sleep 0.3; done; }
	repeat curl -sS --max-time 5 -o "$folder/curl" "$url" &
	repeat wget -q -t 1 -T 3 -O /dev/null "$url" "$url" &
	repeat cat "$folder/text" &
	repeat vim -u NONE -es -c 'q!' "$folder/text" &
	ping -n -i 0.3 198.18.0.2 &
	wait
) &
work=$!

status=0
"$@" || status=$?
for each in $(pgrep -P "$work"); do
	pkill -P "$each" || :
	kill "$each" 2>/dev/null || :
done
kill "$work" "$server" "$far" 2>/dev/null || :
rm -rf "$folder"
exit "$status"
