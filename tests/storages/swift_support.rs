//! What the tests of Swift share.

use freezerd::location::{KeystoneName, SwiftCloud, SwiftPlace};
use freezerd::storage::http::Options;
use freezerd::storage::swift::{Identity, Scope, Settings, Swift};

use crate::swift_server;

/// What is said of a storage in the Swift of this server, for the user with all rights.
pub fn settings(server: &swift_server::Server) -> Settings {
    Settings {
        auth_url: server.auth_url(),
        identity: Identity::Password {
            user: swift_server::USER.to_owned(),
            domain: KeystoneName::Id("default".to_owned()),
            password: swift_server::PASSWORD.to_owned().into(),
        },
        scope: Scope::Project {
            project: KeystoneName::Name(swift_server::PROJECT.to_owned()),
            domain: KeystoneName::Name("Default".to_owned()),
        },
        region: Some(swift_server::REGION.to_owned()),
        interface: "public".to_owned(),
    }
}

/// A repository in a container, which may have a prefix. It does not wait for a server that lags.
pub fn swift_as(settings: Settings, container: &str, options: Options) -> Swift {
    let place = SwiftPlace::new(SwiftCloud::default(), container).unwrap();
    let swift = Swift::new(&place, settings, options, Box::new(|_| ())).unwrap();
    swift.with_lag(Vec::new())
}

/// The same for the user with all rights.
pub fn swift(server: &swift_server::Server, container: &str) -> Swift {
    swift_as(settings(server), container, Options::default())
}
