import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import process from 'node:process'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'

// What a team puts beside nginx: a small service that `auth_request` asks, with the usual library, and the owners in
// memory. It verifies a token whenever it is asked, as such services do.

interface Settings {
  readonly issuer: string
  readonly audience: string
  readonly jwks: JSONWebKeySet
  readonly owners: Readonly<Record<string, string>>
}

const [file = ''] = process.argv.slice(2)
const { issuer, audience, jwks, owners } = JSON.parse(readFileSync(file, 'utf8')) as Settings
const keys = createLocalJWKSet(jwks)

const server = createServer(async (request, response) => {
  const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
  const [, id = ''] = /^\/recordings\/([\w-]+)$/.exec(String(request.headers['x-original-uri'])) ?? []
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['ES256'] })
    response.writeHead(owners[id] === payload.sub ? 204 : 403).end()
  } catch {
    response.writeHead(401).end()
  }
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  process.stdout.write(`${JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}` })}\n`)
})
