import { CLIENT_METHODS, type Introspection } from '../authenticate/introspection/introspection.ts'
import { isSecure, plainUrl } from '../base/url.ts'
import { isString, oneOf, rule } from './checks.ts'
import { findMemberMistakes, type Mistake, type TableOf } from './option.ts'
import { checkSecret } from './secrets.ts'

const MEMBERS: TableOf<Introspection> = {
  url: {
    required: true,
    check: rule(
      'must be an https URL without user, password or fragment, as "introspection_endpoint" in the metadata of the issuer',
      value => isSecure(plainUrl(value)) && !String(value).includes('#'),
    ),
  },
  client_id: {
    required: true,
    check: rule('must be the id of the client that the gate is at the issuer', isString),
  },
  client_secret: { required: true, check: checkSecret },
  method: { check: oneOf(...CLIENT_METHODS) },
}

/** Finds the mistakes in what an issuer's entry says about introspection. */
export function checkIntrospection(
  introspection: unknown,
  { tenants }: { readonly tenants?: unknown },
): readonly Mistake[] {
  if (typeof introspection !== 'object' || introspection === null) {
    return [['', 'must be an object with url, client_id and client_secret']]
  }
  const mistakes = findMemberMistakes(MEMBERS, introspection)
  return tenants === undefined
    ? mistakes
    : [['', "can't be used with tenants: nothing in an opaque token says whose it is"], ...mistakes]
}
