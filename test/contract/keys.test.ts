import { inlineKeys } from '../../src/authenticate/key-source.ts'
import { REMOTE_KEYS, remoteKeys } from '../../src/authenticate/remote-keys.ts'
import { keySourceContract } from './key-source.ts'

keySourceContract('what stands in the configuration', inlineKeys)
keySourceContract('a key server', keys =>
  remoteKeys('https://idp.test/jwks', { ...REMOTE_KEYS, fetch: async () => Response.json(keys) }),
)
