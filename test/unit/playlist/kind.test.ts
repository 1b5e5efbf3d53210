import { describe, expect, test } from 'vitest'
import {
  firstElement,
  hasNoEnding,
  kindAt,
  kindOfName,
  kindOfStart,
  kindOfType,
  PLAYLIST_TYPE,
} from '../../../src/playlist/kind.ts'

test.each([
  ['application/vnd.apple.mpegurl', 'x', 'hls'],
  ['Application/VND.apple.mpegURL; charset=utf-8', 'x', 'hls'],
  ['application/x-mpegurl', 'x', 'hls'],
  ['audio/mpegurl', 'x', 'hls'],
  ['audio/x-mpegURL ;x', 'x', 'hls'],
  ['application/dash+xml', 'x', 'dash'],
  ['application/dash+xml', 'x.m3u8', 'dash'],
  [undefined, 'a/master.m3u8', 'hls'],
  ['video/mp4', 'a/master.M3U8', 'hls'],
  ['application/octet-stream', 'list.m3u', 'hls'],
  ['', 'manifest.mpd', 'dash'],
  ['text/xml', 'manifest.MPD', 'dash'],
  [undefined, 'm3u8', undefined],
  [undefined, 'a.m3u8x', undefined],
  [undefined, 'a.mpd.mp4', undefined],
  ['video/mp4', 'seg-0.m4s', undefined],
  ['x-application/dash+xml', 'seg-0.m4s', undefined],
])('the type %s and the name %s show the kind %s', (type, name, kind) =>
  expect(kindOfType(type) ?? kindOfName(name)).toBe(kind),
)

test.each([
  ['#EXTM3U\n', 'hls'],
  ['\ufeff#EXTM3U', 'hls'],
  ['\r\n #extm3u', 'hls'],
  ['', 'hls'],
  [' '.repeat(64), 'hls'],
  ['<?xml version="1.0"?><!-- long', 'dash'],
  ['<?xml version="1.0"?>\n<!-- <html> -->\n<dash:MPD>', 'dash'],
  ['<!DOCTYPE MPD><mpd/>', 'dash'],
  ['<!DOCTYPE x [<!ENTITY y "z">]><html>', 'dash'],
  ['<MP', 'dash'],
  ['<!DOCTYPE html>\n<html>', undefined],
  ['<?xml version="1.0"?><tt:tt >', undefined],
  ['<svg><MPD/></svg>', undefined],
  ['\ufeff\n<MPD', 'dash'],
  ['WEBVTT\n', undefined],
  ['x <MPD>', undefined],
  ['x\n#EXTM3U', undefined],
  ['<!-- a -- b ---><!-- <html> --><MPD>', 'dash'],
  ['<!----><!-- - --><tt>', undefined],
  ['<!-- a --> b <!-- c --><html>', 'dash'],
  ['#EXTINF:', undefined],
  ['\0\0\0\x18ftypiso5', undefined],
])('a file that begins with %j has the kind %s', (text, kind) =>
  expect(kindOfStart(new TextEncoder().encode(text))).toBe(kind),
)

test.each([
  ['720p', true],
  ['a.b/720p', true],
  ['a./720p', true],
  ['a/720p.m3u8', false],
  ['720p.', false],
])('the name %s has no ending: %s', (name, none) => expect(hasNoEnding(name)).toBe(none))

test.each([
  ['<MPD>', 'mpd'],
  ['  <a:Mpd/>', 'mpd'],
  ['<a.b-c d="e">', 'a.b-c'],
  ['<?x y?><!-- <b> --><!doctype a><a>', 'a'],
  ['<?x?>\n<!---->\n <a\n>', 'a'],
  ['<!-- --', undefined],
  ['<!-- <a>', undefined],
  ['<!DOCTYPE a [<b>]><a>', undefined],
  ['<a', undefined],
  ['x<a>', undefined],
  ['<?x <a>', undefined],
  ['<a:b:c>', undefined],
  ['', undefined],
])('the first element of %j is %s', (xml, name) => expect(firstElement(xml)).toBe(name))

describe('kindAt', () => {
  test.each([
    ['a/x.m3u8', 'video/mp4', 'hls'],
    ['a/x.mp4', 'application/dash+xml', 'dash'],
    ['a/x.mpd', 'audio/mpegurl', 'hls'],
    ['a/x.mp4', undefined, undefined],
    ['a/x.bin', 'application/octet-stream', undefined],
    // A player goes by the first bytes of what has no ending, whatever its type.
    ['a.b/x', 'video/mp4', 'undeclared'],
    ['x', undefined, 'undeclared'],
  ])('the part %s, stored as %s, has the kind %s', (part, type, kind) =>
    expect(kindAt({ recording: 'rec-013', part, key: 'k.mpd' }, type)).toBe(kind),
  )

  test.each([
    ['recordings/rec-013', 'video/mp4', undefined],
    ['recordings/rec-013', 'audio/mpegurl', 'hls'],
    ['recordings/rec-013.mpd', 'video/mp4', 'dash'],
    ['recordings/rec-013', undefined, 'undeclared'],
    ['recordings/rec-013.mp4', undefined, 'undeclared'],
    ['recordings/rec-013', 'application/octet-stream', 'undeclared'],
  ])('the recording %s, stored as %s, has the kind %s', (key, type, kind) =>
    expect(kindAt({ recording: 'rec-013', key }, type)).toBe(kind),
  )
})

test('each kind is delivered as the media type that is registered for it', () =>
  expect(PLAYLIST_TYPE).toEqual({ hls: 'application/vnd.apple.mpegurl', dash: 'application/dash+xml' }))
