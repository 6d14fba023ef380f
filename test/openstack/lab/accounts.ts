/** The one password of every lab user. */
export const labPassword = 'lab-password'

/** Projects of the lab, all in the domain `default`. */
export const labProjects = ['admin', 'demo', 'other', 'service'] as const
export type LabProject = (typeof labProjects)[number]

type Account = {
  readonly home: LabProject
  readonly roles: Readonly<Partial<Record<LabProject, readonly string[]>>>
}

/** Users of the lab: the project a token is for unless another is asked for, and the roles on each project. */
export const labUsers = {
  /** Cloud administrator. */
  admin: { home: 'demo', roles: { demo: ['admin'], admin: ['admin'] } },
  /** Ordinary owner of the volumes of `demo`. */
  member: { home: 'demo', roles: { demo: ['member', 'reader'] } },
  /** May only look, in `demo`. */
  reader: { home: 'demo', roles: { demo: ['reader'] } },
  /** Member of `other` only. */
  outsider: { home: 'other', roles: { other: ['member'] } },
  nova: { home: 'service', roles: { service: ['service', 'admin'] } },
  cinder: { home: 'service', roles: { service: ['service', 'admin'] } },
  cinderguard: { home: 'service', roles: { service: ['service'] } },
  /** In the service project without the service role: its token is a user's token sent as a service token. */
  plain: { home: 'service', roles: { service: ['member'] } },
} as const satisfies Record<string, Account>
export type LabUser = keyof typeof labUsers
