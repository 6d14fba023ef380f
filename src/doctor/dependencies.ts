import { compare, type Version } from '../operation/version.ts'
import { type Finding, ok } from './finding.ts'
import { isUnknown, type Survey } from './survey.ts'

/** Keystone's tokens and their caching tolerate a little. */
const CLOCK_TOLERANCE = 5

/** Cinder and Nova: reachable, new enough; and the clock. */
export function dependencyFindings(survey: Survey): readonly Finding[] {
  return [cinder(survey), nova(survey), ...clock(survey)]
}

function cinder({ cinder: found, config }: Survey): Finding {
  const { upstream, upstream_socket } = config.cinderguard
  const where = upstream_socket ?? upstream
  if (isUnknown(found))
    return {
      id: 'cinder',
      level: 'error',
      what: `The upstream Cinder cannot be asked: ${found.problem}.`,
      why: 'Nothing can be forwarded.',
      fix: [
        '[cinderguard]',
        `upstream = ${upstream}`,
        ...(upstream_socket === undefined ? [] : [`upstream_socket = ${upstream_socket}`]),
      ],
    }
  if (compare(found.maximum, [3, 27]) >= 0)
    return ok('cinder', `Cinder at ${where} answers, newest microversion ${text(found.maximum)}.`)
  return {
    id: 'cinder-microversion',
    level: 'warning',
    what: `Cinder's newest microversion is ${text(found.maximum)}, below 3.27.`,
    why: 'It cannot list all attachments of a volume. The safe fallback refuses a detach (409) whenever rows may be hidden.',
    fix: ['# Cinder from Ocata on has it; until then users detach through the Compute API'],
  }
}

function nova({ nova: found }: Survey): Finding {
  if (isUnknown(found))
    return {
      id: 'nova',
      level: 'error',
      what: `Nova cannot be asked: ${found.problem}.`,
      why: 'Whether a volume is in use cannot be determined: in enforce mode guarded operations of users are refused with 503.',
      fix: [
        '[nova]',
        'region_name = …',
        'interface = internal',
        '# or',
        '[cinderguard]',
        'nova_endpoint_override = http://NOVA:8774/v2.1',
      ],
    }
  if (compare(found.maximum, [2, 89]) >= 0)
    return ok('nova', `Nova at ${found.endpoint} answers, newest microversion ${text(found.maximum)}.`)
  return {
    id: 'nova-microversion',
    level: 'info',
    what: `Nova's newest microversion is ${text(found.maximum)}, below 2.89.`,
    why: 'It does not tell which attachment it uses. The safe fallback applies: a volume attached to the server at all counts as in use.',
    fix: ['# nothing to do; Nova from Xena on tells it'],
  }
}

function clock({ clockAhead }: Survey): readonly Finding[] {
  if (clockAhead === null) return []
  if (Math.abs(clockAhead) <= CLOCK_TOLERANCE)
    return [ok('clock', 'The clocks of this machine and of Keystone agree.')]
  const how = `${Math.abs(Math.round(clockAhead))} seconds ${clockAhead > 0 ? 'ahead of' : 'behind'}`
  return [
    {
      id: 'clock',
      level: 'warning',
      what: `The clock of this machine is ${how} Keystone's.`,
      why: 'Tokens seem to expire too early or too late.',
      fix: ['timedatectl set-ntp true'],
    },
  ]
}

function text([major, minor]: Version): string {
  return `${major}.${minor}`
}
