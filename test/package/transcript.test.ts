import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startGate } from '../support/gate.ts'

// What the README shows of the commands is what they print, but for ids, times and pseudonyms.

const [, transcript = ''] = /```console\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8')) ?? []
const lines = transcript.split('\n').filter(line => line !== '')

const withoutNames = (output: string) =>
  output
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/psn_[0-9a-f]{12}/g, 'PSEUDONYM')

test('the transcript in the README is what its commands print', async () => {
  const gate = await startGate({ runtime: 'node', demo: true })
  try {
    const commands = lines
      .filter(line => line.startsWith('$ '))
      .map(line => line.slice(2).replaceAll('http://127.0.0.1:8787', gate.url))
      .map(line =>
        line.replace(
          /npm run -s mediaward -- (\w+)/,
          (_, command: string) =>
            `${process.execPath} src/cli/main.ts ${command} --data ${gate.data}${command === 'denials' ? ` --url ${gate.url}` : ''}`,
        ),
      )
    expect(commands.length).toBeGreaterThan(2)
    const { stdout } = await promisify(execFile)('bash', ['-ec', commands.join('\n')])
    const shown = lines.filter(line => !line.startsWith('$ '))
    expect(withoutNames(stdout)).toBe(withoutNames(`${shown.join('\n')}\n`))
  } finally {
    await gate.stop()
  }
})
