/** One figure of the bench. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What the value must be, as `<= 1.15`; null where nothing is asked of it. */
  readonly target: string | null
  readonly met: boolean | null
}

/** A limit for a value. */
export interface Operation {
  readonly is: '<=' | '>='
  readonly limit: number
}

/** Makes the row of a figure, and judges it where there is a target. */
export function row(name: string, value: number, unit: string, target?: Operation): Row {
  if (target === undefined) return { name, value: rounded(value), unit, target: null, met: null }
  const { is, limit } = target
  // Judged as measured, not as rounded.
  const met = is === '<=' ? value <= limit : value >= limit
  return { name, value: rounded(value), unit, target: `${is} ${limit}`, met }
}

/** A number with as many digits as anyone can use. */
export function readable(value: number): string {
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3)
}

/** Lays out cells in columns: texts to the left, numbers to the right. The first line is the heading. */
export function columns(lines: readonly (readonly string[])[], textColumns: number = 1): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map(line => line[column]?.length ?? 0)),
  )
  const laidOut = lines.map(line =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column < textColumns ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
  const [heading = '', ...body] = laidOut
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2))
  return [heading, rule, ...body].join('\n')
}

const rounded = (value: number): number => Number(value.toPrecision(5))
