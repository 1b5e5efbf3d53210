import fc from 'fast-check'
import type { EventFacts, EventHead, LedgerEvent, ListedAnswer } from '../../src/ledger/event.ts'
import { KINDS, VERSION } from '../../src/ledger/event.ts'
import { REASONS, type Reason } from '../../src/reason.ts'
import type { Deployment, LogEntry, RenderedEvent } from '../../src/render/entry.ts'
import { CANONICAL } from './deny-reason-code-system.ts'

// Entries of the log for tests of renderings: every kind, every reason, with and without what a record may lack.

export const DEPLOYMENT: Deployment = {
  vendor: 'Clinic Ltd',
  product: 'Mediaward',
  host: 'recordings.clinic.example',
  platform: 'Cloudflare',
  fhir: CANONICAL,
  enterprise: 32473,
}

/** What every record has. */
const BARE: EventHead = {
  v: 1,
  id: '01a20657-1d65-70a8-a1f9-c9dba64c576e',
  t: '2026-11-23T02:58:22.181Z',
  recorded: '2026-11-23T02:58:22.204Z',
  tenant: 'default',
  gate: { version: VERSION, isolate: '99e81a4e', seq: 17 },
}
/** What a record has at most. */
const FULL: EventHead = {
  ...BARE,
  tenant: 'clinic-north',
  recording_tenant: 'clinic-south',
  subject: 'psn_eea495002a0036fc283487916888056a',
  actor: 'psn_0c77aa1f2e3d4c5b6a79880716253443',
  prior_actors: ['psn_1d77aa1f2e3d4c5b6a79880716253443'],
  issuer: 'https://login.clinic.example/',
  entry: 'patients',
  claim: 'aud',
  session: 'psn_0b77aa1f2e3d4c5b6a79880716253443',
  token: 'psn_d2ef9c4dcb47eca69b31657dc1665723',
  ticket: '01a20657-1d65-70a8-a1f9-c9dba64c5000',
  roles: ['patient'],
  recording: 'rec-001',
  owner: 'psn_b3746655eac2b0d999496493453156a3',
  part: 'video/segment-1.m4s',
  release: '4.12.0',
  client: 'patient-app',
  net: { prefix: '203.0.113.0/24', ip: 'psn_91ab3071c5d2e8f04a6b9c1d2e3f4a5b', asn: 2856, country: 'GB' },
}
const ASKED = {
  questions: 2,
  subjects: ['psn_2e77aa1f2e3d4c5b6a79880716253443'],
  recordings: ['rec-001', 'rec-002'],
}
const ANSWERS: readonly ListedAnswer[] = [
  { recording: 'rec-001', decision: 'permit', owner: 'psn_eea495002a0036fc283487916888056a' },
  {
    recording: 'rec-002',
    decision: 'deny',
    reason: 'not_owner',
    owner: 'psn_b3746655eac2b0d999496493453156a3',
  },
  { decision: 'deny', reason: 'recording_unknown' },
]

const DENIED = { kind: 'access', decision: 'deny', status: 404, method: 'GET' } as const
const FACTS: readonly EventFacts[] = [
  ...Object.values(REASONS)
    .flat()
    .map((reason: Reason) => ({ ...DENIED, reason })),
  ...['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'other'].map(method => ({
    ...DENIED,
    reason: 'role_missing' as const,
    method,
  })),
  {
    ...DENIED,
    reason: 'playlist_outside',
    range: 'bytes=0-1048575',
    playlist: { line: 7, tag: 'EXT-X-MAP', attribute: 'URI' },
  },
  { ...DENIED, reason: 'not_owner', repeats: { until: '2026-11-23T03:08:22.181Z' } },
  { ...DENIED, reason: 'not_owner', repeats: { of: BARE.id, count: 12 } },
  { ...DENIED, reason: 'token_missing', sum: { until: '2026-11-23T02:59:00.000Z' } },
  {
    ...DENIED,
    reason: 'token_missing',
    sum: { of: BARE.id, count: 98_765, first: BARE.id, last: BARE.id, sample: [BARE.id] },
  },
  { kind: 'gap', count: 41, since: '2026-11-23T02:57:00.000Z', until: '2026-11-23T02:58:00.000Z' },
  { kind: 'ticket', decision: 'permit', expires: '2026-11-23T03:58:22.181Z' },
  { kind: 'ticket', decision: 'permit', expires: '2026-11-23T03:58:22.181Z', binding: ['network'] },
  { kind: 'view', decision: 'permit' },
  { kind: 'view', decision: 'permit', async: true },
  {
    kind: 'delivery',
    decision: 'permit',
    view: BARE.id,
    answers: 3,
    cut: 1,
    assumed: 0,
    bytes: 5_368_709_120,
    parts: [{ ranges: [[0, 1_048_575]] }, { part: 'a.m4s', ranges: [] }],
  },
  { kind: 'listed', decision: 'deny', answers: ANSWERS, page: { of: BARE.id, number: 1, count: 2 } },
  { kind: 'listed', decision: 'permit', answers: ANSWERS.slice(0, 1), about: 'psn_about' },
  { kind: 'listed', decision: 'permit', answers: [] },
  {
    kind: 'console',
    decision: 'permit',
    action: 'explain',
    explained: { decision: 'deny', status: 401, reason: 'token_audience', entry: 'patients', claim: 'aud' },
    about: 'psn_3f77aa1f2e3d4c5b6a79880716253443',
  },
  {
    kind: 'console',
    decision: 'permit',
    action: 'sink_replay',
    sink: 'siem',
    replay: { from: 184_223, dead: true },
  },
  {
    kind: 'console',
    decision: 'permit',
    action: 'doctor',
    findings: { ok: 20, warning: 1, failed: 0, not_checked: 3 },
  },
  ...(['opened', 'raised', 'joined', 'suppressed', 'unsuppressed', 'assigned', 'closed'] as const).map(
    (action, i): EventFacts => ({
      ...{
        kind: 'finding',
        action,
        finding: BARE.id,
        rule: 'RG-001',
        version: 1,
        count: 3,
        evidence: [BARE.id],
      },
      severity: (['info', 'low', 'medium', 'high', 'critical'] as const)[i % 5] ?? 'high',
      group: { subject: 'psn_3f77aa1f2e3d4c5b6a79880716253443' },
      about: 'psn_3f77aa1f2e3d4c5b6a79880716253443',
      ...(action === 'joined' && { related: [BARE.id, BARE.id] }),
      ...(action === 'closed' && {
        ...{ verdict: 'benign', assignee: 'psn_3f77aa1f2e3d4c5b6a79880716253443' },
        said: { id: BARE.id, sha256: '0'.repeat(64) },
      }),
    }),
  ),
  {
    ...{ kind: 'finding', action: 'suppression_added', rule: 'RG-001', group: {}, suppression: BARE.id },
    expires: '2026-12-23T02:58:22.181Z',
  },
]

/** Records of kinds that this version doesn't know, as a newer gate may have written them. */
const UNKNOWN: readonly RenderedEvent[] = [
  { ...BARE, kind: 'heartbeat' },
  { ...FULL, kind: 'lockdown', action: 'added', reason: 'recording_quarantined' },
  { ...BARE, kind: 'constructor', decision: 'deny', reason: '__proto__' },
]

/** A record of an old gate, which did not say when it was recorded. */
const { recorded: _, ...OLD } = { ...FULL, ...DENIED, reason: 'not_owner' } as const

const events: readonly RenderedEvent[] = [
  ...FACTS.flatMap((facts): LedgerEvent[] => [
    { ...BARE, ...facts },
    { ...FULL, ...facts },
    { ...FULL, asked: ASKED, ...facts },
    // Not every member, so that what depends on two of them is seen with one.
    { ...BARE, subject: 'psn_eea495002a0036fc283487916888056a', recording: 'rec-001', ...facts },
    { ...BARE, client: 'patient-app', net: { country: 'GB' }, ...facts },
  ]),
  ...UNKNOWN,
  OLD as RenderedEvent,
]

/** Entries of every kind, for every reason, with as few and as many members as there are. */
export const ENTRIES: readonly LogEntry[] = events.map((event, index) => ({ index, id: event.id, event }))

/** Returns an entry with all members, which a test can look at: a refusal, or of another kind. */
export function entryOf(kind: string): LogEntry {
  const entry = ENTRIES.find(
    ({ event }) =>
      event.kind === kind && event.owner !== undefined && (event.reason ?? 'not_owner') === 'not_owner',
  )
  if (entry === undefined) throw new Error(`no entry of the kind ${kind}`)
  return { ...entry, index: 184_223 }
}

// What could break out of a format: its own separators, line breaks, other control characters, and letters of all kinds.
const hostile: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '\\',
      '|',
      '=',
      '"',
      ']',
      '[',
      '\n',
      '\r',
      '\0',
      ' ',
      '\u2028',
      '\u0085',
      'a',
      '<1>',
    ),
  }),
)
const json: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 3 })

/** Arbitrary records: any of the members that a head has, with any strings, and any further members. */
export const arbitraryEntry: fc.Arbitrary<LogEntry> = fc
  .record({
    index: fc.nat(),
    method: fc.constantFrom(
      'GET',
      'HEAD',
      'PUT',
      'POST',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'CONNECT',
      'other',
      undefined,
    ),
    kind: fc.oneof(fc.constantFrom(...KINDS), hostile),
    decision: fc.option(fc.constantFrom('permit' as const, 'deny' as const), { nil: undefined }),
    reason: fc.option(fc.oneof(fc.constantFrom(...Object.values(REASONS).flat()), hostile), {
      nil: undefined,
    }),
    strings: fc.dictionary(
      fc.constantFrom(
        ...['subject', 'actor', 'issuer', 'session', 'token', 'recording', 'owner', 'part', 'release'],
        ...['client', 'range', 'action', 'about', 'view', 'tenant'],
      ),
      hostile,
    ),
    net: fc.option(
      fc.record({ prefix: hostile, ip: hostile, asn: fc.nat(), country: hostile }, { requiredKeys: [] }),
      { nil: undefined },
    ),
    more: fc.dictionary(
      fc
        .string()
        .filter(
          name =>
            !/^(__proto__|v|id|t|recorded|asked|answers|repeats|roles|prior_actors|gate|status|bytes|method)$/.test(
              name,
            ),
        ),
      json,
    ),
    at: fc.date({ min: new Date('2020-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
  })
  .map(({ index, method, kind, decision, reason, strings, net, more, at }) => {
    // Only a refusal has a reason.
    const why = decision === 'permit' ? undefined : reason
    const given = Object.entries({ kind, method, decision, reason: why, net }).filter(
      ([, value]) => value !== undefined,
    )
    const t = at.toISOString()
    const event = { ...more, ...BARE, t, recorded: t, ...strings, ...Object.fromEntries(given) }
    return { index, id: BARE.id, event: event as unknown as RenderedEvent }
  })
