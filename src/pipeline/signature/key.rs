//! Keys of Ed25519 (RFC 8032) as files: secret ones as PKCS#8, public ones as SubjectPublicKeyInfo (RFC 8410), both in PEM, as openssl makes them.
//!
//! A secret key is read from a file that its owner alone may read, and stands in no message, argument or manifest.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::io::{Staging, open_file, read_limited, sha256_of_bytes};

/// Bytes of a key file; real ones have about 120.
const KEY_BYTES_MAX: u64 = 1 << 14;

/// A secret key. It has no `Debug`: nothing prints it.
pub struct SecretKey(SigningKey);

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl SecretKey {
    /// A new one, from the random numbers of the system.
    ///
    /// # Errors
    /// The system has none.
    pub fn generate() -> Result<Self> {
        let mut seed = Zeroizing::new([0_u8; 32]);
        let mut filled = 0;
        while filled < seed.len() {
            let got = rustix::rand::getrandom(&mut seed[filled..], rustix::rand::GetRandomFlags::empty());
            match got {
                Ok(n) => filled += n,
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(Error::internal(format!("no random numbers from the system: {}", std::io::Error::from(e)))),
            }
        }
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// `Refused`: no secret key of Ed25519, one with a password, or a file that others may read.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let unreadable = |e: &Error| Error::refused(format!("{shown}: the key cannot be read: {}", e.without_path()));
        let mut file = open_file(path).map_err(|e| e.refused_if_of_the_name(unreadable))?;
        // One reservation: a buffer that grows leaves pieces of the key behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES_MAX as usize + 1));
        (&mut file).take(KEY_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?;
        let no_key = |why: &str, hint: &str| Error::refused_with_hint(format!("{shown}: {why}"), hint);
        let make = "seimai key new FILE, or openssl genpkey -algorithm ed25519 -out FILE";
        let text = std::str::from_utf8(&bytes).ok().filter(|_| bytes.len() as u64 <= KEY_BYTES_MAX);
        let text = text.ok_or_else(|| no_key("no key in PEM", make))?;
        if text.contains("ENCRYPTED") {
            return Err(no_key(
                "a key with a password, which this program does not ask for",
                "openssl pkey -in FILE -out PLAIN, on a file system that is encrypted itself",
            ));
        }
        if text.contains("PUBLIC KEY") {
            return Err(no_key("a public key; signing takes the secret one", make));
        }
        // Behind the word for a public key, which everybody may read.
        let about = file.metadata().map_err(|e| Error::io(path, "inspect", e))?;
        if about.permissions().mode() & 0o077 != 0 {
            let message = format!("{shown}: others than its owner may use this key (mode {:o})", about.permissions().mode() & 0o777);
            return Err(Error::refused_with_hint(message, format!("chmod 600 {shown}; if somebody may have read it, make another key")));
        }
        // The library's words could quote the file.
        Self::parse(text).ok_or_else(|| no_key("no secret key of Ed25519 as PKCS#8 in PEM", make))
    }

    /// A key in PEM.
    pub fn parse(text: &str) -> Option<Self> {
        SigningKey::from_pkcs8_pem(text.trim_start()).ok().map(Self)
    }

    /// Writes the key and, beside it as `<path>.pub`, its public half. Files that are there are left alone.
    ///
    /// # Errors
    /// `Refused` where a file of one of these names is there; I/O.
    pub fn write_new(&self, path: &Path) -> Result<()> {
        let mut public = path.as_os_str().to_owned();
        public.push(".pub");
        let public = Path::new(&public);
        for path in [path, public] {
            if path.symlink_metadata().is_ok() {
                let message = format!("{}: is there already, and no key is written over", path.display());
                return Err(Error::refused_with_hint(message, "name another file"));
            }
        }
        // As openssl writes it: version 1, without the public key in it, which older ones refuse.
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(LineEnding::LF).map_err(|e| Error::internal(format!("a key: {e}")))?;
        let (staging, place) = Staging::for_secret(path)?;
        staging.write(&place, pem.as_bytes())?;
        let (staging, place) = Staging::for_file(public)?;
        staging.write(&place, self.public().to_pem()?.as_bytes()).map(|_| ())
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl PublicKey {
    /// Reads a key file.
    ///
    /// # Errors
    /// `Refused`: no public key of Ed25519, or a weak one, for which anybody could sign.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let unreadable = |e: &Error| Error::refused(format!("{shown}: the key cannot be read: {}", e.without_path()));
        let bytes = Zeroizing::new(read_limited(path, KEY_BYTES_MAX).map_err(|e| e.refused_if_of_the_name(unreadable))?);
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        if text.contains("PRIVATE KEY") {
            let hint = "name the public one: seimai key new writes it as FILE.pub, openssl pkey -in FILE -pubout prints it";
            return Err(Error::refused_with_hint(
                format!("{shown}: a secret key, which is not needed for this and should not be here"),
                hint,
            ));
        }
        Self::parse(text).ok_or_else(|| {
            let hint = "seimai key new writes one as FILE.pub, openssl pkey -in FILE -pubout prints one";
            Error::refused_with_hint(format!("{shown}: no public key of Ed25519 in PEM, or a weak one"), hint)
        })
    }

    /// A key in PEM, if it is not a weak one.
    pub fn parse(text: &str) -> Option<Self> {
        VerifyingKey::from_public_key_pem(text.trim_start()).ok().filter(|key| !key.is_weak()).map(Self)
    }

    /// In PEM.
    ///
    /// # Errors
    /// Internal.
    pub fn to_pem(&self) -> Result<String> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|e| Error::internal(format!("a key: {e}")))
    }

    /// What it is called in envelopes: SHA-256 of its SubjectPublicKeyInfo in DER, hex.
    ///
    /// # Errors
    /// Internal.
    pub fn id(&self) -> Result<String> {
        let der = self.0.to_public_key_der().map_err(|e| Error::internal(format!("a key: {e}")))?;
        Ok(sha256_of_bytes(der.as_bytes()))
    }

    /// Is this a signature of the message? Strictly: one key, one message, one signature.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, TEST 2.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
        let bytes = |hex: &str| -> Vec<u8> { hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect() };
        let seed: [u8; 32] = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").try_into().unwrap();
        let key = SecretKey(SigningKey::from_bytes(&seed));
        assert_eq!(key.public().0.to_bytes().to_vec(), bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
        let signature = key.sign(&[0x72]);
        let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(signature.to_vec(), bytes(expected));
        assert!(key.public().verifies(&[0x72], &signature) && !key.public().verifies(&[0x73], &signature));
        assert!(!key.public().verifies(&[0x72], &signature[..63]));
    }

    #[test]
    fn keys_are_for_their_owner_alone_and_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        let key = SecretKey::generate().unwrap();
        key.write_new(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(SecretKey::read(&path).unwrap().public() == key.public());
        assert_eq!(PublicKey::read(&dir.path().join("key.pem.pub")).unwrap(), key.public());
        assert!(key.write_new(&path).unwrap_err().to_string().contains("is there already"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let Err(refused) = SecretKey::read(&path) else { panic!("a key that others may read was used") };
        assert!(refused.to_string().contains("mode 640") && refused.hint().unwrap().contains("chmod 600"), "{refused}");
        assert!(PublicKey::read(&path).unwrap_err().to_string().contains("a secret key"));
        let another = SecretKey::generate().unwrap();
        assert!(another.public() != key.public() && another.public().id().unwrap() != key.public().id().unwrap());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let write = |text: &[u8]| {
            let path = dir.path().join("k");
            let (staging, place) = Staging::for_secret(&path).unwrap();
            staging.write(&place, text).unwrap();
            path
        };
        // The point of order 1: for it, one signature fits every message.
        let weak = VerifyingKey::from_bytes(&{
            let mut one = [0; 32];
            one[0] = 1;
            one
        })
        .unwrap()
        .to_public_key_pem(LineEnding::LF)
        .unwrap();
        for text in [
            b"".as_slice(),
            b"-----BEGIN PUBLIC KEY-----\n",
            b"\xff\xfe",
            &vec![b'A'; 1 << 15],
            weak.as_bytes(),
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let path = write(text);
            assert!(PublicKey::read(&path).is_err() && SecretKey::read(&path).is_err(), "{}", String::from_utf8_lossy(text));
        }
        assert!(PublicKey::read(dir.path()).is_err() && SecretKey::read(&dir.path().join("none")).is_err());
    }
}
