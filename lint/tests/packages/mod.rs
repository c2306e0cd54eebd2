//! The built packages of the fixtures, made by this project's own code and test certificates: the same bytes every time.
//!
//! `UPDATE_PACKAGES=1 cargo test -p proofmark-lint packages` writes them anew; without it the test compares.

pub(crate) mod build;
mod recipes;

use std::fs;

use crate::support::repository;

#[test]
fn the_packages_of_the_fixtures_are_what_their_recipes_give() {
    let update = std::env::var_os("UPDATE_PACKAGES").is_some();
    let mut wrong = Vec::new();
    for (path, bytes) in recipes::all() {
        let file = repository().join("lint/tests/fixtures").join(&path);
        if update {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &bytes).unwrap();
        } else if fs::read(&file).ok() != Some(bytes) {
            wrong.push(path);
        }
    }
    assert!(wrong.is_empty(), "differ from their recipes: {wrong:?}");
}
