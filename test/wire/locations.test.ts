import { expect, test } from 'vitest'
import { startGate } from '../support/gate.ts'
import { createIssuer, denials, patterned, store, variables } from '../support/gate-client.ts'

test("the gate plays recordings at an app's own URLs, and at no others", async () => {
  const idp = await createIssuer()
  const locations = [
    { url: '/media/:recording.mp4', key: 'consultations/:recording/video.mp4' },
    { url: '/media/:recording/hls/:part+', key: 'consultations/:recording/hls/:part' },
  ]
  const gate = await startGate({ vars: { ...variables(idp), LOCATIONS: JSON.stringify(locations) } })
  const ask = async (path: string, subject: string): Promise<number> => {
    const headers = await idp.bearer(subject)
    return (await fetch(gate.url + path, { headers })).status
  }
  expect((await store(gate, idp, '/media/visit-1.mp4', 'patient-1', patterned(100))).status).toBe(201)
  expect((await store(gate, idp, '/media/visit-1/hls/a/1.ts', 'patient-1', patterned(100))).status).toBe(201)
  // One recording, whatever the URL: its owner can't differ.
  expect((await store(gate, idp, '/media/visit-1/hls/a/2.ts', 'patient-2', patterned(100))).status).toBe(409)
  for (const path of ['/media/visit-1.mp4', '/media/visit-1/hls/a/1.ts']) {
    expect(await ask(path, 'patient-1')).toBe(200)
    expect(await ask(path, 'patient-2')).toBe(404)
  }
  for (const path of [
    '/recordings/visit-1',
    '/media/visit-1',
    '/media/visit-1/hls/../video.mp4',
    '/media/visit-1xmp4',
  ]) {
    expect([400, 404]).toContain(await ask(path, 'patient-1'))
  }
  const recordings = (await denials(gate, idp)).map(({ recording }) => recording)
  expect(recordings.filter(id => id === 'visit-1').length).toBeGreaterThanOrEqual(3)
  await gate.stop()
})
