import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { findChromium } from '../../support/chromium.ts'

test('concurrent callers unpack one Chromium, and leave no unfinished copy', async () => {
  mkdirSync('.mediaward', { recursive: true })
  const folder = mkdtempSync('.mediaward/chromium-test-')
  try {
    const found = await Promise.all([1, 2].map(() => findChromium('/nowhere/chromium', folder)))
    expect(found[0]).toEqual(found[1])
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+$/)])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
