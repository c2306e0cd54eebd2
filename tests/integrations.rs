//! The GitHub action, the GitLab template and the pre-commit hooks: what they run is run here, with this program.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Run, oracle, repository};

/// Python with `pyyaml` and `pre-commit`, as `./test` installs it.
fn python() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../oracles/python/bin/python")
}

/// A YAML file of the repository.
fn yaml(name: &str) -> Option<Value> {
    let script = "import json,sys,yaml;print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("read.py"), script.replace(';', "\n")).unwrap();
    let file = repository().join(name);
    let line = format!("{} read.py {}", python().display(), file.display());
    let run = oracle(folder.path(), &line)?.ended(0);
    Some(serde_json::from_str(&run.stdout).unwrap())
}

/// A repository with a product that has an error (not well-formed) and a clean document.
fn product() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("images")).unwrap();
    fs::write(
        folder.path().join("images/RetailOEMInput.xml"),
        "<OEMInput>\n",
    )
    .unwrap();
    git(folder.path(), "init -q .");
    folder
}

fn git(folder: &Path, line: &str) -> Run {
    let who = [
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@example.invalid",
    ];
    let run: Run = Command::new("git")
        .args(who)
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .unwrap()
        .into();
    run.ended(0)
}

/// `PATH` with this program on it.
fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_proofmark")).parent().unwrap();
    format!("{}:{}", program.display(), std::env::var("PATH").unwrap())
}

/// What a step of a workflow left behind.
struct Step {
    run: Run,
    outputs: BTreeMap<String, String>,
    path: String,
    summary: String,
}

/// A workflow's surroundings: expressions and their values.
struct Workflow {
    folder: tempfile::TempDir,
    temporary: tempfile::TempDir,
    values: BTreeMap<String, String>,
    action: Value,
}

impl Workflow {
    fn new(inputs: &[(&str, &str)]) -> Option<Self> {
        let action = yaml("action.yml")?;
        let mut values = BTreeMap::new();
        for (name, input) in action["inputs"].as_object().unwrap() {
            let default = input["default"].as_str().unwrap().to_owned();
            values.insert(format!("inputs.{name}"), default);
        }
        for (name, value) in inputs {
            let known = values.insert(format!("inputs.{name}"), (*value).to_owned());
            assert!(known.is_some(), "there is no input {name}");
        }
        let temporary = tempfile::tempdir().unwrap();
        let at = |path: &Path| path.display().to_string();
        values.insert("runner.temp".into(), at(temporary.path()));
        values.insert("github.action_path".into(), at(&repository()));
        Some(Self {
            folder: product(),
            temporary,
            values,
            action,
        })
    }

    fn step(&self, name: &str) -> &Value {
        let steps = self.action["runs"]["steps"].as_array().unwrap();
        steps.iter().find(|step| step["name"] == name).unwrap()
    }

    /// A text with its expressions replaced by their values.
    fn filled(&self, text: &str) -> String {
        let mut parts = text.split("${{ ");
        let mut out = parts.next().unwrap().to_owned();
        for part in parts {
            let (expression, rest) = part.split_once(" }}").unwrap();
            let value = self.values.get(expression);
            out.push_str(value.unwrap_or_else(|| panic!("{expression} has no value")));
            out.push_str(rest);
        }
        out
    }

    /// Runs a step's script as the runner does.
    fn run(&self, name: &str, path: &str) -> Step {
        let step = self.step(name);
        let script = step["run"].as_str().unwrap();
        assert!(
            !script.contains("${{"),
            "{name}: an input could become part of the script"
        );
        let at = |name: &str| self.temporary.path().join(name);
        fs::write(at("script.sh"), script).unwrap();
        let files = ["GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"];
        for file in files {
            fs::write(at(file), "").unwrap();
        }
        let environment = step["env"].as_object().unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| (name, self.filled(value.as_str().unwrap())));
        let run = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(at("script.sh"))
            .envs(environment)
            .envs(files.map(|file| (file, at(file))))
            .env("PATH", path)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = |file: &str| fs::read_to_string(at(file)).unwrap();
        let outputs = text("GITHUB_OUTPUT");
        let outputs = outputs.lines().map(|line| line.split_once('=').unwrap());
        Step {
            run: run.into(),
            outputs: outputs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            path: text("GITHUB_PATH"),
            summary: text("GITHUB_STEP_SUMMARY"),
        }
    }
}

#[test]
fn the_action_lints_annotates_and_hands_over_sarif() {
    let Some(workflow) = Workflow::new(&[("paths", "images\n")]) else {
        return;
    };
    let step = workflow.run("Lint", &path());
    let run = step.run.ended(1);
    assert!(
        run.stdout
            .starts_with("::error file=images/RetailOEMInput.xml,line=1,"),
        "{}",
        run.stdout
    );
    assert!(
        step.summary.starts_with("proofmark lint: 1 error in "),
        "{}",
        step.summary
    );
    let log = fs::read_to_string(&step.outputs["sarif"]).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["automationDetails"]["id"], "proofmark-lint/");
    let uri = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "images/RetailOEMInput.xml");
    assert!(
        fs::read_to_string(&step.outputs["html"])
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );

    let upload = workflow.step("Upload the results");
    let condition = "always() && inputs.upload == 'true' && steps.lint.outputs.sarif != ''";
    assert_eq!(upload["if"], condition);
    assert_eq!(
        upload["with"]["sarif_file"],
        "${{ steps.lint.outputs.sarif }}"
    );
}

#[test]
fn the_action_takes_arguments_as_they_are_and_uploads_nothing_of_a_run_that_could_not_be_done() {
    let hostile = "$(touch owned)\n; touch owned";
    let Some(workflow) = Workflow::new(&[("paths", hostile)]) else {
        return;
    };
    let step = workflow.run("Lint", &path());
    let run = step.run.ended(2);
    assert!(run.stderr.contains("$(touch owned)"), "{}", run.stderr);
    assert!(step.outputs.is_empty() && step.summary.is_empty());
    assert!(!workflow.folder.path().join("owned").exists());

    let inputs = [
        ("fail-on", "never"),
        ("arguments", "--define\nOEM_NAME=A B"),
        ("image", "retail"),
    ];
    let workflow = Workflow::new(&inputs).unwrap();
    let step = workflow.run("Lint", &path());
    step.run.ended(0);
    assert!(step.outputs.contains_key("sarif"));
}

#[test]
fn the_action_runs_a_downloaded_program_only_where_it_is_the_one_that_was_meant() {
    let program = format!("file://{}", env!("CARGO_BIN_EXE_proofmark"));
    let bytes = fs::read(env!("CARGO_BIN_EXE_proofmark")).unwrap();
    let digest = signer::digest::DigestAlgorithm::Sha256.of(&bytes);
    let digest = signer::digest::hex(&digest);
    let inputs = [
        ("binary", program.as_str()),
        ("binary-sha256", digest.as_str()),
    ];
    let Some(workflow) = Workflow::new(&inputs) else {
        return;
    };
    let step = workflow.run("Get proofmark", &std::env::var("PATH").unwrap());
    step.run.ended(0);
    let lint = workflow.run("Lint", &format!("{}:/usr/bin:/bin", step.path.trim()));
    lint.run.ended(1);

    let other = "0".repeat(64);
    let inputs = [
        ("binary", program.as_str()),
        ("binary-sha256", other.as_str()),
    ];
    let step = Workflow::new(&inputs)
        .unwrap()
        .run("Get proofmark", &std::env::var("PATH").unwrap());
    step.run.ended(1);
    assert!(step.path.is_empty());
    let step = Workflow::new(&inputs[..1])
        .unwrap()
        .run("Get proofmark", &std::env::var("PATH").unwrap());
    assert!(
        step.run
            .ended(1)
            .stdout
            .contains("binary-sha256 is missing")
    );
}

#[test]
fn the_action_names_its_sources_for_the_cache_and_takes_what_is_there() {
    let Some(workflow) = Workflow::new(&[]) else {
        return;
    };
    let step = workflow.run("Name the sources", &path());
    step.run.ended(0);
    let digest = &step.outputs["digest"];
    assert!(
        digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{digest}"
    );
    let kept = workflow.temporary.path().join("proofmark/bin");
    fs::create_dir_all(&kept).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_proofmark"), kept.join("proofmark")).unwrap();
    let step = workflow.run("Get proofmark", "/usr/bin:/bin");
    step.run.ended(0);
    assert_eq!(step.path.trim(), kept.display().to_string());
}

#[test]
fn the_gitlab_job_leaves_its_reports() {
    let Some(template) = yaml("ci/gitlab.yml") else {
        return;
    };
    let job = &template["proofmark-lint"];
    let folder = product();
    let lines = |name: &str| {
        let lines = job[name].as_array().unwrap().iter();
        lines
            .map(|line| line.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let script = [lines("before_script"), lines("script")]
        .concat()
        .join("\n");
    let run = |arguments: &str, path: &str| -> Run {
        let variables = job["variables"].as_object().unwrap().iter();
        let variables = variables.map(|(name, value)| (name, value.as_str().unwrap()));
        Command::new("bash")
            .args(["-eo", "pipefail", "-c", &script])
            .envs(variables)
            .env("PROOFMARK_ARGUMENTS", arguments)
            .env("CI_PROJECT_DIR", folder.path())
            .env("PATH", path)
            .current_dir(folder.path())
            .output()
            .unwrap()
            .into()
    };
    let default = job["variables"]["PROOFMARK_ARGUMENTS"].as_str().unwrap();
    run(default, &path()).ended(1);
    let artifacts = &job["artifacts"];
    assert_eq!(artifacts["when"], "always");
    let text =
        |name: &Value| fs::read_to_string(folder.path().join(name.as_str().unwrap())).unwrap();
    let issues: Value = serde_json::from_str(&text(&artifacts["reports"]["codequality"])).unwrap();
    assert_eq!(issues[0]["location"]["path"], "images/RetailOEMInput.xml");
    assert!(text(&artifacts["reports"]["junit"]).contains("failures=\"1\""));
    assert!(text(&artifacts["paths"][0]).starts_with("<!DOCTYPE html>"));

    run("--fail-on never", &path()).ended(0);
    let missing = run(default, "/usr/bin:/bin");
    assert!(
        missing.code != Some(0)
            && missing
                .stderr
                .contains("where the sources of proofmark are")
    );
}

#[test]
fn the_hook_judges_what_is_committed() {
    if oracle(&repository(), &format!("{} --version", python().display())).is_none() {
        return;
    }
    // The hooks as a repository of their own: another one names it by its commit.
    let hooks = tempfile::tempdir().unwrap();
    let manifest = repository().join(".pre-commit-hooks.yaml");
    fs::copy(&manifest, hooks.path().join(".pre-commit-hooks.yaml")).unwrap();
    git(hooks.path(), "init -q .");
    git(hooks.path(), "add .");
    git(hooks.path(), "commit -q -m hooks");
    let commit = git(hooks.path(), "rev-parse HEAD").stdout;

    let folder = product();
    let config = format!(
        "repos:\n- repo: {}\n  rev: {commit}  hooks: [{{ id: proofmark-lint-system }}]\n",
        hooks.path().display()
    );
    fs::write(folder.path().join(".pre-commit-config.yaml"), config).unwrap();
    fs::write(folder.path().join("readme.txt"), "nothing").unwrap();
    let home = tempfile::tempdir().unwrap();
    let pre_commit = |arguments: &[&str]| -> Run {
        Command::new(python())
            .args(["-m", "pre_commit"])
            .args(arguments)
            .env("PRE_COMMIT_HOME", home.path())
            .env("PATH", path())
            .current_dir(folder.path())
            .output()
            .unwrap()
            .into()
    };
    pre_commit(&["validate-manifest", manifest.to_str().unwrap()]).ended(0);
    git(folder.path(), "add readme.txt .pre-commit-config.yaml");
    let run = pre_commit(&["run"]).ended(0);
    assert!(run.stdout.contains("no files to check"), "{}", run.stdout);
    git(folder.path(), "add images");
    let run = pre_commit(&["run"]).ended(1);
    assert!(
        run.stdout.contains("images/RetailOEMInput.xml") && run.stdout.contains("1 error"),
        "{}",
        run.stdout
    );
    fs::write(
        folder.path().join("images/RetailOEMInput.xml"),
        "<other/>\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("images/values.reg"),
        "Windows Registry Editor Version 5.00\n",
    )
    .unwrap();
    git(folder.path(), "rm -q -f --cached images/RetailOEMInput.xml");
    git(folder.path(), "add images/values.reg");
    pre_commit(&["run"]).ended(0);
}
