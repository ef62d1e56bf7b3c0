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

test('each conversation of the transcript is what the real server says', async (t) => {
  if (!requires(t, 'python3')) return
  const expected = readTranscript()
  const env = { CONVERSATIONS: JSON.stringify(expected) }
  const args = ['exec', '--seed', '11', '--control=open+openat', '--', ...clientCommand(program)]
  const { status, stdout, stderr } = await runMinderbinder(args, { env })
  assert.equal(status, 0, stderr)
  assert.deepEqual(
    (linesOf(stdout) as Conversation[]).map(ofAnyVersion),
    expected.map(ofAnyVersion),
  )
})

function ofAnyVersion(conversation: Conversation): unknown {
  return JSON.parse(
    JSON.stringify(conversation, (key, value) => (key === 'minderbinder' ? 'any' : value)),
  )
}
