/**
 * Goal: the file systems that a lock cannot be trusted on are told by name, and no path is too long for a socket.
 * Method: the judgement gets the magic numbers of statfs(2); the way around long paths is taken on every platform.
 */

import { mkdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judgeFileSystem } from '../../src/storage/directory'
import { shorten } from '../../src/storage/lock'
import { temporary } from './helpers'

describe('a file system', () => {
  it.each([
    ['NFS', 0x6969],
    ['SMB', 0x517b],
    ['CIFS', 0xff534d42],
    ['CIFS', 0xff534d42 | 0],
    ['SMB2', 0xfe534d42],
    ['AFS', 0x5346414f],
    ['Ceph', 0x00c36400],
    ['Lustre', 0x0bd00bd0],
  ])('B.12: on another machine is refused: %s', (name, type) => {
    expect(() => judgeFileSystem('/data', 'linux', type)).toThrow(
      expect.objectContaining({
        code: 'ELECTION_STORAGE_FAILED',
        message: expect.stringContaining(`is on ${name}.`),
        details: { dir: '/data', fileSystem: name },
      }),
    )
  })

  it('B.12: a network share of Windows is refused, a drive is not', () => {
    expect(() => judgeFileSystem('\\\\server\\share', 'win32', 0)).toThrow(/network share/)
    expect(judgeFileSystem('C:\\data', 'win32', 0)).toBe('fdatasync')
  })

  it('B.14: is written with O_DSYNC only where that is known to do what fdatasync does', () => {
    expect(judgeFileSystem('/data', 'linux', 0xef53)).toBe('dsync')
    expect(judgeFileSystem('/data', 'linux', 0x58465342)).toBe('dsync')
    expect(judgeFileSystem('/data', 'linux', 0x01021994)).toBe('fdatasync')
    expect(judgeFileSystem('/data', 'darwin', 0xef53)).toBe('fdatasync')
  })
})

describe('a path that is too long for a socket', () => {
  it.each(['linux', 'darwin'] as const)('B.12: is reached by a short one, as on %s', async (platform) => {
    const dir = join(temporary(), 'x'.repeat(120))
    mkdirSync(dir)
    const { path, forget } = await shorten(dir, platform)
    expect(Buffer.byteLength(join(path, 'new-lock-4194304-0123456789abcdef'))).toBeLessThan(104)
    const server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(join(path, 's'), resolve))
    await new Promise<void>((resolve, reject) => {
      connect(join(path, 's')).once('connect', resolve).once('error', reject)
    })
    await new Promise((resolve) => server.close(resolve))
    await forget()
  })

  it('is not taken when the path is short enough', async () => {
    expect((await shorten('/data', 'linux')).path).toBe('/data')
  })
})
