import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createPostgresServer } from '../support/postgres-server.ts'
import { deadLinks } from '../support/relative-links.ts'
import { r2OverS3 } from '../support/s3-server.ts'

// What is published for Deno is src as it stands: nothing is built.

const run = promisify(execFile)
const environment = { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }

/** Runs a program; resolves to all it said, and rejects with it where its exit code isn't 0. */
async function saidBy(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  try {
    const { stdout, stderr } = await run(command, args, { env: { ...environment, ...env } })
    return `${stdout}${stderr}`
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args[0]} failed:\n${stdout}${stderr}`)
  }
}

const { exports: entries } = JSON.parse(readFileSync('deno.json', 'utf8')) as {
  exports: Record<string, string>
}

describe('Deno', () => {
  test('Deno finds no mistake in the types of any entry', async () => {
    expect(Object.keys(entries)).toHaveLength(7)
    await saidBy('deno', ['check', ...Object.values(entries)])
  })

  test('Deno would publish the files that are meant, and no other', async () => {
    const said = await saidBy('deno', ['publish', '--dry-run', '--allow-dirty'])
    expect(said).toContain('Success Dry run complete')
    const files = [...said.matchAll(/^ +file:\/\/(\S+) \(/gm)].map(([, file = '']) =>
      file.slice(process.cwd().length + 1),
    )
    expect(files).toContain('src/index.ts')
    const meant =
      /^((LICENSE|(CHANGELOG|CONTRIBUTING|README|SECURITY|docs\/[a-z-]+)\.md|docs\/demo-page\.png|docs\/fhir\/[\w-]+\.(fsh|json|yaml)|docs\/grafana\/mediaward\.json|docs\/sigma\/mediaward\.yml|schemas\/record\.schema\.json|test\/vectors\/(authorize|configuration-mistakes)\.json|deno\.json|wrangler\.toml)$|src\/(?!cli\/|page\/|.*development)[a-z0-9/-]+\.ts$)/
    expect(files.filter(file => !meant.test(file))).toEqual([])
    expect(deadLinks(files)).toEqual([])
  })

  test('Deno runs the contracts of the ports, and the middleware by its name', {
    timeout: 180_000,
  }, async () => {
    const s3 = await r2OverS3()
    onTestFinished(() => s3.stop())
    const postgres = await createPostgresServer('npm')
    // Also if the time is over: the server is a process of its own.
    onTestFinished(() => postgres.remove())
    const { bucket: _, ...server } = s3.bucket()
    const said = await saidBy('npm', ['run', '-s', 'test:deno'], {
      MEDIAWARD_TEST_S3: JSON.stringify(server),
      MEDIAWARD_TEST_POSTGRES: postgres.url,
    })
    const [, passed, failed] = /^ok \| (\d+) passed \| (\d+) failed/m.exec(said) ?? []
    expect(failed, said).toBe('0')
    expect(Number(passed)).toBeGreaterThan(140)
  })
})
