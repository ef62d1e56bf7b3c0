/** What people type by habit of other tools, and what does it here: hints. */
import { noLatency } from '../rules/other-words.ts'

const attach =
  'exec faults what it starts; run with targets: (- pid: N, - process_name: NAME) faults processes that run already (root)'
const noShaping =
  'only loss and refusal are offered yet: --drop-net loses packets, --refuse-net refuses connections'

const hints: Readonly<Record<string, string>> = {
  ...all('-e --trace', "strace's -e inject=EXPRESSION is --inject EXPRESSION"),
  ...all('-p --pid --attach', attach),
  ...all('--delay-net --latency --delay --jitter --latency-net', noLatency),
  ...all('--limit-net --rate --bandwidth --corrupt-net --duplicate-net --reset-net', noShaping),
  ...all('-f --follow-forks', 'this is the default: what COMMAND starts is faulted, too'),
  ...all('-c --conf', 'a configuration file is --config FILE'),
  ...all('-V --version', 'minderbinder --version shows the version'),
}

function all(names: string, hint: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map((name) => [name, hint]))
}

/** @param message of commander: `unknown option '-p'` */
export function otherOptionHint(message: string): string | undefined {
  const [, option = ''] = /^unknown option '(-\w|--[\w-]+)/.exec(message) ?? []
  return Object.hasOwn(hints, option) ? hints[option] : undefined
}
