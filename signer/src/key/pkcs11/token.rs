//! Modules, tokens and the login.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use super::error::{PinState, Pkcs11Error, code_name};

/// A loaded PKCS#11 library.
#[derive(Clone)]
pub struct Module {
    pub(super) context: Pkcs11,
    pub(super) name: String,
    /// Whether it may be called from several threads at once.
    pub(super) is_threaded: bool,
    starts: Arc<RwLock<u64>>,
}

/// How often each library was started again. It is one in the process, whoever loads it: while it is started again nobody
/// may call it, and what was opened before is worth nothing after.
static STARTS: Mutex<BTreeMap<PathBuf, Arc<RwLock<u64>>>> = Mutex::new(BTreeMap::new());

/// Which token of a module. Without either, the only one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenChoice {
    /// Its slot's number (`CK_SLOT_ID`).
    pub slot: Option<u64>,
    /// Its label.
    pub label: Option<String>,
}

/// A token before the login.
pub struct Token {
    pub(super) module: Module,
    pub(super) slot: Slot,
    pub(super) info: TokenInfo,
}

/// What tells a token from others, wherever it is put in.
#[derive(Clone)]
pub(super) struct TokenId {
    pub(super) module: Module,
    pub(super) label: String,
    serial: String,
}

impl TokenId {
    /// The token, where it is now.
    pub(super) fn find(&self) -> Result<Token, Pkcs11Error> {
        let tokens = self.module.tokens()?;
        let found = list(tokens.iter().map(|(_, info)| format!("'{}'", info.label())));
        let mut tokens = tokens.into_iter();
        let is_it =
            |info: &TokenInfo| info.label() == self.label && info.serial_number() == self.serial;
        match tokens.find(|(_, info)| is_it(info)) {
            Some((slot, info)) => Ok(Token {
                module: self.module.clone(),
                slot,
                info,
            }),
            None => Err(Pkcs11Error::NoToken {
                module: self.module.name.clone(),
                wanted: format!("'{}'", self.label),
                found,
            }),
        }
    }
}

/// A token after the login.
pub struct OpenToken {
    pub(super) token: Token,
    /// The session that logged in. A token stays logged in as long as it has a session.
    pub(super) session: Session,
    /// Kept for keys that want it for every signature, and for a token that comes back.
    pub(super) pin: Option<AuthPin>,
}

impl Module {
    /// Loads a library and starts it. This runs the library's code in this process.
    ///
    /// # Errors
    /// [`Pkcs11Error::Module`].
    pub fn load(file: &Path) -> Result<Self, Pkcs11Error> {
        let name = file.display().to_string();
        let refused = |problem: String| Pkcs11Error::Module {
            module: name.clone(),
            problem,
        };
        let context = Pkcs11::new(file).map_err(|error| refused(load_problem(&error)))?;
        let start = |flags| context.initialize(CInitializeArgs::new(flags));
        let is_threaded = match start(CInitializeFlags::OS_LOCKING_OK) {
            Err(Error::Pkcs11(RvError::CantLock, _)) => {
                start(CInitializeFlags::empty()).map(|()| false)
            }
            // Another part of this process uses the same library.
            Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(true),
            other => other.map(|()| true),
        }
        .map_err(|error| refused(load_problem(&error)))?;
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let mut starts = STARTS.lock().unwrap_or_else(PoisonError::into_inner);
        let starts = Arc::clone(starts.entry(file).or_default());
        Ok(Self {
            context,
            name,
            is_threaded,
            starts,
        })
    }

    /// Keeps the library from being started again, and says how often it was.
    pub(super) fn started(&self) -> RwLockReadGuard<'_, u64> {
        self.starts.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the library again, once nobody calls it, unless somebody else has since it was started `seen` times. Some know of
    /// a token that comes back only then.
    pub(super) fn start_again(&self, seen: u64) -> Result<(), Pkcs11Error> {
        let mut starts = self.starts.write().unwrap_or_else(PoisonError::into_inner);
        if *starts != seen {
            return Ok(());
        }
        *starts = starts.saturating_add(1);
        let failed = |error: Error| Pkcs11Error::call(&self.name, &error);
        match self.context.clone().finalize() {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiNotInitialized, _)) => {}
            Err(error) => return Err(failed(error)),
        }
        let flags = match self.is_threaded {
            true => CInitializeFlags::OS_LOCKING_OK,
            false => CInitializeFlags::empty(),
        };
        self.context
            .initialize(CInitializeArgs::new(flags))
            .map_err(failed)
    }

    /// The tokens that are there and initialised, with their slots.
    pub(super) fn tokens(&self) -> Result<Vec<(Slot, TokenInfo)>, Pkcs11Error> {
        let slots = self
            .context
            .get_slots_with_token()
            .map_err(|error| Pkcs11Error::call(&self.name, &error))?;
        let tokens = slots.into_iter().filter_map(|slot| {
            let info = self.context.get_token_info(slot).ok()?;
            info.token_initialized().then_some((slot, info))
        });
        Ok(tokens.collect())
    }

    /// Finds a token.
    ///
    /// # Errors
    /// [`Pkcs11Error::NoToken`] and [`Pkcs11Error::AmbiguousToken`] name the tokens that are there.
    pub fn token(self, choice: &TokenChoice) -> Result<Token, Pkcs11Error> {
        let mut tokens = self.tokens()?;
        let found = list(
            tokens
                .iter()
                .map(|(slot, info)| format!("'{}' in slot {slot}", info.label())),
        );
        tokens.retain(|(slot, info)| {
            choice.slot.is_none_or(|wanted| wanted == slot.id())
                && choice
                    .label
                    .as_deref()
                    .is_none_or(|wanted| wanted == info.label())
        });
        let module = self.name.clone();
        match tokens.len() {
            0 => Err(Pkcs11Error::NoToken {
                module,
                wanted: choice.to_string(),
                found,
            }),
            1 => {
                let (slot, info) = tokens.remove(0);
                Ok(Token {
                    module: self,
                    slot,
                    info,
                })
            }
            _ => Err(Pkcs11Error::AmbiguousToken { module, found }),
        }
    }
}

impl std::fmt::Display for TokenChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.label, self.slot) {
            (Some(label), None) => write!(f, "'{label}'"),
            (None, Some(slot)) => write!(f, "in slot {slot}"),
            (Some(label), Some(slot)) => write!(f, "'{label}' in slot {slot}"),
            (None, None) => f.write_str("that is initialised"),
        }
    }
}

impl Token {
    /// Its label.
    pub fn label(&self) -> &str {
        self.info.label()
    }

    pub(super) fn id(&self) -> TokenId {
        TokenId {
            module: self.module.clone(),
            label: self.label().to_owned(),
            serial: self.info.serial_number().to_owned(),
        }
    }

    /// Whether [`Token::log_in`] needs a PIN: tokens with a keypad of their own ask for it themselves.
    pub fn wants_pin(&self) -> bool {
        self.info.login_required() && !self.info.protected_authentication_path()
    }

    /// Logs in once. A wrong PIN is not tried again.
    ///
    /// # Errors
    /// [`Pkcs11Error::WrongPin`], [`Pkcs11Error::PinLocked`] and its neighbours; a PIN that is known to be locked is not
    /// tried at all.
    pub fn log_in(self, pin: Option<Zeroizing<String>>) -> Result<OpenToken, Pkcs11Error> {
        self.log_in_with(pin.map(|pin| AuthPin::new(pin.as_str().into())))
    }

    pub(super) fn log_in_with(self, pin: Option<AuthPin>) -> Result<OpenToken, Pkcs11Error> {
        let label = self.label().to_owned();
        let failed = |error: &Error| Pkcs11Error::call(&format!("token {label}"), error);
        let session = self
            .module
            .context
            .open_ro_session(self.slot)
            .map_err(|error| failed(&error))?;
        if self.info.login_required() {
            let token = label.clone();
            if self.info.user_pin_locked() {
                return Err(Pkcs11Error::PinLocked { token });
            }
            if !self.info.user_pin_initialized() {
                return Err(Pkcs11Error::PinNotSet { token });
            }
            if pin.is_none() && self.wants_pin() {
                return Err(Pkcs11Error::PinMissing { token });
            }
            match session.login(UserType::User, pin.as_ref()) {
                Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
                Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                    let state = self.pin_state();
                    return Err(Pkcs11Error::WrongPin { token, state });
                }
                Err(Error::Pkcs11(RvError::PinLocked, _)) => {
                    return Err(Pkcs11Error::PinLocked { token });
                }
                Err(Error::Pkcs11(RvError::UserPinNotInitialized, _)) => {
                    return Err(Pkcs11Error::PinNotSet { token });
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(OpenToken {
            token: self,
            session,
            pin,
        })
    }

    fn pin_state(&self) -> PinState {
        let info = self.module.context.get_token_info(self.slot);
        info.as_ref().map(pin_state).unwrap_or_default()
    }
}

/// What a token says about its PIN.
pub(super) fn pin_state(info: &TokenInfo) -> PinState {
    if info.user_pin_locked() {
        PinState::Locked
    } else if info.user_pin_final_try() {
        PinState::FinalTry
    } else if info.user_pin_count_low() {
        PinState::Low
    } else {
        PinState::Good
    }
}

/// Names in a row, for messages.
pub(super) fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

fn load_problem(error: &Error) -> String {
    match error {
        Error::LibraryLoading(error) => error.to_string(),
        Error::MissingSymbol(symbol) => format!("it has no function {symbol}"),
        Error::Pkcs11(code, function) => {
            format!("C_{function:?} failed with {}", code_name(*code))
        }
        other => other.to_string(),
    }
}
