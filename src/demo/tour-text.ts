import { wrap } from '../config/wrap.ts'
import type { Gateway } from '../serve.ts'
import type { Cloud } from './cloud.ts'
import type { Folder } from './folder.ts'
import type { Visited } from './tour.ts'

/** How text looks in a terminal; `plain` where there is none. */
export type Paint = (style: 'bold' | 'dim' | 'red' | 'green' | 'cyan', text: string) => string

const WIDTH = 80
const INDENT = '   '
const BY_HAND =
  'To send the requests below yourself, from another terminal in this directory, in any order. This sets the variables in them: URLs, the project, volumes, and the tokens $ALICE and $NOVA.'

/**
 * What runs, and where.
 * @param folder null: nobody will be able to send anything by hand, it ends at once
 */
export function introduction(cloud: Cloud, gateway: Gateway, folder: Folder | null, paint: Paint): string {
  const rows = [
    ['Keystone', cloud.urls.keystone, ''],
    ['Nova', cloud.urls.nova, ''],
    ['Cinder', cloud.urls.cinder, 'as it was before the fix'],
    ['Cinderguard', gateway.url, 'in front of it'],
    ['Console', `${gateway.adminUrl}/`, 'open it in a browser'],
  ] as const
  return [
    '',
    paint('bold', 'Cinderguard: a guided tour in front of a stand-in cloud, all in memory'),
    '',
    ...rows.map(([name, url, remark]) =>
      `  ${name.padEnd(13)}${paint('cyan', url.padEnd(32))}${paint('dim', remark)}`.trimEnd(),
    ),
    '',
    ...(folder === null ? [] : [...wrap(BY_HAND, WIDTH), '', `  source ${folder.env}`, '']),
  ].join('\n')
}

/** One station: how it is sent by hand, what was answered, and what that means. */
export function stationText(visited: Visited, number: number, paint: Paint): string {
  const { title, status, expected, body, comment, good, metric } = visited
  const [first = '', ...more] = wrap(title, WIDTH - INDENT.length)
  const right = status === expected
  const colour = right && good ? 'green' : 'red'
  const answer = `HTTP ${status}${right ? '' : ` (UNEXPECTED, not ${expected})`}`
  return [
    '',
    `${number}. ${paint('bold', first)}`,
    ...more.map((line) => INDENT + paint('bold', line)),
    '',
    ...commandOf(visited).map((line) => INDENT + line),
    '',
    INDENT + paint(colour, answer),
    ...(body === '' ? [] : indented(body).map((line) => paint('dim', line))),
    ...indented(comment),
    ...(metric === undefined ? [] : indented(metricText(metric)).map((line) => paint('dim', line))),
    '',
  ].join('\n')
}

/** What to try while it runs. Every command works as it stands. */
export function afterwards(gateway: Gateway, folder: Folder, attack: string | null, paint: Paint): string {
  const file = `--config-file ${folder.config}`
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['Who was refused, and why', [`npx cinderguard report ${file}`]],
    ...(attack === null
      ? []
      : ([
          [
            'Step by step, the attack refused in 2.',
            [`npx cinderguard explain ${attack} \\`, `  ${file} \\`, `  --token-file ${folder.token}`],
          ],
        ] as const)),
    ['This installation, checked end to end', [`npx cinderguard doctor ${file}`]],
    ['The console, live', [`${gateway.adminUrl}/`]],
    ['All metrics', [`curl ${gateway.adminUrl}/metrics`]],
  ]
  return [
    '',
    paint('bold', 'Still running. Try, from another terminal in this directory:'),
    ...rows.flatMap(([what, lines]) => [
      '',
      `  ${paint('dim', `# ${what}`)}`,
      ...lines.map((line) => `  ${line}`),
    ]),
    '',
    'Ctrl-C ends it and leaves nothing behind.',
    '',
  ].join('\n')
}

function commandOf({ to, volume, action, serviceToken }: Visited): readonly string[] {
  const service = serviceToken === undefined ? '' : serviceToken === 'nova' ? '$NOVA' : 'forged'
  return [
    `curl -i $${to === 'cinder' ? 'CINDER' : 'GATEWAY'}/v3/$PROJECT/volumes/$${volume}/action \\`,
    `  -H "X-Auth-Token: $ALICE"${service === '' ? '' : ` -H "X-Service-Token: ${service}"`} \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify(action)}'`,
  ]
}

/** A sample with its labels where a line may break. */
function metricText(line: string): string {
  const [, name, labels = '', value] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? []
  return `${name} ${value}: ${labels.replaceAll('",', '", ')}`
}

function indented(text: string): readonly string[] {
  return wrap(text.trim(), WIDTH - INDENT.length).map((line) => INDENT + line)
}
