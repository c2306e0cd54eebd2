//! The interpreter of Rego, with bounds on time.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::OwnRuleError;

/// How long one rule may look at the facts of one image type.
const LONGEST: Duration = Duration::from_secs(5);
/// How long a rule that does not stop by itself is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Steps between two looks at the clock.
const STEPS: NonZeroU32 = match NonZeroU32::new(1_000) {
    Some(steps) => steps,
    None => NonZeroU32::MIN,
};
/// Bytes of the stack of an evaluation: rules may be deeply nested.
const STACK: usize = 32 * 1024 * 1024;

/// The package of a rule, with all the files of its folder.
pub(super) struct Module {
    engine: Mutex<regorus::Engine>,
    package: String,
}

impl Module {
    /// What the rule finds in facts: the value of `findings`.
    pub(super) fn findings(&self, facts: &Value) -> Result<Value, String> {
        let facts = facts.to_string();
        let path = format!("{}.findings", self.package);
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = engine.clone();
        bounded(engine, path, Some(facts))?.ok_or_else(|| "`findings` is not defined".to_owned())
    }
}

/// The rules among the files of one folder: file, module, metadata.
pub(super) fn modules(
    texts: &[(String, String)],
) -> Result<Vec<(String, Module, Value)>, OwnRuleError> {
    let mut engine = regorus::Engine::new();
    engine.set_strict_builtin_errors(true);
    engine.set_execution_timer_config(regorus::utils::limits::ExecutionTimerConfig {
        limit: LONGEST,
        check_interval: STEPS,
    });
    let mut packages: Vec<(&String, String)> = Vec::new();
    for (file, text) in texts {
        let package = engine.add_policy(file.clone(), text.clone());
        let package = package.map_err(|error| OwnRuleError::new(file, one_line(&error)))?;
        if packages.iter().any(|(_, other)| *other == package) {
            let problem = format!("the package `{package}` is that of another file too");
            return Err(OwnRuleError::new(file, problem));
        }
        packages.push((file, package));
    }
    let mut modules = Vec::new();
    for (file, package) in packages {
        let failed = |problem: String| OwnRuleError::new(file, problem);
        let defined = |name: &str| {
            let path = format!("{package}.{name}");
            bounded(engine.clone(), path, Some("{}".to_owned())).map_err(failed)
        };
        let metadata = defined("rule")?;
        let findings = defined("findings");
        match metadata {
            None if matches!(findings, Ok(None)) => {}
            None => return Err(failed("it has `findings` but no `rule`".to_owned())),
            Some(metadata) => {
                if findings?.is_none() {
                    return Err(failed("it has a `rule` but no `findings`".to_owned()));
                }
                let module = Module {
                    engine: Mutex::new(engine.clone()),
                    package,
                };
                modules.push((file.clone(), module, metadata));
            }
        }
    }
    if modules.is_empty() {
        let file = texts.first().map_or("", |(file, _)| file.as_str());
        return Err(OwnRuleError::new(
            file,
            "no file of the folder defines `rule`",
        ));
    }
    Ok(modules)
}

/// Evaluates a path in a thread of its own, which is left behind where it does not come to an end. `None` where nothing
/// is defined there.
fn bounded(
    mut engine: regorus::Engine,
    path: String,
    input: Option<String>,
) -> Result<Option<Value>, String> {
    let (done, wait) = mpsc::channel();
    let evaluate = move || {
        let evaluated = evaluate(&mut engine, &path, input);
        // Nobody waits any more where it took too long.
        done.send(evaluated).ok();
    };
    let started = thread::Builder::new().stack_size(STACK).spawn(evaluate);
    started.map_err(|error| error.to_string())?;
    match wait.recv_timeout(LONGEST.saturating_add(PATIENCE)) {
        Ok(evaluated) => evaluated,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(too_long()),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("the evaluation broke off".to_owned()),
    }
}

fn too_long() -> String {
    format!("it takes longer than {} seconds", LONGEST.as_secs())
}

fn evaluate(
    engine: &mut regorus::Engine,
    path: &str,
    input: Option<String>,
) -> Result<Option<Value>, String> {
    if let Some(input) = input {
        engine
            .set_input_json(&input)
            .map_err(|error| one_line(&error))?;
    }
    let results = engine.eval_query(path.to_owned(), false).map_err(|error| {
        match error.downcast_ref::<regorus::LimitError>() {
            Some(regorus::LimitError::TimeLimitExceeded { .. }) => too_long(),
            _ => one_line(&error),
        }
    })?;
    let value = results
        .result
        .first()
        .and_then(|result| result.expressions.first());
    let Some(value) = value.map(|expression| &expression.value) else {
        return Ok(None);
    };
    if *value == regorus::Value::Undefined {
        return Ok(None);
    }
    let json = value.to_json_str().map_err(|error| one_line(&error))?;
    let json = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    Ok(Some(json))
}

/// The interpreter's message without its drawing of the source, on one line.
fn one_line(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let told = lines.filter(|line| !line.starts_with('|') && !line.contains(" | "));
    told.collect::<Vec<_>>().join(" ")
}
