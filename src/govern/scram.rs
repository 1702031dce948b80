//! SCRAM-SHA-256 verifiers (RFC 5802, RFC 7677): what proves a password without holding it.

use std::borrow::Cow;
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac, pbkdf2};

use crate::catalog::ScramVerifier;
use crate::error::{Error, sqlstate};

/// Rounds of the key derivation: PostgreSQL's, which clients are quick with.
const ITERATIONS: NonZeroU32 = match NonZeroU32::new(4096) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};

const SALT_BYTES: usize = 16;

/// The verifier of a password, with a fresh random salt.
///
/// # Errors
/// Where the operating system has no randomness to give.
pub fn verifier(password: &str) -> Result<ScramVerifier, Error> {
    let mut salt = [0_u8; SALT_BYTES];
    SystemRandom::new().fill(&mut salt).map_err(|_| {
        Error::statement(
            sqlstate::INTERNAL_ERROR,
            "the operating system gives no random numbers",
        )
    })?;
    Ok(derive(password, &salt, ITERATIONS))
}

fn derive(password: &str, salt: &[u8], iterations: NonZeroU32) -> ScramVerifier {
    // PostgreSQL takes a password as it is where SASLprep refuses it; clients do the same.
    let prepared = stringprep::saslprep(password).unwrap_or(Cow::Borrowed(password));
    let mut salted = [0_u8; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        prepared.as_bytes(),
        &mut salted,
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client_key = hmac::sign(&key, b"Client Key");
    let server_key = hmac::sign(&key, b"Server Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    ScramVerifier {
        iterations: iterations.get(),
        salt: STANDARD.encode(salt),
        stored_key: STANDARD.encode(stored_key),
        server_key: STANDARD.encode(server_key),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The example of RFC 7677, section 3: password `pencil`. Its keys are not in the text; they
    /// follow from its messages, whose proof and signature are checked here.
    #[test]
    fn the_verifier_answers_the_rfcs_exchange() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = derive("pencil", &salt, ITERATIONS);
        let exchange = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let server_key = STANDARD.decode(verifier.server_key).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &server_key);
        assert_eq!(
            STANDARD.encode(hmac::sign(&key, exchange.as_bytes())),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        let stored_key = STANDARD.decode(verifier.stored_key).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &stored_key);
        let signature = hmac::sign(&key, exchange.as_bytes());
        let proof = STANDARD
            .decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
            .unwrap();
        let client_key: Vec<u8> = proof
            .iter()
            .zip(signature.as_ref())
            .map(|(proof, signature)| proof ^ signature)
            .collect();
        assert_eq!(
            digest::digest(&digest::SHA256, &client_key).as_ref(),
            stored_key
        );
    }

    #[test]
    fn salts_differ() {
        assert_ne!(verifier("x").unwrap(), verifier("x").unwrap());
    }
}
