// Runs in the browser, on the page of the tests: it plays, and reads from the picture whose recording it is.

/** The lines of the picture that a text is burnt into: see demo/make-media.sh. */
const LINES = { patient: [50, 102], clock: [112, 140] } as const
const [WIDTH, HEIGHT] = [320, 180]
/** Every background is darker in at least one channel, so that it never counts: only the text does. */
const WHITE = 165
const PATIENTS = Array.from({ length: 10 }, (_, i) => `patient-${String(i + 1).padStart(3, '0')}`)

/** Which pixels of a text are white: one character each, 0 or 1. */
export type Text = string

/** How much of a frame's text is not that of a patient, as a share of that patient's white pixels. */
export interface Likeness {
  readonly patient: string
  readonly distance: number
}

/** A video element on the page. */
export function video(crossOrigin?: 'anonymous' | 'use-credentials'): HTMLVideoElement {
  const element = document.createElement('video')
  element.muted = true
  if (crossOrigin !== undefined) element.crossOrigin = crossOrigin
  document.body.replaceChildren(element)
  return element
}

/** Plays until so many seconds have been shown. Rejects where the element fails. */
export async function played(element: HTMLMediaElement, seconds: number): Promise<number> {
  const failed = failure(element)
  await Promise.race([element.play(), failed])
  await Promise.race([until(() => element.currentTime >= seconds), failed])
  return element.currentTime
}

/** Seeks, and waits until it is there, and its picture too, where there is one: that may come a moment later. */
export async function sought(element: HTMLMediaElement, seconds: number): Promise<void> {
  element.pause()
  await Promise.race([
    until(() => element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA),
    failure(element),
  ])
  const there = new Promise(resolve => element.addEventListener('seeked', resolve, { once: true }))
  element.currentTime = seconds
  await Promise.race([there, failure(element)])
  if (element instanceof HTMLVideoElement)
    await Promise.race([until(() => isShown(element)), failure(element)])
}

/** The text that stands in these lines of the picture. Throws where the picture may not be read, or shows none. */
export function read(element: HTMLVideoElement, lines: keyof typeof LINES): Text {
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (context === null) throw new Error('no canvas')
  context.drawImage(element, 0, 0, WIDTH, HEIGHT)
  const [top, bottom] = LINES[lines]
  const { data } = context.getImageData(0, top, WIDTH, bottom - top)
  let text = ''
  for (let i = 0; i < data.length; i += 4) {
    text += Math.min(data[i] ?? 0, data[i + 1] ?? 0, data[i + 2] ?? 0) > WHITE ? '1' : '0'
  }
  if (count(text) < 150) throw new Error(`no text in the picture: ${count(text)} white pixels`)
  return text
}

/** Whether there is a picture with text in it: right after a seek it may be black for a moment. */
export function isShown(element: HTMLVideoElement): boolean {
  try {
    read(element, 'patient')
    return true
  } catch (error) {
    // A picture that may not be read never will be.
    if (error instanceof DOMException) throw error
    return false
  }
}

/** The text of a frame of a file of the demo clinic, as it is on disk: it never went through the gate. */
export async function onDisk(file: string, lines: keyof typeof LINES, seconds: number): Promise<Text> {
  const element = document.createElement('video')
  element.muted = true
  element.preload = 'auto'
  const url = URL.createObjectURL(await (await fetch(`/demo/media/${file}`)).blob())
  element.src = url
  await sought(element, seconds)
  const text = read(element, lines)
  URL.revokeObjectURL(url)
  return text
}

let known: Promise<ReadonlyMap<string, Text>> | undefined
async function faces(): Promise<ReadonlyMap<string, Text>> {
  const texts = PATIENTS.map(async one => [one, await onDisk(`${one}.mp4`, 'patient', 2.05)] as const)
  return new Map(await Promise.all(texts))
}

/** Whose recording the picture shows: all patients, the likest first. */
export async function whose(element: HTMLVideoElement): Promise<Likeness[]> {
  const seen = read(element, 'patient')
  known ??= faces()
  const all = [...(await known)].map(([patient, text]) => ({ patient, distance: distance(seen, text) }))
  return all.sort((a, b) => a.distance - b.distance)
}

/** Looks at every frame that is shown from now on; what comes back tells whose they were, and how many. */
export async function watch(element: HTMLVideoElement): Promise<() => Record<string, number>> {
  known ??= faces()
  await known
  const seen: Record<string, number> = {}
  const look = async () => {
    element.requestVideoFrameCallback(look)
    const [likest] = await whose(element)
    if (likest !== undefined) seen[likest.patient] = (seen[likest.patient] ?? 0) + 1
  }
  element.requestVideoFrameCallback(look)
  return () => seen
}

/** How much of a text is not another, as a share of the other's white pixels. */
export function distance(seen: Text, text: Text): number {
  let unlike = 0
  for (let i = 0; i < text.length; i++) if (seen[i] !== text[i]) unlike++
  return unlike / count(text)
}

/** Waits until it is so; rejects after twenty seconds. */
export async function until(so: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!so()) {
    if (performance.now() > end) throw new Error(`never came: ${so}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

function failure(element: HTMLMediaElement): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(new Error(`${element.error?.code}: ${element.error?.message}`))
    if (element.error !== null) fail()
    element.addEventListener('error', fail, { once: true })
  })
}

function count(text: Text): number {
  return text.split('1').length - 1
}
