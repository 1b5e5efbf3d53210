import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../support/command.ts'

// What the commands say of mistakes that they find before a gate is asked.

test.each([
  [['frobnicate'], /"frobnicate" is not a command/],
  [['dev', '--runtime', 'bun'], /--runtime bun is unknown/],
  [['dev', '--port', 'x'], /--port x is not a port/],
  [['dev', '--nope'], /Unknown option '--nope'/],
  [['dev', '--vars', '/does/not/exist'], /can't be read/],
  [['token'], /--sub is missing/],
  [['token', '--sub', 'a', '--ttl', 'soon'], /--ttl soon is not a whole number/],
  [['token', '--sub', 'a', '--claim', 'x'], /--claim x has no "="/],
  [['token', '--sub', 'a', '--data', '/does/not/exist'], /contains no development issuer/],
  [['token', '--sub', 'a', '--ttl', ''], /is not a whole number/],
  [['put', 'x', 'package.json', '--owner', 'p☃', '--token', 't'], /can't be an owner/],
  [['denials', '--token', 'SECRET\nTOKEN'], /the token is not a bearer token/],
  [['denials', '--token', 't', '--url', 'foo'], /--url is not an HTTP URL/],
  [['denials', '--token', 't', '--url', 'http://user:SECRET@127.0.0.1'], /--url contains a user or password/],
  [['denials', '--token', 't', '--url', 'http://127.0.0.1/gate'], /--url contains a path/],
  [['denials', '--token', 't', '--url', 'http://127.0.0.1/?a=b'], /--url contains a path, a query/],
  [['put', 'x', 'package.json', '--owner', 'a', '--prefix', '//evil.example/x'], /--prefix .* is not a path/],
  [['put', 'x', 'package.json', '--owner', 'a', '--prefix', '/\\evil.example/x'], /is not a path/],
  [['put', 'x', 'package.json', '--owner', 'a', '--prefix', 'https://evil.example/x'], /is not a path/],
  [['put', 'x', 'package.json', '--owner', 'a', '--prefix', '/x?y'], /is not a path/],
  [['put', 'x', 'package.json', '--owner', 'a', '--prefix', 'recordings'], /hint: .*: \/recordings/],
  [['denials', '--since', '5', '--token', 't'], /--since 5 is not a time/],
  [['denials', '--since', '12/1', '--token', 't'], /--since 12\/1 is not a time/],
  [['denials', '--since', '2026-11-22 10:00', '--token', 't'], /is not a time/],
  [['denials', '--since', '2026-13-01', '--token', 't'], /is not a time/],
  [['denials', '--since', '99999999999d', '--token', 't'], /is not a time/],
  [['put', 'x'], /put takes an id and a file/],
  [['put', '../x', 'package.json', '--owner', 'a'], /can't be a recording's id/],
  [['put', 'x', 'package.json'], /--owner is missing/],
  [['put', 'x', 'package.json', '--owner', 'a', '--parallel', '0'], /--parallel 0 must be from 1 to 16/],
  [['put', 'x', 'package.json', '--owner', 'a', '--parallel', '17'], /--parallel 17 must be/],
  [['put', 'x', '/dev/null', '--owner', 'a', '--token', 't'], /\/dev\/null is neither a file nor a folder/],
  [['put', 'x', '/does/not/exist', '--owner', 'a', '--token', 't'], /\/does\/not\/exist does not exist/],
  [['denials', '--limit', '0', '--token', 't'], /--limit 0 must be/],
  [['denials', '--kind', 'view', '--token', 't'], /Unknown option '--kind'/],
  [['log', '--kind', 'denial', '--token', 't'], /--kind denial is unknown\n.*access, ticket, view/],
  [['log', '--reason', 'not-owner', '--token', 't'], /--reason not-owner is unknown/],
  [['log', '--recording', '../x', '--token', 't'], /--recording can't be a recording's id/],
  [['log', '--until', 'noon', '--token', 't'], /--until noon is not a time/],
  [['log', '--until', '1h', '--follow', '--token', 't'], /--until has no effect beside --follow/],
  [['log', '--newest', '--follow', '--token', 't'], /--newest has no effect beside --follow/],
  [['log', '--newest', '--from', '3', '--token', 't'], /--from has no effect beside --newest/],
  [['log', '--after', '2', '--from', '3', '--token', 't'], /--from has no effect beside --after/],
  [['log', '--from', 'x', '--token', 't'], /--from x is not an index/],
  [['log', '--release', 'a b', '--token', 't'], /--release can't be a release/],
  [['log', '--tenant', 'default', '--token', 't'], /--tenant default is not a tenant/],
  [['log', '--count', 'day', '--token', 't'], /--count day is unknown\n.*minute or hour/],
  [['log', '--count', 'hour', '--limit', '3', '--token', 't'], /--limit has no effect beside --count/],
  [['denials', '--count', 'hour', '--owner', 'a', '--token', 't'], /--owner has no effect beside --count/],
  [['log', '--owner', '', '--token', 't'], /--owner is empty/],
  [['log', '--subject', '', '--token', 't'], /--subject is empty/],
  [['denials', '--since', 'yesterday', '--token', 't'], /--since yesterday is not a time/],
  [['log', '--since', '-1h'], /'--since' argument is ambiguous[\s\S]* use '--since=-XYZ'/],
  [['log', '--since=-1h', '--token', 't'], /--since -1h is not a time/],
  [['log', '--since', '-h'], /'--since' argument is ambiguous/],
  [['put', 'x', 'package.json', '--owner', '--help'], /'--owner' argument is ambiguous/],
  [['token', '--sub', '--version'], /'--sub' argument is ambiguous/],
  [['doctor', '--public-bucket', '-dash.example'], /'--public-bucket' argument is ambiguous/],
  [['explain', '-1h'], /Unknown option '-1'/],
  [['pseudonym', '-xh'], /Unknown option '-x'/],
  [['dev', '-hx'], /Unknown option '-x'/],
  [['dev', '--help=yes'], /'-h, --help' does not take an argument/],
  [['log', '--limit'], /'--limit <value>' argument missing/],
  [['denials', '--data', '/does/not/exist'], /there is no token to send\n.*MEDIAWARD_TOKEN or --token/],
])('mediaward called with %j says what is wrong and exits with 2', async (args, message) => {
  const { code, stdout, stderr } = await run(args)
  expect(stderr).toMatch(message)
  expect(stderr).not.toMatch(/\n\s+at |SECRET/)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
})

test('denials and put exit with 1, and say so, if nothing answers at the URL', async () => {
  for (const command of [['denials'], ['put', 'x', 'package.json', '--owner', 'a']]) {
    const { code, stderr } = await run([...command, '--token', 't', '--url', 'http://127.0.0.1:65000'])
    expect(stderr).toMatch(/error: nothing answers at http:\/\/127\.0\.0\.1:65000 \(ECONNREFUSED\)/)
    expect(code).toBe(1)
  }
})

test('dev exits before it serves if the configuration has mistakes, and names all of them', async () => {
  const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const file = join(data, 'bad.vars')
  writeFileSync(file, 'PSEUDONYM_KEY=short\nALLOWED_ORIGINS=*\n')
  const { code, stdout, stderr } = await run(['dev', '--port', '0', '--data', data, '--vars', file])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/PSEUDONYM_KEY .*at least 32[\s\S]*ALLOWED_ORIGINS/)
  expect(stderr).not.toMatch(/\n\s+at /)
  expect(readdirSync(data)).toEqual(['bad.vars'])
})

test.each([
  [
    'a key of several lines',
    'PSEUDONYM_KEY=-----BEGIN\nSECRETsecretSECRET=\n-----END',
    /contains a line that is not NAME=value/,
  ],
  ['binary content', '\u0000\u0001 binary', /contains no variables/],
])('dev refuses a file of variables with %s, and repeats none of it', async (_, text, message) => {
  const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
  writeFileSync(join(data, 'odd.vars'), text)
  const { code, stderr } = await run(['dev', '--port', '0', '--data', data, '--vars', join(data, 'odd.vars')])
  expect(code).toBe(2)
  expect(stderr).toMatch(message)
  expect(stderr).not.toContain('SECRET')
})
