import { type Command, createCommand } from '../../runtime/node/command.ts'
import { GATE_OPTIONS } from '../client.ts'
import { COMMAND, say, UsageError } from '../terminal.ts'
import { callConsole } from './console-call.ts'

/** `mediaward release`: says that a release of the app is out. */
export const release: Command = createCommand({
  usage: 'mediaward release VERSION',
  summary: 'Says that a release of the app is out, so that a rise of refusals can be tied to it.',
  options: GATE_OPTIONS,
  allowPositionals: true,
  example: `${COMMAND} release 4.12.0`,

  async run(gate, [version, ...others]) {
    if (version === undefined || others.length > 0) throw new UsageError('name the release: release 4.12.0')
    await callConsole(gate, '/console/api/releases', { release: version })
    say(`release ${version} is on record`)
  },
})
