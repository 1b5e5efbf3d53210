import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { VERSION } from '../../src/ledger/event.ts'

// What is said to npm, and what to Deno and JSR, is the same.

const read = <Manifest>(file: string) => JSON.parse(readFileSync(file, 'utf8')) as Manifest
const npm = read<{
  version: string
  license: string
  exports: Record<string, Record<string, string>>
  bin: Record<string, string>
  dependencies: Record<string, string>
}>('package.json')
const deno = read<{
  version: string
  license: string
  exports: Record<string, string>
  imports: Record<string, string>
}>('deno.json')
const denoTest = read<{ imports: Record<string, string> }>('test/deno/imports.json')

/** The source that a built file is made of. */
const sourceOf = (built: string) =>
  built.replace(/^(\.\/)?dist\//, './src/').replace(/(\.d\.ts|\.js)$/, '.ts')

test('package.json and deno.json have the same entries, from the same sources', () => {
  const sources = Object.entries(npm.exports).map(([entry, conditions]) => {
    const files = new Set(Object.values(conditions).map(sourceOf))
    expect([entry, files.size]).toEqual([entry, 1])
    return [entry, [...files][0]]
  })
  expect(Object.fromEntries(sources)).toEqual(deno.exports)
})

test('every entry of package.json names its types before its code', () => {
  for (const conditions of Object.values(npm.exports)) {
    const [types, ...others] = Object.entries(conditions)
    expect(types).toEqual(['types', expect.stringMatching(/\.d\.ts$/)])
    expect(others).toEqual([[expect.stringMatching(/^(default|deno)$/), expect.stringMatching(/\.js$/)]])
  }
})

test('every command of package.json is a program that the shell can start', () => {
  for (const file of Object.values(npm.bin))
    expect(readFileSync(sourceOf(file), 'utf8'), file).toMatch(/^#!\/usr\/bin\/env node\n/)
})

test('package.json and deno.json have the version of the records, and the same license', () => {
  expect([npm.version, deno.version]).toEqual([VERSION, VERSION])
  expect(deno.license).toBe(npm.license)
  expect(readFileSync('CHANGELOG.md', 'utf8')).toContain(`## ${VERSION}`)
})

test('deno.json needs the packages of package.json, without those of the commands', () => {
  const needed = Object.entries(npm.dependencies)
    .filter(([name]) => !['p-limit', 'eventsource-parser'].includes(name))
    .map(([name, range]) => [name, `npm:${name}@${range}`])
  expect(deno.imports).toEqual(Object.fromEntries(needed))
  expect(denoTest.imports).toMatchObject({
    hono: deno.imports.hono,
    jose: deno.imports.jose,
    aws4fetch: deno.imports.aws4fetch,
    'content-disposition': deno.imports['content-disposition'],
  })
})

test('the tests on Deno take each entry from the source that is published', () => {
  const ours = Object.entries(denoTest.imports).filter(([name]) => name.startsWith('mediaward'))
  expect(ours.length).toBeGreaterThan(2)
  for (const [name, path] of ours)
    expect(path.replace('../../', './')).toBe(deno.exports[name.replace('mediaward', '.')])
})
