//! Envelopes of DSSE (Dead Simple Signing Envelope, protocol version 1.0.2): what is signed, what it is, and who signed it.
//!
//! <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>. What is signed is the payload *and* its type, so that nobody can call it
//! something else. An envelope is somebody else's file: it is refused before it costs anything.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::key::{PublicKey, SecretKey};
use crate::error::{Error, Result};
use crate::quarantine::escape;

/// Bytes of an envelope; the statement of a run has about 200 a file.
pub const ENVELOPE_BYTES_MAX: u64 = 256 << 20;
/// Signatures of one.
const SIGNATURES_MAX: usize = 64;
/// Bytes of a signature of Ed25519.
const SIGNATURE_BYTES: usize = 64;

/// An envelope. Fields that this version does not know are passed over, as the protocol asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// What is signed, in base64.
    pub payload: String,
    /// What it is.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// By whom.
    pub signatures: Vec<EnvelopeSignature>,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// Which key made it: a hint, that nobody vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyid: Option<String>,
    /// The signature, in base64.
    pub sig: String,
}

/// What is signed: type and payload with their lengths (pre-authentication encoding).
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

impl Envelope {
    /// An envelope without signatures.
    pub fn of(payload_type: &str, payload: &[u8]) -> Self {
        Self { payload: STANDARD.encode(payload), payload_type: payload_type.to_owned(), signatures: Vec::new() }
    }

    /// Reads one that has the wanted type.
    ///
    /// # Errors
    /// What it is not.
    pub fn parse(bytes: &[u8], payload_type: &str) -> std::result::Result<Self, Refusal> {
        if bytes.len() as u64 > ENVELOPE_BYTES_MAX {
            return Err(Refusal::new("no_envelope", format!("larger than {ENVELOPE_BYTES_MAX} bytes")));
        }
        let envelope: Self =
            serde_json::from_slice(bytes).map_err(|e| Refusal::new("no_envelope", format!("not an envelope of DSSE: {e}")))?;
        if envelope.payload_type != payload_type {
            let message = format!("holds {}, and {payload_type} is wanted", escape(&envelope.payload_type, 100));
            return Err(Refusal::new("payload_type", message));
        }
        if envelope.signatures.is_empty() {
            return Err(Refusal::new("unsigned", "no signature is in the envelope"));
        }
        if envelope.signatures.len() > SIGNATURES_MAX {
            let message = format!("{} signatures; {SIGNATURES_MAX} are the most", envelope.signatures.len());
            return Err(Refusal::new("no_envelope", message));
        }
        Ok(envelope)
    }

    /// What is signed.
    ///
    /// # Errors
    /// It is not base64.
    pub fn payload(&self) -> std::result::Result<Vec<u8>, Refusal> {
        decode(&self.payload).ok_or_else(|| Refusal::new("no_envelope", "the payload is not base64"))
    }

    /// Signs the payload. A signature that the same key made before is replaced.
    ///
    /// # Errors
    /// `Refused` where there is no room for another one; internal.
    pub fn sign(&mut self, key: &SecretKey) -> Result<()> {
        let payload = self.payload().map_err(|refusal| Error::refused(refusal.message))?;
        let signature = key.sign(&pre_authentication_encoding(&self.payload_type, &payload));
        let keyid = Some(key.public().id()?);
        self.signatures.retain(|signature| signature.keyid != keyid);
        if self.signatures.len() >= SIGNATURES_MAX {
            return Err(Error::refused(format!("{SIGNATURES_MAX} keys have signed already")));
        }
        self.signatures.push(EnvelopeSignature { keyid, sig: STANDARD.encode(signature) });
        self.signatures.sort_by(|a, b| a.keyid.cmp(&b.keyid));
        Ok(())
    }

    /// Has this key signed the payload, of this type?
    ///
    /// # Errors
    /// It has not: a signature that names it and does not fit is `forged`, and others are of `another_key`.
    pub fn check(&self, key: &PublicKey, keyid: &str) -> std::result::Result<Vec<u8>, Refusal> {
        let payload = self.payload()?;
        let message = pre_authentication_encoding(&self.payload_type, &payload);
        let verifies = |signature: &EnvelopeSignature| {
            decode(&signature.sig).is_some_and(|sig| sig.len() == SIGNATURE_BYTES && key.verifies(&message, &sig))
        };
        if self.signatures.iter().any(verifies) {
            return Ok(payload);
        }
        let says_so = |signature: &&EnvelopeSignature| signature.keyid.as_deref().is_none_or(|said| said == keyid);
        if self.signatures.iter().any(|signature| says_so(&signature)) {
            return Err(Refusal::new("forged", format!("the signature of key {keyid} does not fit what it stands under")));
        }
        let others: Vec<String> =
            self.signatures.iter().filter_map(|signature| Some(escape(signature.keyid.as_deref()?, 64))).take(3).collect();
        Err(Refusal::new("another_key", format!("signed with {}, not with {keyid}", others.join(", "))))
    }
}

/// Base64 of either alphabet, as the protocol allows.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the protocol's specification.
    #[test]
    fn the_encoding_is_that_of_the_specification() {
        let encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(pre_authentication_encoding("", b""), b"DSSEv1 0  0 ");
        // Lengths are those of bytes.
        assert_eq!(pre_authentication_encoding("型", "米".as_bytes()), "DSSEv1 3 型 3 米".as_bytes());
    }

    #[test]
    fn an_envelope_holds_for_its_key_payload_and_type() {
        let [one, two] = [SecretKey::generate().unwrap(), SecretKey::generate().unwrap()];
        let mut envelope = Envelope::of("a", b"text");
        envelope.sign(&one).unwrap();
        let check = |envelope: &Envelope, key: &SecretKey| envelope.check(&key.public(), &key.public().id().unwrap()).map_err(|e| e.code);
        assert_eq!(check(&envelope, &one), Ok(b"text".to_vec()));
        assert_eq!(check(&envelope, &two), Err("another_key"));
        let again = envelope.clone();
        envelope.sign(&one).unwrap();
        assert_eq!(envelope, again, "signing is deterministic");
        envelope.sign(&two).unwrap();
        assert!(envelope.signatures.len() == 2 && check(&envelope, &one).is_ok() && check(&envelope, &two).is_ok());
        let other_type = Envelope { payload_type: "b".into(), ..envelope.clone() };
        let other_payload = Envelope { payload: STANDARD.encode("tex"), ..envelope.clone() };
        assert_eq!((check(&other_type, &one), check(&other_payload, &two)), (Err("forged"), Err("forged")));
        let bytes = serde_json::to_vec(&envelope).unwrap();
        assert_eq!(Envelope::parse(&bytes, "a"), Ok(envelope));
        assert_eq!(Envelope::parse(&bytes, "b").unwrap_err().code, "payload_type");
    }

    #[test]
    fn url_safe_base64_is_read_too() {
        let payload = b"\xfb\xff\xfe";
        for text in [STANDARD.encode(payload), URL_SAFE.encode(payload)] {
            let envelope = Envelope { payload: text, payload_type: "a".into(), signatures: Vec::new() };
            assert_eq!(envelope.payload().unwrap(), payload);
        }
        let broken = Envelope { payload: "a".into(), payload_type: "a".into(), signatures: Vec::new() };
        assert_eq!(broken.payload().unwrap_err().code, "no_envelope");
    }
}
