//! The signature of a webhook's message: that it is ours, whole, and of now.

use aws_lc_rs::hmac;
use diecast_domain::{notification::Secret, units::Timestamp};

/// Seconds since 1970, as the message was signed: receivers refuse what is old.
pub(super) const TIMESTAMP_HEADER: &str = "diecast-timestamp";
/// `v1=` and the HMAC-SHA256 in hexadecimal.
pub(super) const SIGNATURE_HEADER: &str = "diecast-signature";

/// Of the seconds, a full stop and the body.
pub(super) fn sign(secret: &Secret, at: Timestamp, body: &[u8]) -> (String, String) {
    let seconds = (at.0 / 1000).to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
    let mut signing = hmac::Context::with_key(&key);
    signing.update(seconds.as_bytes());
    signing.update(b".");
    signing.update(body);
    (seconds, format!("v1={}", hex::encode(signing.sign())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the guide tells receivers to compute it:
    /// `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret`
    #[test]
    fn a_receiver_can_check_it_with_common_tools() {
        let (seconds, signature) = sign(&Secret::new("secret"), Timestamp(1_700_000_000_999), br#"{"a":1}"#);
        assert_eq!(seconds, "1700000000");
        assert_eq!(signature, "v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686");
    }
}
