const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const LONG_DAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day'
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'

/** The three forms of an HTTP date, and no other (RFC 9110 5.6.7): `Date.parse` takes many that must be ignored. */
const FORMS = [
  new RegExp(`^${DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^${DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
]

/**
 * Reads an HTTP date.
 *
 * @param now milliseconds since 1970: a year of two digits is never more than 50 years ahead of it
 * @returns milliseconds since 1970, or undefined where it is no HTTP date
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  for (const form of FORMS) {
    const groups = form.exec(text)?.groups
    if (groups === undefined) continue
    const [day, hour, minute, second] = [groups.day, groups.hour, groups.minute, groups.second].map(Number)
    if (day === undefined || hour === undefined || minute === undefined || second === undefined)
      return undefined
    const month = MONTHS.indexOf(groups.month ?? '')
    if (hour > 23 || minute > 59 || second > 60) return undefined
    const at = (year: number): number | undefined => {
      const date = new Date(Date.UTC(year, month, day, hour, minute))
      // Date.UTC carries 32 January over into February; such a date is none. A leap second is one.
      return date.getUTCMonth() === month && date.getUTCDate() === day
        ? date.getTime() + second * 1000
        : undefined
    }
    if (groups.year?.length === 4) return at(Number(groups.year))
    const thisYear = new Date(now).getUTCFullYear()
    const year = thisYear - (thisYear % 100) + Number(groups.year)
    const fiftyYearsOn = new Date(now).setUTCFullYear(thisYear + 50)
    return (at(year) ?? now) > fiftyYearsOn ? at(year - 100) : at(year)
  }
  return undefined
}
