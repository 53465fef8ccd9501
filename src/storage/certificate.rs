//! Why the certificate of a server is not accepted, and what helps, in words.

use rustls::CertificateError::{
    Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
    NotValidYetContext, Other, UnknownIssuer,
};

/// What is told of a certificate that is not accepted.
pub fn told(error: &rustls::CertificateError) -> String {
    let why = match error {
        UnknownIssuer => {
            "nobody who is trusted vouches for it; name the certificate that you trust with `ca_file`"
                .to_owned()
        }
        Expired | ExpiredContext { .. } => {
            "it has expired; the server needs a new one, unless the clock of this host is wrong".to_owned()
        }
        NotValidYet | NotValidYetContext { .. } => {
            "it is not valid yet; set the clock of this host, or that of the server".to_owned()
        }
        NotValidForName | NotValidForNameContext { .. } => {
            "it is for a server of another name; write the address with a name that is in the certificate"
                .to_owned()
        }
        Other(other) if is_of_authority(other) => {
            "it is that of an authority (CA:TRUE), which a server must not use; make one for the server with \
             `-addext basicConstraints=critical,CA:FALSE`, and name that one with `ca_file`"
                .to_owned()
        }
        other => other.to_string(),
    };
    format!("the certificate of the server is not trusted: {why}")
}

/// Whether the certificate is that of an authority.
fn is_of_authority(error: &rustls::OtherError) -> bool {
    let error = error.0.downcast_ref::<webpki::Error>();
    error == Some(&webpki::Error::CaUsedAsEndEntity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_depends_on_what_is_wrong() {
        for (error, helps) in [
            (UnknownIssuer, "ca_file"),
            (Expired, "new one"),
            (NotValidYet, "clock"),
            (NotValidForName, "name"),
            (rustls::CertificateError::BadSignature, "badsignature"),
            (
                Other(rustls::OtherError(std::sync::Arc::new(
                    webpki::Error::CaUsedAsEndEntity,
                ))),
                "ca:false",
            ),
        ] {
            let told = told(&error).to_lowercase();
            assert!(told.contains(helps), "{told}");
        }
    }
}
