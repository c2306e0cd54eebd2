//! New RSA keys for an own authority: the one place where the `rsa` crate touches a private key.
//!
//! `ring` signs with RSA keys and cannot make any. What is known against the `rsa` crate is that its private-key
//! operations take a time that depends on the key, which whoever can ask for many of them may measure. Here a key is
//! made once, offline, for nobody who asks; it signs through another crate alone. `docs/decisions/rsa-keys.md` has the reasons.

use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::{CryptoRngCore, OsRng};
use zeroize::Zeroizing;

use crate::key::{KeyError, SigningKey};

/// A key that was just made.
pub struct NewKey {
    /// The private key in PKCS#8.
    pub private: Zeroizing<Vec<u8>>,
    /// The encoded `SubjectPublicKeyInfo`.
    pub public: Vec<u8>,
    /// The key, ready to sign.
    pub key: SigningKey,
}

/// Makes an RSA key of 2048 to 4096 bits with the exponent 65537.
///
/// # Errors
/// For other sizes, and where `ring` does not accept what was made.
pub fn rsa_key(bits: usize, random: &mut impl CryptoRngCore) -> Result<NewKey, KeyError> {
    if !(2048..=4096).contains(&bits) {
        let message = format!("RSA keys of {bits} bits are not made: 2048 to 4096 bits are");
        return Err(KeyError::Unsupported(message));
    }
    let failed = |_| KeyError::Malformed("the new key");
    let made = RsaPrivateKey::new(random, bits).map_err(|_| failed(()))?;
    let private = made.to_pkcs8_der().map_err(|_| failed(()))?;
    let public = made
        .to_public_key()
        .to_public_key_der()
        .map_err(|_| failed(()))?;
    let private = Zeroizing::new(private.as_bytes().to_vec());
    Ok(NewKey {
        key: SigningKey::from_der(&private)?,
        public: public.into_vec(),
        private,
    })
}

/// The random source of the system, for [`rsa_key`] and [`serial_number`].
pub fn system_random() -> OsRng {
    OsRng
}

/// Content octets of a serial number: positive, of 16 octets, 126 of its bits random.
pub fn serial_number(random: &mut impl CryptoRngCore) -> [u8; 16] {
    let mut octets = [0; 16];
    random.fill_bytes(&mut octets);
    if let Some(first) = octets.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::DigestAlgorithm;
    use crate::public_key::PublicKey;
    use formats::oid;

    #[test]
    fn a_new_key_signs_and_its_public_half_checks() {
        let new = rsa_key(2048, &mut system_random()).unwrap();
        let signature = new.key.sign(DigestAlgorithm::Sha256, b"message").unwrap();
        let public = PublicKey::from_spki(&new.public).unwrap();
        assert!(new.key.matches(&public));
        assert_eq!(new.key.kind().to_string(), "RSA-2048");
        public
            .verify(oid::SHA256_WITH_RSA, None, b"message", &signature)
            .unwrap();
        for bits in [1024, 8192] {
            assert!(rsa_key(bits, &mut system_random()).is_err());
        }
    }

    #[test]
    fn serial_numbers_are_positive_and_differ() {
        let mut random = system_random();
        let (one, other) = (serial_number(&mut random), serial_number(&mut random));
        assert!((0x40..0x80).contains(&one[0]) && (0x40..0x80).contains(&other[0]));
        assert_ne!(one, other);
    }
}
