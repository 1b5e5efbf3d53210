import { describe, expect, test } from 'vitest'
import type { Subject } from '../../../src/authorize/subject.ts'
import { Refusal } from '../../../src/refusal.ts'
import type { Ticket, Tickets } from '../../../src/ticket/ticket.ts'
import { agentOf, type TicketCheck, TicketRefusal, verifyTicket } from '../../../src/ticket/verify-ticket.ts'

const ISSUER = 'https://login.clinic.test/'
const ticket: Ticket = {
  id: 'ticket-1',
  recording: 'rec-1',
  location: 0,
  subject: { id: 'patient-1', issuer: ISSUER, roles: [], token: 'token-1' },
  expires: 1_800_000_000,
}
const check: TicketCheck = {
  recording: 'rec-1',
  network: () => {
    throw new Error('the network was asked for')
  },
  agent: 'player/1',
  now: 1_799_999_999_999,
}
const acting = { ...ticket, subject: { ...ticket.subject, actor: { id: 'agent-7', issuer: ISSUER } } }

function verify(
  held: Ticket | undefined,
  against: Partial<TicketCheck> = {},
  trusted: Record<string, { allow_actor?: boolean; owns?: boolean }> = { [ISSUER]: {} },
) {
  const tickets: Tickets = {
    issue: () => Promise.reject(new Error('a ticket was issued')),
    read: async encrypted => (encrypted === 'encrypted' ? held : undefined),
  }
  const trustOf = ({ issuer }: Subject) => trusted[issuer] && { owns: true, ...trusted[issuer] }
  return verifyTicket('encrypted', tickets, trustOf, { ...check, ...against })
}

test('verifyTicket returns a ticket for the requested recording that has not expired', async () => {
  expect(await verify(ticket)).toBe(ticket)
})

test('verifyTicket accepts a ticket for a request that names no recording', async () => {
  expect(await verify(ticket, { recording: undefined })).toBe(ticket)
})

test('the refusal of a ticket that cannot be read does not hold the ticket', async () => {
  const outcome = await verify(undefined)
  expect(outcome).toEqual(new Refusal('ticket_invalid'))
  expect(outcome).not.toBeInstanceOf(TicketRefusal)
  expect(await verify(undefined, {}, { '': {} })).toEqual(new Refusal('ticket_invalid'))
})

test('the refusal of a ticket whose issuer is no longer trusted does not hold the ticket', async () => {
  const outcome = await verify(ticket, {}, { 'https://login.other.test/': {} })
  expect(outcome).toEqual(new Refusal('ticket_invalid'))
  expect(outcome).not.toBeInstanceOf(TicketRefusal)
})

describe('TicketRefusal', () => {
  const refused = async (
    reason: string,
    held: Ticket,
    against: Partial<TicketCheck> = {},
    entry: { allow_actor?: boolean } = {},
  ) => {
    const outcome = await verify(held, against, { [ISSUER]: entry })
    expect(outcome).toBeInstanceOf(TicketRefusal)
    expect(outcome).toMatchObject({ reason, ticket: held })
  }

  test('a ticket for another recording is refused, and the refusal holds the ticket', async () => {
    await refused('ticket_scope', ticket, { recording: 'rec-2' })
    await refused('ticket_scope', ticket, { recording: '' })
  })

  test('a ticket is refused from the very millisecond in which it expires', async () => {
    await refused('ticket_expired', ticket, { now: 1_800_000_000_000 })
    await refused('ticket_expired', ticket, { now: 1_900_000_000_000 })
  })

  test('a ticket with an actor is refused if its issuer may not, or no longer, name actors', async () => {
    await refused('ticket_invalid', acting)
    await refused('ticket_invalid', acting, {}, { allow_actor: false })
    expect(await verify(acting, {}, { [ISSUER]: { allow_actor: true } })).toBe(acting)
  })

  test('a ticket that is bound to a network is refused from another network and from an unknown one', async () => {
    const bound = { ...ticket, network: '203.0.113.0/24' }
    expect(await verify(bound, { network: () => '203.0.113.0/24' })).toBe(bound)
    await refused('ticket_scope', bound, { network: () => '198.51.100.0/24' })
    await refused('ticket_scope', bound, { network: () => undefined })
  })

  test('a ticket that is bound to an agent is refused from another agent and from none', async () => {
    const bound = { ...ticket, agent: 'player/1' }
    expect(await verify(bound)).toBe(bound)
    await refused('ticket_scope', bound, { agent: 'player/2' })
    await refused('ticket_scope', bound, { agent: 'player/1 ' })
    await refused('ticket_scope', bound, { agent: null })
    await refused('ticket_scope', { ...ticket, agent: '' }, { agent: '' })
  })

  test('an expired ticket for another recording is refused for its recording, the graver reason of the two', async () => {
    await refused('ticket_scope', ticket, { recording: 'rec-2', now: 1_900_000_000_000 })
  })
})

test('a ticket is bound to the first 256 characters of an agent', async () => {
  expect(agentOf(null)).toBeUndefined()
  expect(agentOf('')).toBeUndefined()
  expect(agentOf('a')).toBe('a')
  expect(agentOf('a'.repeat(300))).toBe('a'.repeat(256))
  const bound = { ...ticket, agent: 'a'.repeat(256) }
  expect(await verify(bound, { agent: 'a'.repeat(300) })).toBe(bound)
})
