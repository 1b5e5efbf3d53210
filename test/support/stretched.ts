/**
 * The MP4, with so many bytes of nothing in the middle of its media data that no player loads across them: it asks for
 * the second half only when it comes there, as with a recording of an hour. Shifts the chunk offsets (`stco`,
 * ISO/IEC 14496-12 8.7.5) behind the middle.
 */
export function stretched(mp4: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const file = Buffer.from(mp4)
  const tables: number[] = []
  for (let at = file.indexOf('stco'); at !== -1; at = file.indexOf('stco', at + 4)) tables.push(at)
  const keyPrefixes = tables.flatMap(at => {
    const count = file.readUInt32BE(at + 8)
    return Array.from({ length: count }, (_, i) => at + 12 + 4 * i)
  })
  const offsets = keyPrefixes.map(ref => file.readUInt32BE(ref)).sort((a, b) => a - b)
  const middle = offsets[Math.floor(offsets.length / 2)]
  const mdat = file.indexOf('mdat') - 4
  if (middle === undefined || mdat < 0 || middle < mdat) throw new Error('this MP4 can not be stretched')
  for (const ref of keyPrefixes) {
    const offset = file.readUInt32BE(ref)
    if (offset >= middle) file.writeUInt32BE(offset + bytes, ref)
  }
  file.writeUInt32BE(file.readUInt32BE(mdat) + bytes, mdat)
  return new Uint8Array(Buffer.concat([file.subarray(0, middle), Buffer.alloc(bytes), file.subarray(middle)]))
}
