//! Secrets that people carry: drawn here, shown once, and kept as hashes.

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{self, SaltString},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Bytes in a token: nobody guesses 256 bits.
const TOKEN_BYTES: usize = 32;
/// Bytes in a drawn password: 120 bits, 20 characters, to be typed once.
const PASSWORD_BYTES: usize = 15;
const SALT_BYTES: usize = 16;

fn draw<const N: usize>() -> [u8; N] {
    rand::random()
}

/// A new token. `kind` tells people, and tools that search for leaked secrets, what it is.
pub(crate) fn token(kind: &str) -> String {
    format!("{kind}_{}", URL_SAFE_NO_PAD.encode(draw::<TOKEN_BYTES>()))
}

/// What of a token is kept. A token is random, so a fast hash is as good as a slow one.
pub(crate) fn token_hash(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}

pub(crate) fn password() -> String {
    URL_SAFE_NO_PAD.encode(draw::<PASSWORD_BYTES>())
}

/// Argon2id with OWASP's parameters, in PHC's form. Takes some tens of milliseconds.
pub(crate) fn password_hash(password: &str) -> Result<String, password_hash::Error> {
    let salt = SaltString::encode_b64(&draw::<SALT_BYTES>())?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string())
}

/// Whether `password` is the one. Without a hash it takes as long, and is not.
pub(crate) fn password_matches(password: &str, hash: Option<&str>) -> bool {
    let Some(hash) = hash else {
        let _ = password_hash(password);
        return false;
    };
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let hash = password_hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(password_matches("correct horse", Some(&hash)));
        assert!(!password_matches("correct house", Some(&hash)));
        assert!(!password_matches("correct horse", None));
    }

    #[test]
    fn tokens_say_what_they_are_and_differ() {
        let (one, other) = (token("dcs"), token("dcs"));
        assert!(one.starts_with("dcs_") && one != other && one.len() > 40);
    }
}
