import { createServer } from 'node:net'
import process from 'node:process'

// Below the ports that systems give to outgoing connections, so that none of those takes it before it is used.
const FIRST = 10_000
const COUNT = 10_000

let tried = process.pid

/**
 * A port of the loopback that is free. A gate's own URL has to be known before it listens, so port 0 won't do. Processes
 * that look at the same time begin at different ports.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < COUNT; i++) {
    tried += 1
    const port = FIRST + (tried % COUNT)
    if (await isFree(port)) return port
  }
  throw new Error('no port of the loopback is free')
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
