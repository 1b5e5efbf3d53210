import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { REASONS } from '../../src/reason.ts'

// What the documentation names is there.

const DOCS = ['README.md', 'SECURITY.md', ...globSync('docs/*.md')]
const textOf = (file: string): string => readFileSync(file, 'utf8')
const { version } = JSON.parse(textOf('package.json')) as { version: string }

describe.each(DOCS)('%s', file => {
  const text = textOf(file)

  test(`${file} links to files that exist`, () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link)
    expect(links.filter(link => !existsSync(join(dirname(file), link)))).toEqual([])
  })

  test(`${file} names files that exist`, () => {
    const names = [...text.matchAll(/`((?:src|test|docs|demo)\/[\w/.-]+)`/g)].map(([, name = '']) => name)
    expect(names.filter(name => !existsSync(name))).toEqual([])
  })

  test(`${file} installs the packed file of this version, and calls nothing that npm would fetch`, () => {
    // A package of our name in a registry could be anyone's, and would run with the secrets in the environment.
    expect(text).not.toMatch(
      /\bnpx (?!--no\b)|\bjsr:|\b(?:npm (?:i|install|add)|deno add)\b[^\n`]* mediaward\b/,
    )
    const packed = [...text.matchAll(/mediaward-([\w.-]+)\.tgz/g)].map(([, packed]) => packed)
    expect(packed.filter(packed => packed !== version)).toEqual([])
  })
})

test('every test that docs/standards.md names exists', () => {
  const rows = textOf('docs/standards.md')
    .split('\n')
    .filter(line => line.startsWith('| '))
  const names = rows
    .flatMap(row => [...(row.split('|').at(-2) ?? '').matchAll(/`([^`]+)`/g)])
    .map(([, name = '']) => name)
    .filter(name => /^(?:unit|contract|property|wire|service|streams|browser|peers|package)\b/.test(name))
  expect(names.length).toBeGreaterThan(30)
  const isThere = (name: string) =>
    [`test/${name}`, `test/${name}.ts`, `test/${name}.test.ts`].some(path => globSync(path).length > 0)
  expect(names.filter(name => !isThere(name))).toEqual([])
})

test('docs/event.md lists every reason, and no other', () => {
  const [, section = ''] = /^## Reasons\n([\s\S]*?)^## /m.exec(textOf('docs/event.md')) ?? []
  const cells = section.split('\n').filter(line => line.startsWith('| '))
  const listed = cells.flatMap(line => [...line.matchAll(/`(\w+)`/g)].map(([, reason]) => reason))
  expect(listed.sort()).toEqual(Object.values(REASONS).flat().sort())
})
