import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Pinned, start } from './process.ts'

const NODE = process.execPath
/** This checkout's. */
const PROGRAM = 'bin/cinderguard.js'
const folder = mkdtempSync(join(tmpdir(), 'cinderguard-bench-'))

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Half a kilobyte, as a short volume list is. */
const BODY = JSON.stringify({
  volumes: [0, 1, 2].map((at) => ({
    id: `10000000-0000-4000-8000-00000000000${at}`,
    name: `volume-${at}`,
    links: [{ rel: 'self', href: 'http://controller:8776/v3/volumes' }],
  })),
})

export interface Peer extends Pinned {
  readonly url: string
  /** Of a gateway's admin listener. */
  readonly admin?: string
}

/** An upstream that answers everything alike, faster than anything in front of it. */
export async function nginxUpstream(cores: string): Promise<Peer> {
  return nginx(`location / { default_type application/json; return 200 '${BODY}'; }`, cores, '')
}

export async function nginxProxy(upstream: string, cores: string): Promise<Peer> {
  const host = new URL(upstream).host
  return nginx(
    'location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }',
    cores,
    `upstream behind { server ${host}; keepalive 64; }`,
  )
}

async function nginx(location: string, cores: string, more: string): Promise<Peer> {
  const port = await freePort()
  const file = join(folder, `nginx-${port}.conf`)
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/nginx-${port}.pid; error_log stderr crit;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${folder}; proxy_temp_path ${folder};
  fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  ${more}
  server { listen 127.0.0.1:${port}; ${location} } }
`,
  )
  const started = await start(['/usr/sbin/nginx', '-c', file], { cores, port })
  return { ...started, url: `http://127.0.0.1:${port}` }
}

export async function haproxy(upstream: string, cores: string): Promise<Peer> {
  const port = await freePort()
  const file = join(folder, `haproxy-${port}.cfg`)
  writeFileSync(
    file,
    `global
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  http-reuse always
  server one ${new URL(upstream).host}
`,
  )
  const started = await start(['/usr/sbin/haproxy', '-db', '-f', file], { cores, port })
  return { ...started, url: `http://127.0.0.1:${port}` }
}

export async function peer(name: string, args: readonly string[], cores: string): Promise<Peer> {
  const path = new URL(`../peers/${name}.ts`, import.meta.url).pathname
  const started = await start([NODE, path, ...args], { cores })
  return { ...started, url: started.said.url ?? '' }
}

/** The gateway as operators start it, with everything on; `keystone` is the stand-in's URL. */
export async function gateway(
  upstream: string,
  keystone: string,
  cores: string,
  options: Readonly<Record<string, string>> = {},
  program = PROGRAM,
): Promise<Peer> {
  const account = {
    auth_url: keystone,
    username: 'cinderguard',
    password: 'cinderguard-secret',
    user_domain_name: 'Default',
    project_name: 'service',
    project_domain_name: 'Default',
  }
  return serve({ cinderguard: { upstream, ...options }, keystone_authtoken: account }, [], cores, program)
}

/** Packs this checkout and installs it, as an operator does. @returns its program. */
export function packedProgram(): string {
  const [{ filename = '' } = {}] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { encoding: 'utf8' }),
  ) as { filename?: string }[]
  const into = ['--prefix', join(folder, 'packed'), '--no-audit', '--no-fund', '--omit=dev']
  execFileSync('npm', ['install', ...into, join(folder, filename)], { stdio: 'pipe' })
  return join(folder, 'packed/node_modules/cinderguard/bin/cinderguard.js')
}

/** The gateway beside a Cinder, by that Cinder's own configuration, on any core. */
export async function gatewayBeside(
  cinderConf: string,
  upstream: string,
  options: Readonly<Record<string, string>> = {},
): Promise<Peer> {
  return serve({ cinderguard: { upstream, ...options } }, [cinderConf], '0,1')
}

type Options = Readonly<Record<string, string>>

async function serve(
  { cinderguard, ...others }: { readonly cinderguard: Options; readonly [section: string]: Options },
  files: readonly string[],
  cores: string,
  program = PROGRAM,
): Promise<Peer> {
  const port = await freePort()
  const admin = `127.0.0.1:${await freePort()}`
  const sections = {
    cinderguard: {
      bind: `127.0.0.1:${port}`,
      admin_bind: admin,
      audit_log: join(folder, `audit-${port}.log`),
      ...cinderguard,
    },
    ...others,
  }
  const file = join(folder, `cinderguard-${port}.conf`)
  const lines = Object.entries(sections).flatMap(([section, options]) => [
    `[${section}]`,
    ...Object.entries(options).map(([name, value]) => `${name} = ${value}`),
  ])
  writeFileSync(file, lines.join('\n'))
  const given = [...files, file].flatMap((each) => ['--config-file', each])
  const started = await start([NODE, program, 'serve', ...given], { cores, port })
  return { ...started, url: `http://127.0.0.1:${port}`, admin: `http://${admin}` }
}
