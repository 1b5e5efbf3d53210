import { eventId } from '../../../ledger/event-id.ts'
import type { FindingControl } from '../../../watch/finding-control.ts'
import { isText, keptText } from '../../../watch/findings/act.ts'
import { answerCall, controlBy, type FindingCall } from '../../../watch/findings/calls.ts'
import { listFindings } from '../../../watch/findings/list.ts'
import type { LogWork } from '../elected-log.ts'
import type { PostgresWatch } from './postgres-watch.ts'
import type { WatchStore } from './watch-store.ts'

/** How long a suppression that is over is listed, in milliseconds. */
const LISTED = 90 * 24 * 3_600_000

/** A call to the process that is the log. */
interface Call {
  readonly findings: FindingCall
}

/** What the findings of a fleet need. */
export interface PostgresFindingServices {
  readonly store: WatchStore
  readonly watch: PostgresWatch
  /** Calls the process that is the log. */
  call(call: Call): Promise<unknown>
  now(): number
}

/**
 * Creates the port over the database of a fleet. Every process reads what is stored; the one that is the log changes it, and the
 * others call it for that.
 */
export function createPostgresFindings(services: PostgresFindingServices): FindingControl {
  const { store, watch, call, now } = services
  const isOf = (one: { readonly tenant?: string }, tenant: string | undefined) =>
    tenant === undefined || one.tenant === tenant
  const here = changing(services)
  const elsewhere = controlBy(findings => call({ findings }))
  const there = () => (watch.isLog ? here : elsewhere)
  return {
    list: query => listFindings(query, store.findings),

    async show(id, tenant) {
      const finding = await store.finding(id)
      if (finding === undefined || !isOf(finding, tenant)) return undefined
      return { finding, texts: await store.texts([id]) }
    },

    async suppressions(tenant) {
      const listed = (await store.suppressions(now() - LISTED)).filter(one => isOf(one, tenant))
      const texts = await store.texts(listed.map(({ id }) => id))
      const reasons = new Map(texts.map(text => [text.of, text]))
      return listed.map(one => {
        const reason = reasons.get(one.id)
        return reason === undefined ? one : { ...one, reason }
      })
    },

    canaries: () => store.canaries(),

    act: (id, act) => there().act(id, act),
    suppress: wanted => there().suppress(wanted),
    endSuppression: (id, by, tenant) => there().endSuppression(id, by, tenant),
    eraseText: (id, by, tenant) => there().eraseText(id, by, tenant),
    addCanaries: (ids, by) => there().addCanaries(ids, by),
  }
}

/** Returns how the process that is the log answers the calls of the others. */
export function answeringFindings(control: FindingControl): Required<Pick<LogWork, 'answers' | 'answer'>> {
  return {
    answers: call => Object(call).findings !== undefined,
    answer: call => answerCall(control, (call as Call).findings),
  }
}

type Changing = Pick<FindingControl, 'act' | 'suppress' | 'endSuppression' | 'eraseText' | 'addCanaries'>

/** Changes findings in the process that is the log. */
function changing({ store, watch, now }: PostgresFindingServices): Changing {
  return {
    async act(id, act) {
      if (act.text !== undefined && !isText(act.text)) return { refused: 'incomplete' }
      const text = act.text === undefined ? undefined : await keptText(act.text, id, act.by, now())
      const changes = await watch.change(async (book, at) => {
        const finding = await store.finding(id)
        return finding === undefined ? 'unknown' : book.act(finding, act, text, at)
      })
      if (typeof changes === 'string') return { refused: changes }
      const [finding] = changes.findings
      return finding === undefined ? { refused: 'unknown' } : { finding }
    },

    async suppress(wanted) {
      if (!isText(wanted.reason)) return { refused: 'incomplete' }
      const text = await keptText(wanted.reason, eventId(now()), wanted.by, now())
      const changes = await watch.change(async (book, at) => book.suppress(wanted, text, at))
      if (typeof changes === 'string') return { refused: changes }
      const [suppression] = changes.suppressions
      return suppression === undefined ? { refused: 'incomplete' } : { suppression }
    },

    async endSuppression(id, by, tenant) {
      const changes = await watch.change(async (book, at) => book.endSuppression(id, by, at, tenant))
      return changes !== undefined
    },

    async addCanaries(ids, by) {
      const changes = await watch.change(async (book, at, known) => book.addCanaries(ids, known, by, at))
      return changes === 'too_many' ? { refused: changes } : { added: changes.canaries.length }
    },

    async eraseText(id, by, tenant) {
      const changes = await watch.change(async (book, at) => {
        const text = await store.text(id)
        if (text?.text === undefined) return undefined
        const about = (await store.finding(text.of)) ?? (await store.suppression(text.of))
        if (about === undefined || (tenant !== undefined && about.tenant !== tenant)) return undefined
        return book.eraseText(text, about, by, at)
      })
      return changes !== undefined
    },
  }
}
