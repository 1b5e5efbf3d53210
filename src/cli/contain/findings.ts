import { type Command, createCommand } from '../../runtime/node/command.ts'
import { MAX_ABOUT, STATES, VERDICTS } from '../../watch/finding.ts'
import { MAX_TEXT } from '../../watch/finding-control.ts'
import { isText } from '../../watch/findings/act.ts'
import { SEVERITIES } from '../../watch/severity.ts'
import { DEFAULT_URL, GATE_OPTIONS } from '../client.ts'
import { member, stringMember } from '../json.ts'
import { readTime } from '../log/time.ts'
import { COMMAND, print, say, UsageError } from '../terminal.ts'
import { type CalledGate, callConsole, clean } from './console-call.ts'
import { readExposure } from './exposure.ts'
import { formatExposure, notKnown } from './exposure-format.ts'
import { jsonOf, readContext } from './finding-context.ts'
import { formatFinding, formatShown, formatSuppression } from './finding-format.ts'
import { isReleaseProven } from './release-proof.ts'
import { targetOf, unprovenRelease } from './target.ts'

const ACTIONS: Readonly<Record<string, string>> = {
  assign: 'assign ID PSEUDONYM',
  acknowledge: 'acknowledge ID',
  comment: 'comment ID --words WORDS',
  close: 'close ID --verdict VERDICT',
  reopen: 'reopen ID',
}

/** `mediaward findings`: lists what the rules found, shows one, works on it, stops what it is about, or keeps rules quiet. */
export const findings: Command = createCommand({
  usage: 'mediaward findings [ACTION ID | suppress RULE | suppressions]',
  summary: 'Lists what the rules found, or acts: show, assign, acknowledge, comment, close, reopen, contain.',
  options: {
    state: {
      type: 'string',
      value: 'STATE',
      about: `Only these: ${STATES.join(', ')}, or all. Default: all but closed.`,
    },
    severity: { type: 'string', value: 'SEVERITY', about: `From which on: ${SEVERITIES.join(', ')}.` },
    rule: { type: 'string', value: 'RULE', about: 'Only those of this rule, as in RG-001.' },
    subject: { type: 'string', value: 'PSEUDONYM', about: 'Only those about this person.' },
    recording: { type: 'string', value: 'ID', about: 'Only those about this recording.' },
    release: { type: 'string', value: 'V', about: 'Only those about this release of the app.' },
    since: {
      type: 'string',
      value: 'TIME',
      about: 'Only those seen since then, as in 2026-11-22T10:00:00Z or 2h.',
    },
    verdict: { type: 'string', value: 'VERDICT', about: `Of "close": ${VERDICTS.join(', ')}.` },
    words: { type: 'string', value: 'WORDS', about: 'What you say with it. It is kept apart from the log.' },
    reason: { type: 'string', value: 'WORDS', about: 'Why. Required to contain and to suppress.' },
    until: {
      type: 'string',
      value: 'TIME',
      about:
        'When a lockdown or a suppression ends, as in 2026-11-22T10:00:00Z or 2h. A suppression lasts at most 30 days.',
    },
    from: {
      type: 'string',
      value: 'TIME',
      about:
        'Of "suppress": when it begins, as in 2026-11-22T10:00:00Z or 2h. Default: now. The rule * is all that may be suppressed.',
    },
    group: {
      type: 'string',
      value: 'NAME=VALUE',
      multiple: true,
      about: 'Of "suppress": only findings that are grouped by this. May be given several times.',
    },
    crowd: {
      type: 'boolean',
      default: false,
      about:
        'Of "suppress": only the finding of a release that is made when many come at once, whatever the rule.',
    },
    scope: {
      type: 'string',
      value: 'SCOPE',
      about:
        'Of "contain": what to stop instead of what the finding is grouped by: session, subject, recording or release.',
    },
    json: { type: 'boolean', default: false, about: 'Print the answer of the gate as JSON.' },
    ...GATE_OPTIONS,
  },
  allowPositionals: true,
  example: `${COMMAND} findings contain 0197f2c4-8a10-7cc3-9a3e-2b1c5d7e9f01 --reason "foreign lists"`,

  async run(values, [action = 'list', ...rest]) {
    const { url, token, data, json } = values
    const gate: CalledGate = { url, token, data }
    const show = (answer: unknown, words: (answer: unknown) => Promise<void>) =>
      json ? print(JSON.stringify(answer)) : words(answer)

    if (action === 'list') {
      none(rest)
      return list(gate, filtersIn(values), json)
    }
    if (action === 'suppressions') {
      none(rest)
      return show(await callConsole(gate, '/console/api/suppressions'), listSuppressions)
    }
    if (action === 'suppress') {
      const [rule, ...others] = rest
      none(others)
      if (rule === undefined) throw new UsageError('name the rule: findings suppress RG-001')
      const { reason, from, until } = values
      if (reason === undefined || until === undefined) {
        throw new UsageError(
          'say why and until when',
          `findings suppress ${rule} --until 2h --reason "WORDS"`,
        )
      }
      const call = {
        rule,
        group: groupOf(values.group ?? []),
        ...(values.crowd && { crowd: true }),
        ...(from !== undefined && { from: readTime('--from', from, true) }),
        until: readTime('--until', until, true),
        reason,
      }
      return show(await callConsole(gate, '/console/api/suppressions/add', call), async answer => {
        say(
          `findings of ${rule === '*' ? 'all rules that may be suppressed' : rule} alert no one ${from === undefined ? '' : `from ${call.from} `}until ${call.until}`,
        )
        await print(`${stringMember(member(answer, 'suppression'), 'id')}`)
      })
    }
    const [id, ...others] = rest
    if (id === undefined) throw new UsageError(`name the finding: findings ${action} ID`)
    const done = (words: string) => async () => say(words)
    switch (action) {
      case 'show':
        none(others)
        return showOne(gate, id, json)
      case 'unsuppress':
        none(others)
        return show(
          await callConsole(gate, '/console/api/suppressions/end', { id }),
          done('the suppression has ended'),
        )
      case 'erase':
        none(others)
        return show(
          await callConsole(gate, '/console/api/findings/erase', { id }),
          done('the words are erased'),
        )
      case 'contain':
        none(others)
        return contain(gate, id, values)
    }
    if (!Object.hasOwn(ACTIONS, action)) {
      throw new UsageError(
        `"${action}" is not something that findings does`,
        `see "${COMMAND} findings --help"`,
      )
    }
    const [assignee, ...more] = action === 'assign' ? others : [undefined, ...others]
    none(more)
    if (action === 'assign' && assignee === undefined)
      throw new UsageError(`write it as: findings ${ACTIONS.assign}`)
    const { verdict, words } = values
    if (action === 'close' && verdict === undefined)
      throw new UsageError('close needs --verdict', `it may be ${VERDICTS.join(', ')}`)
    if (action === 'comment' && words === undefined)
      throw new UsageError('comment needs --words', `findings ${ACTIONS.comment}`)
    if (words !== undefined && !isText(words))
      throw new UsageError(`--words must have 1 to ${MAX_TEXT} characters, not only white space`)
    const call = {
      ...{ id, action },
      ...(assignee !== undefined && { assignee }),
      ...(verdict !== undefined && { verdict }),
      ...(words !== undefined && { text: words }),
    }
    const answer = await callConsole(gate, '/console/api/findings/act', call)
    return show(answer, async () => print(formatFinding(member(answer, 'finding'))))
  },
})

type Values = Readonly<Record<string, unknown>>

function none(args: readonly (string | undefined)[]): void {
  if (args.some(arg => arg !== undefined)) throw new UsageError('there are too many arguments')
}

function filtersIn(values: Values): URLSearchParams {
  const parameters = new URLSearchParams()
  for (const name of ['state', 'severity', 'rule', 'subject', 'recording', 'release']) {
    const value = values[name]
    if (typeof value === 'string') parameters.set(name, value)
  }
  if (typeof values.since === 'string') parameters.set('since', readTime('--since', values.since))
  return parameters
}

async function list(gate: CalledGate, parameters: URLSearchParams, json: boolean): Promise<void> {
  let count = 0
  for (;;) {
    const page = await callConsole(gate, `/console/api/findings?${parameters}`)
    const some = member(page, 'findings')
    for (const finding of Array.isArray(some) ? (some as readonly unknown[]) : []) {
      count += 1
      await print(json ? JSON.stringify(finding) : formatFinding(finding))
    }
    const cursor = stringMember(page, 'cursor')
    if (cursor === undefined) break
    parameters.set('cursor', cursor)
  }
  if (count === 0 && !json) say('no findings')
}

async function listSuppressions(answer: unknown): Promise<void> {
  const all = member(answer, 'suppressions')
  if (!Array.isArray(all) || all.length === 0) return say('nothing is suppressed')
  for (const one of all as readonly unknown[]) await print(formatSuppression(one))
}

function groupOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf('=')
      if (at < 1) throw new UsageError(`--group ${pair} is not NAME=VALUE`, 'as in --group release=4.12.0')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** Shows a finding, and what left of the recordings that it is about. */
async function showOne(gate: CalledGate, id: string, json: boolean): Promise<void> {
  const answer = await callConsole(gate, `/console/api/findings/show?id=${encodeURIComponent(id)}`)
  const finding = member(answer, 'finding')
  const recordings = member(member(finding, 'about'), 'recordings')
  const known = Array.isArray(recordings) ? (recordings as readonly string[]) : []
  const context = await readContext(gate, finding)
  const read = await readExposure(gate, finding, known)
  if (json) {
    const { exposure, lists, since = null } = read
    const said = { exposure, exposure_since: since, exposure_lists: lists, not_known: notKnown(lists) }
    return print(JSON.stringify({ ...Object(answer), ...jsonOf(context), ...said }))
  }
  const lines = [...formatShown(answer, context), ...(known.length === 0 ? [] : formatExposure(read))]
  for (const line of lines) await print(clean(line))
  if (known.length >= MAX_ABOUT) say(`the finding names ${MAX_ABOUT} recordings, and may be about more`)
}

/** Stops what a finding is grouped by, as narrowly as it can be named, or else what was chosen. */
async function contain(gate: CalledGate, id: string, values: Values): Promise<void> {
  const { reason, until, scope, json } = values
  if (typeof reason !== 'string') throw new UsageError('say why', `findings contain ${id} --reason "WORDS"`)
  const shown = await callConsole(gate, `/console/api/findings/show?id=${encodeURIComponent(id)}`)
  const finding = member(shown, 'finding')
  const called = { reason, url: gate.url }
  const target = targetOf(finding, typeof scope === 'string' ? scope : undefined, called)
  if (target.scope === 'release' && scope === undefined) {
    const isProven = await isReleaseProven(gate, finding, target.value)
    if (!isProven) throw unprovenRelease(finding, target.value, called)
  }
  const ends = typeof until === 'string' ? { until: readTime('--until', until, true) } : {}
  const answer = await callConsole(gate, '/console/api/lockdowns/add', {
    ...target,
    ...ends,
    reason,
    finding: id,
  })
  if (json === true) return print(JSON.stringify(answer))
  say(`${target.scope} ${target.value} is locked down: within two seconds nothing of it plays`)
  const to = gate.url === DEFAULT_URL ? '' : ` --url ${gate.url}`
  say(`undo it with: ${COMMAND} lockdown undo ${member(answer, 'epoch')}${to} --reason "WORDS"`)
  await print(`${member(answer, 'epoch')}`)
}
