//! The cryptography everything here uses: aws-lc-rs, named once.

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use std::sync::{Arc, LazyLock};

/// Makes aws-lc-rs the process's default for every use of TLS. First in every `main`; repeating it
/// changes nothing. This crate itself names its provider and works without.
pub fn install_crypto_provider() {
    // The only error is that one is installed already.
    let _ = aws_lc_rs::default_provider().install_default();
}

pub(crate) fn crypto() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    PROVIDER.clone()
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let suite = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = suite.tls13().expect("a TLS 1.3 suite by its name").common.hash_provider.hash(bytes);
    hash.as_ref().try_into().expect("SHA-256 is 32 bytes")
}
