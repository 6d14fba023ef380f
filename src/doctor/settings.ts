import { isLoopback } from '../config/loopback.ts'
import { type Finding, ok } from './finding.ts'
import { policyFinding } from './policy.ts'
import { isUnknown, type Survey } from './survey.ts'

/** Settings that are temporary exceptions, or that do less than they seem to. */
export function settingFindings(survey: Survey): readonly Finding[] {
  const { config, traffic } = survey
  const { cinderguard, keystone_authtoken } = config
  const findings: Finding[] = [...proxies(config)]
  if (cinderguard.trusted_service_users.length > 0)
    findings.push({
      id: 'trusted-service-users',
      level: 'warning',
      what: `${cinderguard.trusted_service_users.length} user(s) count as a service without a service token (trusted_service_users)${usedBy(traffic)}.`,
      why: 'Whoever has a token of such a user bypasses the safety check: a temporary exception.',
      fix: [
        '# [service_user] in the services that act as these users, then',
        '[cinderguard]',
        'trusted_service_users =',
      ],
    })
  if (cinderguard.mode === 'observe')
    findings.push({
      id: 'mode',
      level: 'warning',
      what: 'The gateway only observes: nothing is refused.',
      why: 'The attack of CVE-2023-2088 still works.',
      fix: ['cinderguard report   # when it says READY:', '[cinderguard]', 'mode = enforce'],
    })
  else findings.push(ok('mode', 'The gateway enforces.'))
  for (const item of cinderguard.mode_overrides.filter((each) => each.trim().endsWith('=observe')))
    findings.push({
      id: 'mode-override',
      level: 'info',
      what: `mode_overrides has ${item.trim()}: these refusals are only observed.`,
      why: 'The gateway does not protect what it names.',
      fix: ['[cinderguard]', `mode_overrides =   # without ${item.trim()}`],
    })
  for (const [section, { insecure }] of [
    ['keystone_authtoken', keystone_authtoken],
    ['nova', config.nova],
  ] as const)
    if (insecure)
      findings.push({
        id: 'insecure',
        level: 'warning',
        what: `[${section}] insecure = true: certificates are not checked.`,
        why: 'Anybody on the network path can forge identities, or say that a volume is free.',
        fix: [`[${section}]`, 'insecure = false', 'cafile = /etc/ssl/certs/ca-certificates.crt'],
      })
  const admin = cinderguard.admin_bind
  const clear = cinderguard.admin_tls_cert_file === undefined
  if (admin.kind === 'tcp' && !isLoopback(admin.host))
    findings.push({
      id: 'admin-listener',
      level: 'info',
      what: `Metrics are served on ${admin.host}:${admin.port} without a login${clear ? ', unencrypted' : ''}.`,
      why: 'Decisions and the console need the role console_role there; metrics and readiness do not.',
      fix: clear
        ? ['[cinderguard]', 'admin_tls_cert_file = ...', 'admin_tls_key_file = ...']
        : ['[cinderguard]', `admin_bind = 127.0.0.1:${admin.port}   # or a firewall in front of it`],
    })
  findings.push(policyFinding(survey))
  return findings
}

function usedBy(traffic: Survey['traffic']): string {
  if (isUnknown(traffic)) return ''
  if (traffic.trusted.length === 0) return ', not used so far'
  const each = traffic.trusted.map(
    ({ userName, userId, count, last }) => `${userName || userId} ${count} times, last ${last}`,
  )
  return `: ${each.join('; ')}`
}

/** Behind a proxy that is not named every client has the proxy's address. */
function proxies({ cinderguard, oslo_middleware }: Survey['config']): readonly Finding[] {
  if (cinderguard.trusted_proxies.length > 0)
    return [
      ok(
        'trusted-proxies',
        `Client addresses are read from X-Forwarded-For, as set by ${cinderguard.trusted_proxies.join(', ')}.`,
      ),
    ]
  if (!oslo_middleware.enable_proxy_headers_parsing) return []
  return [
    {
      id: 'trusted-proxies',
      level: 'warning',
      what: 'enable_proxy_headers_parsing is set, so there is a proxy in front; but trusted_proxies is empty.',
      why: "Records, service_hosts and the policy check cinderguard.address then see the proxy's address instead of the client's: the report cannot tell which compute host sends no service token.",
      fix: [
        '[cinderguard]',
        'trusted_proxies = ADDRESS-OF-THE-PROXY, …   # it must set or append to X-Forwarded-For',
      ],
    },
  ]
}
