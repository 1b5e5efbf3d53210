import { type Command, createCommand } from '../../runtime/node/command.ts'
import { GATE_OPTIONS } from '../client.ts'
import { member, stringMember } from '../json.ts'
import { COMMAND, print, say } from '../terminal.ts'
import { callConsole, clean } from './console-call.ts'

/** What sinks call the receivers of alerts. */
const PREFIX = 'alert:'

/** `mediaward alert-test`: sends a test to all who are alerted, and says who took it. */
export const alertTest: Command = createCommand({
  usage: 'mediaward alert-test [NAME]',
  summary: 'Sends a test to all who are alerted of findings, or to one of them, and says who took it.',
  options: {
    json: { type: 'boolean', default: false, about: 'Print what came of it as JSON, one a line.' },
    ...GATE_OPTIONS,
  },
  allowPositionals: true,
  example: `${COMMAND} alert-test`,

  async run({ json, ...gate }, [only]) {
    const answer = await callConsole(gate, '/console/api/sinks')
    const all = member(answer, 'sinks')
    const names = (Array.isArray(all) ? (all as readonly unknown[]) : [])
      .map(sink => `${stringMember(sink, 'name')}`)
      .filter(name => name.startsWith(PREFIX) && (only === undefined || name === PREFIX + only))
    if (names.length === 0) {
      throw new Error(
        only === undefined
          ? 'no one is alerted: ALERTS names no system (docs/watching.md)'
          : `ALERTS has no "${only}"`,
      )
    }
    let failures = 0
    for (const name of names) {
      const tested = await callConsole(gate, '/console/api/sinks/test', { name })
      const taken = member(tested, 'taken') === true
      if (!taken) failures += 1
      const shown = name.slice(PREFIX.length)
      if (json) await print(JSON.stringify({ name: shown, ...Object(tested) }))
      else if (taken) say(`${shown} took the test`)
      else say(clean(`${shown} did not take the test: ${stringMember(tested, 'failure') ?? 'no reason'}`))
    }
    if (failures > 0) throw new Error(`${failures} of ${names.length} did not take the test`)
  },
})
