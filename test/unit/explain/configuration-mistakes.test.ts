import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { explainOffline } from '../../../src/cli/explain/offline.ts'
import { checkOptions } from '../../../src/config/check-options.ts'
import { readVariables } from '../../../src/config/variables.ts'
import { readQuestion } from '../../../src/explain/question.ts'
import { createGate } from '../../../src/index.ts'
import { Refusal } from '../../../src/refusal.ts'
import {
  createMemoryControl,
  createMemoryLedger,
  createMemoryStore,
} from '../../../src/runtime/memory/index.ts'
import {
  type ConfigurationMistake,
  MISTAKES,
  questionOf,
  requestOf,
  tokenOf,
  variablesOf,
} from '../../support/configuration-mistakes.ts'

const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))

let said: MockInstance<typeof console.error>
beforeEach(() => {
  said = vi.spyOn(console, 'error').mockReturnValue()
  said.mockClear()
})
const lines = () => said.mock.calls.map(([line]) => String(line).replace(/^mediaward: /, ''))

function open(mistake: ConfigurationMistake) {
  const { ledgerShards: _, ...options } = readVariables(variablesOf(mistake))
  checkOptions(options)
  const ledger = createMemoryLedger()
  const gate = createGate({ ...options, store: createMemoryStore(), ledger, control: createMemoryControl() })
  const records = async () => (await ledger.read({ limit: 10 })).entries.map(({ json }) => JSON.parse(json))
  return { gate, records }
}

async function explained(mistake: ConfigurationMistake, token: string) {
  const vars = join(folder, 'test.vars')
  const settings = Object.entries(variablesOf(mistake)).map(([name, value]) => `${name}='${value}'\n`)
  writeFileSync(vars, settings.join(''))
  const question = readQuestion(questionOf(mistake, token))
  if (question instanceof Refusal) throw new Error(question.detail)
  return explainOffline(question, { vars, data: folder, showIds: false })
}

test('the file holds at least fifty mistakes, each of them once', () => {
  expect(MISTAKES.length).toBeGreaterThanOrEqual(50)
  expect(new Set(MISTAKES.map(({ mistake }) => mistake)).size).toBe(MISTAKES.length)
})

describe('mistakes that keep the gate from starting', () => {
  test.each(MISTAKES.filter(({ start }) => start !== undefined))(
    'the gate and explain do not start, and say why: $mistake',
    async row => {
      expect(() => open(row)).toThrow(row.start)
      await expect(explained(row, 'a.b.c')).rejects.toThrow(row.start)
    },
  )
})

describe('mistakes that the first token reveals', () => {
  test.each(MISTAKES.filter(({ start }) => start === undefined))(
    'the record, the console and explain say what is wrong: $mistake',
    async row => {
      const { gate, records } = open(row)
      expect(lines()).toEqual(row.warns === undefined ? [] : [row.warns])
      said.mockClear()
      const token = await tokenOf(row)
      const [path, init] = requestOf(row, token)
      const response = await gate.fetch(new Request(`https://gate.test${path}`, init), () => {})
      const [record] = await records()
      const { reason, issuer, entry, client, claim } = record
      const of = { issuer, entry, client, claim }
      const known = Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined))
      expect({ reason, known }).toEqual({ reason: row.reason, known: row.record })
      expect(lines()).toEqual(row.console ?? [row.line])
      // No part of a token is in a line.
      for (const part of token.split('.').filter(({ length }) => length > 20))
        expect(row.line).not.toContain(part)
      if (row.unexplained !== undefined) return

      const explanation = await explained(row, token)
      expect(explanation).toMatchObject({ decision: 'deny', reason, status: response.status })
      const failed = explanation.steps.filter(({ outcome }) => outcome === 'fail').map(({ step }) => step)
      expect(failed).toContain(row.step)
      const [first] = explanation.mistakes
      expect(`${first?.reason}: ${first?.found}. To fix it: ${first?.fix}`).toBe(row.line)
      expect(JSON.stringify(explanation)).not.toContain('patient-1')
    },
  )
})
