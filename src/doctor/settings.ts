import { isLoopback } from '../config/loopback.ts'
import { type Finding, ok } from './finding.ts'
import { isUnknown, type Survey } from './survey.ts'

/** Settings that are debts, or that do less than they seem to. */
export function settingFindings({ config, policyFiles, traffic }: Survey): readonly Finding[] {
  const { cinderguard, keystone_authtoken } = config
  const findings: Finding[] = [...proxies(config)]
  if (cinderguard.trusted_service_users.length > 0)
    findings.push({
      id: 'trusted-service-users',
      level: 'warning',
      what: `${cinderguard.trusted_service_users.length} user(s) count as a service without a service token (trusted_service_users)${usedBy(traffic)}.`,
      why: 'Whoever has a token of such a user goes round the safety check: a debt.',
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
      what: `${item.trim()}: its refusals are only observed.`,
      why: 'What it stands for is not guarded.',
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
        why: 'Whoever stands between can make up who users are, or that a volume is free.',
        fix: [`[${section}]`, 'insecure = false', 'cafile = /etc/ssl/certs/ca-certificates.crt'],
      })
  const admin = cinderguard.admin_bind
  const clear = cinderguard.admin_tls_cert_file === undefined
  if (admin.kind === 'tcp' && !isLoopback(admin.host))
    findings.push({
      id: 'admin-listener',
      level: 'info',
      what: `Metrics are served on ${admin.host}:${admin.port} without a login${clear ? ' and in clear' : ''}.`,
      why: 'Decisions and the console need the role console_role there; metrics and readiness do not.',
      fix: clear
        ? ['[cinderguard]', 'admin_tls_cert_file = ...', 'admin_tls_key_file = ...']
        : ['[cinderguard]', `admin_bind = 127.0.0.1:${admin.port}   # or a firewall in front of it`],
    })
  findings.push(
    policyFiles.length > 0
      ? ok('policy', `Policy files: ${policyFiles.join(', ')}.`)
      : {
          id: 'policy',
          level: 'info',
          what: "No policy file was found: Cinder's defaults count.",
          why: 'If Cinder has a policy file, the gateway must read the same one.',
          fix: ['[oslo_policy]', 'policy_file = /etc/cinder/policy.yaml'],
        },
  )
  return findings
}

function usedBy(traffic: Survey['traffic']): string {
  if (isUnknown(traffic)) return ''
  if (traffic.trusted.length === 0) return ', and nobody did so yet'
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
        `Clients are known by what ${cinderguard.trusted_proxies.join(', ')} say of them.`,
      ),
    ]
  if (!oslo_middleware.enable_proxy_headers_parsing) return []
  return [
    {
      id: 'trusted-proxies',
      level: 'warning',
      what: 'enable_proxy_headers_parsing is set, so a proxy is in front; and trusted_proxies names none.',
      why: "Records, service_hosts and the policy check cinderguard.address take the proxy's address for the client's: which compute host sends no service token cannot be told.",
      fix: [
        '[cinderguard]',
        'trusted_proxies = ADDRESS-OF-THE-PROXY, …   # it must append to X-Forwarded-For',
      ],
    },
  ]
}
