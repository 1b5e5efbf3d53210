import { CANONICAL } from './deny-reason-code-system.ts'
import type { Element } from './fhir-profiles.ts'

// Reads the rules of a profile in FHIR Shorthand, as far as docs/fhir uses them, and those of a StructureDefinition, as lines
// that can be compared: `agent:client.type min 1`.

/** Returns what a profile in Shorthand requires. */
export function rulesOfShorthand(text: string): readonly string[] {
  const aliases = new Map(
    [...text.matchAll(/^Alias: (\S+) = (\S+)$/gm)].map(([, name = '', url = '']) => [name, url]),
  )
  const [, profile = ''] = /^Profile: [\s\S]*?\n((?:\* .*\n)+)/m.exec(text) ?? []
  return profile
    .trim()
    .split('\n')
    .flatMap(line => {
      const [, path = '', rule = ''] = /^\* (\S+) (.+)$/.exec(line) ?? []
      const element = path.replace(/\[(\w+)\]/g, ':$1')
      return ruleOf(rule, aliases).map(fact => `${element}${fact}`)
    })
}

function ruleOf(rule: string, aliases: ReadonlyMap<string, string>): readonly string[] {
  const cardinality = /^(\d+)\.\.(\d+|\*)$/.exec(rule)
  if (cardinality !== null) return cardinalityOf(cardinality)
  const contains = /^contains (.*)$/.exec(rule)
  if (contains !== null)
    return (contains[1] ?? '').split(' and ').flatMap(slice => {
      const [, name, ...limits] = /^(\w+) (\d+)\.\.(\d+|\*)$/.exec(slice) ?? []
      return cardinalityOf(['', ...limits]).map(fact => `:${name}${fact}`)
    })
  const value = /^= (?:(\S*)#(\S+)|"(.*)"|(true|false))$/.exec(rule)
  if (value !== null) {
    const [, system = '', code, string, boolean] = value
    if (code === undefined) return [` = ${string ?? boolean}`]
    return [` = ${system === '' ? '' : `${aliases.get(system) ?? system}#`}${code}`]
  }
  const only = /^only Reference\((\w+)\)$/.exec(rule)
  if (only !== null) return [` only ${only[1]}`]
  if (/^from RecordingDenyReasons \(required\)$/.test(rule))
    return [` from ${CANONICAL}/ValueSet/recording-deny-reasons (required)`]
  const caret = /^\^(\S+) = [#"]?(.*?)"?$/.exec(rule)
  if (caret !== null) return [` ^${caret[1]} ${caret[2]}`]
  throw new Error(`not a rule that docs/fhir uses: ${rule}`)
}

const cardinalityOf = ([, min = '0', max = '*']: readonly string[]): readonly string[] => [
  ...(min === '0' ? [] : [` min ${min}`]),
  ...(max === '*' ? [] : [` max ${max}`]),
]

interface Differential extends Element {
  readonly short?: string
  readonly binding?: { readonly strength: string; readonly valueSet: string }
}

/** Returns what the elements of a profile require. */
export function rulesOfElements(elements: readonly Element[]): readonly string[] {
  return elements.flatMap(element => {
    const { id, min = 0, max = '*', slicing, short, binding, type } = element as Differential
    const [discriminator] = slicing?.discriminator ?? []
    const value = Object.entries(element).find(([name]) => name.startsWith('pattern'))?.[1]
    const targets = type?.flatMap(({ targetProfile = [] }) => targetProfile) ?? []
    const facts = [
      ...cardinalityOf(['', `${min}`, max]),
      ...(value === undefined ? [] : [` = ${valueAsString(value)}`]),
      ...targets.map(target => ` only ${target.split('/').at(-1)}`),
      ...(binding ? [` from ${binding.valueSet} (${binding.strength})`] : []),
      ...(short === undefined ? [] : [` ^short ${short}`]),
      ...Object.entries(discriminator ?? {}).map(
        ([name, value]) => ` ^slicing.discriminator.${name} ${value}`,
      ),
      ...(slicing && 'rules' in slicing ? [` ^slicing.rules ${slicing.rules}`] : []),
    ]
    return facts.map(fact => `${id.replace('AuditEvent.', '')}${fact}`)
  })
}

function valueAsString(value: unknown): string {
  if (typeof value !== 'object') return `${value}`
  const { coding = [value] } = value as { coding?: readonly unknown[] }
  const { system, code } = coding[0] as { system: string; code: string }
  return `${system}#${code}`
}
