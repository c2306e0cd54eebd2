//! `proofmark features` as a user meets it: the example workspace, the kit, a wrong folder, a merge.

use std::fs;

use serde_json::Value;

use crate::definitions::workspace;
use crate::support::{corpus, oracle, proofmark};

#[test]
fn the_example_workspace_has_a_map_in_three_forms() {
    let folder = workspace();
    let path = folder.path();
    let run = proofmark(path, "features w").ended(0);
    let row = run
        .stdout
        .lines()
        .find(|line| line.starts_with("KIOSK_AGENT "));
    let words: Vec<&str> = row.unwrap().split_whitespace().collect();
    assert_eq!(
        words,
        [
            "KIOSK_AGENT",
            "OEMFM.xml",
            "Fjordlight.Kiosk.Agent.cab",
            "Kiosk"
        ]
    );
    assert!(
        run.stdout.ends_with("2 products; 0 missing, 0 unused\n"),
        "{}",
        run.stdout
    );
    let run = proofmark(path, "features --format json w").ended(0);
    let map: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(map["schema_version"], 1);
    assert_eq!(map["products"].as_array().unwrap().len(), 2);
    let run = proofmark(path, "features --format dot w").ended(0);
    fs::write(path.join("map.dot"), &run.stdout).unwrap();
    let Some(drawn) = oracle(path, "dot -Tplain map.dot") else {
        return;
    };
    let nodes = drawn.ended(0).stdout;
    let nodes = nodes
        .lines()
        .filter(|line| line.starts_with("node "))
        .count();
    // Two products, four packages, and what brings them.
    assert_eq!(nodes, run.stdout.matches("[label=").count());
    assert!(nodes >= 10, "{nodes}");
}

/// Who asks for one manifest hears of all products that use it.
#[test]
fn one_manifest_has_the_products_around_it() {
    let folder = workspace();
    let manifest = "w/Source-arm/Packages/OEMFM.xml";
    let run = proofmark(folder.path(), &format!("features {manifest}")).ended(0);
    let last = "3 features, 3 packages, 2 products; 0 missing, 0 unused\n";
    assert!(run.stdout.ends_with(last), "{}", run.stdout);
    assert!(!run.stdout.contains("FjordBoardFM.xml"), "{}", run.stdout);
}

#[test]
fn a_merged_manifest_is_read_like_any_other() {
    let folder = workspace();
    let path = folder.path();
    let run = proofmark(path, "features --merge merged --version 10.0.3.0 w").ended(0);
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
    assert!(
        run.stderr
            .contains("feature identifier packages are not made")
    );
    let text = fs::read_to_string(path.join("merged/OEMFM.xml")).unwrap();
    for part in [
        "ID=\"OEMFM\" OwnerName=\"Fjordlight\" OSVersion=\"10.0.3.0\"",
        "ID=\"Fjordlight.Kiosk.Agent\" Name=\"Fjordlight.Kiosk.Agent.cab\"",
        "<!-- Merged without feature identifier packages",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // Where the kit puts it, products are made from it, and nothing about them changes.
    let before = proofmark(path, "features w").ended(0).stdout;
    fs::create_dir_all(path.join("w/Build/arm/MergedFMs")).unwrap();
    for name in ["OEMFM.xml", "FjordBoardFM.xml"] {
        let target = path.join("w/Build/arm/MergedFMs").join(name);
        fs::copy(path.join("merged").join(name), target).unwrap();
    }
    assert_eq!(proofmark(path, "features w").ended(0).stdout, before);
    proofmark(path, "lint w").ended(0);
    if oracle(path, "xmllint --noout merged/OEMFM.xml").is_some_and(|run| run.code != Some(0)) {
        panic!("{text}");
    }
}

#[test]
fn the_kit_has_a_map_with_what_it_lacks() {
    let Some(kit) = corpus("addonkit/Workspace") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let line = format!("features --format json {}", kit.display());
    let run = proofmark(folder.path(), &line).ended(0);
    let map: Value = serde_json::from_str(&run.stdout).unwrap();
    let groups = map["manifests"].as_array().unwrap().iter();
    let groups: Vec<&Value> = groups
        .flat_map(|manifest| manifest["groups"].as_array().unwrap())
        .collect();
    let by_value = |value: &str| groups.iter().find(|group| group["value"] == value).unwrap();
    let hot_key = by_value("OEMCommon_HotKey");
    assert_eq!(hot_key["packages"][0]["state"], "defined");
    assert_eq!(
        hot_key["packages"][0]["name"],
        "Contoso.Settings.HotKey.cab"
    );
    let line = format!("features {}", kit.display());
    let table = proofmark(folder.path(), &line).ended(0).stdout;
    assert!(table.contains("unused   feature "), "{table}");
}

#[test]
fn what_is_no_workspace_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("empty")).unwrap();
    let run = proofmark(path, "features empty").ended(2);
    assert!(
        run.stderr.contains("empty: there is no feature manifest"),
        "{}",
        run.stderr
    );
    let run = proofmark(path, "features --merge out --version 1.0.0.0 empty").ended(2);
    assert!(
        run.stderr.contains("no list (*FMFileList.xml)"),
        "{}",
        run.stderr
    );
    assert!(!path.join("out").exists());
    let run = proofmark(path, "features --merge out empty").ended(2);
    assert!(run.stderr.contains("--version"), "{}", run.stderr);
    let run = proofmark(path, "features nowhere").ended(2);
    assert!(run.stderr.contains("nowhere"), "{}", run.stderr);
}
