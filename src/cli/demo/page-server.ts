import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import type { Clinic } from '../../page/clinic.ts'
import { signToken } from '../development-issuer.ts'
import { member } from '../json.ts'
import { modulePath } from '../local-gate.ts'
import { say } from '../terminal.ts'
import { AlertReceiver } from './alert-receiver.ts'
import { PEOPLE } from './clinic.ts'
import { isForLoopback, isFromOwnPage } from './token-route.ts'

/** What the page's server works with. */
export interface PageSettings {
  /** The port to listen on. If it is taken, any free one. */
  readonly port: number
  /** The data folder, which holds the key of the development issuer. */
  readonly data: string
  /** The origins that the browser may load from: the gate's, and that of the URLs of tickets. */
  readonly origins: readonly string[]
  readonly clinic: Clinic
}

/** The page of the demo clinic, as it is served. */
export interface DemoPage {
  readonly url: string
  /** The origins that a browser may open it at. */
  readonly origins: readonly string[]
  /** Where the gate sends alerts for the page, and the secret that it signs them with. */
  readonly alerts: { readonly url: string; readonly secret: string }
  close(): void
}

interface Answer {
  readonly status: number
  readonly type?: string
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

const NOT_FOUND: Answer = { status: 404 }
const FORBIDDEN: Answer = { status: 403 }
const FAILED: Answer = { status: 500 }
/** Where alerts are sent, and where the page reads those that came. */
const ALERTS = '/alerts'
const SCRIPT = 'text/javascript; charset=utf-8'
/** Seconds that a token is valid. The page gets another one before it ends. */
const TOKEN_TTL = 900

/** The files in `demo/page`, by the path that they are served at. */
const FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/favicon.ico': ['icon.svg', 'image/svg+xml'],
}
/** The modules that the page may load: its own, and the player of apps. */
const MODULE = /^\/(page\/[a-z-]+|player\/ticket)\.[jt]s$/

/**
 * Serves the page of the demo clinic, on a port and so on an origin of its own, as an app is. It runs beside the gate and
 * not in it: the process that can sign tokens is never the one that checks them.
 */
export async function openDemoPage(settings: PageSettings): Promise<DemoPage> {
  const receiver = new AlertReceiver()
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo
    void answerPage(request, port, settings, receiver)
      .catch((error: unknown) => (member(error, 'code') === 'ENOENT' ? NOT_FOUND : FAILED))
      .then(answer => send(request, response, answer, settings))
  })
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
  await listen(settings.port).catch((error: unknown) => {
    if (member(error, 'code') !== 'EADDRINUSE') throw error
    return listen(0)
  })
  const { port } = server.address() as AddressInfo
  if (settings.port !== 0 && port !== settings.port) {
    say(`port ${settings.port} is taken, so the page is on port ${port}: --port moves the gate and the page`)
  }
  const origins = ['127.0.0.1', 'localhost'].map(name => `http://${name}:${port}`)
  return {
    ...{ url: `${origins[0]}/`, origins },
    alerts: { url: `${origins[0]}${ALERTS}`, secret: receiver.secret },
    close: () => void server.close().closeAllConnections(),
  }
}

async function answerPage(
  request: IncomingMessage,
  port: number,
  { data, clinic }: PageSettings,
  receiver: AlertReceiver,
): Promise<Answer> {
  const { method, url = '/', headers } = request
  if (!isForLoopback(headers, port)) return FORBIDDEN
  const [path = '/'] = url.split('?')
  const [, person] = /^\/token\/([a-z0-9-]+)$/.exec(path) ?? []
  if (person !== undefined) {
    if (method !== 'POST') return { status: 405, headers: { Allow: 'POST' } }
    return isFromOwnPage(headers) ? issueToken(data, person) : FORBIDDEN
  }
  if (path === ALERTS && method === 'POST') return { status: await receiver.take(request) }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { Allow: 'GET, HEAD' } }
  if (path === ALERTS) return json(receiver.arrived)
  if (path === '/clinic.json') return json(clinic)
  const [, module] = MODULE.exec(path) ?? []
  if (module !== undefined) return { status: 200, type: SCRIPT, body: await readModule(module) }
  const [name, type] = Object.hasOwn(FILES, path) ? (FILES[path] ?? []) : []
  if (name === undefined || type === undefined) return NOT_FOUND
  return { status: 200, type, body: await readFile(new URL(`../../../demo/page/${name}`, import.meta.url)) }
}

async function issueToken(data: string, person: string): Promise<Answer> {
  const roles = PEOPLE.get(person)
  if (roles === undefined) return NOT_FOUND
  const token = await signToken(data, { subject: person, roles, ttl: TOKEN_TTL, claims: {} })
  return json({ token, expires_in: TOKEN_TTL })
}

function json(value: unknown): Answer {
  return { status: 200, type: 'application/json', body: JSON.stringify(value) }
}

/** Reads a module as a browser takes it: in a checkout, without its types. */
async function readModule(name: string): Promise<string> {
  const path = modulePath(name)
  const source = await readFile(path, 'utf8')
  if (extname(path) === '.js') return source
  const { transform } = await import('esbuild')
  return (await transform(source, { loader: 'ts', target: 'es2024' })).code
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, type, body = '', headers }: Answer,
  { origins }: PageSettings,
): void {
  const from = origins.join(' ')
  response.writeHead(status, {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ${from}; media-src ${from}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'`,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(body),
    ...(type !== undefined && { 'Content-Type': type }),
    ...headers,
  })
  response.end(method === 'HEAD' ? undefined : body)
}
