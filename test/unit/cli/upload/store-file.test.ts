import { mkdtempSync, openSync, truncateSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UploadProgress } from '../../../../src/cli/progress.ts'
import { Journal } from '../../../../src/cli/upload/journal.ts'
import type { StartedEntry } from '../../../../src/cli/upload/journal-format.ts'
import { GateRefusal } from '../../../../src/cli/upload/request.ts'
import { UploadSession } from '../../../../src/cli/upload/session.ts'
import { SourceChanged } from '../../../../src/cli/upload/source-file.ts'
import { findSources, type Source } from '../../../../src/cli/upload/sources.ts'
import { FileUpload, MAX_WHOLE } from '../../../../src/cli/upload/store-file.ts'
import { answer, breakAnswer, type ScriptedAnswer, ScriptedGate } from './scripted-gate.ts'

const MIB = 1024 * 1024
const PIECE = 16 * MIB
/** Two pieces, and a last one of 1 byte. */
const LARGE = MAX_WHOLE + 1

let gate: ScriptedGate
let journal: Journal
let openJournal: (restart: boolean) => Promise<Journal>
let path: string
let source: Source
let progress: UploadProgress
/** Answers to requests, by method and path or header; what they lack is answered as a gate would. */
let overrides: Record<string, ScriptedAnswer[]>

const PUT = 'PUT /recordings/rec-1'
const START = 'POST /recordings/rec-1/upload'
const COMPLETE = 'COMPLETE'
const ABANDON = 'DELETE /recordings/rec-1/upload'

beforeEach(async () => {
  overrides = {}
  let started = 0
  let pieces = 0
  gate = new ScriptedGate()
  gate.script = ({ method, path: target, headers }) => {
    const line = `${method} ${target}`
    const isComplete = line === START && headers['mediaward-upload'] !== undefined
    const override = overrides[isComplete ? COMPLETE : line]?.shift()
    if (override !== undefined) return override
    if (isComplete) return answer(201, { size: source.version.size })
    if (line === START) return answer(201, { upload: `u-${++started}`, piece_size: PIECE })
    if (method === 'DELETE') return answer(204)
    return headers['content-range'] === undefined
      ? answer(201, { size: source.version.size })
      : answer(200, { piece: `p-${++pieces}` })
  }
  await gate.start()
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  path = join(folder, 'video.mp4')
  writeFileSync(path, 'a consultation')
  openJournal = restart => {
    const identity = { url: 'u', owner: 'patient-007', issuer: undefined, source: path }
    return Journal.open({ data: folder, identity, restart })
  }
  journal = await openJournal(false)
  await examine()
})
afterEach(() => gate.stop())

async function examine(): Promise<void> {
  const [found] = await findSources(path, new URL(`${gate.url}/recordings/rec-1`))
  if (found === undefined) throw new Error('no source')
  source = found
}
async function enlarge(): Promise<void> {
  truncateSync(path, LARGE)
  await examine()
}
function store(): Promise<boolean> {
  gate.requests.length = 0
  progress = new UploadProgress('rec-1', source.version.size)
  const session = new UploadSession({ token: 'token', ownerHeaders: {}, parallel: 2, progress })
  return new FileUpload(source, session, journal).store()
}
/** Gives the file another version, with other content. */
async function change(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 20))
  writeSync(openSync(path, 'r+'), 'B')
  await examine()
}
const ranges = () =>
  gate.requests
    .map(({ headers }) => headers['content-range'])
    .filter(Boolean)
    .sort()
const noteStarted = (more: Partial<StartedEntry> = {}) =>
  journal.note(source, {
    state: 'started',
    version: source.version,
    upload: 'u-0',
    pieceSize: PIECE,
    pieces: [],
    fresh: true,
    ...more,
  })

describe('files of up to 32 MiB', () => {
  test('a small file is sent in one request, and noted as stored', async () => {
    expect(await store()).toBe(false)
    expect(gate.lines).toEqual([PUT])
    expect(gate.requests[0]?.headers).toMatchObject({ 'content-type': 'video/mp4', 'content-length': '14' })
    expect(journal.entryOf(source)).toMatchObject({ state: 'stored', version: source.version })
  })

  test('a small file is skipped if an earlier run stored this version', async () => {
    await store()
    expect(await store()).toBe(true)
    expect(gate.requests).toEqual([])
    expect(progress.summary).toBe('0.0 of 0.0 MiB')
  })

  test('a small file is skipped if only its times changed, and its new version is noted', async () => {
    await store()
    utimesSync(path, 1_764_000_000, 1_764_000_000)
    await examine()
    expect(await store()).toBe(true)
    expect(gate.requests).toEqual([])
    expect(progress.summary).toBe('0.0 of 0.0 MiB')
    expect(journal.entryOf(source)?.version).toEqual(source.version)
  })

  test('a small file is sent again if its content changed', async () => {
    await store()
    await change()
    expect(await store()).toBe(false)
    expect(gate.lines).toEqual([PUT])
    expect(gate.requests[0]?.body.toString()).toBe('B consultation')
  })

  test('a small file does not count as stored if the gate confirms another size', async () => {
    overrides[PUT] = [answer(201, { size: 13 })]
    await expect(store()).rejects.toThrow(/the server at .* is not a gate/)
    expect(journal.entryOf(source)).toBeUndefined()
  })

  test('a small file is sent again if the gate took an earlier attempt for the upload of another client', async () => {
    overrides[PUT] = [breakAnswer, answer(409)]
    expect(await store()).toBe(false)
    expect(gate.lines.filter(line => line === PUT)).toHaveLength(3)
  })

  test('a small file is not sent again if another client stored the part', async () => {
    overrides[PUT] = [answer(409)]
    await expect(store()).rejects.toThrow(GateRefusal)
    expect(gate.lines).toEqual([PUT])
  })
})

describe('larger files', () => {
  beforeEach(enlarge)

  test('a large file is sent in pieces, which then become the part', async () => {
    expect(await store()).toBe(false)
    const [first, ...others] = gate.requests
    expect(first?.headers).toMatchObject({
      'if-none-match': '*',
      'content-type': 'video/mp4',
      'mediaward-upload-size': String(LARGE),
    })
    expect(ranges()).toEqual([
      `bytes 0-${PIECE - 1}/${LARGE}`,
      `bytes ${PIECE}-${2 * PIECE - 1}/${LARGE}`,
      `bytes ${2 * PIECE}-${2 * PIECE}/${LARGE}`,
    ])
    expect(others.every(({ headers }) => headers['mediaward-upload'] === 'u-1')).toBe(true)
    const complete = JSON.parse(others.at(-1)?.body.toString() ?? '')
    expect({ ...complete, pieces: complete.pieces.toSorted() }).toEqual({
      size: LARGE,
      pieces: ['p-1', 'p-2', 'p-3'],
    })
    expect(journal.entryOf(source)).toEqual({ state: 'stored', version: source.version })
  })

  test('the upload of a large file is resumed with the pieces that are missing', async () => {
    await noteStarted({ pieces: ['a', null, 'c'] })
    await store()
    expect(ranges()).toEqual([`bytes ${PIECE}-${2 * PIECE - 1}/${LARGE}`])
    expect(gate.lines).toEqual([PUT, START])
    expect(gate.requests[1]?.headers['mediaward-upload']).toBe('u-0')
    expect(JSON.parse(gate.requests[1]?.body.toString() ?? '').pieces).toEqual(['a', 'p-1', 'c'])
    expect(progress.summary).toBe('32.0 of 32.0 MiB')
  })

  test('the upload of a large file is noted when it starts, with each piece, and before its completion', async () => {
    const noted: unknown[] = []
    const note = journal.note.bind(journal)
    journal.note = (of, entry) => {
      noted.push(
        entry?.state === 'started' ? [entry.pieces.length, entry.fresh, entry.completing] : entry?.state,
      )
      return note(of, entry)
    }
    await store()
    expect(noted).toEqual([
      [0, true, undefined],
      [3, true, undefined],
      [3, true, undefined],
      [3, true, undefined],
      [3, true, true],
      'stored',
    ])
  })

  test('the upload of a large file is started without a precondition if the part exists', async () => {
    overrides[START] = [answer(412)]
    overrides[PUT] = [answer(500)]
    await expect(store()).rejects.toThrow('500')
    expect(journal.entryOf(source)).toMatchObject({ upload: 'u-1', fresh: false })
    expect(gate.requests[0]?.headers['if-none-match']).toBe('*')
    expect(gate.lines[1]).toBe(START)
    expect(gate.requests[1]?.headers['if-none-match']).toBeUndefined()
  })

  test('the upload of a large file that changed is started again, and the old upload is abandoned', async () => {
    await noteStarted({ pieces: ['a', null, 'c'] })
    await change()
    await store()
    expect(gate.lines.slice(0, 2)).toEqual([ABANDON, START])
    expect(gate.requests[0]?.headers['mediaward-upload']).toBe('u-0')
    expect(ranges()).toHaveLength(3)
  })

  test('a restart abandons the upload of a large file before it starts another, also in a later run', async () => {
    await noteStarted({ pieces: ['a', null, 'c'] })
    journal = await openJournal(true)
    await journal.note({ ...source, part: 'other.mp4' }, undefined)
    journal = await openJournal(false)
    await store()
    expect(gate.lines.slice(0, 2)).toEqual([ABANDON, START])
    expect(gate.requests[0]?.headers['mediaward-upload']).toBe('u-0')
    expect(ranges()).toHaveLength(3)
  })

  test('the upload of a large file is started again, once, if the gate no longer has it', async () => {
    await noteStarted({ pieces: ['a', null, 'c'] })
    overrides[PUT] = [answer(409)]
    await store()
    expect(gate.lines).toEqual([PUT, START, PUT, PUT, PUT, START])
    expect(progress.summary).toBe('32.0 of 32.0 MiB')
    await noteStarted({ pieces: ['a', null, 'c'] })
    overrides[PUT] = Array.from({ length: 9 }, () => answer(409))
    await expect(store()).rejects.toThrow('409')
    expect(gate.lines.filter(line => line === START)).toHaveLength(1)
  })

  test('the upload of a large file is abandoned if the file changes before its completion', async () => {
    const last: ScriptedAnswer = response => {
      truncateSync(path, LARGE + 1)
      answer(200, { piece: 'c' })(response)
    }
    await noteStarted({ pieces: ['a', 'b', null] })
    overrides[PUT] = [last]
    await new Promise(resolve => setTimeout(resolve, 20))
    await expect(store()).rejects.toThrow(SourceChanged)
    expect(gate.lines).toEqual([PUT, ABANDON])
    expect(journal.entryOf(source)).toBeUndefined()
  })

  test('the upload of a large file is kept for the next run if the gate fails', async () => {
    overrides[PUT] = [answer(500)]
    await expect(store()).rejects.toThrow('500')
    expect(gate.lines).not.toContain(ABANDON)
    expect(journal.entryOf(source)).toMatchObject({ state: 'started', upload: 'u-1' })
  })

  const complete = { pieces: ['a', 'b', 'c'], completing: true } as const

  test('a large file counts as stored if an earlier run completed it, and the part did not exist before', async () => {
    await noteStarted(complete)
    overrides[COMPLETE] = [answer(409)]
    overrides[START] = [answer(412)]
    expect(await store()).toBe(false)
    expect(gate.lines).toEqual([START, START])
    expect(journal.entryOf(source)).toMatchObject({ state: 'stored' })
  })

  test('a large file counts as stored if the answer to its completion was lost in this run', async () => {
    await noteStarted({ pieces: ['a', 'b', 'c'] })
    overrides[COMPLETE] = [breakAnswer, answer(409)]
    overrides[START] = [answer(412)]
    await store()
    expect(ranges()).toEqual([])
    expect(journal.entryOf(source)).toMatchObject({ state: 'stored' })
  })

  test.each<[string, Partial<StartedEntry>, ScriptedAnswer[]]>([
    ['the part existed before', { ...complete, fresh: false }, [answer(412)]],
    ['the part does not exist', complete, []],
    ['no run asked to complete it', { pieces: ['a', 'b', 'c'] }, [answer(412)]],
  ])('a large file is sent again if it cannot be completed, and %s', async (_, more, starts) => {
    await noteStarted(more)
    overrides[COMPLETE] = [answer(409)]
    overrides[START] = starts
    await store()
    expect(ranges()).toHaveLength(3)
  })

  test('the upload that checks whether the part exists is abandoned', async () => {
    await noteStarted(complete)
    overrides[COMPLETE] = [answer(409)]
    await store()
    expect(gate.lines.slice(0, 3)).toEqual([START, START, ABANDON])
    expect(gate.requests[2]?.headers['mediaward-upload']).toBe('u-1')
  })

  test.each<[string, object]>([
    ['no name', { piece_size: PIECE }],
    ['a name with a line break', { upload: 'u\r\nX-Evil: 1', piece_size: PIECE }],
    ['no size of pieces', { upload: 'u-1' }],
    ['pieces of no bytes', { upload: 'u-1', piece_size: 0 }],
  ])('the upload of a large file does not start with an answer that has %s', async (_, started) => {
    overrides[START] = [answer(201, started)]
    await expect(store()).rejects.toThrow(/is not a gate/)
    expect(gate.lines).toEqual([START])
  })

  test('the name of a piece is rejected if it cannot be sent in a header', async () => {
    overrides[PUT] = [answer(200, { piece: 'p\r\nX-Evil: 1' })]
    await expect(store()).rejects.toThrow(/is not a gate/)
    expect(gate.lines).not.toContain(ABANDON)
  })

  test('a large file does not count as stored if the gate confirms another size', async () => {
    overrides[COMPLETE] = [answer(201, { size: 1 })]
    await expect(store()).rejects.toThrow(/is not a gate/)
    expect(journal.entryOf(source)).toMatchObject({ state: 'started', completing: true })
  })
})
