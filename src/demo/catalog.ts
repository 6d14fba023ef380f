const INTERFACES = ['public', 'internal', 'admin'] as const

/** URL by interface; `$(project_id)s` becomes the token's project. A string stands for all three. */
export type Endpoint = string | Readonly<Record<(typeof INTERFACES)[number], string>>

const SERVICES = {
  identity: { id: '11d3a5b0c0de4b6f8a1e000000000001', name: 'keystone' },
  compute: { id: '11d3a5b0c0de4b6f8a1e000000000002', name: 'nova' },
  volumev3: { id: '11d3a5b0c0de4b6f8a1e000000000003', name: 'cinderv3' },
} as const

export type Endpoints = Record<keyof typeof SERVICES, Endpoint>

/** The service catalogue as Keystone puts it into a token, one region. */
export function catalog(endpoints: Endpoints, projectId: string | undefined): unknown[] {
  return Object.entries(SERVICES).map(([type, service]) => {
    const endpoint = endpoints[type as keyof Endpoints]
    return {
      endpoints: INTERFACES.map((name, at) => {
        const template = typeof endpoint === 'string' ? endpoint : endpoint[name]
        return {
          id: `e${at}${service.id.slice(2)}`,
          interface: name,
          region_id: 'RegionOne',
          url: template.replace('$(project_id)s', projectId ?? ''),
          region: 'RegionOne',
        }
      }),
      id: service.id,
      type,
      name: service.name,
    }
  })
}
