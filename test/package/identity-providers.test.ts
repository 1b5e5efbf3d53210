import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { readVariables } from '../../src/config/variables.ts'
import { ConfigurationError, createGate } from '../../src/index.ts'
import { createMemoryControl, createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { PSEUDONYM_KEY } from '../support/issuer.ts'
import { PROVIDERS } from '../support/providers/index.ts'
import type { Actor, JsonEntry, Provider } from '../support/providers/provider.ts'
import { changed, claimsOf, forged, type Sent } from '../support/providers/token.ts'
import { bareEntry, type Outcomes, publishedAt, RecipeTrial } from '../support/recipe-trial.ts'
import { anchorOf, PAGE, type Recipe, readRecipes } from '../support/recipes.ts'

// Every recipe of docs/identity-providers.md, with tokens of its provider's shape.

const NOT_STARTED = "the gate doesn't start"
const ACTORS: readonly Actor[] = ['patient', 'recorder', 'analyst']
const ALL: Outcomes = { patient: true, recorder: true, analyst: true }
const NONE: Outcomes = { patient: false, recorder: false, analyst: false }
const recipes = readRecipes()

// Mistakes of an operator are written to the console.
beforeAll(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))

test('the page has a section for every provider that the tests have tokens of, and for no other', () => {
  expect(recipes.map(({ title }) => title).sort()).toEqual(Object.keys(PROVIDERS).sort())
  expect(recipes.length).toBeGreaterThan(35)
})

// Concurrently: a refusal waits for its timing slot, and does nothing meanwhile.
describe.concurrent.each(recipes.filter(({ entries }) => entries !== undefined))('$title', recipe => {
  const { title, mistakes } = recipe
  const provider = providerOf(recipe)
  const entries = entriesOf(recipe)
  const { patient } = provider

  test(`${title}: the recorder stores, the patient plays their own recording alone, the analyst reads the log`, async () => {
    expect(await outcomesOfRecipe(recipe)).toEqual(ALL)
  })

  test(`${title}: the page names the mistakes that are tried, at least three`, () => {
    expect([...mistakes.keys()]).toEqual(Object.keys(provider.mistakes))
    expect(mistakes.size).toBeGreaterThanOrEqual(3)
  })

  test(`${title}: a gate starts with the entries as they are on the page`, () => {
    const options = readVariables({
      ISSUERS: JSON.stringify(entries),
      PSEUDONYM_KEY,
      INTROSPECTION_SECRET: 'of the tests',
    })
    const gate = createGate({
      ...options,
      store: createMemoryStore(),
      ledger: createMemoryLedger(),
      control: createMemoryControl(),
    })
    expect(gate.serves(new Request('https://gate.test/recordings/rec-1'))).toBe(true)
  })

  test(`${title}: the keys are fetched where the provider publishes them`, () => {
    const urls = entries.flatMap(entry => publishedAt(entry) ?? [])
    expect([...new Set(urls)].sort()).toEqual(Object.keys(provider.keys).sort())
  })

  test.each([...mistakes])(`${title}, a mistake: %s`, async (mistake, said) => {
    expect(await outcomeOf(mistake, entries, provider)).toBe(said.replaceAll('`', ''))
  })

  test(`${title}: a token for another app, or a forged one, is refused`, async () => {
    const trial = await started(entries, provider)
    const another = await trial.refusalOf('patient', anotherApp(patient))
    expect(another).toMatch(/^token_(audience|client|claim_missing)$/)
    const forgery = await trial.refusalOf('patient', await forged(patient))
    expect(forgery).toBe('raw' in patient ? 'token_inactive' : 'token_signature')
  })

  test.each(Object.keys((entries[0]?.required_claims as object | undefined) ?? {}))(
    `${title}: a token without the required claim %s, or with another value, is refused`,
    async claim => {
      const trial = await started(entries, provider)
      const [without, other] = [changed(patient, { [claim]: undefined }), changed(patient, { [claim]: 'x' })]
      expect(await trial.refusalOf('patient', without)).toBe('token_claim_missing')
      expect(await trial.refusalOf('patient', other)).toBe('token_claim_value')
    },
  )
})

test.each(recipes.filter(({ entries }) => entries === undefined))(
  '$title: its tokens are refused, as the page says',
  async recipe => {
    expect(await outcomesOfRecipe(recipe)).toEqual(NONE)
  },
)

test('the table of docs/identity-providers.md is of this run', async () => {
  const rows = await Promise.all(recipes.map(rowOf))
  const notes = [...new Set(rows.flatMap(({ notes }) => notes))]
  const lines = rows.map(({ title, marks }) => {
    const cells = marks.map(({ mark, note }) => mark + (note === undefined ? '' : superscript(notes, note)))
    return `| [${title}](#${anchorOf(title)}) | ${cells.join(' | ')} |\n`
  })
  const footnotes = notes.map(note => `\n${superscript(notes, note)} ${note}\n`)
  const table = `| provider | patient | recorder | analyst |\n| --- | --- | --- | --- |\n${lines.join('')}${footnotes.join('')}`
  const page = readFileSync(PAGE, 'utf8')
  const [before, rest = ''] = page.split(BEGIN)
  const updated = `${before}${BEGIN}${table}${rest.slice(rest.indexOf(END))}`
  if (process.env.WRITE_TABLE !== undefined) writeFileSync(PAGE, updated)
  else expect(page).toBe(updated)
})

const BEGIN = '<!-- of a run of the tests: npm run table -->\n'
const END = '<!-- end of it -->'
const SUPERSCRIPTS = '¹²³⁴⁵⁶⁷⁸⁹'
const superscript = (notes: readonly string[], note: string) => SUPERSCRIPTS.charAt(notes.indexOf(note))

interface Mark {
  readonly mark: '✔' | '⚙' | '✖'
  readonly note: string | undefined
}

async function rowOf(recipe: Recipe) {
  const provider = providerOf(recipe)
  const [asIs, withSettings] = await Promise.all([
    outcomesOf([bareEntry(entriesOf(recipe))], provider),
    outcomesOfRecipe(recipe),
  ])
  const marks = ACTORS.map((actor): Mark => {
    if (asIs[actor]) return { mark: '✔', note: undefined }
    return { mark: withSettings[actor] ? '⚙' : '✖', note: provider.notes?.[actor] }
  })
  return { title: recipe.title, marks, notes: marks.flatMap(({ note }) => note ?? []) }
}

function providerOf({ title }: Recipe): Provider {
  const provider = PROVIDERS[title]
  if (provider === undefined) throw new Error(`test/support/providers has no tokens of "${title}"`)
  return provider
}

/** Returns the entries of a recipe, or what an operator would try without one. */
function entriesOf(recipe: Recipe): readonly JsonEntry[] {
  return recipe.entries ?? providerOf(recipe).attempt ?? []
}

const tried = new Map<Recipe, Promise<Outcomes>>()

/** Tries a recipe once, for its own test and for the table. */
function outcomesOfRecipe(recipe: Recipe): Promise<Outcomes> {
  const outcomes = tried.get(recipe) ?? outcomesOf(entriesOf(recipe), providerOf(recipe))
  tried.set(recipe, outcomes)
  return outcomes
}

/** Returns what each actor may do. Nothing, if the gate doesn't start with these entries. */
async function outcomesOf(entries: readonly JsonEntry[], provider: Provider): Promise<Outcomes> {
  const trial = await RecipeTrial.start(entries, provider).catch(notStarted)
  return trial === undefined ? NONE : trial.run()
}

/** Returns what the log says of a mistake. */
async function outcomeOf(mistake: string, recipe: readonly JsonEntry[], provider: Provider): Promise<string> {
  const { entries, by = 'patient', sent, ...stored } = provider.mistakes[mistake] ?? {}
  const trial = await RecipeTrial.start(entries?.(recipe) ?? recipe, provider).catch(notStarted)
  if (trial === undefined) return NOT_STARTED
  await trial.put('rec-own', stored)
  const token = sent ?? provider[by]
  if (token === undefined) throw new Error(`${by} has no token`)
  return trial.refusalOf(by, token)
}

async function started(entries: readonly JsonEntry[], provider: Provider): Promise<RecipeTrial> {
  const trial = await RecipeTrial.start(entries, provider)
  await trial.put('rec-own')
  return trial
}

function notStarted(error: unknown): undefined {
  if (!(error instanceof ConfigurationError)) throw error
  return undefined
}

/** Returns the same token, as another app of the provider would get it. */
function anotherApp(token: Sent): Sent {
  const claims = claimsOf(token)
  const naming = ['aud', 'client_id', 'azp', 'cid', 'appid'].filter(claim => claims[claim] !== undefined)
  return changed(token, Object.fromEntries(naming.map(claim => [claim, 'another-app'])))
}
