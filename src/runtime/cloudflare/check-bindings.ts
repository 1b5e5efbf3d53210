/** What a binding must be, and how wrangler.toml declares it. */
interface Declared {
  readonly what: string
  /** A method that no other kind of binding has. */
  readonly method: string
  readonly declaration: string
}

const bucket = (name: string): Declared => ({
  what: 'an R2 bucket',
  method: 'head',
  declaration: `[[r2_buckets]] with binding = "${name}"`,
})

const objects = (name: string, className: string): Declared => ({
  what: 'a Durable Object namespace',
  method: 'idFromName',
  declaration: `[[durable_objects.bindings]] with name = "${name}" and class_name = "${className}"`,
})

const BINDINGS: Readonly<Record<string, Declared>> = {
  RECORDINGS: bucket('RECORDINGS'),
  AUDIT: bucket('AUDIT'),
  LEDGER: objects('LEDGER', 'LedgerObject'),
  LOG: objects('LOG', 'LogObject'),
  CONTROL: objects('CONTROL', 'ControlObject'),
}

/**
 * Finds the bindings that are missing, or are something else than they must be. Otherwise the first use would fail, and
 * a part of the gate would go on without it: without `LEDGER` refusals would still be answered, and wait in `AUDIT` for
 * good.
 *
 * @param env all bindings of the worker
 * @returns for each mistake a line that names the binding and says how to fix it
 */
export function findBindingMistakes(env: object): readonly string[] {
  const all = new Map<string, unknown>(Object.entries(env))
  return Object.entries(BINDINGS).flatMap(([name, declared]) => {
    const value = all.get(name)
    if (isLike(value, declared)) return []
    const wrong = value === undefined || value === null ? 'is missing' : `is not ${declared.what}`
    const meant = [...all].find(([other, one]) => !Object.hasOwn(BINDINGS, other) && isLike(one, declared))
    const hint = meant === undefined ? '' : ` (is ${meant[0]} meant to be it?)`
    return `the binding ${name} ${wrong}: declare it in wrangler.toml, ${declared.declaration}${hint}`
  })
}

function isLike(value: unknown, { method }: Declared): boolean {
  const has = (name: string) => typeof (value as Record<string, unknown>)[name] === 'function'
  // A service binding answers to every name, as its methods are those of another worker.
  return typeof value === 'object' && value !== null && has(method) && !has('fetch')
}
