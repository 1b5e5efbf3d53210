import { type Command, createCommand } from '../../runtime/node/command.ts'
import { GATE_OPTIONS } from '../client.ts'
import { member, stringMember } from '../json.ts'
import { readTime } from '../log/time.ts'
import { COMMAND, print, say, UsageError } from '../terminal.ts'
import { callConsole, clean } from './console-call.ts'

const SCOPES = 'recording, subject, session, release, tenant or everything'

/** `mediaward lockdown`: stops what goes on at a gate, streams in flight included, lists what is stopped, and undoes it. */
export const lockdown: Command = createCommand({
  usage: 'mediaward lockdown [list | add SCOPE [VALUE] | undo NUMBER | erase NUMBER]',
  summary:
    'Stops playing within two seconds, streams in flight included, lists what is stopped, or undoes it.',
  options: {
    reason: { type: 'string', value: 'WORDS', about: 'Why. Required to add and to undo.' },
    until: {
      type: 'string',
      value: 'TIME',
      about: 'Of "add": when it ends by itself, as in 2026-11-22T10:00:00Z or 2h. Default: never.',
    },
    uploads: {
      type: 'boolean',
      default: false,
      about: 'Of "add": stop storing, too. Without it, a release or everything stops playing alone.',
    },
    finding: { type: 'string', value: 'ID', about: 'Of "add": the finding that it is for.' },
    json: { type: 'boolean', default: false, about: 'Print the answer of the gate as JSON.' },
    ...GATE_OPTIONS,
  },
  allowPositionals: true,
  example: `${COMMAND} lockdown add release 4.12.0 --reason "patients see the lists of others"`,

  async run({ reason, until, uploads, finding, json, ...gate }, [action = 'list', ...rest]) {
    if (action === 'list') {
      if (rest.length > 0) throw new UsageError('there are too many arguments')
      const answer = await callConsole(gate, '/console/api/lockdowns')
      return json ? print(JSON.stringify(answer)) : list(answer)
    }
    if (action === 'erase') {
      const answer = await callConsole(gate, '/console/api/lockdowns/erase', { epoch: readNumber(rest) })
      return json ? print(JSON.stringify(answer)) : say('why it was added and undone is erased')
    }
    if (action !== 'add' && action !== 'undo') {
      throw new UsageError(
        `"${action}" is not something that lockdown does`,
        'it may be add, list, undo or erase',
      )
    }
    if (reason === undefined) throw new UsageError('say why', `lockdown ${action} … --reason "WORDS"`)
    const call =
      action === 'add'
        ? {
            ...readTarget(rest),
            ...(until !== undefined && { until: readTime('--until', until, true) }),
            ...(uploads && { uploads }),
          }
        : { epoch: readNumber(rest) }
    const body = { ...call, reason, ...(finding !== undefined && { finding }) }
    const answer = await callConsole(gate, `/console/api/lockdowns/${action}`, body)
    if (json) return print(JSON.stringify(answer))
    const number = member(answer, 'epoch')
    if (action === 'add') {
      say(`lockdown ${number} is in force: within two seconds nothing of it plays`)
      if (member(answer, 'recorded') === false)
        say('the log did not take the record of it: write down what you did')
      return print(String(number))
    }
    const isDone = member(answer, 'state') === 'undone'
    say(
      isDone
        ? `lockdown ${number} is undone`
        : `lockdown ${number} is still in force: another person must undo it, too, within an hour`,
    )
  },
})

function readTarget([scope, value, ...others]: readonly string[]): object {
  if (scope === undefined) throw new UsageError('name what is to be stopped', `it may be ${SCOPES}`)
  if (others.length > 0)
    throw new UsageError('there are too many arguments', 'write a value with spaces in quotes')
  if ((scope === 'everything') !== (value === undefined)) {
    throw new UsageError(
      scope === 'everything' ? 'everything has no value' : `name the ${scope}: lockdown add ${scope} VALUE`,
    )
  }
  return value === undefined ? { scope } : { scope, value }
}

function readNumber([number = '', ...others]: readonly string[]): number {
  if (!/^\d{1,15}$/.test(number) || others.length > 0) {
    throw new UsageError('name the lockdown by its number', 'lockdown list has the numbers')
  }
  return Number(number)
}

async function list(answer: unknown): Promise<void> {
  const all = member(answer, 'lockdowns')
  if (!Array.isArray(all) || all.length === 0) return say('no lockdowns: everything plays as it should')
  for (const one of all as readonly unknown[]) {
    const [until, tenant, proposed] = ['until', 'tenant', 'proposed'].map(name => member(one, name))
    const columns = [
      `${member(one, 'epoch')}`.padStart(4),
      `${member(one, 'scope')} ${member(one, 'value') ?? ''}`.trim(),
      ...(tenant === undefined ? [] : [`of tenant ${tenant}`]),
      `since ${member(one, 'at')}`,
      `by ${stringMember(one, 'by')?.slice(0, 12)}`,
      ...(until === undefined ? [] : [`until ${until}`]),
      ...(member(one, 'uploads') === true ? ['uploads too'] : []),
      ...(proposed === undefined ? [] : ['waits for a second person to undo it']),
      `${stringMember(one, 'reason') ?? '(why is erased)'}`,
    ]
    await print(clean(columns.join('  ')))
  }
}
