import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { FactBook } from '../../src/checking.ts'
import { ALLOW, type Answer, ask, type Check, keyOf, type Question } from '../../src/checks/check.ts'
import { Secret } from '../../src/config/secret.ts'
import { type Approved, createGateway, type Outcome, type Stages } from '../../src/gateway.ts'
import { faultOf } from '../../src/http/fault.ts'
import { reject } from '../../src/http/rejection.ts'
import type { GuardedRequest } from '../../src/http/request.ts'
import type { Identity } from '../../src/identity/identity.ts'
import { isJudged, type JudgedOperation, type Operation } from '../../src/operation/operation.ts'

/** The order of a request's life, with every stage a stand-in that says when it is asked. */
const REQUEST: GuardedRequest = {
  method: 'DELETE',
  target: '/v3/attachments/A',
  path: { mount: 'v3', segments: ['attachments', 'A'], query: '' },
  headers: new Map(),
  body: Buffer.alloc(0),
  requestId: 'req-1',
  clientAddress: '127.0.0.1',
}
const IDENTITY: Identity = {
  user: {
    userId: 'u',
    userName: 'alice',
    userDomainId: 'd',
    roles: ['member'],
    isAdminProject: true,
    hasAccessRules: false,
    scope: { kind: 'project', projectId: 'p', projectDomainId: 'd' },
    expiresAt: Number.POSITIVE_INFINITY,
  },
  isService: false,
  userToken: new Secret('t'),
}
const GUARDED: Operation = {
  kind: 'attachment-delete',
  attachmentId: 'A',
  projectInUrl: null,
  version: '3.27',
}
const OTHER: Operation = { kind: 'other', projectInUrl: null, version: '' }
const QUESTION = { fact: 'attachment', attachmentId: 'A' } as const

class Book implements FactBook {
  readonly #answers = new Map<string, unknown>()
  readonly asked: string[] = []
  get(question: Question): never | undefined {
    return this.#answers.get(keyOf(question)) as never | undefined
  }
  forget(): void {
    this.#answers.clear()
  }
  async gather(questions: readonly Question[]): Promise<void> {
    for (const question of questions) {
      this.asked.push(question.fact)
      this.#answers.set(keyOf(question), 'absent')
    }
  }
}

interface Lived {
  readonly status: number
  readonly body: string
  readonly stages: string[]
  readonly outcomes: Outcome[]
  readonly error: unknown
}

/** One real HTTP request through stages of which some are replaced. */
async function live(replaced: Partial<Stages>, method = 'DELETE'): Promise<Lived> {
  const stages: string[] = []
  const outcomes: Outcome[] = []
  let clock = 0
  const step = <T>(name: string, value: T): T => {
    stages.push(name)
    return value
  }
  const usual: Stages = {
    envelope: (raw) => ({ requestId: 'req-1', method: raw.method ?? '', accept: '' }),
    read: async () => REQUEST,
    authenticate: async () => IDENTITY,
    classify: async () => GUARDED,
    checks: [{ name: 'yes', decide: () => ALLOW }],
    facts: () => new Book(),
    deadline: () => (work) => work,
    turn: async () => () => undefined,
    reasonOf: () => reject('undecided'),
    caller: () => 'user',
    refine: (rejection) => rejection,
    mode: () => 'enforce',
    render: (rejection, context) => faultOf(rejection, { ...context, wwwAuthenticateUri: 'http://k' }),
    forward: async ({ response }) => {
      response.end('forwarded')
      return null
    },
    record: (outcome) => void outcomes.push(outcome),
    now: () => (clock += 1000),
  }
  const made = { ...usual, ...replaced }
  const watched: Stages = {
    ...made,
    read: async (raw, envelope) => step('read', made.read)(raw, envelope),
    authenticate: async (request) => step('authenticate', made.authenticate)(request),
    classify: async (request, identity) => step('classify', made.classify)(request, identity),
    checks: made.checks.map((check) => ({
      name: check.name,
      decide: (...given: Parameters<Check['decide']>) => step(`check ${check.name}`, check).decide(...given),
    })),
    facts: (request, identity) => step('facts', made.facts)(request, identity),
    forward: async (forwarding) => step('forward', made.forward)(forwarding),
  }
  let error: unknown
  const handle = createGateway(watched)
  const server = createServer((raw: IncomingMessage, response: ServerResponse) => {
    handle(raw, response).catch((thrown: unknown) => {
      error = thrown
      response.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, {
      method,
    }).catch(() => null)
    const body = (await answer?.text().catch(() => 'broken off')) ?? ''
    await expect.poll(() => outcomes.length).toBeGreaterThan(0)
    return { status: answer?.status ?? 0, body, stages, outcomes, error }
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const reasons = (lived: Lived) => lived.outcomes.map(({ rejection }) => rejection?.reason ?? null)
const says = (name: string, ...answers: Answer[]): Check => ({ name, decide: () => answers.shift() ?? ALLOW })
const fails = async (): Promise<never> => {
  throw new Error('a dependency is away')
}

describe('the order', () => {
  test('of a request that passes', async () => {
    const lived = await live({ checks: [says('one'), says('two')] })
    expect(lived.stages).toEqual([
      'read',
      'authenticate',
      'classify',
      'facts',
      'check one',
      'check two',
      'forward',
    ])
    expect([lived.status, lived.body, reasons(lived)]).toEqual([200, 'forwarded', [null]])
  })

  test('what is not guarded is forwarded without a look-up', async () => {
    const lived = await live({ classify: async () => OTHER, checks: [says('no', reject('undecided'))] })
    expect(lived.stages).toEqual(['read', 'authenticate', 'classify', 'forward'])
  })

  const large = async () => ({ ...REQUEST, body: 'too-large' as const })
  const refuse = {
    read: { read: async () => reject('bad_request_framing', { problem: 'x' }) },
    authenticate: { authenticate: async () => reject('no_user_token') },
    body: { read: large },
    classify: { classify: async () => reject('malformed_body') },
    'first check': {
      checks: [says('one', reject('policy', { rule: 'r' })), says('two', reject('undecided'))],
    },
    'second check': { checks: [says('one'), says('two', reject('attachment_in_use', { server: 's' }))] },
  } satisfies Record<string, Partial<Stages>>
  const order = ['read', 'authenticate', 'body', 'classify', 'first check'] as const

  test.each([
    ['read', 400, 'bad_request_framing', ['read']],
    ['authenticate', 401, 'no_user_token', ['read', 'authenticate']],
    ['body', 413, 'body_too_large', ['read', 'authenticate']],
    ['classify', 400, 'malformed_body', ['read', 'authenticate', 'classify']],
    ['first check', 403, 'policy', ['read', 'authenticate', 'classify', 'facts', 'check one']],
    [
      'second check',
      409,
      'attachment_in_use',
      ['read', 'authenticate', 'classify', 'facts', 'check one', 'check two'],
    ],
  ] as const)('a refusal by %s is final: %i %s', async (where, status, reason, stages) => {
    // Everything behind would refuse too, and must not be heard.
    const behind = order.slice(order.indexOf(where as (typeof order)[number]) + 1).reverse()
    const replaced = Object.assign(
      {},
      ...(where === 'second check' ? [] : behind.map((name) => refuse[name])),
      refuse[where],
    )
    const lived = await live(replaced)
    expect([lived.status, reasons(lived), lived.stages]).toEqual([status, [reason], stages])
  })

  test('HEAD is refused without a body', async () => {
    const lived = await live(refuse.authenticate, 'HEAD')
    expect([lived.status, lived.body]).toEqual([401, ''])
  })
})

describe('a fault at any stage is a refusal, and nothing is forwarded', () => {
  const book = Object.assign(new Book(), { gather: fails })
  test.each<[string, Partial<Stages>]>([
    ['read', { read: fails }],
    ['authenticate', { authenticate: fails }],
    ['classify', { classify: fails }],
    [
      'making the facts',
      {
        facts: () => {
          throw new Error('x')
        },
      },
    ],
    [
      'a check',
      {
        checks: [
          {
            name: 'bad',
            decide: () => {
              throw new Error('x')
            },
          },
        ],
      },
    ],
    ['a look-up', { checks: [says('asks', ask(QUESTION))], facts: () => book }],
  ])('%s', async (_name, replaced) => {
    const lived = await live(replaced)
    expect([lived.status, lived.body, reasons(lived)]).toEqual([
      503,
      '{"serviceUnavailable": {"code": 503, "message": "The server is currently unavailable. Please try again at a later time."}}',
      ['undecided'],
    ])
    expect(lived.stages).not.toContain('forward')
  })

  const never = () => new Promise<never>(() => undefined)
  const late = <T>(work: T | Promise<T>): Promise<T> =>
    Promise.race([
      work,
      new Promise<never>((_, fail) => {
        setTimeout(() => fail(new Error('too late')), 20)
      }),
    ])
  test.each<[string, Partial<Stages>]>([
    ['authenticate', { authenticate: never }],
    ['classify', { classify: never }],
    [
      'a look-up',
      { checks: [says('asks', ask(QUESTION))], facts: () => Object.assign(new Book(), { gather: never }) },
    ],
  ])('%s that takes too long', async (_name, replaced) => {
    const lived = await live({ ...replaced, deadline: () => late })
    expect([lived.status, reasons(lived)]).toEqual([503, ['undecided']])
    expect(lived.stages).not.toContain('forward')
  })

  test('the time limit begins once the request has been read', async () => {
    let isRead = false
    const read = async () => {
      isRead = true
      return REQUEST
    }
    const begun: boolean[] = []
    const deadline: Stages['deadline'] = () => {
      begun.push(isRead)
      return (work) => work
    }
    await live({ read, deadline })
    expect(begun).toEqual([true])
  })

  test('what a fault means is asked, and answered', async () => {
    const lived = await live({ authenticate: fails, reasonOf: () => reject('keystone_unavailable') })
    expect([lived.status, reasons(lived)]).toEqual([503, ['keystone_unavailable']])
  })

  test.each([
    ['fails', fails],
    [
      'throws at once',
      () => {
        throw new Error('x')
      },
    ],
  ])('forwarding %s: refused, recorded once, and the turn ends', async (_name, forward) => {
    let ended = 0
    const turn = async () => () => {
      ended += 1
    }
    const lived = await live({ forward, turn })
    expect([lived.status, reasons(lived), ended]).toEqual([503, ['undecided'], 1])
  })

  test('the rendering of a refusal: recorded once, and the error is not swallowed', async () => {
    const render = () => {
      throw new Error('x')
    }
    const lived = await live({ authenticate: fails, render })
    expect(lived.outcomes).toHaveLength(1)
    expect(lived.error).toBeInstanceOf(Error)
    expect(lived.body).not.toBe('forwarded')
  })
})

describe('asking', () => {
  test('facts are gathered, and the check is asked again', async () => {
    const book = new Book()
    const check: Check = {
      name: 'asks',
      decide: (_operation, _identity, known) => (known.get(QUESTION) === 'absent' ? ALLOW : ask(QUESTION)),
    }
    const lived = await live({ checks: [check], facts: () => book })
    expect(lived.stages.slice(-3)).toEqual(['check asks', 'check asks', 'forward'])
    expect(book.asked).toEqual(['attachment'])
  })

  test('the same question twice is no decision', async () => {
    const book = new Book()
    const lived = await live({ checks: [{ name: 'loops', decide: () => ask(QUESTION) }], facts: () => book })
    expect([lived.status, reasons(lived), book.asked]).toEqual([503, ['undecided'], ['attachment']])
    expect(lived.stages).not.toContain('forward')
  })

  test('also when another check asked it first', async () => {
    const one: Check = {
      name: 'one',
      decide: (_operation, _identity, known) => (known.get(QUESTION) === 'absent' ? ALLOW : ask(QUESTION)),
    }
    const lived = await live({
      checks: [one, { name: 'two', decide: () => ask(QUESTION) }],
      facts: () => new Book(),
    })
    expect(reasons(lived)).toEqual(['undecided'])
  })

  test('a guarded operation of nobody is no decision', async () => {
    const lived = await live({ authenticate: async () => null })
    expect([lived.status, reasons(lived)]).toEqual([503, ['undecided']])
    expect(lived.stages).toEqual(['read', 'authenticate', 'classify'])
  })
})

describe('the turn of a volume', () => {
  const counted = () => {
    const count = { ended: 0 }
    const turn = async () => () => {
      count.ended += 1
    }
    return { count, turn }
  }

  test('ends when Cinder has answered, and not with the answer to the client', async () => {
    const { count, turn } = counted()
    let answered: (() => void) | undefined
    await live({
      turn,
      forward: async ({ response, answered: told }) => {
        answered = told
        response.end()
        return null
      },
    })
    expect(count.ended).toBe(0)
    answered?.()
    await Promise.resolve()
    expect(count.ended).toBe(1)
  })

  test('ends with a refusal', async () => {
    const { count, turn } = counted()
    await live({ turn, checks: [says('no', reject('undecided'))] })
    expect(count.ended).toBe(1)
  })

  test('is not waited for by what needs none', async () => {
    let given: unknown = 'nothing yet'
    await live({
      classify: async () => OTHER,
      forward: async ({ response, answered: told }) => {
        given = told
        response.end()
        return null
      },
    })
    expect(given).toBeUndefined()
  })
})

describe('exactly one record', () => {
  test('of one that passed, with what was known and how long it took', async () => {
    const { outcomes } = await live({})
    expect(outcomes).toMatchObject([
      {
        rejection: null,
        status: 200,
        decisionSeconds: 4,
        totalSeconds: 6,
        stages: { read: 1, authenticate: 1, classify: 1, check: 1, forward: 1 },
        draft: { request: REQUEST, identity: IDENTITY, operation: GUARDED },
      },
    ])
  })

  test.each<[string, Partial<Stages>, readonly string[]]>([
    ['read', { read: fails }, []],
    ['authenticate', { authenticate: fails }, ['request']],
    ['classify', { classify: async () => reject('malformed_body') }, ['request', 'identity']],
    [
      'a check',
      { checks: [says('no', reject('undecided'))] },
      ['request', 'identity', 'operation', 'facts', 'policy', 'turn', 'check'],
    ],
  ])('of one that ended at %s, with what was known by then', async (_name, replaced, known) => {
    const { outcomes } = await live(replaced)
    expect(outcomes.map(({ draft }) => Object.keys(draft))).toEqual([['clock', ...known]])
  })

  test('of one that could not be forwarded', async () => {
    const lived = await live({ forward: async () => reject('upstream_unreachable') })
    expect([lived.status, reasons(lived), lived.outcomes.map(({ status }) => status)]).toEqual([
      502,
      ['upstream_unreachable'],
      [502],
    ])
  })

  test('of one whose answer broke off: the connection ends', async () => {
    const lived = await live({
      forward: async ({ response }) => {
        await new Promise((resolve) => response.write('half', resolve))
        await new Promise((resolve) => setTimeout(resolve, 50))
        return reject('upstream_unreachable')
      },
    })
    expect([lived.body, reasons(lived)]).toEqual(['broken off', ['upstream_unreachable']])
  })
})

test('what has no rule is no judged operation', () => {
  const other = { kind: 'other', projectInUrl: null, version: '' } as const
  // @ts-expect-error checks are not asked about it
  const judged: JudgedOperation = other
  expect(isJudged(judged)).toBe(false)
})

test('what was not judged cannot be forwarded', () => {
  const forward = (_approved: Approved): void => undefined
  // @ts-expect-error the proof is missing
  forward({ request: REQUEST, identity: IDENTITY, operation: GUARDED })
  // @ts-expect-error a symbol of the same name is another symbol
  forward({ [Symbol('approved')]: true, request: REQUEST, identity: IDENTITY, operation: GUARDED })
  // @ts-expect-error a rejection is none
  forward(reject('undecided'))
  expect(Object.keys(createGateway)).toEqual([])
})
