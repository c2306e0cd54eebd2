//! `proofmark features`: which features exist, what they bring, who selects them; and feature manifests merged for images.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lint::engine::gather;
use lint::facts::Workspace;
use lint::facts::product::Arch;
use lint::feature_map::{FeatureMap, Release, merge};
use lint::files::Disk;
use lint::resolve::ResolveOptions;

use crate::error::Error;
use crate::exit::Exit;
use crate::lint::{text_paths, variable};
use crate::output;
use crate::package::{processor, version};

/// Show which features exist, which packages each brings, which product selects it, and what is missing or unused.
///
/// With --merge, feature manifests are written as images are made from them: with version, owner and the identifier of
/// every package filled in. Feature identifier packages (FIP), which the kit's feature merger makes too, are not: what is
/// inside them is not published. docs/packages.md says what was never seen by a device.
#[derive(Debug, Args)]
pub(crate) struct FeaturesArgs {
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Value of a variable such as OEM_NAME or PKGBLD_DIR, stronger than the workspace's
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    define: Vec<(String, String)>,
    /// Write every manifest that a list names to this folder, merged
    #[arg(long, value_name = "DIR", requires = "version")]
    merge: Option<PathBuf>,
    /// Version that is filled in, four numbers
    #[arg(long, value_name = "A.B.C.D", requires = "merge", value_parser = version)]
    version: Option<String>,
    /// Processor whose manifests are merged: arm, arm64, x86 or amd64
    #[arg(long, value_name = "ARCH", requires = "merge", value_parser = processor)]
    cpu: Option<Arch>,
    /// Workspace
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Form of the map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// For programs; docs/json.md describes it
    Json,
    /// A drawing for Graphviz: proofmark features --format dot . | dot -Tsvg
    Dot,
}

/// Runs the command.
pub(crate) fn run(arguments: &FeaturesArgs) -> Result<Exit, Error> {
    let folder = &arguments.folder;
    let options = ResolveOptions {
        image: None,
        defines: arguments.define.clone(),
    };
    let paths = text_paths(std::slice::from_ref(folder))?;
    let workspaces = gather(&Disk, &paths, &options).map_err(Error::new)?;
    if let (Some(out), Some(version)) = (&arguments.merge, &arguments.version) {
        let release = Release {
            version: version.clone(),
            arch: arguments.cpu,
            defines: arguments.define.clone(),
        };
        return write_merged(&workspaces, &release, folder, out);
    }
    let map = FeatureMap::of(&workspaces);
    if map.manifests.is_empty() && map.products.is_empty() {
        let problem = "there is no feature manifest (*FM.xml) and no product (OEMInput.xml)";
        return Err(Error::file(folder, problem).hint("name the folder of a workspace"));
    }
    output::result(&match arguments.format {
        Format::Table => map.table(),
        Format::Json => map.json().map_err(Error::new)?,
        Format::Dot => map.dot(),
    })?;
    Ok(Exit::Clean)
}

fn write_merged(
    workspaces: &[Workspace],
    release: &Release,
    folder: &Path,
    out: &Path,
) -> Result<Exit, Error> {
    let merged = merge(workspaces, release);
    if merged.is_empty() {
        let problem = "no list (*FMFileList.xml) names a feature manifest";
        return Err(
            Error::file(folder, problem).hint("a list gives each manifest its ID and owner")
        );
    }
    let mut count: HashMap<String, usize> = HashMap::new();
    for manifest in &merged {
        let count = count.entry(manifest.name.to_lowercase()).or_default();
        *count = count.saturating_add(1);
    }
    std::fs::create_dir_all(out).map_err(|error| Error::file(out, error))?;
    let mut exit = Exit::Clean;
    for manifest in merged {
        let is_one_of_several = count.get(&manifest.name.to_lowercase()) > Some(&1);
        let text = match manifest.text {
            Ok(text) if !is_one_of_several => text,
            Ok(_) => {
                let problem = format!("several lists name a {}; choose with --cpu", manifest.name);
                output::note(format_args!("error: {}: {problem}", manifest.source));
                exit = Exit::CouldNotRun;
                continue;
            }
            Err(error) => {
                output::note(format_args!("error: {}: {error}", manifest.source));
                exit = Exit::CouldNotRun;
                continue;
            }
        };
        let target = out.join(&manifest.name);
        signer::output::write_bytes(&target, text.as_bytes())
            .map_err(|error| Error::file(&target, error))?;
        output::result(&format!(
            "merged   {} -> {}\n",
            manifest.source,
            target.display()
        ))?;
    }
    output::note("feature identifier packages are not made: what is inside them is not published");
    Ok(exit)
}
