//! Where the object store is: the catalogue of services that comes with a token.

use serde::Deserialize;

use super::super::error::ErrorKind;
use super::super::http::Failure;
use crate::location::HttpAddress;

/// The word for a service that stores objects.
const OBJECT_STORE: &str = "object-store";

/// The most regions that a message names.
const TOLD: usize = 10;

/// A service in the catalogue.
#[derive(Deserialize)]
pub(super) struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    interface: String,
    /// The older word for the id.
    region: Option<String>,
    region_id: Option<String>,
    url: String,
}

impl Endpoint {
    fn region(&self) -> &str {
        let region = self.region_id.as_deref().or(self.region.as_deref());
        region.unwrap_or_default()
    }

    fn is_in(&self, region: &str) -> bool {
        [&self.region_id, &self.region]
            .into_iter()
            .flatten()
            .any(|found| found == region)
    }
}

/// The address of the containers, which ends with a slash.
///
/// # Errors
/// When there is none, or when it is not certain which one is meant.
pub(super) fn store(
    catalogue: &[Service],
    region: Option<&str>,
    interface: &str,
) -> Result<String, Failure> {
    let told = |text: String| Failure::told(ErrorKind::Answer, text);
    let all: Vec<&Endpoint> = catalogue
        .iter()
        .filter(|service| service.kind == OBJECT_STORE)
        .flat_map(|service| &service.endpoints)
        .collect();
    if all.is_empty() {
        return Err(told(
            "the catalogue of Keystone has no object store for the project".to_owned(),
        ));
    }
    let reachable: Vec<&Endpoint> = all
        .into_iter()
        .filter(|endpoint| endpoint.interface == interface)
        .collect();
    if reachable.is_empty() {
        return Err(told(format!(
            "the catalogue of Keystone has no {interface} address of the object store; `interface` chooses another one"
        )));
    }
    let mut regions: Vec<&str> = reachable.iter().map(|endpoint| endpoint.region()).collect();
    regions.sort_unstable();
    regions.dedup();
    let found = match region {
        Some(region) => reachable.iter().find(|endpoint| endpoint.is_in(region)),
        None if regions.len() > 1 => {
            return Err(told(format!(
                "the catalogue of Keystone has object stores in several regions; write `region` with one of: {}",
                listed(&regions)
            )));
        }
        None => reachable.first(),
    };
    let Some(endpoint) = found else {
        return Err(told(format!(
            "the catalogue of Keystone has no object store in the region that the storage names; those with one are: {}",
            listed(&regions)
        )));
    };
    match HttpAddress::parse(&endpoint.url) {
        Ok(address) => Ok(address.as_str().to_owned()),
        Err(error) => Err(told(format!(
            "the address of the object store in the catalogue of Keystone cannot be used: {error}"
        ))),
    }
}

/// Names that came from the server, for a message.
fn listed(regions: &[&str]) -> String {
    let more = if regions.len() > TOLD { ", …" } else { "" };
    let told = regions.iter().take(TOLD).map(|region| {
        let short: String = region.chars().take(64).collect();
        format!("{short:?}")
    });
    told.collect::<Vec<_>>().join(", ") + more
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(
        endpoints: &[(&str, &str, &str)],
        region: Option<&str>,
        interface: &str,
    ) -> Result<String, String> {
        let endpoints: Vec<_> = endpoints
            .iter()
            .map(|(interface, region, url)| {
                json!({"interface": interface, "region": region, "region_id": region, "url": url, "id": "x"})
            })
            .collect();
        let catalogue = json!([
            {"type": "identity", "endpoints": [{"interface": "public", "region": "R", "url": "http://k"}]},
            {"type": "object-store", "name": "swift", "endpoints": endpoints},
        ]);
        let catalogue: Vec<Service> = serde_json::from_value(catalogue).unwrap();
        store(&catalogue, region, interface).map_err(|failure| format!("{failure:?}"))
    }

    const TWO: [(&str, &str, &str); 3] = [
        ("public", "A", "https://a/v1/AUTH_7"),
        ("internal", "A", "http://10.0.0.1:8080/v1/AUTH_7"),
        ("public", "B", "https://b/v1/AUTH_7"),
    ];

    #[test]
    fn the_region_and_the_interface_choose_the_address() {
        let public = |region| found(&TWO, region, "public");
        assert_eq!(public(Some("A")).unwrap(), "https://a/v1/AUTH_7/");
        assert_eq!(public(Some("B")).unwrap(), "https://b/v1/AUTH_7/");
        let internal = found(&TWO, None, "internal").unwrap();
        assert_eq!(internal, "http://10.0.0.1:8080/v1/AUTH_7/");
    }

    #[test]
    fn it_is_told_why_there_is_no_address() {
        let many: Vec<String> = (0..50).map(|number| format!("R{number}\n")).collect();
        let many: Vec<_> = many
            .iter()
            .map(|region| ("public", region.as_str(), "http://h"))
            .collect();
        for (endpoints, region, interface, told) in [
            (&TWO[..], None, "public", "several regions"),
            (&TWO, Some("C"), "public", "\\\"A\\\", \\\"B\\\""),
            (&TWO, None, "admin", "no admin address"),
            (&[], None, "public", "no object store"),
            (
                &[("public", "A", "https://u:canary@h/")],
                None,
                "public",
                "cannot be used",
            ),
            (
                &[("public", "A", "ftp://h/")],
                None,
                "public",
                "cannot be used",
            ),
            (&many, None, "public", "…"),
        ] {
            let error = found(endpoints, region, interface).unwrap_err();
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("canary"), "{error}");
            assert!(error.len() < 600, "{error}");
        }
    }
}
