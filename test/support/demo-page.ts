// How tests use the page of the demo clinic, in any browser: expressions that run in it.

/** What a person sees of a patient after a click. */
export interface Seen {
  readonly status: string
  /** What the gate answered, as the page shows it. */
  readonly body: string
  /** What the patient reads in place of a player. */
  readonly message: string | null
  /** Seconds of the recording that were shown; -1 without a player. */
  readonly played: number
  /** The record that the patient's card leads to, if the log shows it and marks it. */
  readonly record: Readonly<Record<string, unknown>> | undefined
  /** The same record in words. */
  readonly sentence: string | undefined
}

/** The first patient, whose list the bug changes, or the second one. */
type Card = 1 | 2

/** Reads the page. Evaluates to {@link Seen}. */
export const seen = (card: Card): string => `(() => {
  const card = document.querySelectorAll('.patient')[${card - 1}]
  const text = selector => card.querySelector(selector).textContent
  const video = card.querySelector('video')
  const link = card.querySelector('.record')
  const marked = link.hidden ? null : document.querySelector(link.querySelector('a').getAttribute('href') + '[data-marked]')
  return {
    status: text('.status'),
    body: text('.body'),
    message: card.querySelector('.notice').hidden ? null : text('.message'),
    played: video.hidden ? -1 : video.currentTime,
    record: marked === null ? undefined : JSON.parse(marked.querySelector('pre').textContent),
    sentence: marked?.querySelector('.sentence').textContent,
  }
})()`

/** Clicks an element of the page. */
export const click = (selector: string): string =>
  `(document.querySelector(${JSON.stringify(selector)}).click(), true)`

export const BUG = '#bug'
/** What plays the incident, and what stops the release, or lets it go. */
export const PLAY = '#play'
export const FREEZE = '#freeze'
/** Of the recordings that the bug puts into the first patient's list. */
export const FOREIGN = '.patient:nth-child(1) .foreign button'
/** Of a patient's own recordings. */
export const own = (card: Card): string => `.patient:nth-child(${card}) .own button`
