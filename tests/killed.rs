//! Killed at any moment, signing leaves the original or the complete result.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{command, folder, proofmark};

#[test]
fn a_killed_signing_leaves_the_original_or_the_result() {
    let folder = folder();
    let path = folder.path();
    let target = path.join("large.cab");
    fs::write(path.join("files/large.bin"), vec![0x5a; 12 << 20]).unwrap();
    proofmark(path, "package pack --stored --out large.cab files").ended(0);
    let original = fs::read(&target).unwrap();
    proofmark(path, "sign --profile test --out signed.cab large.cab").ended(0);
    let signed = fs::read(path.join("signed.cab")).unwrap();
    let mut seen = [0, 0];
    for round in 0..40u64 {
        fs::write(&target, &original).unwrap();
        let mut child = command(path)
            .args(["sign", "--profile", "test", "--in-place", "large.cab"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(round * 5));
        child.kill().ok();
        child.wait().unwrap();
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
