import { type Command, createCommand } from '../../runtime/node/command.ts'
import { RULES, ruleOf } from '../../watch/rules/rules.ts'
import { GATE_OPTIONS, parseGateUrl, tokenFor } from '../client.ts'
import { type CalledGate, callConsole } from '../contain/console-call.ts'
import { formatFinding } from '../contain/finding-format.ts'
import { member } from '../json.ts'
import { LogReader } from '../log/log-reader.ts'
import { readTime } from '../log/time.ts'
import { progress } from '../progress.ts'
import { COMMAND, print, say, UsageError } from '../terminal.ts'
import { RuleReplay, readWatched } from './replay.ts'

/** `mediaward rules`: lists the rules, or tries them on what is in the log already. */
export const rules: Command = createCommand({
  usage: 'mediaward rules [replay]',
  summary: 'Lists the rules that watch the log, or has them look at its past, to see what they would find.',
  options: {
    since: {
      type: 'string',
      value: 'TIME',
      about: 'Of "replay": only records since then, as in 2026-11-22T10:00:00Z or 7d. Default: all.',
    },
    rule: { type: 'string', value: 'RULE', about: 'Only this rule, as in RG-001.' },
    json: { type: 'boolean', default: false, about: 'Print JSON, one rule or finding a line.' },
    ...GATE_OPTIONS,
  },
  allowPositionals: true,
  example: `${COMMAND} rules replay --since 7d --rule RG-001`,

  async run({ since, rule, json, ...gate }, [action = 'list', ...others]) {
    if (others.length > 0) throw new UsageError('there are too many arguments')
    if (rule !== undefined && ruleOf(rule) === undefined) {
      throw new UsageError(`--rule ${rule} is not a rule`, `"${COMMAND} rules" lists them`)
    }
    if (action === 'list') return list(rule, json)
    if (action !== 'replay') {
      throw new UsageError(`"${action}" is not something that rules does`, 'it may be replay')
    }
    const from = since === undefined ? undefined : readTime('--since', since)
    const replay = await replayed(gate, from)
    const found = replay.findings.filter(one => rule === undefined || one.rule === rule)
    for (const finding of found) await print(json ? JSON.stringify(finding) : formatFinding(finding))
    say(`${found.length} findings in ${replay.count} records. None is stored, and no one was alerted`)
  },
})

async function list(rule: string | undefined, json: boolean): Promise<void> {
  // What a gate tries only is a setting of the gate: its findings say so.
  for (const { start: _, ...facts } of RULES.filter(({ id }) => rule === undefined || id === rule)) {
    const { id, version, severity, title, canSuppress } = facts
    const always = canSuppress ? '' : '  (never suppressed)'
    await print(json ? JSON.stringify(facts) : `${id}  v${version}  ${severity.padEnd(8)}  ${title}${always}`)
  }
}

/** Has the rules look at the log of a gate. */
async function replayed(gate: CalledGate, since: string | undefined): Promise<RuleReplay> {
  const canaries = member(await callConsole(gate, '/console/api/canaries'), 'recordings')
  if (!Array.isArray(canaries)) {
    say(
      'RG-040 is left out: the gate gives the ids of the canaries only to the role "security" of all tenants',
    )
  }
  const replay = new RuleReplay(new Set(Array.isArray(canaries) ? (canaries as readonly string[]) : []))
  const request = {
    gate: parseGateUrl(gate.url),
    token: () => tokenFor(gate.token, gate.data, 'security'),
    filters: { indexed: 'true' },
    follow: false,
  }
  const range = { filters: {}, newest: false, ...(since !== undefined && { since }) }
  const newest = await new LogReader(request).pages({ ...range, newest: true, limit: 1 }).next()
  const end = readWatched(newest.value ?? [])[0]?.index ?? 0
  let first: number | undefined
  for await (const lines of new LogReader(request).pages(range)) {
    const records = readWatched(lines)
    replay.look(records)
    const last = records.at(-1)
    first ??= records[0]?.index
    if (last === undefined || first === undefined) continue
    // What is recorded meanwhile is looked at, too.
    const total = Math.max(end, last.index) - first + 1
    progress('records', last.index - first + 1, total, `${replay.findings.length} findings`)
  }
  return replay
}
