import { randomInt, randomUUID } from 'node:crypto'
import { flawOfRecording } from '../../locate/names.ts'
import { type Command, createCommand } from '../../runtime/node/command.ts'
import { describeRefusal, GATE_OPTIONS, parseGateUrl, requestGate, tokenFor } from '../client.ts'
import { member } from '../json.ts'
import { progress } from '../progress.ts'
import { COMMAND, print, say, UsageError } from '../terminal.ts'
import { type CalledGate, callConsole } from './console-call.ts'

/** Most canaries of one call, as the gate takes them. */
const MAX_COUNT = 500
/** How often an id that is taken is made again. */
const TRIES = 100
/** How many ids there must be to choose from, for each canary that is wanted. */
const SPARE = 20

/** `mediaward canary`: plants recordings that no person has. A thief should not know their ids. */
export const canary: Command = createCommand({
  usage: 'mediaward canary [add]',
  summary:
    'Plants recordings that no patient has, of which each touch is a finding, or says how many there are.',
  options: {
    count: { type: 'string', value: 'N', default: '5', about: `Of "add": how many, 1 to ${MAX_COUNT}.` },
    like: {
      type: 'string',
      value: 'ID',
      about: 'Of "add": an id of yours. The canaries have other digits. Without it, they are UUIDs.',
    },
    'recorder-token': {
      type: 'string',
      value: 'TOKEN',
      about:
        'Of "add": a token with the role "recorder", which stores them. Default: the development issuer\'s.',
    },
    prefix: {
      type: 'string',
      value: 'PATH',
      default: '/recordings',
      about: 'The path that the gate has all recordings below.',
    },
    json: { type: 'boolean', default: false, about: 'Print the answer of the gate as JSON.' },
    ...GATE_OPTIONS,
  },
  allowPositionals: true,
  example: `${COMMAND} canary add --count 20 --like rec-000417`,

  async run(values, [action, ...others]) {
    const { url, token, data, json } = values
    const gate: CalledGate = { url, token, data }
    if (others.length > 0) throw new UsageError('there are too many arguments')
    if (action === undefined) {
      const answer = await callConsole(gate, '/console/api/canaries')
      if (json) return print(JSON.stringify(answer))
      return say(`${member(answer, 'count')} canaries`)
    }
    if (action !== 'add')
      throw new UsageError(`"${action}" is not something that canary does`, 'it may be add')
    const { count, like, prefix } = values
    if (!/^[1-9]\d{0,2}$/.test(count) || Number(count) > MAX_COUNT) {
      throw new UsageError(`--count ${count} must be from 1 to ${MAX_COUNT}`)
    }
    const recorder = await tokenFor(values['recorder-token'], data, 'recorder')
    const ids = await freeIds(gate, Number(count), like)
    // Before they are stored: nothing that can be found is ever without its rule.
    const answer = await callConsole(gate, '/console/api/canaries/add', { recordings: ids })
    const failed = await storeAll(ids, { base: new URL(`${prefix}/`, parseGateUrl(url)), recorder })
    for (const why of failed) say(why)
    if (json) await print(JSON.stringify({ ...Object(answer), recordings: ids }))
    else for (const id of ids) await print(id)
    say(`${ids.length - failed.length} canaries are planted: each touch of one is a finding of RG-040`)
    if (failed.length > 0) throw new Error(`${failed.length} canaries have an id, and no recording`)
  },
})

/** Makes ids of which the log has no record: no recording of a patient must become a canary. */
async function freeIds(
  gate: CalledGate,
  count: number,
  like: string | undefined,
): Promise<readonly string[]> {
  const digits = like?.match(/\d/g)?.length ?? 0
  if (like !== undefined) {
    const flaw = flawOfRecording(like)
    if (flaw !== undefined) throw new UsageError("--like can't be a recording's id", flaw)
    if (10 ** digits < count * SPARE) {
      throw new UsageError(
        '--like has too few digits for so many canaries',
        'take an id with more, or a smaller --count',
      )
    }
  }
  const ids = new Set<string>()
  for (let tries = 0; ids.size < count; tries++) {
    if (tries > count + TRIES)
      throw new UsageError('nearly all ids like that are taken', 'take another --like')
    const id = like === undefined ? randomUUID() : like.replace(/\d/g, () => `${randomInt(10)}`)
    if (id !== like && !(await isOnRecord(gate, id))) ids.add(id)
  }
  return [...ids]
}

async function isOnRecord({ url, token, data }: CalledGate, id: string): Promise<boolean> {
  const address = new URL('/console/api/records', parseGateUrl(url))
  address.search = new URLSearchParams({ recording: id, limit: '1' }).toString()
  const response = await requestGate(address, await tokenFor(token, data, 'security'))
  if (!response.ok) throw new UsageError(`the gate refused: ${await describeRefusal(response)}`)
  return (await response.text()) !== ''
}

/** Stores something for each id, for an owner who is no one. Returns what went wrong. */
async function storeAll(
  ids: readonly string[],
  { base, recorder }: { readonly base: URL; readonly recorder: string },
): Promise<readonly string[]> {
  const failed: string[] = []
  for (const [i, id] of ids.entries()) {
    const headers = { 'Mediaward-Owner': randomUUID(), 'Content-Type': 'video/mp4' }
    const response = await requestGate(new URL(id, base), recorder, { method: 'PUT', headers, body: video() })
    if (!response.ok) failed.push(`${id} is not stored: ${await describeRefusal(response)}`)
    progress('canaries', i + 1, ids.length)
  }
  return failed
}

/** Makes a file that begins and is built as an MP4 is, of a random size and content. */
function video(): Uint8Array<ArrayBuffer> {
  const media = crypto.getRandomValues(new Uint8Array(randomInt(16_384, 65_536)))
  const brands = new TextEncoder().encode('isom\0\0\u0002\0isomiso2avc1mp41')
  return Buffer.concat([box('ftyp', brands), box('free', new Uint8Array()), box('mdat', media)])
}

function box(type: string, content: Uint8Array): Uint8Array {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + content.length)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, content])
}
