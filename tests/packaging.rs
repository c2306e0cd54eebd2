//! What an operator installs: the unit, the container, the Compose file, the Debian package; each held against the tool
//! that reads it and against this program.

use std::fs;

use crate::support::{oracle, proofmark, repository};

fn packaging(name: &str) -> String {
    fs::read_to_string(repository().join("packaging").join(name)).unwrap()
}

/// The options that follow `serve` on a line must be those of this program.
fn are_options_of_serve(line: &str) {
    let folder = tempfile::tempdir().unwrap();
    let help = proofmark(folder.path(), "serve --help").ended(0).stdout;
    let (_, options) = line.split_once("serve").unwrap();
    let options = options
        .split([' ', ',', '"', ']'])
        .filter(|word| word.starts_with("--"));
    for option in options {
        assert!(
            help.contains(option),
            "{option} is no option of serve:\n{help}"
        );
    }
}

#[test]
fn the_unit_is_one_and_gives_away_little() {
    let folder = tempfile::tempdir().unwrap();
    let unit = packaging("proofmark.service");
    let start = unit
        .lines()
        .find(|line| line.starts_with("ExecStart="))
        .unwrap();
    are_options_of_serve(start);
    // The program is not installed here.
    let here = unit.replace("/usr/bin/proofmark", env!("CARGO_BIN_EXE_proofmark"));
    fs::write(folder.path().join("proofmark.service"), here).unwrap();
    let Some(run) = oracle(folder.path(), "systemd-analyze verify ./proofmark.service") else {
        return;
    };
    let run = run.ended(0);
    assert_eq!(run.stderr, "");
    let line = "systemd-analyze security --offline=true --threshold=20 ./proofmark.service";
    let run = oracle(folder.path(), line).unwrap().ended(0);
    assert!(run.stdout.contains("exposure level"), "{}", run.stdout);
}

#[test]
fn the_compose_file_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let text = packaging("compose.yaml");
    let command = text.lines().find(|line| line.contains("command:")).unwrap();
    are_options_of_serve(command);
    fs::write(folder.path().join("compose.yaml"), &text).unwrap();
    fs::create_dir(folder.path().join("secrets")).unwrap();
    fs::write(folder.path().join("secrets/database.env"), "PGPASSWORD=x\n").unwrap();
    let Some(run) = oracle(folder.path(), "docker-compose --file compose.yaml config") else {
        return;
    };
    let config = run.ended(0).stdout;
    for expected in [
        "node-1:",
        "node-2:",
        "pg_isready",
        "read_only: true",
        "PGPASSWORD: x",
    ] {
        assert!(config.contains(expected), "{expected}: {config}");
    }
}

#[test]
fn the_container_starts_what_there_is() {
    let text = fs::read_to_string(repository().join("Dockerfile")).unwrap();
    let command = text.lines().find(|line| line.starts_with("CMD ")).unwrap();
    are_options_of_serve(command);
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    assert!(text.contains("--features otel,postgres,s3"));
    for feature in ["\notel = ", "\npostgres = ", "\ns3 = "] {
        assert!(manifest.contains(feature), "{feature}");
    }
    let toolchain = fs::read_to_string(repository().join("rust-toolchain.toml")).unwrap();
    let image = text
        .lines()
        .find_map(|line| line.strip_prefix("FROM rust:"))
        .unwrap();
    let version = image.split('-').next().unwrap();
    assert!(toolchain.contains(version), "{version}: {toolchain}");
}

#[test]
fn the_debian_package_takes_files_that_are_there() {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    for asset in deb["assets"].as_array().unwrap() {
        let source = asset[0].as_str().unwrap();
        let is_built = source == "target/release/proofmark";
        assert!(is_built || repository().join(source).is_file(), "{source}");
    }
    let scripts = deb["maintainer-scripts"].as_str().unwrap();
    let unit = deb["systemd-units"]["unit-scripts"].as_str().unwrap();
    assert!(repository().join(unit).join("proofmark.service").is_file());
    let folder = tempfile::tempdir().unwrap();
    let script = repository().join(scripts).join("postinst");
    let run = oracle(folder.path(), &format!("sh -n {}", script.display()));
    run.unwrap().ended(0);
}
