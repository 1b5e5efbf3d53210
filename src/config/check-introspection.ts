import { CLIENT_METHODS, type Introspection } from '../authenticate/introspection/introspection.ts'
import { isObject } from '../base/json.ts'
import { checkEndpoint } from './check-key-urls.ts'
import { isString, oneOf, rule } from './checks.ts'
import { type Check, findMemberMistakes, type MembersOf } from './option.ts'
import { checkSecret } from './secrets.ts'

/** The members, of which the URL depends on the rest of the issuer's entry. */
const membersIn = (entry: object): MembersOf<Introspection> => ({
  url: { required: true, check: url => checkEndpoint(url, entry) },
  client_id: {
    required: true,
    check: rule('must be the id of the client that the gate is at the issuer', isString),
  },
  client_secret: { required: true, check: checkSecret },
  method: oneOf(...CLIENT_METHODS),
})

/** Finds the mistakes in what an issuer's entry says about introspection. */
export const checkIntrospection: Check = (introspection, entry) =>
  isObject(introspection)
    ? findMemberMistakes(membersIn(entry), introspection)
    : 'must be an object with url, client_id and client_secret'
