//! `[service]` of `proofmark.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lint::image::ImageType;
use serde::Deserialize;

/// Where the service listens unless told otherwise.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8470);
/// Largest upload unless told otherwise, in bytes.
const MAX_UPLOAD: u64 = 8 << 30;

/// `[service]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Address and port; the loopback address unless told otherwise.
    pub listen: SocketAddr,
    /// How clients reach the service, e.g. `https://sign.example.org`; also the origin of the log.
    pub url: Option<String>,
    /// The folder of everything that the service keeps.
    pub data: PathBuf,
    /// `postgres://...`; otherwise SQLite in the folder.
    pub database: Option<String>,
    /// Largest upload, in bytes.
    pub max_upload: u64,
    /// Profiles by name. Their keys are in `[profile.NAME]`.
    pub profile: BTreeMap<String, ProfileConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            url: None,
            data: PathBuf::from("proofmark-data"),
            database: None,
            max_upload: MAX_UPLOAD,
            profile: BTreeMap::new(),
        }
    }
}

/// `[service.profile.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProfileConfig {
    /// The type of image whose policy a file must pass before it is signed.
    pub gate: Gate,
}

/// The policy that a profile asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// That of retail images.
    Retail,
    /// That of test images.
    Test,
    /// That of manufacturing images.
    Mmos,
}

impl Gate {
    /// The type of image.
    pub fn image(self) -> ImageType {
        match self {
            Self::Retail => ImageType::Retail,
            Self::Test => ImageType::Test,
            Self::Mmos => ImageType::Mmos,
        }
    }
}

impl Config {
    /// Makes its paths relative to the current folder; `folder` is that of the file.
    pub fn relative_to(&mut self, folder: &Path) {
        self.data = folder.join(&self.data);
    }
}
