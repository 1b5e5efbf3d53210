import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import process from 'node:process'

// Node's own plain way to answer with a file: it checks nothing.

const [root = ''] = process.argv.slice(2)
const server = createServer((request, response) => {
  const file = root + request.url
  response.writeHead(200, { 'Content-Type': 'video/mp4', 'Content-Length': statSync(file).size })
  createReadStream(file).pipe(response)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  process.stdout.write(`${JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}` })}\n`)
})
