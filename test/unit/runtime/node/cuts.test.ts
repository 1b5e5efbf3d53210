import { afterEach, expect, test, vi } from 'vitest'
import { BodyCut, countedBody } from '../../../../src/recordings/counted-body.ts'
import type { Started } from '../../../../src/runtime/local/start.ts'
import { listen, withoutCuts } from '../../../../src/runtime/node/serve.ts'

// What an operator's log has of answers that did not come to their end.

const { error } = console
afterEach(() => {
  console.error = error
})

/** Serves a body that sends a part and then fails or is cut. Resolves to what was printed once the client has lost it. */
async function printedBy(end: (cut: () => void) => void): Promise<readonly unknown[]> {
  const print = vi.fn()
  console.error = withoutCuts(print)
  const fetchBody = () => {
    let chunks = 0
    const { body, cut } = countedBody(1_000_000, {
      read: async () => {
        if (chunks++ < 2) return new Uint8Array(1000)
        end(cut)
        return new Promise<never>(() => {})
      },
      release: () => {},
    })
    return new Response(body, { headers: { 'Content-Length': '1000000' } })
  }
  const started = {
    ...{ fetch: fetchBody, settings: { host: '127.0.0.1', port: 0 } },
    ...{ endStreams: () => {}, close: async () => {} },
  } as unknown as Started
  const serving = await listen(started)
  const lost = fetch(serving.url).then(response => response.arrayBuffer())
  await expect(lost).rejects.toThrow()
  await serving.stop()
  return print.mock.calls.flat()
}

test('a stream that is cut is no fault: nothing is printed', async () => {
  expect(await printedBy(cut => cut())).toEqual([])
})

test('a stream that fails is printed', async () => {
  const fault = new Error('the disk is gone')
  const printed = await printedBy(() => {
    throw fault
  })
  expect(printed).toEqual([fault])
})

test('all other errors are printed as they were', () => {
  const print = vi.fn()
  const say = withoutCuts(print)
  say('mediaward: the log', 1)
  say(new BodyCut())
  say()
  expect(print.mock.calls).toEqual([['mediaward: the log', 1], []])
})
