import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { Bucket } from '../../src/runtime/cloudflare/bindings.ts'
import { createR2Store } from '../../src/runtime/cloudflare/index.ts'
import { concealmentProperty, fill, type Shelf } from '../support/concealment.ts'

/** A bucket that notes what is asked of it. */
function shelfOver(bucket: Bucket): Shelf {
  const below: string[] = []
  const noting = new Proxy(bucket, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...values: unknown[]) => {
        below.push(`${String(name)} ${JSON.stringify(values)}`)
        return Reflect.apply(member, target, values)
      }
    },
  })
  return { store: createR2Store(noting), below }
}

concealmentProperty('R2', { numRuns: 150, seed: 20200609 }, async () => {
  await reset()
  const id = 'coded'
  await fill(createR2Store(env.RECORDINGS), id, {})
  const { objects } = await env.RECORDINGS.list({ prefix: `recordings/${id}` })
  for (const { key } of objects) {
    await env.RECORDINGS.put(key, 'packed', {
      httpMetadata: { contentType: 'video/mp4', contentEncoding: 'gzip' },
      customMetadata: { 'mw-owner': 'patient-2', 'mw-issuer': 'https://login.clinic.test/' },
    })
  }
  return { theirs: shelfOver(env.RECORDINGS), empty: shelfOver(env.AUDIT), damaged: [id] }
})
