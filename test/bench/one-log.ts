import { join } from 'node:path'
import { say } from '../../src/cli/terminal.ts'
import { bundle, DURABLE_OBJECTS } from '../../src/cli/workerd.ts'
import { spread } from './statistics.ts'
import { type Row, row } from './table.ts'
import { startWorker } from './workers.ts'

const WORKER = new URL('../workerd/one-log.ts', import.meta.url).pathname
const RECORDS = 10_000
const ROUNDS = 5

/** How many records a second one log takes in, from the call of an inbox until a reader sees the last of them. */
export async function benchOneLog(folder: string): Promise<readonly Row[]> {
  say(`one log takes in ${RECORDS} records, ${ROUNDS} times …`)
  const worker = await startWorker('one log', await bundle(WORKER), join(folder, 'one-log'), {
    durableObjects: DURABLE_OBJECTS,
  })
  const ask = async (records: number) =>
    Number(await (await fetch(`http://127.0.0.1:${worker.port}/?records=${records}`)).text())
  const rates: number[] = []
  let expected = await ask(1_000)
  for (let i = 0; i < ROUNDS; i++) {
    expected += RECORDS
    const began = performance.now()
    let end = await ask(RECORDS)
    while (end < expected) end = await ask(0)
    rates.push((RECORDS * 1000) / (performance.now() - began))
  }
  await worker.stop()
  return [row('one log: records, median', spread(rates).median, 'records/s', { is: '>=', limit: 5_000 })]
}
