import { createInlineKeys } from '../../src/authenticate/key-source.ts'
import { createRemoteKeys, REMOTE_KEYS } from '../../src/authenticate/remote-keys.ts'
import { keySourceContract } from './key-source.ts'

keySourceContract('the configuration', createInlineKeys)
keySourceContract('a key server', keys =>
  createRemoteKeys('https://idp.test/jwks', { ...REMOTE_KEYS, fetch: async () => Response.json(keys) }),
)
