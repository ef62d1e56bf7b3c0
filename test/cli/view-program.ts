/**
 * The view on standard input and output, of activities made up; ends by q or ^C, or as its argument says:
 * `throw`, `reject` or `exit` once SIGUSR1 comes.
 */
import { openView } from '../../src/view/view.ts'
import { activity, ruleActivity } from '../helpers/activity.ts'

const how = process.argv[2]
const rules = Number(process.argv[3] ?? 2)
const view = await openView({
  title: 'view program',
  seed: '17',
  output: process.stdout,
  input: process.stdin,
  onQuit() {
    view.close()
    view.close()
    process.exit(3)
  },
})
let second = 0
const timer = setInterval(() => {
  second += 1
  view.update(
    activity({
      atMs: second * 1000,
      rules: Array.from({ length: rules }, (_, index) =>
        ruleActivity(`rule_${index}`, 100 * second, 10 * second),
      ),
      targets: [{ pid: 4711, name: '\x1b[31mcurl', rules: ['rule_0'] }],
      injections: [`pid ${process.pid}`],
    }),
  )
}, 100)
process.on('SIGUSR1', () => {
  if (how === 'throw') throw new Error('thrown on purpose')
  if (how === 'reject') void Promise.reject(new Error('rejected on purpose'))
  if (how === 'exit') process.exit(4)
  if (how === 'end') {
    clearInterval(timer)
    view.close() // and nothing else: the loop is empty now
  }
})
