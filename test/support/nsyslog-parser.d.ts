// The part of nsyslog-parser that tests need; the package has no types.

declare module 'nsyslog-parser' {
  interface Message {
    readonly prival: number
    readonly facility: string
    readonly level: string
    readonly version: number
    readonly type: string
    readonly ts: Date
    readonly host: string
    readonly appName: string
    readonly pid: string
    readonly messageid: string
    readonly structuredData?: readonly Readonly<Record<string, string>>[]
    readonly cef?: Readonly<Record<string, string>>
    readonly fields?: Readonly<Record<string, string>>
    readonly err?: Error
  }
  export default function parse(line: string): Message
}
