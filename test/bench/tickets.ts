import { again, throughout, withBearer, withTicket } from './hls.ts'
import { type Findings, type Ratio, ratio } from './report.ts'
import { type Measured, run } from './scenarios.ts'
import type { BenchWorker } from './workers.ts'

/** The two ways to play at one gate, by the names that they have in the tables. */
interface Pair {
  readonly gate: string
  readonly ticket: string
  readonly bearer: string
}

/**
 * What tickets cost: a whole recording and one segment, with a ticket and with the token that it was got with, at each
 * of these gates.
 *
 * @param where goes into the names of the scenarios
 * @param ticketless a gate that has no tickets, to compare the first one with
 */
export async function benchTickets(
  gates: readonly BenchWorker[],
  token: string,
  where: string,
  ticketless?: BenchWorker,
): Promise<Omit<Findings, 'others'>> {
  const pairs = gates.map(({ name }): Pair => {
    return { gate: name, ticket: `${name}, with a ticket`, bearer: `${name}, with the token` }
  })
  const seats = await Promise.all(
    gates.flatMap((gate, index) => [
      withTicket(pairs[index]?.ticket ?? '', gate, token),
      withBearer(pairs[index]?.bearer ?? '', gate, token),
    ]),
  )
  const none = ticketless === undefined ? [] : [withBearer(ticketless.name, ticketless, token)]
  const single = await run(throughout(`HLS, one by one${where}`, 1, 9, seats))
  const double = await run(throughout(`HLS, two at once${where}`, 2, 9, seats))
  const warm = await run(again(`1 MiB segment${where}`, 15, [...seats, ...none]))
  const [first] = pairs
  return {
    measured: [single, double, warm],
    ratios: [
      ...pairs.flatMap(pair => [slower(pair, single), slower(pair, double), dearer(pair, warm)]),
      ...(first === undefined || ticketless === undefined
        ? []
        : [
            ratio(
              '1 MiB segment: CPU with a ticket, of a gate without any',
              warm,
              [first.ticket, ticketless.name],
              'cpu',
            ),
          ]),
    ],
  }
}

/** Time for the whole recording. A rate is one over a time: the other way round it is the quotient of the times. */
function slower({ gate, ticket, bearer }: Pair, measured: Measured): Ratio {
  const name = `${measured.scenario.name}, ${gate}: time with a ticket, of with the token`
  return ratio(name, measured, [bearer, ticket], 'rate', { is: '<=', limit: 1.15 })
}

function dearer({ gate, ticket, bearer }: Pair, measured: Measured): Ratio {
  const name = `${measured.scenario.name}, ${gate}: CPU with a ticket, of with the token`
  return ratio(name, measured, [ticket, bearer], 'cpu', { is: '<=', limit: 1.05 })
}
