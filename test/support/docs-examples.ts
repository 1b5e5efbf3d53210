import { readFileSync } from 'node:fs'
import type { Plugin } from 'vitest/config'

const NAME = /^docs\/([a-z-]+)\.md#([a-z0-9-]+)$/
const MODULE = /^virtual:docs\/([a-z-]+)\/([a-z0-9-]+)\.ts$/

/**
 * Lets tests import examples out of the documentation, so that these can't drift. `docs/owners.md#owner-d1` is the block of
 * code on that page whose first line is the comment `owner-d1.ts`. One of another language is imported as a string.
 */
export function docsExamples(): Plugin {
  return {
    name: 'docs-examples',
    enforce: 'pre',
    resolveId: id => (NAME.test(id) ? id.replace(NAME, 'virtual:docs/$1/$2.ts') : undefined),
    load: id => {
      const [, page, name] = MODULE.exec(id) ?? []
      if (page === undefined || name === undefined) return undefined
      const { language, code } = exampleOf(`docs/${page}.md`, name)
      return language === 'ts' ? code : `export default ${JSON.stringify(code)}`
    },
  }
}

/** Returns the block of code on a page whose first line is a comment with this name. */
export function exampleOf(page: string, name: string): { readonly language: string; readonly code: string } {
  const blocks = readFileSync(page, 'utf8').matchAll(
    /^```(\w+)\n((?:\/\/|--) ([\w-]+)\.\w+\n[\s\S]*?)^```$/gm,
  )
  for (const [, language = '', code = '', named] of blocks) {
    if (named === name) return { language, code }
  }
  throw new Error(`${page} has no block of code that begins with the comment ${name}`)
}
