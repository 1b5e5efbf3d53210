import { type Command, createCommand } from '../../runtime/node/command.ts'
import { GATE_OPTIONS } from '../client.ts'
import { callConsole, clean } from '../contain/console-call.ts'
import { member, stringMember } from '../json.ts'
import { readTime } from '../log/time.ts'
import { COMMAND, print, say, UsageError } from '../terminal.ts'

/** `mediaward sinks`: lists the systems that records are sent to, tests one, or has one send records again. */
export const sinks: Command = createCommand({
  usage: 'mediaward sinks [test NAME | replay NAME]',
  summary: 'Lists the systems that records are sent to, tests one, or has one send records again.',
  options: {
    from: {
      type: 'string',
      value: 'INDEX|TIME',
      about:
        'Of "replay": send again from this index, or from this time on, as in 2026-11-22T10:00:00Z or 2h.',
    },
    dead: { type: 'boolean', default: false, about: 'Of "replay": send the dead letters again.' },
    json: { type: 'boolean', default: false, about: 'Print the answer of the gate as JSON.' },
    ...GATE_OPTIONS,
  },
  allowPositionals: true,
  example: `${COMMAND} sinks replay siem --from 2h`,

  async run({ from, dead, json, ...gate }, [action, name, ...rest]) {
    if (action !== undefined && action !== 'test' && action !== 'replay') {
      throw new UsageError(`"${action}" is not something that sinks does`, 'it may be test or replay')
    }
    if (action !== undefined && name === undefined)
      throw new UsageError(`name the sink: sinks ${action} NAME`)
    if (rest.length > 0) throw new UsageError('there are too many arguments')
    if (action !== 'replay' && (from !== undefined || dead)) {
      throw new UsageError('--from and --dead are for "sinks replay NAME"')
    }
    const path = `/console/api/sinks${action === undefined ? '' : `/${action}`}`
    const call = { name, ...(from !== undefined && { from: readPlace(from) }), ...(dead && { dead }) }
    const answer = await callConsole(gate, path, action === undefined ? undefined : call)

    if (json) await print(JSON.stringify(answer))
    else if (action === undefined) await list(answer)
    else if (action === 'replay') say(describeReplay(answer))
    else if (member(answer, 'taken') === true) say(`${name} took a test record`)
    if (action === 'test' && member(answer, 'taken') !== true) {
      throw new Error(
        `${name} did not take a test record: ${clean(stringMember(answer, 'failure') ?? 'no reason')}`,
      )
    }
  },
})

const readPlace = (from: string): number | string =>
  /^\d{1,15}$/.test(from) ? Number(from) : readTime('--from', from)

async function list(answer: unknown): Promise<void> {
  const all = member(answer, 'sinks')
  if (!Array.isArray(all) || all.length === 0) return say('no sinks: SINKS names none (docs/sinks.md)')
  for (const sink of all as readonly unknown[]) {
    const error = member(sink, 'lastError')
    const fails = error !== undefined && member(sink, 'retryAt') !== undefined
    const columns = [
      `${stringMember(sink, 'name')}`.padEnd(16),
      `${stringMember(sink, 'type')}`.padEnd(8),
      `${member(sink, 'behind')} behind (${member(sink, 'behind_s')} s)`.padEnd(24),
      `last success ${timeOf(member(sink, 'lastSuccess'))}`,
      `${member(sink, 'deadLetters')} dead`,
      ...(error === undefined
        ? []
        : [
            `${fails ? 'FAILS' : 'last error'} ${timeOf(member(error, 'at'))}: ${stringMember(error, 'message')}`,
          ]),
    ]
    await print(clean(columns.join('  ')))
    const dead = member(sink, 'dead')
    for (const letter of Array.isArray(dead) ? (dead as readonly unknown[]) : []) {
      const place = `index ${member(letter, 'index')}, event ${stringMember(letter, 'id')}`
      await print(clean(`  dead: ${place}: ${stringMember(letter, 'reason')}`))
    }
  }
}

function describeReplay(answer: unknown): string {
  const [from, dead] = [member(answer, 'from'), member(answer, 'dead')]
  const parts = [
    ...(from === undefined ? [] : [`everything from index ${from} on`]),
    ...(dead === undefined ? [] : [`${dead} dead letters`]),
  ]
  return `sends again: ${parts.join(', and ')}`
}

const timeOf = (time: unknown): string => (typeof time === 'number' ? new Date(time).toISOString() : 'never')
