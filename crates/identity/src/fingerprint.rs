//! A certificate's SHA-256: short enough to go in the line that starts an agent.

use crate::{
    error::{CertificateError, FingerprintError},
    pem,
    provider::sha256,
};
use std::{fmt, str::FromStr};

/// The SHA-256 of a certificate's DER. Shown as 64 lower case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub fn of_der(der: &[u8]) -> Self {
        Self(sha256(der))
    }
}

/// The fingerprint of the first certificate in the text.
pub fn fingerprint_of(certificate_pem: &str) -> Result<Fingerprint, CertificateError> {
    Ok(Fingerprint::of_der(&pem::leaf(certificate_pem)?))
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Takes either case, and colons between the bytes as openssl prints them.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: String = text.trim().chars().filter(|c| *c != ':').collect();
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| FingerprintError)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_back_however_it_was_written() {
        let fingerprint = Fingerprint::of_der(b"");
        let plain = fingerprint.to_string();
        assert_eq!(plain, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let openssl: Vec<_> = plain.as_bytes().chunks(2).map(|b| std::str::from_utf8(b).unwrap()).collect();
        assert_eq!(openssl.join(":").to_uppercase().parse(), Ok(fingerprint));
        for wrong in ["", "e3b0", &plain[1..], &plain.replace('e', "g"), &format!("{plain}00")] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(FingerprintError), "{wrong}");
        }
    }
}
