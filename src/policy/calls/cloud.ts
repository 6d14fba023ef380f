import { isSince } from '../asked-if.ts'
import { type CallRule, type Calls, inBody, SEE } from './call-rule.ts'

/** Types, quotas, services, and what else belongs to the whole cloud. */
export const CLOUD_CALLS: Calls = {
  // types
  'GET /types': ['volume_extension:type_get_all'],
  'POST /types': ['volume_extension:type_create'],
  'GET /types/{type_id}': ['volume_extension:type_get'],
  'PUT /types/{type_id}': ['volume_extension:type_update'],
  'DELETE /types/{type_id}': ['volume_extension:type_delete'],
  'GET /types/{type_id}/extra_specs': ['volume_extension:types_extra_specs:index'],
  'POST /types/{type_id}/extra_specs': ['volume_extension:types_extra_specs:create'],
  'GET /types/{type_id}/extra_specs/{extra_spec_key}': ['volume_extension:types_extra_specs:show'],
  'PUT /types/{type_id}/extra_specs/{extra_spec_key}': ['volume_extension:types_extra_specs:update'],
  'DELETE /types/{type_id}/extra_specs/{extra_spec_key}': ['volume_extension:types_extra_specs:delete'],
  'GET /types/{type_id}/os-volume-type-access': ['volume_extension:volume_type_access:get_all_for_type'],
  'POST /types/{type_id}/action addProjectAccess': ['volume_extension:volume_type_access:addProjectAccess'],
  'POST /types/{type_id}/action removeProjectAccess': [
    'volume_extension:volume_type_access:removeProjectAccess',
  ],
  'GET /types/{type_id}/encryption': ['volume_extension:volume_type_encryption:get'],
  'POST /types/{type_id}/encryption': ['volume_extension:volume_type_encryption:create'],
  'GET /types/{type_id}/encryption/{key}': ['volume_extension:volume_type_encryption:get'],
  'PUT /types/{type_id}/encryption/{encryption_id}': ['volume_extension:volume_type_encryption:update'],
  'DELETE /types/{type_id}/encryption/{encryption_id}': ['volume_extension:volume_type_encryption:delete'],
  // capabilities, clusters, default types
  'GET /capabilities/{host_name}': ['volume_extension:capabilities'],
  'GET /clusters': ['clusters:get_all'],
  'GET /clusters/detail': ['clusters:get_all'],
  'GET /clusters/{cluster_id}': ['clusters:get'],
  'PUT /clusters/{cluster_id}': ['clusters:update'],
  'GET /default-types': ['volume_extension:default_get_all'],
  'GET /default-types/{project-id}': ['volume_extension:default_get'],
  'PUT /default-types/{project-id}': ['volume_extension:default_set_or_update'],
  'DELETE /default-types/{project-id}': ['volume_extension:default_unset'],
  // hosts, services, limits, and other things of the cloud
  'GET /os-hosts': ['volume_extension:hosts'],
  'GET /os-hosts/{host_id}': ['volume_extension:hosts'],
  'PUT /os-hosts/{host_name}': ['volume_extension:hosts'],
  'GET /limits': [],
  'GET /extensions': [],
  'GET /extensions/{alias}': [],
  'GET /os-availability-zone': [],
  'GET /resource_filters': [],
  'GET /scheduler-stats/get_pools': ['scheduler_extension:scheduler_stats:get_pools'],
  'GET /os-services': ['volume_extension:services:index'],
  'PUT /os-services/{action}': ['volume_extension:services:update'],
  'PUT /os-services/freeze': ['volume_extension:services:update', 'volume:freeze_host'],
  'PUT /os-services/thaw': ['volume_extension:services:update', 'volume:thaw_host'],
  'PUT /os-services/failover_host': ['volume_extension:services:update', 'volume:failover_host'],
  'PUT /os-services/failover': [
    'volume_extension:services:update',
    { rule: 'volume:failover_host', when: ({ version }) => isSince(version, 3, 26) },
  ],
  'POST /workers/cleanup': ['workers:cleanup'],
  // taking volumes and snapshots under management, each under two names
  ...Object.fromEntries(
    ['manageable_volumes', 'os-volume-manage'].flatMap((name): [string, readonly (string | CallRule)[]][] => [
      [`GET /${name}`, ['volume_extension:list_manageable']],
      [`GET /${name}/detail`, ['volume_extension:list_manageable']],
      [`POST /${name}`, ['volume_extension:volume_manage']],
    ]),
  ),
  ...Object.fromEntries(
    ['manageable_snapshots', 'os-snapshot-manage'].flatMap(
      (name): [string, readonly (string | CallRule)[]][] => [
        [`GET /${name}`, ['snapshot_extension:list_manageable']],
        [`GET /${name}/detail`, ['snapshot_extension:list_manageable']],
        [
          `POST /${name}`,
          [
            inBody(SEE.volume, 'snapshot', 'volume_id'),
            inBody('snapshot_extension:snapshot_manage', 'snapshot', 'volume_id'),
          ],
        ],
      ],
    ),
  ),
  // messages
  'GET /messages': ['message:get_all'],
  'GET /messages/{message_id}': ['message:get'],
  'DELETE /messages/{message_id}': ['message:delete'],
  // QoS and quotas
  'GET /qos-specs': ['volume_extension:qos_specs_manage:get_all'],
  'POST /qos-specs': ['volume_extension:qos_specs_manage:create'],
  'GET /qos-specs/{qos_id}': ['volume_extension:qos_specs_manage:get'],
  'PUT /qos-specs/{qos_id}': ['volume_extension:qos_specs_manage:update'],
  'DELETE /qos-specs/{qos_id}': ['volume_extension:qos_specs_manage:delete'],
  'GET /qos-specs/{qos_id}/associations': ['volume_extension:qos_specs_manage:get_all'],
  'GET /qos-specs/{qos_id}/associate': ['volume_extension:qos_specs_manage:update'],
  'GET /qos-specs/{qos_id}/disassociate': ['volume_extension:qos_specs_manage:update'],
  'GET /qos-specs/{qos_id}/disassociate_all': ['volume_extension:qos_specs_manage:update'],
  'PUT /qos-specs/{qos_id}/delete_keys': ['volume_extension:qos_specs_manage:delete'],
  'GET /os-quota-class-sets/{project_id}': ['volume_extension:quota_classes:get'],
  'PUT /os-quota-class-sets/{project_id}': ['volume_extension:quota_classes:update'],
  'GET /os-quota-sets/{project_id}': ['volume_extension:quotas:show'],
  'GET /os-quota-sets/{project_id}/defaults': ['volume_extension:quotas:show'],
  'PUT /os-quota-sets/{project_id}': ['volume_extension:quotas:update'],
  'DELETE /os-quota-sets/{project_id}': ['volume_extension:quotas:delete'],
}
