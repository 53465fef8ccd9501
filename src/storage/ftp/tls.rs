//! The rules of TLS: whom to trust.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;

use super::super::http::{OptionsError, Trust};

/// The rules for this trust.
///
/// # Errors
/// When the certificates cannot be read.
pub(super) fn config(trust: &Trust) -> Result<ClientConfig, OptionsError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| OptionsError::Certificates)?;
    let builder = match trust {
        Trust::System => builder
            .with_platform_verifier()
            .map_err(|_| OptionsError::Certificates)?,
        Trust::Anything => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NoQuestions(provider))),
        Trust::Pem(text) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(text) {
                certificate
                    .ok()
                    .and_then(|certificate| roots.add(certificate).ok())
                    .ok_or(OptionsError::Certificates)?;
            }
            if roots.is_empty() {
                return Err(OptionsError::Certificates);
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(builder.with_no_client_auth())
}

/// The rules for one session and its data: a server may demand that the data comes with the TLS session of the control
/// connection, and another control connection has another one.
pub(super) fn for_one_session(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.resumption = Resumption::in_memory_sessions(4);
    Arc::new(config)
}

/// Trusts every certificate. Its owner must still have the key that belongs to it.
#[derive(Debug)]
struct NoQuestions(Arc<CryptoProvider>);

impl ServerCertVerifier for NoQuestions {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
