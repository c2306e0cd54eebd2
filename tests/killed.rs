//! Killed at any moment, signing leaves the original or the complete result, and nothing that looks like one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::cbs::{self, Parts};
use crate::support::{command, folder, proofmark};

/// Moments that are the same in every run (xorshift).
pub(crate) struct Moments(pub(crate) u64);

impl Moments {
    /// A moment between the start of a run that takes `whole` and a little after its end.
    pub(crate) fn next(&mut self, whole: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        whole * u32::try_from(self.0 % 1100).unwrap() / 1000
    }
}

/// Starts the program and kills it after `moment`.
pub(crate) fn kill(folder: &Path, line: &str, moment: Duration) {
    let mut child = command(folder)
        .args(line.split_whitespace())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(moment);
    child.kill().ok();
    child.wait().unwrap();
}

#[test]
fn a_killed_signing_leaves_the_original_or_the_result() {
    let folder = folder();
    let path = folder.path();
    let target = path.join("large.cab");
    fs::write(path.join("files/large.bin"), vec![0x5a; 12 << 20]).unwrap();
    proofmark(path, "package pack --stored --out large.cab files").ended(0);
    let original = fs::read(&target).unwrap();
    let started = Instant::now();
    proofmark(path, "sign --profile test --out signed.cab large.cab").ended(0);
    let whole = started.elapsed();
    let signed = fs::read(path.join("signed.cab")).unwrap();
    let mut moments = Moments(0x5eed_0001);
    let mut seen = [0, 0];
    for round in 0..40 {
        fs::write(&target, &original).unwrap();
        let moment = match round {
            0 => Duration::ZERO,
            _ => moments.next(whole),
        };
        kill(path, "sign --profile test --in-place large.cab", moment);
        let now = fs::read(&target).unwrap();
        match (now == original, now == signed) {
            (true, _) => seen[0] += 1,
            (_, true) => seen[1] += 1,
            _ => panic!("round {round}: {} bytes that are neither", now.len()),
        }
    }
    assert!(seen[0] > 0, "no round was killed before the end: {seen:?}");
    println!("killed before: {}, after: {}", seen[0], seen[1]);
}

/// Several packages at once, a hundred times, in place and into another folder.
#[test]
fn a_killed_resigning_leaves_no_package_half_written() {
    const PACKAGES: [&str; 4] = ["a.cab", "b.cab", "c.cab", "d.cab"];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for part in ["in", "done", "work"] {
        fs::create_dir(path.join(part)).unwrap();
    }
    for (index, name) in PACKAGES.iter().enumerate() {
        let mut parts = Parts {
            compressed: index % 2 == 0,
            ..Parts::default()
        };
        let filling = vec![index as u8; 200_000 * (index + 1)];
        parts.payload.push((r"windows\large.bin", filling));
        cbs::write(&path.join("in"), name, &parts);
    }
    let started = Instant::now();
    proofmark(path, "resign --profile test --out done in").ended(0);
    let whole = started.elapsed();
    let read = |part: &str, name: &str| fs::read(path.join(part).join(name));
    let pairs = PACKAGES.map(|name| (read("in", name).unwrap(), read("done", name).unwrap()));
    let mut moments = Moments(0x5eed_0002);
    let (mut seen, mut left) = ([0, 0], BTreeSet::new());
    for round in 0..100 {
        let is_in_place = round % 4 != 0;
        for (name, (original, _)) in PACKAGES.iter().zip(&pairs) {
            let target = path.join("work").join(name);
            match is_in_place {
                true => fs::write(target, original).unwrap(),
                false => fs::remove_file(target).unwrap_or_default(),
            }
        }
        let line = match is_in_place {
            true => "resign --profile test --in-place work",
            false => "resign --profile test --out work in",
        };
        let moment = match round {
            0 => Duration::ZERO,
            _ => moments.next(whole),
        };
        kill(path, line, moment);
        for entry in fs::read_dir(path.join("work")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(index) = PACKAGES.iter().position(|package| *package == name) else {
                // What a killed run leaves behind is no package by its name; the next run removes it.
                let is_left = name.starts_with(".proofmark-") && name.ends_with(".part");
                assert!(is_left, "round {round}: {name}");
                left.insert(name);
                continue;
            };
            let now = read("work", &name).unwrap();
            let (original, done) = &pairs[index];
            match (is_in_place && now == *original, now == *done) {
                (true, _) => seen[0] += 1,
                (_, true) => seen[1] += 1,
                _ => panic!(
                    "round {round}: {name} has {} bytes that are neither",
                    now.len()
                ),
            }
        }
    }
    assert!(seen[0] > 0, "no round was killed before the end: {seen:?}");
    proofmark(path, "resign --profile test --out work in").ended(0);
    let names = fs::read_dir(path.join("work")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.collect();
    assert_eq!(names, PACKAGES.map(str::to_owned).into());
    let (originals, results) = (seen[0], seen[1]);
    let left = left.len();
    println!("originals: {originals}, results: {results}, left and removed: {left}");
}
