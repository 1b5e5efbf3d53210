import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

// The map for contributors is of the land as it is.

const read = (file: string) => readFileSync(file, 'utf8')
const contributing = read('CONTRIBUTING.md')

/** A path of this repository: below one of its folders, or a file of its root. */
const PATH = /^(?:(?:src|test|docs|demo)\/[\w./-]*|\.ci\/\w+|[A-Za-z][\w-]*\.(?:md|json|toml|ts))$/

const quoted = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name)

describe.each(['CONTRIBUTING.md', 'README.md'])('%s', page => {
  const prose = read(page).replace(/^```[\s\S]*?^```/gm, '')

  test(`${page} names files and folders that exist`, () => {
    const links = [...prose.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link)
    const paths = [...links, ...quoted(prose).filter(name => PATH.test(name))]
    expect(paths.length).toBeGreaterThan(5)
    expect(paths.filter(path => !existsSync(path))).toEqual([])
  })

  test(`${page} names symbols that occur in the file that it names before them`, () => {
    const missing: string[] = []
    // Of each item of a list, and of each paragraph: a file, and the symbols that follow it.
    for (const item of prose.split(/\n(?=- |\d+\. )|\n\n/)) {
      let file: string | undefined
      for (const name of quoted(item)) {
        if (PATH.test(name) && existsSync(name)) file = statSync(name).isFile() ? name : undefined
        else if (file?.startsWith('src/') && /^\w+$/.test(name)) {
          if (!new RegExp(`\\b${name}\\b`).test(read(file))) missing.push(`${name} in ${file}`)
        }
      }
    }
    expect(missing).toEqual([])
  })

  test(`${page} calls scripts that npm can run`, () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const called = [...prose.matchAll(/`npm run (?:-s )?([\w:]+)/g)].map(([, script = '']) => script)
    expect(called.filter(script => !Object.hasOwn(scripts, script))).toEqual([])
  })
})

test('the map in CONTRIBUTING.md has every room of src, and no other', () => {
  const [, map = ''] = /^```\n([\s\S]*?)^```/m.exec(contributing) ?? []
  const rooms = map
    .trim()
    .split('\n')
    .map(line => line.split(' ')[0])
  const entries = readdirSync('src', { withFileTypes: true })
  expect(rooms.sort()).toEqual(entries.map(entry => entry.name + (entry.isDirectory() ? '/' : '')).sort())
})

test('CONTRIBUTING.md has at most 650 words', () => {
  expect(contributing.trim().split(/\s+/).length).toBeLessThanOrEqual(650)
})
