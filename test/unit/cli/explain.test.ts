import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  createDevelopmentSecrets,
  saveDevelopmentSecrets,
  signToken,
} from '../../../src/cli/development-issuer.ts'
import type { Explanation } from '../../../src/explain/explanation.ts'
import { runWith } from '../../support/command.ts'
import { createIssuer, PSEUDONYM_KEY, variables } from '../../support/gate-client.ts'

// `mediaward explain` without a gate. test/wire/explain.test.ts asks a gate.

const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
const none = mkdtempSync(join(tmpdir(), 'mediaward-'))
const fileOf = (name: string, content: string) => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const idp = await createIssuer()
const settings = Object.entries(variables(idp)).map(([name, value]) => `${name}='${value}'\n`)
const vars = fileOf('good.vars', settings.join(''))
const explain = (args: readonly string[], stdin: string, env: Record<string, string> = {}) =>
  runWith(stdin, ['explain', ...args], env)

describe('what is printed', () => {
  test('an accepted token exits with 0, and the steps and the verdict are on stdout, without token and id', async () => {
    const token = await idp.token('patient-0007')
    const { code, stdout, stderr } = await explain(['/recordings/rec-1', '--vars', vars], `${token}\n`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^✔ path +"\/recordings\/rec-1" +configured: "\/recordings\/:recording", /m)
    expect(stdout).toMatch(
      /^✔ issuer +"https:\/\/login\.clinic\.test\/" +configured: "https:\/\/login\.clinic\.test\/"$/m,
    )
    expect(stdout).toMatch(/^✔ subject +"…0007" \(12 characters; --show-ids shows all\) +configured: sub$/m)
    expect(stdout).toMatch(/^Accepted .*the gate says: name it with --url$/m)
    for (const part of [...token.split('.'), 'patient-0007']) expect(stdout).not.toContain(part)
  })

  test('a refused token exits with 1, and what is wrong and how to fix it is on stdout', async () => {
    const token = await idp.token('patient-0007', { iss: 'https://login.clinic.test', aud: 'account' })
    const { code, stdout } = await explain(['/recordings/rec-1', '--vars', vars], token)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^✘ issuer /m)
    expect(stdout).toMatch(/^– signature/m)
    expect(stdout).toMatch(/^✘ audience +"account" +configured: "recordings"$/m)
    expect(stdout).toMatch(/^Refused: 401 token_issuer \(entry /m)
    expect(stdout).toMatch(
      /^What is wrong \(token_issuer\): .*a slash at the end\.\nTo fix it: write "issuer"/m,
    )
    expect(stdout).toMatch(/^Also wrong \(token_audience\): /m)
  })

  test('with --json one line holds the whole explanation', async () => {
    const { stdout } = await explain(['--json', '--vars', vars], await idp.token('p', { exp: 5 }))
    const explanation: Explanation = JSON.parse(stdout)
    expect(stdout.trimEnd()).not.toContain('\n')
    expect(explanation).toMatchObject({
      decision: 'deny',
      status: 401,
      reason: 'token_expired',
      claim: 'exp',
    })
    expect(explanation.steps).toHaveLength(20)
  })

  test('--show-ids prints the id of the subject, and only that', async () => {
    const token = await idp.token('patient-0007')
    const { stdout } = await explain(['--show-ids', '--vars', vars], token)
    expect(stdout).toMatch(/^✔ subject +"patient-0007"/m)
  })

  test('a header may be pasted as a browser shows it, and its scheme counts', async () => {
    const token = await idp.token('p')
    expect((await explain(['--vars', vars], `Authorization: Bearer ${token} \r\n`)).code).toBe(0)
    const { code, stdout } = await explain(['--vars', vars], `Authorization: ${token}\n`)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^✘ place +Authorization: no scheme +configured: Authorization$/m)
    expect(stdout).toContain('To fix it: send "Authorization: Bearer " and the token.')
  })

  test('--role asks for a role, and --header for the header that the token comes in', async () => {
    const token = await idp.token('p')
    const role = await explain(['--role', 'recorder', '--vars', vars], token)
    expect(role.code).toBe(1)
    expect(role.stdout).toMatch(/^Refused: 404 role_missing/m)
    const header = await explain(['--header', 'Cf-Access-Jwt-Assertion', '--vars', vars], token)
    expect(header.stdout).toMatch(/^✘ place +header "cf-access-jwt-assertion" +configured: Authorization$/m)
    expect(header.stdout).toContain('To fix it: set "header": "Cf-Access-Jwt-Assertion" in the entry')
  })
})

describe('which configuration counts', () => {
  test('without --vars the environment counts, and it needs no other variable than ISSUERS', async () => {
    const { ISSUERS = '' } = variables(idp)
    const { code } = await explain(['--data', none], await idp.token('p'), { ISSUERS })
    expect(code).toBe(0)
  })

  test('without ISSUERS the issuer of "dev" counts', async () => {
    const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
    saveDevelopmentSecrets(data, await createDevelopmentSecrets())
    const token = await signToken(data, { subject: 'patient-007', roles: [], ttl: 60, claims: {} })
    expect((await explain(['/recordings/rec-007', '--data', data], token)).code).toBe(0)
  })

  test('--jwks replaces the keys, so that nothing is fetched', async () => {
    const { jwks: _, ...entry } = idp.entry({ jwks_uri: 'https://nothing.invalid/jwks' })
    const file = fileOf(
      'remote.vars',
      `ISSUERS='${JSON.stringify([entry])}'\nPSEUDONYM_KEY='${PSEUDONYM_KEY}'\n`,
    )
    const token = await idp.token('p')
    const jwks = fileOf('jwks.json', JSON.stringify(idp.jwks))
    expect((await explain(['--vars', file, '--jwks', jwks], token)).code).toBe(0)
    const fetched = await explain(['--vars', file], token)
    expect(fetched.code).toBe(1)
    expect(fetched.stdout).toMatch(/^✘ key /m)
    expect(fetched.stdout).toMatch(/^Refused: 503 keys_unavailable/m)
  })

  test('a configuration that no gate starts with exits with 2, and says what is wrong', async () => {
    const file = fileOf(
      'bad.vars',
      `ISSUERS='[{"issuer":"https://a.test/","aud":"x","algorithms":["ES256"]}]'\n`,
    )
    const { code, stderr } = await explain(['--vars', file], 'a.b.c')
    expect(code).toBe(2)
    expect(stderr).toMatch(/ISSUERS\[0\]\.aud .* is unknown: write audience/)
  })
})

describe('mistakes', () => {
  const SECRET = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.hunter2'
  test.each<[string, string[], string, RegExp]>([
    ['an empty stdin', [], ' \n', /stdin is empty/],
    ['several tokens', [], `${SECRET}\n${SECRET}`, /the token must be one token, without white space/],
    ['much too long a token', [], 'x'.repeat(100_000), /more than 65536 characters/],
    ['a token as an argument', ['--token', SECRET], '', /--token is the token of an analyst[\s\S]*stdin/],
    ['two recordings', ['/recordings/a', '/recordings/b'], SECRET, /more than one recording/],
    ['a recording that is not one', ['rec-1'], SECRET, /its path such as "\/recordings\/rec-007"/],
    ['the URL of a ticket', ['/play/hunter2'], SECRET, /and not a ticket/],
    ['the URL that issues tickets', ['/recordings/a/ticket?x'], SECRET, /name the recording itself/],
    ['a ticket', [], `${'a'.repeat(16)}.${'b'.repeat(200)}.${'c'.repeat(22)}`, /tickets are not explained/],
    ['a recording and a role', ['/recordings/a', '--role', 'app'], SECRET, /not both/],
    ['an unknown role', ['--role', 'admin'], SECRET, /role must be one of recorder, security, app/],
    [
      '--vars beside --url',
      ['--url', 'http://127.0.0.1:1', '--vars', 'x'],
      SECRET,
      /have no effect with --url/,
    ],
    ['a missing file of keys', ['--jwks', '/none'], SECRET, /\/none can't be read/],
    ['no configuration', ['--data', none], SECRET, /ISSUERS is missing/],
    ['an unknown option', ['--gate', 'x'], SECRET, /Unknown option '--gate'/],
  ])('explain reports %s, and repeats no token', async (what, args, stdin, message) => {
    const given = what === 'no configuration' || args.includes('--url') ? args : [...args, '--vars', vars]
    const { code, stdout, stderr } = await explain(given, stdin)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hunter2')
  })

  test('a gate that does not answer exits with 1', async () => {
    const { code, stderr } = await explain(['/recordings/a', '--url', 'http://127.0.0.1:1'], SECRET, {
      MEDIAWARD_TOKEN: 'x',
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/nothing answers at http:\/\/127\.0\.0\.1:1/)
  })
})
