import { describe, expect, test } from 'vitest'
import {
  folderOf,
  foldersAt,
  mergeFolders,
  parseRelativePath,
  relativePath,
  staysInside,
  withoutScheme,
} from '../../../src/playlist/folders.ts'

const inRoot = { minDepth: 0, maxDepth: 0, only: [] }
const inFolder = { minDepth: 2, maxDepth: 2, only: ['a', 'b'] }
const inSeveral = { minDepth: 1, maxDepth: 3, only: undefined }

test('the folder of a part is its name without the last segment', () => {
  expect(folderOf('main.mpd')).toEqual(inRoot)
  expect(folderOf('a/b/main.mpd')).toEqual(inFolder)
})

test('merged folders are as deep as both, and have one path only if both have the same', () => {
  expect(mergeFolders(inFolder, folderOf('a/b/x'))).toEqual(inFolder)
  expect(mergeFolders(inFolder, folderOf('a/c/x'))).toEqual({ ...inFolder, only: undefined })
  expect(mergeFolders(inRoot, inFolder)).toEqual({ minDepth: 0, maxDepth: 2, only: undefined })
  expect(mergeFolders(inFolder, inRoot)).toEqual({ minDepth: 0, maxDepth: 2, only: undefined })
  expect(mergeFolders(inSeveral, inSeveral)).toEqual(inSeveral)
  expect(mergeFolders(inSeveral, inFolder)).toEqual(inSeveral)
  expect(mergeFolders(inFolder, inSeveral)).toEqual(inSeveral)
  expect(mergeFolders(folderOf('ab/c/x'), folderOf('a/bc/x')).only).toBeUndefined()
})

describe('relative paths', () => {
  test.each([
    ['x', { up: 0, down: ['x'], isFolder: false }],
    ['a/b/x', { up: 0, down: ['a', 'b', 'x'], isFolder: false }],
    ['./a/./x', { up: 0, down: ['a', 'x'], isFolder: false }],
    ['a/../x', { up: 0, down: ['x'], isFolder: false }],
    ['../../x', { up: 2, down: ['x'], isFolder: false }],
    ['a/../../x', { up: 1, down: ['x'], isFolder: false }],
    ['a/', { up: 0, down: ['a'], isFolder: true }],
    ['./', { up: 0, down: [], isFolder: true }],
    ['.', { up: 0, down: [], isFolder: true }],
    ['..', { up: 1, down: [], isFolder: true }],
    ['../', { up: 1, down: [], isFolder: true }],
    ['a/..', { up: 0, down: [], isFolder: true }],
    ['a/.', { up: 0, down: ['a'], isFolder: true }],
    ['a//x', { up: 0, down: ['a', '', 'x'], isFolder: false }],
    ['a//', { up: 0, down: ['a', ''], isFolder: true }],
    ['...', { up: 0, down: ['...'], isFolder: false }],
  ])('the relative path %s is parsed without dot segments', (path, expected) =>
    expect(parseRelativePath(path)).toEqual(expected),
  )

  test.each([
    ['x', inRoot, true],
    ['../x', inRoot, false],
    ['../../x', inFolder, true],
    ['../../../x', inFolder, false],
    ['../x', inSeveral, true],
    ['../../x', inSeveral, false],
    ['1/2/3/4/5', inSeveral, true],
    ['1/2/3/4/5/6', inSeveral, false],
    ['../1/2/3/4/5/6', inSeveral, true],
    ['1/2/3/4/', inSeveral, true],
    ['1/2/3/4/5/', inSeveral, false],
    ['.', inRoot, true],
    ['a//x', inRoot, false],
    ['.x', inRoot, false],
  ])('the relative path %s from %o stays inside: %s', (path, folders, isInside) =>
    expect(staysInside(parseRelativePath(path), folders)).toBe(isInside),
  )

  test.each([
    ['x', inFolder, inFolder],
    ['c/', inFolder, { minDepth: 3, maxDepth: 3, only: ['a', 'b', 'c'] }],
    ['c/d/x', inFolder, { minDepth: 4, maxDepth: 4, only: ['a', 'b', 'c', 'd'] }],
    ['../c/', inFolder, { minDepth: 2, maxDepth: 2, only: ['a', 'c'] }],
    ['../../', inFolder, inRoot],
    ['..', inFolder, { minDepth: 1, maxDepth: 1, only: ['a'] }],
    ['../c/d/', inSeveral, { minDepth: 2, maxDepth: 4, only: undefined }],
  ])('the relative path %s from %o leads to %o', (path, folders, expected) =>
    expect(foldersAt(parseRelativePath(path), folders)).toEqual(expected),
  )
})

test.each([
  ['x', '', 'x'],
  ['a/x', '', 'a/x'],
  ['a:b', '', './a:b'],
  ['x', 'a', '../x'],
  ['a/x', 'a', 'x'],
  ['a/x', 'a/b', '../x'],
  ['a/b/x', 'a', 'b/x'],
  ['a/c/x', 'a/b', '../c/x'],
  ['b/b/x', 'a/b', '../../b/b/x'],
  ['a', 'a', '../a'],
  ['a/b', 'a/b', '../b'],
  ['a/b:c', 'a', './b:c'],
  ['b:c', 'a', '../b:c'],
])('the relative path to the part %s from the folder %j is %s', (part, folder, path) =>
  expect(relativePath(part, folder === '' ? [] : folder.split('/'))).toBe(path),
)

test.each([
  ['a:b', './a:b'],
  [':', './:'],
  ['a/b:c', 'a/b:c'],
  ['../a:b', '../a:b'],
  ['a', 'a'],
])('the path %s, written as %s, has no scheme', (path, written) => expect(withoutScheme(path)).toBe(written))
