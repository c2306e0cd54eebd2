//! What can go wrong with a token, by the names of the PKCS#11 specification.

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};

/// Why a token's key cannot be used. No variant carries a PIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs11Error {
    /// The module is no PKCS#11 library, or does not start.
    #[error("the PKCS#11 module {module} cannot be used: {problem}")]
    Module {
        /// Its file.
        module: String,
        /// What the loader or `C_Initialize` said.
        problem: String,
    },
    /// No token is the wanted one.
    #[error("{module} has no token {wanted}; it has {found}")]
    NoToken {
        /// The module's file.
        module: String,
        /// What was asked for.
        wanted: String,
        /// The tokens that are there.
        found: String,
    },
    /// Several tokens could be meant.
    #[error("{module} has several tokens: say which with a slot or a token label; it has {found}")]
    AmbiguousToken {
        /// The module's file.
        module: String,
        /// The tokens that are there.
        found: String,
    },
    /// The token wants a PIN and none was given.
    #[error("token {token} wants a PIN and none was given")]
    PinMissing {
        /// Its label.
        token: String,
    },
    /// `CKR_PIN_INCORRECT`.
    #[error(
        "the PIN of token {token} is wrong (CKR_PIN_INCORRECT); it was tried once and is not tried again, because tokens lock{state}"
    )]
    WrongPin {
        /// The token's label.
        token: String,
        /// What the token says about the attempts that are left.
        state: PinState,
    },
    /// `CKR_PIN_LOCKED`, or the token says so before the PIN is tried.
    #[error(
        "the PIN of token {token} is locked (CKR_PIN_LOCKED); its security officer can set a new one"
    )]
    PinLocked {
        /// The token's label.
        token: String,
    },
    /// `CKR_USER_PIN_NOT_INITIALIZED`, or the token says so before the PIN is tried.
    #[error("token {token} has no user PIN yet (CKR_USER_PIN_NOT_INITIALIZED)")]
    PinNotSet {
        /// The token's label.
        token: String,
    },
    /// No private key is the wanted one.
    #[error("token {token} has no private key {wanted}; it has {found}")]
    NoKey {
        /// The token's label.
        token: String,
        /// What was asked for.
        wanted: String,
        /// The private keys that are there.
        found: String,
    },
    /// Several private keys could be meant.
    #[error(
        "token {token} has several such private keys: say which with a key label or id; it has {found}"
    )]
    AmbiguousKey {
        /// The token's label.
        token: String,
        /// The private keys that are there.
        found: String,
    },
    /// The token offers no mechanism for the signature that is wanted.
    #[error("token {token} cannot make this signature: it offers neither {wanted}")]
    NoMechanism {
        /// The token's label.
        token: String,
        /// Mechanisms that would do.
        wanted: String,
    },
    /// A function failed for another reason.
    #[error("{holder}: {function} failed with {code}")]
    Call {
        /// Token or module.
        holder: String,
        /// E.g. `C_Sign`.
        function: String,
        /// E.g. `CKR_DEVICE_REMOVED`.
        code: String,
    },
    /// Another thread broke down while it held the sessions.
    #[error("the sessions of token {token} were lost")]
    SessionsLost {
        /// The token's label.
        token: String,
    },
}

impl Pkcs11Error {
    /// Names the holder of a failed call.
    pub(super) fn call(holder: &str, error: &Error) -> Self {
        let (function, code) = match error {
            Error::Pkcs11(code, function) => (function_name(*function), code_name(*code)),
            other => ("a call".to_owned(), other.to_string()),
        };
        Self::Call {
            holder: holder.to_owned(),
            function,
            code,
        }
    }
}

/// What a token says about its PIN (`CK_TOKEN_INFO.flags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PinState {
    /// Nothing.
    #[default]
    Good,
    /// `CKF_USER_PIN_COUNT_LOW`: a wrong PIN was given since the last login.
    Low,
    /// `CKF_USER_PIN_FINAL_TRY`: one more wrong PIN locks the token.
    FinalTry,
    /// `CKF_USER_PIN_LOCKED`.
    Locked,
}

impl std::fmt::Display for PinState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Good => "",
            Self::Low => "; the token counts wrong attempts",
            Self::FinalTry => "; one more wrong attempt locks the token",
            Self::Locked => "; the token is locked now",
        })
    }
}

/// `CKR_…` of a return value.
pub(super) fn code_name(code: RvError) -> String {
    format!("CKR_{}", screaming(&format!("{code:?}")))
}

fn function_name(function: Function) -> String {
    format!("C_{function:?}")
}

/// `PinLenRange` becomes `PIN_LEN_RANGE`.
fn screaming(name: &str) -> String {
    let mut out = String::with_capacity(name.len().saturating_mul(2));
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_named_as_the_specification_does() {
        assert_eq!(code_name(RvError::PinLenRange), "CKR_PIN_LEN_RANGE");
        assert_eq!(code_name(RvError::SlotIdInvalid), "CKR_SLOT_ID_INVALID");
        let error = Error::Pkcs11(RvError::DeviceRemoved, Function::Sign);
        assert_eq!(
            Pkcs11Error::call("token release", &error).to_string(),
            "token release: C_Sign failed with CKR_DEVICE_REMOVED"
        );
    }
}
