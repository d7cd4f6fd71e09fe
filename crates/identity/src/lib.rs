//! Who is who on the wire: certificates, the listener that knows its peer, clients that know theirs.
//!
//! One installation has one [`Authority`], kept by the server. It signs the server's certificate
//! and, for every provider, the one with which its agent reports to the server, serves its depot
//! and asks at the depots of its peers. Nothing on the wire is believed for its address.
//!
//! ```text
//!   Authority ── sign_server ───▶ server: listen(Optional) ◀── reqwest_client ── agent, command line
//!      │                             ▲                         (checks the name dialled)
//!      │                             └── fingerprint_client ── agent, once, before it has the CA
//!      └─ sign_provider ─▶ agent A: listen(Required) ◀── depot_client(expected: A) ── agent B
//!                                                        (checks the provider, not the address)
//! ```
//!
//! An agent makes its [`Keys`] itself and sends a signing request; of that only the public key is
//! used, and the private key never leaves its machine. The certificate says one thing: which
//! provider this is, as a URI (`diecast_api::agent::identity_uri`) and as a DNS name
//! ([`provider_dns_name`]) that resolves nowhere.
//!
//! # Promises
//!
//! - A handler's [`Peer`] has an identity only if the peer proved to hold the key of a certificate
//!   that our authority signed, that is valid now and that is not revoked.
//! - No provider can pass for another or for the server; the server's certificate cannot ask
//!   anything of a depot, and [`Authority::sign_server`] signs no provider's name.
//! - A silent or broken client holds up nobody: handshakes run beside each other, each with a
//!   deadline, and no more than a fixed number at once.
//! - A certificate is replaced while running ([`Reloader`]) without losing a connection.
//! - No session is resumed: every connection is checked anew, so expiry and revocation hold from
//!   the next handshake. A connection that is open already is the handler's to check, by
//!   [`PeerIdentity`]'s serial and `not_after`.
//!
//! # What it does not do
//!
//! It stores nothing, reads no file and decides no permission: which serials are revoked, which
//! agent may have which version, is asked of the caller. It rotates no authority.
//!
//! Read next: `authority.rs`, then `listener.rs` and `verify.rs`; `tests/` says it in stories.

mod authority;
mod client;
#[cfg(any(test, feature = "doors"))]
pub mod doors;
mod error;
mod fingerprint;
mod keys;
mod listener;
mod peer;
mod pem;
mod provider;
mod server_tls;
mod verify;

pub use authority::{Authority, NAMES_MAX, REQUEST_BYTES_MAX};
pub use client::{
    FingerprintClient, Timeouts, client_config, depot_client, depot_config, fingerprint_client,
    reqwest_client, tls_error_of,
};
pub use error::{
    AuthorityError, CertificateError, ClientError, CredentialsError, FingerprintError, KeysError,
    ListenError, SignError,
};
pub use fingerprint::{Fingerprint, fingerprint_of};
pub use keys::{KeyedCertificate, Keys};
pub use listener::{HANDSHAKE_DEADLINE, HANDSHAKES_MAX, TlsListener, listen};
pub use peer::{Peer, PeerIdentity, expires_at, identity_of, identity_of_pem, provider_dns_name, renew_at};
pub use provider::install_crypto_provider;
pub use server_tls::{ClientCertificates, Reloader, Revoked, TlsListenerSettings};
