import { readFileSync } from 'node:fs'
import type { JsonEntry } from './providers/provider.ts'

// The recipes of docs/identity-providers.md.

export const PAGE = 'docs/identity-providers.md'

/** A section of the page: the entries of `ISSUERS` for a provider, and the mistakes that people make there. */
export interface Recipe {
  readonly title: string
  /** Undefined if the provider's tokens can't be accepted. */
  readonly entries: readonly JsonEntry[] | undefined
  /** Each mistake, and what the page says of it: a reason, or that the gate doesn't start. */
  readonly mistakes: ReadonlyMap<string, string>
}

/** Reads the recipes of the page, in its order. */
export function readRecipes(): readonly Recipe[] {
  const [, ...sections] = readFileSync(PAGE, 'utf8').split(/^## /m)
  return sections.map(recipeIn)
}

function recipeIn(section: string): Recipe {
  const [title = ''] = section.split('\n', 1)
  const blocks = [...section.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json = '']) => json)
  if (blocks.length > 1) throw new Error(`${title} has several blocks of JSON`)
  const [, rows = ''] = /^\| mistake \| .*\n\| --- .*\n((?:\| .*\n)*)/m.exec(section) ?? []
  const mistakes = [...rows.matchAll(/^\| (.*) \| (.*) \|$/gm)].map(
    ([, mistake = '', said = '']) => [mistake, said] as const,
  )
  return {
    title,
    entries: blocks[0] === undefined ? undefined : (JSON.parse(blocks[0]) as JsonEntry[]),
    mistakes: new Map(mistakes),
  }
}

/** Returns the anchor of a heading, as GitHub makes it. */
export const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
