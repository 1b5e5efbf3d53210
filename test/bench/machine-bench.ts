import { say } from '../../src/cli/terminal.ts'
import { type Exchange, get, getFromNewNetwork } from './client.ts'
import { FILES, type Machine, startMachine } from './machine.ts'
import { type Findings, FLAT, ratio, streamingRows } from './report.ts'
import { type Contender, run, type Scenario } from './scenarios.ts'
import { STREAMS, streamSlowly } from './slow-readers.ts'
import type { Row } from './table.ts'
import { benchTickets } from './tickets.ts'

const RANGE = 64 * 1024

/** Deno and Node with a folder, beside nginx with `auth_request`, and beside a runtime's own plain file response. */
export async function benchMachine(folder: string): Promise<Findings> {
  say('starting the servers of one machine over the same files …')
  const machine = await startMachine(folder)
  if (machine.nginx === undefined)
    say('there is no nginx here: its rows are left out (apt-get install nginx)')
  const scenarios = scenariosOf(machine)
  const ranges = await run(scenarios.ranges)
  const large = await run(scenarios.large)
  const refusals = await run(scenarios.refusals)
  const tickets = await benchTickets([machine.node, machine.deno], machine.token, ', one machine')
  const others = await streaming(machine)
  await machine.stop()
  const [nginx, memory] = [machine.nginx?.name, machine.nginxMemory?.name]
  const asFast = { is: '>=', limit: 1 } as const
  const nearly = { is: '>=', limit: 0.8 } as const
  return {
    measured: [ranges, large, refusals, ...tickets.measured],
    others,
    ratios: [
      ...(nginx === undefined || memory === undefined
        ? []
        : [
            ratio('64 KiB ranges: rate of node, of nginx', ranges, ['node', nginx], 'rate', asFast),
            ratio('64 KiB ranges: rate of deno, of nginx', ranges, ['deno', nginx], 'rate', asFast),
            ratio('64 KiB ranges: rate of node, of nginx with a memory', ranges, ['node', memory], 'rate'),
            ratio('64 KiB ranges: rate of deno, of nginx with a memory', ranges, ['deno', memory], 'rate'),
            ratio('64 KiB ranges: CPU of node, of nginx', ranges, ['node', nginx], 'cpu'),
            ratio('64 KiB ranges: CPU of deno, of nginx', ranges, ['deno', nginx], 'cpu'),
          ]),
      ratio('1 GiB: speed of node, of its plain file', large, ['node', 'plain node'], 'rate', nearly),
      ratio('1 GiB: speed of deno, of its plain file', large, ['deno', 'plain deno'], 'rate', nearly),
      ...tickets.ratios,
    ],
  }
}

interface MachineScenarios {
  readonly ranges: Scenario
  readonly large: Scenario
  /** What is refused and recorded; there is nothing like it to compare with. */
  readonly refusals: Scenario
}

function scenariosOf({
  node,
  deno,
  fleet,
  nginx,
  nginxMemory,
  plainNode,
  plainDeno,
  token,
}: Machine): MachineScenarios {
  const bearer = { Authorization: `Bearer ${token}` }
  const somewhere = (): Exchange => {
    const offset = Math.floor(Math.random() * (FILES.seekable.size - RANGE))
    const headers = { ...bearer, Range: `bytes=${offset}-${offset + RANGE - 1}` }
    return { request: get(FILES.seekable.path, headers), status: 206, length: RANGE }
  }
  const { path, size } = FILES.large
  const whole: Exchange = { request: get(path, bearer), status: 200, length: size }
  const fromNewNetwork = (headers: Record<string, string>, status: number): Exchange => ({
    request: getFromNewNetwork(FILES.foreign.path, headers),
    status,
    recorded: true,
  })
  const all = (
    workers: readonly (Machine['node'] | undefined)[],
    exchange: () => Exchange,
  ): readonly Contender[] =>
    workers.flatMap(worker => (worker === undefined ? [] : [{ name: worker.name, worker, exchange }]))
  return {
    ranges: {
      name: '64 KiB ranges, one machine',
      bytes: RANGE,
      connections: 16,
      // A server runs for weeks: its first second, while code is still being compiled, is not what is compared.
      warmUp: 15_000,
      rounds: 15,
      turns: 4,
      requests: 400,
      contenders: all([node, deno, nginx, nginxMemory], somewhere),
    },
    large: {
      name: '1 GiB, one machine',
      bytes: size,
      connections: 1,
      warmUp: 1,
      rounds: 9,
      turns: 1,
      requests: 1,
      contenders: all([node, plainNode, deno, plainDeno, nginx], () => whole),
    },
    refusals: {
      name: 'refusals, one machine',
      bytes: 0,
      connections: 64,
      warmUp: 2000,
      rounds: 7,
      turns: 2,
      requests: 512,
      contenders: [
        ...[node, deno].map(worker => ({
          name: `${worker.name}, not_owner`,
          worker,
          exchange: () => fromNewNetwork(bearer, 404),
        })),
        ...[node, deno, fleet].map(worker => ({
          name: `${worker.name}, token_missing`,
          worker,
          exchange: () => fromNewNetwork({}, 401),
        })),
      ],
    },
  }
}

async function streaming({ node, deno, token }: Machine): Promise<readonly Row[]> {
  const { path, size } = FILES.large
  const exchange = { request: get(path, { Authorization: `Bearer ${token}` }), status: 200, length: size }
  const rows: Row[] = []
  for (const worker of [node, deno]) {
    say(`${STREAMS} slow clients stream from ${worker.name} …`)
    rows.push(...streamingRows(STREAMS, worker.name, await streamSlowly(worker, exchange, STREAMS), FLAT))
  }
  return rows
}
