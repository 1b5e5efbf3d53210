import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'

/** An element as shaka-player reads it. */
export interface XmlNode {
  readonly tagName: string
  readonly attributes: Readonly<Record<string, string | null>>
  readonly children: readonly (XmlNode | string)[]
}

interface TXml {
  parseXmlString(text: string, root: string): XmlNode | null
  getContents(node: XmlNode): string | null
}

const LIB = join(dirname(createRequire(import.meta.url).resolve('shaka-player/package.json')), 'lib/util')

/** shaka-player's own reader of XML, out of its source: it is forgiving, as those of players are. */
export function shakaXml(): TXml {
  const nothing = () => undefined
  class Lazy {}
  const shaka = { util: { Lazy }, log: { error: nothing, warning: nothing } }
  const goog = { provide: nothing, require: nothing, asserts: { assert: nothing } }
  for (const file of ['string_utils.js', 'tXml.js'])
    runInNewContext(readFileSync(join(LIB, file), 'utf8'), { shaka, goog, Map, Set })
  return (shaka.util as unknown as { readonly TXml: TXml }).TXml
}
