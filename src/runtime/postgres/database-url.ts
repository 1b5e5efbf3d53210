/** Where a database is, and who connects to it. */
export interface Database {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly hasTls: boolean
}

/** Reads the address of a database, which was checked. */
export function parseDatabaseUrl(url: string): Database {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 5432 : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    hasTls: false,
  }
}
