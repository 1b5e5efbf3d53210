import { expect, test } from 'vitest'
import { memoryGate } from '../../support/memory-gate.ts'

/** What the gate answers about `rec-1`, which has 3,000 bytes: the status, and those headers that are not on every answer. */
async function answerTo(headers: Record<string, string>, method = 'GET') {
  const gate = await memoryGate()
  const response = await gate.ask('patient-1', '/recordings/rec-1', { method, headers })
  const shown = ['accept-ranges', 'content-length', 'content-range', 'content-type', 'etag']
  return {
    status: response.status,
    size: (await response.arrayBuffer()).byteLength,
    headers: Object.fromEntries(
      shown.flatMap(name => (response.headers.has(name) ? [[name, response.headers.get(name)]] : [])),
    ),
  }
}

const common = { 'accept-ranges': 'bytes', etag: expect.stringMatching(/^".+"$/) }
const media = { ...common, 'content-type': 'video/mp4' }

test('a GET request is answered with all bytes and their facts', async () => {
  expect(await answerTo({})).toEqual({
    status: 200,
    size: 3000,
    headers: { ...media, 'content-length': '3000' },
  })
})

test('a HEAD request is answered as GET is, without the bytes, and its Range is ignored', async () => {
  const whole = { status: 200, size: 0, headers: { ...media, 'content-length': '3000' } }
  expect(await answerTo({}, 'HEAD')).toEqual(whole)
  expect(await answerTo({ range: 'bytes=0-4' }, 'HEAD')).toEqual(whole)
})

test('a range is answered 206 with its own length and place', async () => {
  expect(await answerTo({ range: 'bytes=10-19' })).toEqual({
    status: 206,
    size: 10,
    headers: { ...media, 'content-length': '10', 'content-range': 'bytes 10-19/3000' },
  })
})

test('several ranges that do not touch are answered 200 with all bytes', async () => {
  expect(await answerTo({ range: 'bytes=0-9,20-29' })).toMatchObject({ status: 200, size: 3000 })
})

test('a range beyond the end is answered 416 with the size, and nothing else of the recording', async () => {
  expect(await answerTo({ range: 'bytes=3000-' })).toEqual({
    status: 416,
    size: 0,
    headers: { 'accept-ranges': 'bytes', 'content-range': 'bytes */3000' },
  })
})

test('a 304 has the validators and no length or type, and a 412 has neither', async () => {
  expect(await answerTo({ 'if-none-match': '*' })).toEqual({ status: 304, size: 0, headers: common })
  expect(await answerTo({ 'if-match': '"other"' })).toEqual({ status: 412, size: 0, headers: {} })
})
