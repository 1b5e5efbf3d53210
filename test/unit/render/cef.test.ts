import fc from 'fast-check'
import parse from 'nsyslog-parser'
import { describe, expect, test } from 'vitest'
import { VERSION } from '../../../src/ledger/event.ts'
import { renderCef } from '../../../src/render/cef.ts'
import type { LogEntry } from '../../../src/render/entry.ts'
import { arbitraryEntry, DEPLOYMENT, ENTRIES, entryOf } from '../../support/log-entries.ts'
import { sample } from '../../support/sample.ts'

// Against nsyslog-parser, which reads RFC 5424 and CEF, and against both grammars. The parser accepts nearly everything, so a
// message is good if it reads in it what the record says. It doesn't know escaped characters; the grammars do.

const render = (entry: LogEntry) => renderCef(entry, DEPLOYMENT)

/** RFC 5424 6: the header, structured data, and the rest without control characters. */
const SYSLOG =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) ((?:\[[^\s=\]"]{1,32}(?: [^\s=\]"]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\])+) ([^\p{Cc}\p{Zl}\p{Zp}]*)$/u
/** The header of CEF, in which `\` and `|` are escaped, and its extension, in which `\` and `=` are. */
const CEF = /^CEF:0((?:\|(?:[^\\|]|\\[\\|])*){5})\|(\d|10)\|(.*)$/u
const EXTENSION = /^(?:(?:^| )[A-Za-z][A-Za-z0-9]*=(?:[^\\=]|\\[\\=])*)*$/u
/** A blank and a key begin a field: the rest before it is a value. */
const FIELD = /(?:^| )([A-Za-z][A-Za-z0-9]*)=((?:[^\\=]|\\[\\=])*?)(?= [A-Za-z][A-Za-z0-9]*=|$)/gu

/** Reads a message by the grammars. Undefined if it breaks one of them. */
function read(message: string) {
  const [, priority, time, host, app, process, id, data, rest = ''] = SYSLOG.exec(message) ?? []
  const [, header = '', severity, extension = ''] = CEF.exec(rest) ?? []
  if (severity === undefined || !EXTENSION.test(extension)) return undefined
  const unescaped = (value: string) => value.replace(/\\(.)/gu, '$1')
  const [vendor, product, version, code, name] = (header.match(/(?<=\|)(?:[^\\|]|\\[\\|])*/gu) ?? []).map(
    unescaped,
  )
  const fields = Object.fromEntries(
    [...extension.matchAll(FIELD)].map(([, key, value = '']) => [key, unescaped(value)]),
  )
  return {
    priority: Number(priority),
    time,
    host,
    app,
    process,
    id,
    data,
    vendor,
    product,
    version,
    code,
    name,
    severity: Number(severity),
    fields,
  }
}

/** Returns what the parser reads in a message that the record does not say. */
function faults(message: string, { index, id, event }: LogEntry): readonly string[] {
  const found = parse(message)
  const { fields = {}, cef = {}, structuredData = [] } = found
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['error', found.err, undefined],
    ['type', found.type, 'CEF'],
    ['version', found.version, 1],
    ['facility', found.facility, 'security'],
    ['time', found.ts?.toISOString(), event.t],
    ['host', found.host, DEPLOYMENT.host],
    ['app', found.appName, DEPLOYMENT.product],
    ['process', found.pid, event.gate.isolate],
    ['message id', found.messageid, event.reason ?? event.rule ?? event.kind],
    ['software', structuredData[1]?.software, DEPLOYMENT.product],
    ['own data', structuredData[0]?.index, `${index}`],
    ['own kind', structuredData[0]?.kind, event.kind],
    ['CEF version', cef.version, 'CEF:0'],
    ['vendor', cef.deviceVendor, DEPLOYMENT.vendor],
    ['product', cef.deviceProduct, DEPLOYMENT.product],
    ['product version', cef.deviceVersion, event.gate.version],
    ['code', cef.deviceEventClassID, event.reason ?? event.rule ?? event.kind],
    ['severity', /^(\d|10)$/.test(cef.severity ?? ''), true],
    ['rt', fields.rt, `${Date.parse(event.t)}`],
    ['id', fields.externalId, id],
    ['kind', fields.cat, event.kind],
    ['reason', fields.reason, event.reason],
    ['subject', fields.suid, event.subject],
    ['index label', fields.cn1Label, 'logIndex'],
    ['index', fields.cn1, `${index}`],
  ]
  return pairs.filter(([, found, expected]) => found !== expected).map(([name, found]) => `${name}: ${found}`)
}

describe('the parser', () => {
  test('a parser of RFC 5424 and CEF reads of every kind, for every reason, what the record says', () => {
    for (const entry of ENTRIES)
      expect([entry.event, faults(render(entry), entry)]).toEqual([entry.event, []])
  })

  test.each<[string, string | RegExp, string]>([
    ['no priority', /^<\d+>/, ''],
    ['another facility', /^<\d+>/, '<14>'],
    ['no version', '>1 ', '>'],
    ['a time that is no time', /2026-\S+/, 'today'],
    ['no host', ' recordings.clinic.example', ''],
    ['a product in two words', ' Mediaward ', ' Media Ward '],
    ['no structured data', /\[.*\] CEF/, 'CEF'],
    ['structured data that does not end', '"] CEF', '" CEF'],
    ['an unescaped quote', 'index="', 'index=""'],
    ['no CEF', 'CEF:0|', ''],
    ['one field of the header less', 'CEF:0|Clinic Ltd|', 'CEF:0|'],
    ['an unescaped bar', 'Clinic Ltd', 'Clinic|Ltd'],
    ['a severity in words', /\|\d\|rt/, '|severe|rt'],
    ['no kind', ' cat=access', ''],
    ['a blank in a key', 'cn1Label', 'cn1 Label'],
    ['a subject in a field of its own making', 'suid=', 'suid=x act='],
  ])('a message with %s is rejected', (_, pattern, replacement) => {
    const entry = entryOf('access')
    const message = render(entry)
    expect(faults(message, entry)).toEqual([])
    const broken = message.replace(pattern, replacement)
    expect(broken).not.toBe(message)
    expect(faults(broken, entry).length + (read(broken) === undefined ? 1 : 0)).toBeGreaterThan(0)
  })
})

describe('renderCef', () => {
  test('a message of any record keeps to both grammars, and no string in it forges a field', () => {
    fc.assert(
      fc.property(arbitraryEntry, entry => {
        const found = read(render(entry))
        expect(found).toBeDefined()
        // A string with a key of its own and an equals sign in it is the value of the field that it was given for.
        const keys = Object.keys(found?.fields ?? {})
        expect(keys.filter(key => !KEYS.test(key))).toEqual([])
        expect(found?.fields).toMatchObject({
          externalId: entry.id,
          cn1: `${entry.index}`,
          cn1Label: 'logIndex',
        })
      }),
      sample(300, 50_000),
    )
  })

  test.each(['subject', 'recording', 'release', 'client', 'reason'])(
    'a line break, a bar or an equals sign in %s begins no message, no column and no field',
    member => {
      const entry = entryOf('access')
      const hostile = 'a\r\n<14>1 - x|y\\|z= act=permit outcome=success "]\u2028'
      const message = render({ ...entry, event: { ...entry.event, [member]: hostile } })
      expect(message).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
      expect(read(message)?.fields).toMatchObject({ act: 'deny', outcome: 'failure' })
      expect(Object.values(read(message)?.fields ?? {})).toContain(
        'a  <14>1 - x|y\\|z= act=permit outcome=success "] ',
      )
    },
  )

  test('a refusal carries index, id, kind, reason and time', () => {
    expect(read(render(entryOf('access')))).toMatchObject({
      // Facility 13, error.
      priority: 13 * 8 + 3,
      time: '2026-11-23T02:58:22.181Z',
      id: 'not_owner',
      code: 'not_owner',
      severity: 8,
      fields: {
        cat: 'access',
        act: 'deny',
        reason: 'not_owner',
        cs1Label: 'recording',
        cs1: 'rec-001',
        cn1: '184223',
      },
    })
  })

  test('without an enterprise number the structured data is only what RFC 5424 registers', () => {
    const { enterprise: _, ...deployment } = DEPLOYMENT
    expect(read(renderCef(entryOf('view'), deployment))?.data).toBe(
      `[origin software="Mediaward" swVersion="${VERSION}"]`,
    )
  })

  test('a name that is no word of the header is made one', () => {
    const message = renderCef(entryOf('view'), { ...DEPLOYMENT, product: 'Média ward', host: '' })
    expect(read(message)).toMatchObject({ host: '-', app: 'M_dia_ward', product: 'Média ward' })
  })
})

const KEYS =
  /^(rt|externalId|cat|act|outcome|reason|cnt|suid|requestMethod|requestClientApplication|deviceExternalId|dvchost|msg|(cs|cn|flexString)\d(Label)?)$/
