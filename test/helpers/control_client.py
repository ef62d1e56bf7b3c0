# A client of the control socket in as few lines as possible: docs/control.md. Tests put their own program behind it.
import errno, json, os, signal, socket, subprocess, sys, threading, time


class Client:
    def __init__(self, greet=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.environ["MINDERBINDER_CONTROL"])
        self.lines = self.socket.makefile("rb")
        if greet:
            self.hello = self.ask(type="hello", version=1)

    def send(self, line):
        self.socket.sendall(line)

    def receive(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def ask(self, **request):
        self.send(json.dumps(request).encode() + b"\n")
        return self.receive()

    def inject(self, *faults, **more):
        answer = self.ask(type="inject", faults=faults, **more)
        assert answer["type"] == "injected", answer
        return [rule["rule"] for rule in answer["rules"]]

    def lift(self, **more):
        answer = self.ask(type="lift", **more)
        assert answer["type"] == "lifted", answer
        return answer["rules"]

    def close(self):
        self.lines.close()
        self.socket.close()


def outcome(call, *args):
    try:
        call(*args)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


fault = "openat=EIO,path=/etc/hostname"


def opens(path="/etc/hostname"):
    return outcome(lambda: os.close(os.open(path, os.O_RDONLY)))


def program(text):
    return [sys.executable, "-S", "-c", os.environ["CONTROL_CLIENT"] + text]


# The same of another process, which is started for it.
def child_opens():
    return subprocess.run(program("say(opens())"), capture_output=True, text=True).stdout.strip().strip('"')


def say(value):
    print(json.dumps(value), flush=True)


def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


network = "127.0.0.9"


# Whether a packet to that address arrives: what is sent after it has come, so it has come, too, or is lost.
def sends(sender=None, to=network):
    sender = sender or udp()
    with udp() as receiver, udp() as marked:
        receiver.setblocking(False)
        marked.settimeout(30)
        for each, address in [(receiver, to), (marked, "127.0.0.1")]:
            each.bind(("0.0.0.0", 0))
            sender.sendto(b"x", (address, each.getsockname()[1]))
        marked.recv(1)
        return outcome(receiver.recv, 1).replace("EAGAIN", "lost")


def connects(to=network):
    with socket.socket() as listener, socket.socket() as each:
        listener.bind(("0.0.0.0", 0))
        listener.listen(1)
        return outcome(each.connect, (to, listener.getsockname()[1]))


# Another process: each line that it is sent is evaluated there.
class Other:
    def __init__(self, before=""):
        text = before + "\nfor line in sys.stdin: say(eval(line))"
        self.process = subprocess.Popen(program(text), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())
