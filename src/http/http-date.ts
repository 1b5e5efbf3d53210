const DAY_NAME = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const LONG_DAY_NAME = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day'
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'

/** The three forms of an HTTP date (RFC 9110 5.6.7). `Date.parse` accepts many others, which must be ignored. */
const FORMS = [
  new RegExp(`^${DAY_NAME}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY_NAME}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^${DAY_NAME} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
]

/**
 * Parses an HTTP date.
 *
 * @param now milliseconds since 1970. A year of two digits is at most 50 years after it
 * @returns milliseconds since 1970, or undefined if the header isn't an HTTP date
 */
export function parseHttpDate(header: string, now: number): number | undefined {
  for (const form of FORMS) {
    const groups = form.exec(header)?.groups
    if (groups === undefined) continue
    const [day, hour] = [Number(groups.day), Number(groups.hour)]
    const [minute, second] = [Number(groups.minute), Number(groups.second)]
    const month = MONTHS.indexOf(groups.month ?? '')
    if (minute > 59 || second > 60) return undefined
    const at = (year: number): number | undefined => {
      const date = new Date(Date.UTC(year, month, day, hour, minute))
      // Date.UTC turns 32 January into 1 February and 24:00 into the next day, so such a date is rejected. A leap second
      // is valid.
      return date.getUTCDate() === day ? date.getTime() + second * 1000 : undefined
    }
    if (groups.year?.length === 4) return at(Number(groups.year))
    const thisYear = new Date(now).getUTCFullYear()
    const year = thisYear - (thisYear % 100) + Number(groups.year)
    const fiftyYearsOn = new Date(now).setUTCFullYear(thisYear + 50)
    return (at(year) ?? now) > fiftyYearsOn ? at(year - 100) : at(year)
  }
  return undefined
}
