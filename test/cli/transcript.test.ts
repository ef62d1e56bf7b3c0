/** clients/transcript.jsonl, which the tests of each client rest on: the real server says the same. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { clientCommand, linesOf } from '../helpers/control.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { type Conversation, readTranscript } from '../helpers/transcript.ts'

/** Holds the conversations, and says what became of them. */
const program = `
for conversation in json.loads(os.environ["CONVERSATIONS"]):
    c = Client(greet=False)
    held, steps = [], conversation["steps"]
    for at, step in enumerate(steps):
        if "opens" in step:
            held.append(dict(step, outcome=opens(step["opens"])))
        elif "client" in step:
            held.append(step)
            asked = dict(step["client"])
            if "tid" in asked: asked["tid"] = threading.get_native_id()
            if at + 1 < len(steps): held.append(dict(server=c.ask(**asked)))
    say(dict(name=conversation["name"], steps=held))
    c.close()
`

for (const engine of ['ptrace', 'seccomp'])
  test(`each conversation of the transcript is what the real server says, by ${engine}`, async (t) => {
    if (!requires(t, 'python3')) return
    const expected = readTranscript()
    const env = { CONVERSATIONS: JSON.stringify(expected) }
    const options = ['--seed', '11', '--engine', engine, '--control=open+openat']
    const command = ['exec', ...options, '--', ...clientCommand(program)]
    const { status, stdout, stderr } = await runMinderbinder(command, { env })
    assert.equal(status, 0, stderr)
    assert.deepEqual(
      (linesOf(stdout) as Conversation[]).map((each) => said(each)),
      expected.map((each) => said(each, engine)),
    )
  })

/** Of any version, and by that engine. */
function said(conversation: Conversation, engine?: string): unknown {
  return JSON.parse(
    JSON.stringify(conversation, (key, value) => {
      if (key === 'minderbinder') return 'any'
      return key === 'engine' ? (engine ?? value) : value
    }),
  )
}
