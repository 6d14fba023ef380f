import { type Finding, ok } from './finding.ts'
import type { Certificate, Survey } from './survey.ts'

const DAY = 86_400_000
/** Days before the end from which on it is said. */
const SOON = 30

/** What ends: certificates of services, in files, and the policy bundle. */
export function certificateFindings({ certificates, now }: Survey): readonly Finding[] {
  return certificates.map((certificate) => judge(certificate, now))
}

function judge({ of, where, validTo }: Certificate, now: number): Finding {
  const id = 'certificate'
  const name = `${of[0]?.toUpperCase()}${of.slice(1)} (${where})`
  const isBundle = of.includes('bundle')
  if (typeof validTo !== 'number')
    return {
      id,
      level: 'error',
      what: `${name} cannot be used: ${validTo.problem}.`,
      why: isBundle
        ? 'A restart fails while bundle_url does not answer.'
        : 'The gateway does not start with it.',
      fix: isBundle
        ? ['# the running gateway fetches the bundle again: see bundle_url and bundle_public_keys']
        : [`ls -l ${where}`],
    }
  const days = Math.floor((validTo - now) / DAY)
  if (days >= SOON) return ok(id, `${name} is valid for ${days} days.`)
  return {
    id,
    level: days < 0 ? 'error' : 'warning',
    what: `${name} ${days < 0 ? 'has expired' : `expires in ${days} days`}.`,
    why: isBundle
      ? 'The stored bundle remains in force, but an expired one is not accepted from bundle_url: a gateway without a stored bundle does not start.'
      : 'Connections that verify it then fail: those of clients to the gateway, or those of the gateway to the service.',
    fix: isBundle
      ? ['cinderguard policy sign …   # a newer version, put where bundle_url is']
      : [`# a new certificate at ${where}; to see what is there:`, lookAt(where)],
  }
}

function lookAt(where: string): string {
  return where.startsWith('/')
    ? `openssl x509 -noout -subject -enddate -in ${where}`
    : `openssl s_client -connect ${where} </dev/null | openssl x509 -noout -subject -enddate`
}
