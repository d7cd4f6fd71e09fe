//! The doors of this crate: certificates, requests for them, and what is copied from a screen. See
//! `diecast_domain::doors`.

use crate::{
    Authority, Fingerprint, Keys, expires_at, fingerprint_of, identity_of, identity_of_pem, pem, renew_at,
};
use diecast_domain::{
    doors::{Door, same_text_again, texts},
    ids::ProviderId,
};
use rustls::pki_types::CertificateDer;
use std::sync::OnceLock;

pub const DOORS: &[Door] = &[CERTIFICATE, REQUEST, FINGERPRINT];

fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::create().expect("keys can be made"))
}

fn provider() -> ProviderId {
    "00000000-0000-0000-0000-000000000001".parse().expect("it is one")
}

fn request() -> String {
    Keys::generate().expect("keys can be made").csr_pem
}

/// A certificate, as a handshake brings it or as PEM.
pub const CERTIFICATE: Door = Door {
    name: "certificate",
    seeds: || {
        let ca = authority().certificate_pem();
        let signed = authority().sign_provider(&request(), provider()).expect("it was asked for rightly");
        let der = pem::leaf(&signed).expect("it was just written").to_vec();
        vec![ca.into_bytes(), signed.into_bytes(), der]
    },
    knock: |bytes| {
        let _ = identity_of(&CertificateDer::from(bytes));
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let known = identity_of_pem(text);
        let times = (expires_at(text), renew_at(text));
        let _ = (fingerprint_of(text), pem::roots(text), pem::private_key(text));
        if let (Ok(known), (Ok(end), Ok(renewal))) = (known, times) {
            assert_eq!(known.not_after, end);
            assert!(renewal <= end || renewal > std::time::SystemTime::UNIX_EPOCH);
        }
    },
};

/// What an agent asks to be signed.
pub const REQUEST: Door = Door {
    name: "request",
    seeds: || vec![request().into_bytes()],
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(signed) = authority().sign_provider(text, provider()) else { return };
        let known = identity_of_pem(&signed).expect("it was just signed");
        assert_eq!(known.provider, Some(provider()), "whatever the request says");
    },
};

/// What `diecast provider add` prints and somebody copies.
pub const FINGERPRINT: Door = Door {
    name: "fingerprint",
    seeds: || {
        let plain = Fingerprint::of_der(b"").to_string();
        texts(&[&plain, &plain.to_uppercase(), "E3:B0:C4"])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        same_text_again::<Fingerprint>(text);
    },
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_every_door_is_begun_with_is_let_in() {
        let seeds: Vec<_> = (CERTIFICATE.seeds)();
        let text = std::str::from_utf8(&seeds[1]).unwrap();
        assert_eq!(identity_of_pem(text).unwrap().provider, Some(provider()));
        assert!(identity_of(&CertificateDer::from(&seeds[2][..])).is_ok());
    }

    diecast_domain::no_door_gives_way!(DOORS, 500);
}
