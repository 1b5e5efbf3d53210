import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Returns the relative links of the pages among some files of a package that lead to no file in it, each with its page.
 *
 * @param files paths in the package, which are the same in the checkout
 */
export function deadLinks(files: readonly string[]): readonly string[] {
  return files
    .filter(path => path.endsWith('.md'))
    .flatMap(page =>
      linksOf(page)
        .filter(link => !files.includes(join(dirname(page), link)))
        .map(link => `${page} -> ${link}`),
    )
}

function linksOf(page: string): readonly string[] {
  return [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = '']) => link)
}
