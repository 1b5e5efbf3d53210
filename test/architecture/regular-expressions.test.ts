import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Parameters } from 'recheck'
import { expect, test, vi } from 'vitest'
import { parseAst } from 'vitest/node'
import { LONG } from '../support/sample.ts'

// No input may stop an isolate: every regular expression in src, also one that sees no stranger's bytes today, takes
// time that grows no faster than its input. recheck proves it with automata where it can, and else searches for an
// attack.

// The checker that is JavaScript: the same on every machine, and without a process of its own.
process.env.RECHECK_BACKEND = 'pure'
const { checkSync } = await import('recheck')

// Some twenty seconds of CPU, and on a busy machine many times that.
vi.setConfig({ testTimeout: 3_600_000 })

/** Limits are counted in steps, never in time, so that a busy machine finds the same. */
const STEPS: Parameters = { timeout: null, incubationTimeout: null, attackTimeout: null, randomSeed: 1 }
/** Smaller automata and a shorter search, as much as finds what has been found so far. */
const QUICK: Parameters = { ...STEPS, maxNFASize: 1000, maxIteration: 2, attackLimit: 1_000_000 }

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}
interface Found {
  readonly where: string
  readonly source: string
  readonly flags: string
}
/** A `new RegExp(…)`: the fixed pieces of its pattern, in order; undefined if they can't be read from the source. */
interface Construction {
  readonly where: string
  readonly pieces: readonly string[] | undefined
}

const literals: Found[] = []
const constructions: Construction[] = []
for (const name of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.ts')) continue
  const text = readFileSync(`src/${name}`, 'utf8')
  visit(parseAst(text, { lang: 'ts' }, name), node => {
    const where = `${name}:${text.slice(0, node.start).split('\n').length}`
    if (node.type === 'Literal' && 'regex' in node) {
      const { pattern, flags } = node.regex as { pattern: string; flags: string }
      literals.push({ where, source: pattern, flags })
    }
    const callee = 'callee' in node ? (node.callee as { name?: string }).name : undefined
    if (callee === 'RegExp') constructions.push({ where, pieces: piecesOf(node) })
  })
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (typeof value !== 'object' || value === null) return
  if ('type' in value && 'start' in value) see(value as Node)
  for (const member of Object.values(value)) visit(member, see)
}

function piecesOf(construction: Node): readonly string[] | undefined {
  const [pattern] = (construction as unknown as { arguments: object[] }).arguments
  if (pattern === undefined || !('quasis' in pattern)) return undefined
  return (pattern.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked)
}

/** All that the modules construct: those that do are loaded, and locations are compiled, while every one is noted. */
async function constructed(): Promise<readonly Found[]> {
  const found = new Map<string, Found>()
  const original = globalThis.RegExp
  globalThis.RegExp = new Proxy(original, {
    construct(target, [pattern, flags]: [string, string?], newTarget) {
      const made = Reflect.construct(target, [pattern, flags], newTarget) as RegExp
      found.set(String(made), { where: 'constructed', source: made.source, flags: made.flags })
      return made
    },
  })
  try {
    for (const name of new Set(constructions.map(({ where }) => where.split(':')[0])))
      await import(/* @vite-ignore */ resolve(`src/${name}`))
    const { compileLocation, locationsUnder } = await import('../../src/locate/location.ts')
    const own = [{ url: '/media/v1/:recording.mp4', key: 'consultations/:recording/video.mp4' }]
    for (const location of [...locationsUnder('/recordings'), ...own]) compileLocation(location)
  } finally {
    globalThis.RegExp = original
  }
  return [...found.values()]
}

/**
 * What is wrong with one; undefined if nothing is. In `npm test` a repeat with a high bound is checked as one without:
 * an automaton with a state for each of 8,000 characters takes minutes.
 */
function fault({ where, source, flags }: Found): string | undefined {
  const checked = LONG
    ? source
    : source.replace(/\{(\d+)(?:,(\d*))?\}/g, (repeat, least: string, most = '') =>
        Math.max(Number(least), Number(most)) > 30 ? (least === '0' ? '*' : '+') : repeat,
      )
  const { status, ...rest } = checkSync(checked, flags, LONG ? STEPS : QUICK)
  if (status === 'safe') return undefined
  const how = 'attack' in rest ? `${rest.complexity?.summary}, by ${rest.attack.pattern}` : 'not judged'
  return `${where} /${source}/${flags} is ${status}: ${how}`
}

test('the check of regular expressions finds an exponential one and a quadratic one', () => {
  const exponential = String.raw`^\s*(?:<\?[^>]*\?>\s*|<!--[\s\S]*?-->\s*|<!DOCTYPE[^>[]*>\s*)*<(?:[\w.-]+:)?([\w.-]+)[\s/>]`
  expect(fault({ where: 'x', source: exponential, flags: 'i' })).toMatch(/vulnerable/)
  expect(fault({ where: 'x', source: String.raw`^[ \t]+|[ \t]+$`, flags: 'g' })).toMatch(/vulnerable/)
})

test('every regular expression that is written in src takes linear time', () => {
  expect(literals.length).toBeGreaterThan(100)
  const different = new Map(literals.map(found => [`/${found.source}/${found.flags}`, found]))
  expect([...different.values()].flatMap(found => fault(found) ?? [])).toEqual([])
})

test('every regular expression that src constructs takes linear time', async () => {
  const found = await constructed()
  const unseen = constructions.filter(({ pieces }) => !found.some(({ source }) => holds(source, pieces)))
  expect(unseen).toEqual([])
  expect(found.flatMap(one => fault(one) ?? [])).toEqual([])
})

/** Whether a pattern is made of these pieces, with anything between them. */
function holds(source: string, pieces: readonly string[] | undefined): boolean {
  // RegExp writes a slash in its source with a backslash.
  const plain = source.replaceAll('\\/', '/')
  let at = 0
  for (const piece of pieces ?? ['\0']) {
    at = plain.indexOf(piece.replaceAll('\\/', '/'), at)
    if (at < 0) return false
    at += piece.length
  }
  return true
}
