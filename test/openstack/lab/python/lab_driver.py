"""A block storage driver that stores nothing: enough for cinder-volume to answer every call of the tests."""

from cinder.volume import driver


class LabDriver(driver.VolumeDriver):
    VERSION = "1.0.0"
    CI_WIKI_NAME = "none"

    def check_for_setup_error(self):
        pass

    def get_volume_stats(self, refresh=False):
        return {
            "volume_backend_name": "lab",
            "vendor_name": "Cinderguard",
            "driver_version": self.VERSION,
            "storage_protocol": "lab",
            "pools": [
                {
                    "pool_name": "lab",
                    "total_capacity_gb": 100000,
                    "free_capacity_gb": 100000,
                    "reserved_percentage": 0,
                    "multiattach": True,
                    "thin_provisioning_support": False,
                }
            ],
        }

    def initialize_connection(self, volume, connector, initiator_data=None):
        return {"driver_volume_type": "lab", "data": {"volume_id": volume.id, "target_lun": 1}}

    def _nothing(self, *args, **kwargs):
        return None

    create_volume = delete_volume = extend_volume = _nothing
    create_snapshot = delete_snapshot = create_volume_from_snapshot = create_cloned_volume = _nothing
    create_export = ensure_export = remove_export = _nothing
    create_export_snapshot = remove_export_snapshot = _nothing
    terminate_connection = attach_volume = detach_volume = _nothing
    update_migrated_volume = _nothing
