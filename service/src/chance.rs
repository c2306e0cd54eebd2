//! Bytes that nobody can guess.

use ring::rand::{SecureRandom, SystemRandom};

use crate::store::StoreError;

/// Some of them.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| StoreError::Unsupported("the system gives no random bytes"))?;
    Ok(bytes)
}
