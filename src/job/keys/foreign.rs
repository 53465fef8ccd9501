//! Keys and modes for services of OpenStack, to which this program does not talk.

/// The service that a key or a mode of Freezer is for.
pub fn openstack_service(written: &str) -> Option<&'static str> {
    let name = written.to_lowercase().replace('-', "_");
    let begins = |prefix: &str| name.starts_with(prefix);
    if name == "nova" || begins("nova_") {
        Some("Nova, OpenStack's virtual machines")
    } else if begins("cinder") || name == "osbrick" || name == "fullbackup_rotation" {
        Some("Cinder, OpenStack's volumes")
    } else if name == "glance" || begins("glance_") {
        Some("Glance, OpenStack's images")
    } else if name == "trove" || begins("trove_") {
        Some("Trove, OpenStack's databases")
    } else if begins("os_") {
        Some("Keystone, OpenStack's identities")
    } else if name == "sqlserver" || begins("sql_server_") {
        Some("Microsoft's SQL Server, which runs beside Freezer on Windows")
    } else {
        None
    }
}
