import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { PROJECTS, VOLUMES, type VolumeName } from '../../src/demo/fixture.ts'
import { cinderPolicy as ownPolicy, type SomePolicy, type TestGateway } from '../support/gateway.ts'

/** Cinder's own rules, under an identity that a page can show. */
export const cinderPolicy = (): SomePolicy => ({
  ...ownPolicy(),
  identity: () => ({ version: 12, digest: '7c1f9a4be2d05836'.repeat(4) }),
})

export interface Call {
  readonly volume?: VolumeName
  readonly action?: string
  readonly token?: string
  readonly serviceToken?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Loopback address that it comes from. */
  readonly from?: string
}

/** An action on a volume, by alice unless a token is given. @returns the status */
export function act(gateway: TestGateway, call: Call = {}): Promise<number> {
  const { volume = 'in-use', action = 'os-detach', token = gateway.cloud.token('alice') } = call
  const project = volume === 'victim' ? PROJECTS.victim : PROJECTS.demo
  return send(gateway, 'POST', `/v3/${project}/volumes/${VOLUMES[volume]}/action`, token, call, {
    [action]: action === 'os-detach' ? {} : { connector: {} },
  })
}

/** A request without a body. @returns the status */
export function ask(
  gateway: TestGateway,
  method: string,
  path: string,
  token: string,
  call: Call = {},
): Promise<number> {
  return send(gateway, method, path, token, call)
}

function send(
  gateway: TestGateway,
  method: string,
  path: string,
  token: string,
  { serviceToken, headers, from }: Call,
  body?: object,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      gateway.url + path,
      {
        method,
        agent: false,
        ...(from === undefined ? {} : { localAddress: from }),
        headers: {
          'x-auth-token': token,
          'user-agent': 'python-cinderclient',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(serviceToken === undefined ? {} : { 'x-service-token': serviceToken }),
          ...headers,
        },
      },
      (response) => {
        response.resume()
        response.once('end', () => resolve(response.statusCode ?? 0))
      },
    )
    asked.once('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** Attacks, so many in a second, until the function given back is called. */
export function underLoad(gateway: TestGateway, perSecond: number, call: () => Call): () => Promise<void> {
  let isOver = false
  const done = (async () => {
    while (!isOver) {
      await act(gateway, call())
      await sleep(1000 / perSecond)
    }
  })()
  return () => {
    isOver = true
    return done
  }
}
