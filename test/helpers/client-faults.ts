/**
 * Faults of a client, whichever server it is a client of: programs to put behind control_client.py, and what they say. A test
 * may go on with `c`, the client.
 */

const drop = '--drop-net 100%,to=127.0.0.9'
const refuse = '--refuse-net 100%,to=127.0.0.9'
const [ok, lost, refused, broken] = ['ok', 'lost', 'ECONNREFUSED', 'EIO']

interface ClientFaults {
  readonly program: string
  readonly said: readonly unknown[]
}

/** Packets and connections of a client, of what it has started and of what it starts, until a lift or the connection's end. */
export const networkUntilLifted: ClientFaults = {
  program: `
client = Other("old = udp(); c = Client(); before = Other('old = udp()')")
def look():
    return [client.ask(f"[{each}, before.ask({each!r}), Other().ask({each!r})]") for each in
            ("sends()", "connects()")] + [client.ask("[sends(old), before.ask('sends(old)')]")]
say(look())
client.ask("c.inject('${drop}', '${refuse}')")
say(look())
say(["neighbour", sends(), connects(), Other().ask("sends()")])
say(client.ask("[(r['engine'], r['matched'] == r['fired'] > 0) for r in c.lift()]"))
say(look())
client.ask("c.inject({'outgoing_network': [{'failure_rate': 100, 'to': '127.0.0.9'}]})")
say(client.ask("[sends(old), before.ask('sends(old)')]"))
client.ask("c.close()")
while client.ask("sends()") != "ok": pass
say(client.ask("before.ask('sends()')"))
`,
  said: [
    [
      [ok, ok, ok],
      [ok, ok, ok],
      [ok, ok],
    ],
    [
      [lost, lost, lost],
      [refused, refused, refused],
      [lost, lost],
    ],
    ['neighbour', ok, ok, ok],
    [
      ['tc', true],
      ['cgroup', true],
    ],
    [
      [ok, ok, ok],
      [ok, ok, ok],
      [ok, ok],
    ],
    [lost, lost],
    ok,
  ],
}

export const networkByScope: ClientFaults = {
  program: `
c = Client()
old = udp()
before = Other()
for scope in ["tree", "process", "children"]:
    c.inject("${drop}", "${refuse}", scope=scope)
    say([scope] + [f for each in ("sends()", "connects()") for f in (eval(each), before.ask(each), Other().ask(each))]
        + [before.ask("Other().ask('sends()')"), sends(old)])
    c.lift()
`,
  said: [
    ['tree', lost, lost, lost, refused, refused, refused, lost, lost],
    ['process', lost, ok, ok, refused, ok, ok, ok, lost],
    ['children', ok, ok, lost, ok, ok, refused, lost, ok],
  ],
}

/** As networkUntilLifted, with system calls. */
export function callsUntilLifted(engine: string): ClientFaults {
  return {
    program: `
client = Other("c = Client(); before = Other()")
def look(): return [client.ask(f"[{each}, before.ask({each!r}), Other().ask({each!r})]") for each in ("opens()", "opens('/etc/passwd')")]
say(look())
client.ask("c.inject(fault)")
say(look())
say(["neighbour", opens(), child_opens(), Other().ask("opens()")])
say(client.ask("[(r['engine'], r['matched'], r['fired']) for r in c.lift()]"))
say(look())
client.ask("c.inject(fault)")
say(client.ask("opens()"))
client.ask("c.close()")
while client.ask("opens()") != "ok": pass
say(client.ask("before.ask('opens()')"))
`,
    said: [
      [
        [ok, ok, ok],
        [ok, ok, ok],
      ],
      [
        [broken, broken, broken],
        [ok, ok, ok],
      ],
      ['neighbour', ok, ok, ok],
      [[engine, 3, 3]],
      [
        [ok, ok, ok],
        [ok, ok, ok],
      ],
      broken,
      ok,
    ],
  }
}

/** The engines in the kernel tell processes apart, not threads. */
export const callsByScope: ClientFaults = {
  program: `
c = Client()
before = Other()
for scope in ["tree", "process", "children"]:
    c.inject(fault, scope=scope)
    say([scope, opens(), before.ask("opens()"), Other().ask("opens()"), before.ask("Other().ask('opens()')")])
    c.lift()
say([opens(), before.ask("opens()"), Other().ask("opens()")])
answer = c.ask(type="inject", faults=[fault], scope="thread", tid=threading.get_native_id())
say([answer["code"], "distinguishes processes, not their threads" in answer["message"]])
`,
  said: [
    ['tree', broken, broken, broken, broken],
    ['process', broken, ok, ok, ok],
    ['children', ok, ok, broken, broken],
    [ok, ok, ok],
    ['MB_NO_ENGINE', true],
  ],
}

/** What a client has started goes on with its connection when it has ended. @param opening its connection */
export const outlived = (opening: 'Client()' | 'Parent()'): ClientFaults => ({
  program: `
r, w = os.pipe()
if os.fork() == 0:
    c = ${opening}
    c.inject("${drop}")
    parent = os.getpid()
    if os.fork() == 0:
        os.read(r, 1)
        answer = c.ask(type="inject", faults=["${refuse}"])
        say([sends(), answer["code"], f"process, {parent}, has ended" in answer["message"]])
        c.lift()
        say([sends(), connects()])
    os._exit(0)
os.wait()
os.write(w, b"x")
`,
  said: [
    [lost, 'MB_CONTROL', true],
    [ok, ok],
  ],
})
