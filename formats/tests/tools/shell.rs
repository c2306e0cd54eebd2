//! Runs the tools of other people that tests compare with.

use std::path::Path;
use std::process::Command;

/// Lines of a shell in `folder`; `None` where tools are missing and the user said that this is allowed.
pub(crate) fn shell(folder: &Path, script: &str) -> Option<Vec<u8>> {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(folder)
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    if output.status.code() == Some(127)
        && std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1")
    {
        println!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{script}: {error}; ./test installs the tools"
    );
    Some(output.stdout)
}
