# A client of `serve --stdio`, which it starts itself: behind control_client.py.
class Parent(Client):
    # `pair`: by a Unix socket, as libuv does, and not by pipes. `before`: what is put in front of the command.
    def __init__(self, *args, pair=False, before=(), greet=True):
        command = [*before, os.environ["MINDERBINDER"], "serve", "--stdio", *args]
        self.socket = None
        if pair:
            self.socket, theirs = socket.socketpair()
            self.serve = subprocess.Popen(command, stdin=theirs, stdout=theirs)
            theirs.close()
            self.lines = self.socket.makefile("rb")
        else:
            self.serve = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.lines = self.serve.stdout
        if greet:
            self.hello = self.ask(type="hello", version=1)

    def send(self, line):
        if self.socket:
            return self.socket.sendall(line)
        while line: # nothing stays in a buffer that the end of Python would write
            line = line[os.write(self.serve.stdin.fileno(), line):]

    # Ends its input: what it still says, and its status.
    def end(self):
        if self.socket:
            self.socket.shutdown(socket.SHUT_WR)
        else:
            self.serve.stdin.close()
        return [json.loads(line) for line in self.lines], self.serve.wait()
