import type { OpenedPart, RecordingStore } from '../../src/index.ts'
import { storeWith } from './store-with.ts'

/** How many bodies a store has opened, and how many of them were read to their end or cancelled. */
export interface CountedBodies {
  opened: number
  read: number
  cancelled: number
}

/**
 * Creates a store that counts its bodies.
 *
 * @param opening is called with the number of each `open` before it. If it resolves to null, nothing is there
 */
export function countingStore(
  memory: RecordingStore,
  opening: (time: number) => Promise<undefined | null> = async () => undefined,
): { readonly bodies: CountedBodies; readonly store: RecordingStore } {
  const bodies = { opened: 0, read: 0, cancelled: 0 }
  let times = 0
  const count = (part: OpenedPart): OpenedPart => {
    bodies.opened += 1
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          controller.enqueue(new Uint8Array(await new Response(part.body).arrayBuffer()))
          controller.close()
          bodies.read += 1
        },
        cancel() {
          bodies.cancelled += 1
        },
      },
      { highWaterMark: 0 },
    )
    return { ...part, body }
  }
  const store = storeWith(memory, {
    async open(key, range) {
      times += 1
      const part = (await opening(times)) === null ? null : await memory.open(key, range)
      return part && count(part)
    },
  })
  return { bodies, store }
}
