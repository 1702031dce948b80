//! The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) against a stored verifier.
//!
//! pgwire's own implementation wants the salted password, from which a thief could log in; here
//! only `StoredKey` and `ServerKey` are needed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;
use ring::{digest, hmac};

/// What a password is checked against, and cannot be got from.
#[derive(Debug, Clone)]
pub(super) struct Verifier {
    pub(super) salt: Vec<u8>,
    /// Rounds of the key derivation.
    pub(super) iterations: u32,
    pub(super) stored_key: Vec<u8>,
    pub(super) server_key: Vec<u8>,
}

/// The name of the mechanism in the protocol.
pub(super) const MECHANISM: &str = "SCRAM-SHA-256";

/// Why an exchange ended without a login.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The client's message is not SCRAM.
    Malformed(&'static str),
    /// The password is wrong, or there is no such user.
    Denied,
}

/// An exchange that waits for the client's proof.
pub(super) struct Exchange {
    verifier: Verifier,
    /// Whether the user exists; if not, the exchange runs to its end all the same and is denied.
    known: bool,
    nonce: String,
    channel: String,
    /// Client's first message without its header, then the server's first.
    spoken: String,
}

impl Exchange {
    /// Reads the client's first message; gives the exchange and the server's answer.
    pub(super) fn begin(
        client_first: &[u8],
        verifier: Verifier,
        known: bool,
    ) -> Result<(Exchange, String), Refusal> {
        let text = std::str::from_utf8(client_first)
            .map_err(|_| Refusal::Malformed("the first SCRAM message is not UTF-8"))?;
        let malformed = Refusal::Malformed("the first SCRAM message is malformed");
        // gs2 header: channel-binding flag, authorisation identity; then the bare message.
        let mut parts = text.splitn(3, ',');
        let (Some(flag), Some(identity), Some(bare)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed);
        };
        // `y`: the client could bind to the channel and believes that we cannot, which is right.
        if !matches!(flag, "n" | "y") {
            return Err(Refusal::Malformed("channel binding is not offered"));
        }
        let client_nonce = bare
            .split(',')
            .find_map(|attribute| attribute.strip_prefix("r="));
        let Some(client_nonce) = client_nonce.filter(|nonce| !nonce.is_empty()) else {
            return Err(malformed);
        };
        let ours: [u8; 18] = rand::rng().random();
        let nonce = format!("{client_nonce}{}", STANDARD.encode(ours));
        let server_first = format!(
            "r={nonce},s={},i={}",
            STANDARD.encode(&verifier.salt),
            verifier.iterations
        );
        let exchange = Exchange {
            verifier,
            known,
            nonce,
            channel: STANDARD.encode(format!("{flag},{identity},")),
            spoken: format!("{bare},{server_first}"),
        };
        Ok((exchange, server_first))
    }

    /// Checks the client's proof; gives the message with which the server proves itself.
    pub(super) fn finish(self, client_final: &[u8]) -> Result<String, Refusal> {
        let malformed = || Refusal::Malformed("the final SCRAM message is malformed");
        let text = std::str::from_utf8(client_final).map_err(|_| malformed())?;
        let (unproved, proof) = text.rsplit_once(",p=").ok_or_else(malformed)?;
        let attribute = |name| unproved.split(',').find_map(|part| part.strip_prefix(name));
        if attribute("c=") != Some(self.channel.as_str())
            || attribute("r=") != Some(self.nonce.as_str())
        {
            return Err(malformed());
        }
        let proof = STANDARD.decode(proof).map_err(|_| malformed())?;
        let message = format!("{},{unproved}", self.spoken);
        let signature = sign(&self.verifier.stored_key, &message);
        let signature = signature.as_ref();
        if proof.len() != signature.len() {
            return Err(malformed());
        }
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        let stored = digest::digest(&digest::SHA256, &client_key);
        let right = same(stored.as_ref(), &self.verifier.stored_key);
        if !(right && self.known) {
            return Err(Refusal::Denied);
        }
        let proof = sign(&self.verifier.server_key, &message);
        Ok(format!("v={}", STANDARD.encode(proof.as_ref())))
    }
}

fn sign(key: &[u8], message: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes())
}

/// Equality in a time that does not depend on where the first difference is.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}
