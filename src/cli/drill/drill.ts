import process from 'node:process'
import { type Command, createCommand } from '../../runtime/node/command.ts'
import { parseGateUrl } from '../client.ts'
import { COMMAND, print, say, UsageError } from '../terminal.ts'
import { GateUnderDrill } from './gate-under-drill.ts'
import { Leftovers } from './leftovers.ts'
import { type LocalStage, startLocalStage } from './local-stage.ts'
import { alertedBy, readCast } from './remote-stage.ts'
import { babylon, type Scenario, wrongStamp } from './scenarios.ts'
import { type DrillResult, describe } from './timeline.ts'

const SCENARIOS: Readonly<Record<string, Scenario>> = { babylon, 'wrong-stamp': wrongStamp }

/** `mediaward drill`: rehearses an incident, and measures when it is noticed and contained. */
export const drill: Command = createCommand({
  usage: 'mediaward drill babylon|wrong-stamp',
  summary: 'Rehearses an incident, and measures when it is noticed and contained.',
  options: {
    runtime: {
      type: 'string',
      value: 'NAME',
      default: 'workerd',
      about: 'Of a gate of its own: workerd, deno or node.',
    },
    port: {
      type: 'string',
      value: 'PORT',
      default: '0',
      about: 'Of a gate of its own: the port; 0 is any free one.',
    },
    url: {
      type: 'string',
      value: 'URL',
      about: 'Rehearse at this gate, which must have DRILLS=allow. The drill changes no setting of it.',
    },
    tokens: {
      type: 'string',
      value: 'FILE',
      about: 'With --url: the tokens of three subjects, a recorder and an analyst.',
    },
    json: { type: 'boolean', default: false, about: 'Print what was measured as one JSON object.' },
  },
  allowPositionals: true,
  example: `${COMMAND} drill babylon --runtime node`,

  async run({ runtime, port, url, tokens, json }, [name, ...others]) {
    const scenario = name !== undefined && Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined
    if (scenario === undefined || others.length > 0) {
      throw new UsageError('name the drill', `it may be ${Object.keys(SCENARIOS).join(' or ')}`)
    }
    if ((url === undefined) !== (tokens === undefined)) {
      throw new UsageError(
        '--url and --tokens belong together',
        'without both, the drill starts a gate of its own',
      )
    }
    const stage =
      url === undefined || tokens === undefined
        ? await startLocalStage(runtime, portOf(port))
        : remote(url, tokens)
    try {
      const result = await rehearse(scenario, stage, url !== undefined)
      if (json) await print(JSON.stringify(result))
      else for (const line of describe(result)) say(line)
      if (!result.passed) process.exitCode = 1
    } finally {
      await stage.stop()
    }
  },
})

/** Runs a scenario. A gate that runs is left without its findings and lockdowns, whatever comes of it; one of its own is gone in a moment. */
async function rehearse(
  scenario: Scenario,
  { url, cast, alerted }: Pick<LocalStage, 'url' | 'cast' | 'alerted'>,
  mustClear: boolean,
): Promise<DrillResult> {
  const gate = new GateUnderDrill(url)
  await gate.requireAllowed(cast.analyst)
  await gate.chooseRelease(cast.analyst)
  const leftovers = new Leftovers(gate.calls, cast.analyst)
  await leftovers.begin()
  try {
    return await scenario({ gate, cast, alerted, leftovers })
  } finally {
    if (mustClear && !(await leftovers.clear())) process.exitCode = 1
  }
}

function remote(url: string, tokens: string) {
  const cast = readCast(tokens)
  return { url: parseGateUrl(url), cast, alerted: alertedBy(url, cast.analyst), stop: async () => {} }
}

function portOf(port: string): number {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN
  if (number <= 65_535) return number
  throw new UsageError(`--port ${port} is not a port`, 'use 0 (any free port) to 65535')
}
