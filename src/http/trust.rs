//! Whom a connection believes where certificates were named besides the system's.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// What webpki says of a server that shows an authority's certificate as its own; its type is not rustls's.
pub(super) const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

/// How a connection is made that believes the system's authorities, those that were `named`, and a server whose very
/// certificate was.
pub(super) fn config(named: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let authorities = Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(NamedOrTrusted { authorities, named }));
    Ok(config.with_no_client_auth())
}

/// Asks the system's verifier, which knows the named authorities, and takes a server's own certificate where it was named.
///
/// `openssl req -x509` makes certificates that sign themselves and are marked as an authority's. Many a server within a
/// company has one of these, and curl takes it where `--cacert` names it; webpki takes an authority's certificate for no
/// server (RFC 5280, section 4.2.1.9, has it for signing others).
#[derive(Debug)]
struct NamedOrTrusted {
    authorities: Verifier,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for NamedOrTrusted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let believed =
            self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let is_named = || self.named.iter().any(|named| **named == **end_entity);
        match believed {
            Err(Error::InvalidCertificate(error)) if lacks_only_an_issuer(&error) && is_named() => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            believed => believed,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Whether nobody vouches for a certificate, and nothing else is wrong with it: its dates were looked at before. A bad
/// signature is that of an authority which only has the issuer's name.
fn lacks_only_an_issuer(error: &CertificateError) -> bool {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => true,
        CertificateError::Other(other) => other.to_string() == AUTHORITY_AS_SERVER,
        _ => false,
    }
}
