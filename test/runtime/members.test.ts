/** Goal: `experimental.membership` is refused where it cannot work, and `members` where it is not asked for. Method: options alone. */
import { createElector, file, memory } from 'conclave'
import { tcp } from 'conclave/tcp'
import { describe, expect, it } from 'vitest'

const voters = { a: '127.0.0.1:7401', b: '127.0.0.1:7402', c: '127.0.0.1:7403' }
const base = { cluster: 'k', id: 'a', voters, storage: file({ dir: 'nowhere' }) }
const experimental = { membership: true }

describe('the option', () => {
  it.each([
    ['two founders', { voters: { a: voters.a, b: voters.b }, transport: tcp({}) }, /2 voters are too few/],
    ['no transport', {}, /give a transport/],
    ['no memory', { transport: tcp({}), storage: memory() }, /a member that forgets is another one/],
    ['a move', { transport: tcp({}), movingTo: voters }, /members that change need no move/],
  ])('R25, R32: %s is refused', (_what, change, message) => {
    expect(() => createElector({ ...base, experimental, ...change })).toThrow(message)
  })

  it('R34: whoever is not among the voters waits to be added', () => {
    const options = { ...base, id: 'd', transport: tcp({ listen: '127.0.0.1:0' }) }
    expect(() => createElector(options)).toThrow(/not among the voters/)
    expect(createElector({ ...options, experimental }).status().membership).toBeNull()
  })

  it('R32: before the start nothing can be changed, and without the option never', async () => {
    const elector = createElector({ ...base, experimental, transport: tcp({}) })
    await expect(elector.members.remove('b')).rejects.toMatchObject({
      code: 'ELECTION_MEMBERSHIP_REFUSED',
      details: { reason: 'notRunning' },
    })
    expect(() => createElector({ ...base, transport: tcp({}) }).members).toThrow(/experimental/)
  })
})
