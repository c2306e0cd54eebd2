//! The commented configuration that the program prints: held against what it reads.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor, value};
use serde::forward_to_deserialize_any;
use service::artifact::S3Config;
use service::auth::{CertificateRule, ClaimRule, Issuer};
use service::config::{Config, LogConfig, ProfileConfig, WitnessConfig};
use service::tls::TlsConfig;
use service::webhook::WebhookConfig;
use toml::{Table, Value};

use crate::support::{folder, proofmark};

/// Takes down the keys of a structure, and reads nothing.
#[derive(Default)]
struct Keys(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Keys {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(value::Error::custom("no structure"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// What is printed.
fn template() -> String {
    let folder = tempfile::tempdir().unwrap();
    // It is printed where the configuration is broken, too.
    std::fs::write(folder.path().join("proofmark.toml"), "[servce]\n").unwrap();
    proofmark(folder.path(), "serve --print-config")
        .ended(0)
        .stdout
}

/// With every setting in force.
fn uncommented(template: &str) -> String {
    let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_setting = |text: &str| {
        text.starts_with('[')
            || text
                .split_once(" = ")
                .is_some_and(|(key, _)| !key.is_empty() && key.chars().all(is_key))
    };
    let lines = template.lines().map(|line| match line.strip_prefix("# ") {
        Some(text) if is_setting(text) => text,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The table or the first table of that name.
fn section(table: &Table, path: &[&str]) -> Table {
    let mut table = table.clone();
    for name in path {
        table = match table.remove(*name) {
            Some(Value::Table(table)) => table,
            Some(Value::Array(tables)) => tables[0].as_table().unwrap().clone(),
            other => panic!("{name}: {other:?}"),
        };
    }
    table
}

#[test]
fn every_key_is_in_the_template() {
    fn has_all<'de, T: Deserialize<'de>>(whole: &Table, path: &[&str]) {
        let mut keys = Keys::default();
        assert!(T::deserialize(&mut keys).is_err());
        assert!(!keys.0.is_empty(), "{path:?}");
        let table = section(whole, path);
        for key in keys.0 {
            assert!(table.contains_key(*key), "{key} of {path:?} is not in it");
        }
        assert_eq!(table.len(), keys.0.len(), "{path:?}");
    }
    let whole: Table = uncommented(&template()).parse().unwrap();
    has_all::<Config>(&whole, &["service"]);
    has_all::<ProfileConfig>(&whole, &["service", "profile", "test"]);
    has_all::<TlsConfig>(&whole, &["service", "tls"]);
    has_all::<S3Config>(&whole, &["service", "s3"]);
    has_all::<LogConfig>(&whole, &["service", "log"]);
    has_all::<WitnessConfig>(&whole, &["service", "log", "witness"]);
    has_all::<Issuer>(&whole, &["service", "oidc"]);
    has_all::<ClaimRule>(&whole, &["service", "oidc", "allow"]);
    has_all::<CertificateRule>(&whole, &["service", "certificate"]);
    has_all::<WebhookConfig>(&whole, &["service", "webhook"]);
}

#[test]
fn the_values_of_the_template_are_those_that_nothing_set_would_have() {
    let printed = template();
    let shown = |config: Config| format!("{config:?}");
    let defaults = {
        let mut config = Config::default();
        let test = ProfileConfig::new(service::config::Gate::Test);
        config.profile.insert("test".to_owned(), test);
        shown(config)
    };
    let service = |text: &str| section(&text.parse().unwrap(), &["service"]);
    let as_printed: Config = service(&printed).try_into().unwrap();
    assert_eq!(shown(as_printed), defaults);
    let mut all = service(&uncommented(&printed));
    // These have no default.
    for example in [
        "url",
        "database",
        "artifacts",
        "traces",
        "s3",
        "tls",
        "log",
        "oidc",
        "certificate",
        "webhook",
    ] {
        assert!(all.remove(example).is_some(), "{example}");
    }
    let uncommented: Config = all.try_into().unwrap();
    assert_eq!(shown(uncommented), defaults);
}

#[test]
fn the_program_takes_the_template_and_says_what_is_misspelt() {
    let folder = folder();
    let path = folder.path();
    let whole = uncommented(&template());
    let write = |text: &str| std::fs::write(path.join("proofmark.toml"), text).unwrap();
    write(&whole);
    proofmark(path, "rules").ended(0);
    for (right, wrong, line) in [
        ("listen = ", "lisen = ", "lisen"),
        ("max-upload = ", "max_upload = ", "max_upload"),
        ("expiry-warning = ", "expiry-warnings = ", "expiry-warnings"),
        ("\n[service.tls]", "\n[service.tsl]", "[service.tsl]"),
        ("roles = [\"lint\"", "roles = [\"lnit\"", "lnit"),
        ("gate = \"test\"", "gate = \"tets\"", "tets"),
    ] {
        let text = whole.replacen(right, wrong, 1);
        assert_ne!(text, whole, "{right}");
        write(&text);
        let run = proofmark(path, "rules").ended(2);
        let number = text.lines().position(|text| text.contains(line)).unwrap() + 1;
        assert!(
            run.stderr.contains(&format!("line {number}")),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains("did you mean `"), "{}", run.stderr);
    }
}
