import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { callConsole } from '../contain/console-call.ts'
import { member, parseJson, stringMember } from '../json.ts'
import { UsageError } from '../terminal.ts'
import { type AlertArrival, type Cast, type Person, whoseOf } from './gate-under-drill.ts'

/** How long the alert may take, in milliseconds. */
const PATIENCE = 15_000
const HOW =
  'it holds {"subjects":[{"id":"…","token":"…"}, two more],"recorder":"TOKEN","analyst":"TOKEN"}, as docs/watching.md shows'

/**
 * Reads whom a drill acts as.
 *
 * @throws UsageError. The message quotes nothing of the file, which holds tokens
 */
export function readCast(file: string): Cast {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch {
    throw new UsageError(`${file} can't be read`, '--tokens names a file of tokens')
  }
  const json = parseJson(content)
  const subjects = member(json, 'subjects')
  const people = (Array.isArray(subjects) ? (subjects as readonly unknown[]) : []).map(personIn)
  const [first, second, third, ...others] = people
  const [recorder, analyst] = [stringMember(json, 'recorder'), stringMember(json, 'analyst')]
  if (!first || !second || !third || others.length > 0 || recorder === undefined || analyst === undefined) {
    throw new UsageError(`${file} is not a file of tokens for a drill`, HOW)
  }
  return { subjects: [first, second, third], recorder, analyst }
}

function personIn(value: unknown, index: number): Person | undefined {
  const [id, token] = [stringMember(value, 'id'), stringMember(value, 'token')]
  return id === undefined || token === undefined ? undefined : { id, token, whose: whoseOf(index) }
}

/**
 * Returns when an alert was delivered, as the gate's own list of receivers says: another machine receives it. Its clock and this
 * one's may differ, so the time that has passed since is taken, and not the time.
 */
export function alertedBy(url: string, analyst: string): AlertArrival {
  return async since => {
    const began = Date.now() - (performance.now() - since)
    for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
      const answer = await callConsole({ url, token: analyst, data: '' }, '/console/api/sinks')
      const sinks = member(answer, 'sinks')
      for (const sink of Array.isArray(sinks) ? (sinks as readonly unknown[]) : []) {
        const last = member(sink, 'lastSuccess')
        const isAlert = stringMember(sink, 'name')?.startsWith('alert:') === true
        if (isAlert && typeof last === 'number' && last >= began) return since + (last - began)
      }
      await wait(50)
    }
    return undefined
  }
}
