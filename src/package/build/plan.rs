//! Which definitions are built, for which processor, with which variables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use formats::document::variables::Variables;
use formats::document::wm_xml::WmXml;
use lint::engine::gather;
use lint::facts::Workspace;
use lint::facts::file::File;
use lint::facts::origin::Origin;
use lint::facts::package::{Definition, Package};
use lint::facts::product::Arch;
use lint::files::{Disk, Files, folder_of};
use lint::resolve::ResolveOptions;
use signer::package::{Model, Target, model, twin};

use super::sources::Sources;
use super::{BuildArgs, cpu_name};
use crate::error::Error;
use crate::lint::text_paths;

/// The definitions that a command line means.
pub(super) struct Plan {
    /// What was read, reduced to these definitions.
    pub(super) workspaces: Vec<Workspace>,
    pub(super) packages: Vec<Planned>,
}

/// One definition.
pub(super) struct Planned {
    /// Its path.
    pub(super) definition: String,
    /// What it calls its package.
    pub(super) name: String,
    /// Whether the package has a twin.
    pub(super) has_twin: bool,
    /// `None` where a processor is missing.
    arch: Option<Arch>,
    /// `None` for the older form.
    document: Option<Arc<File<WmXml>>>,
    variables: Variables,
    sources: Sources,
}

impl Planned {
    pub(super) fn architecture(&self) -> String {
        self.arch.map_or("", cpu_name).to_owned()
    }

    /// What the package is to be, and its twin where it has one, their payload read. None is built without the other.
    pub(super) fn models(&self, version: &str) -> Result<Vec<Model>, Error> {
        let path = &self.definition;
        let Some(document) = &self.document else {
            return Err(Error::new(format!(
                "{path}: definitions of this older form are not built"
            ))
            .hint("pkggen of the kit converts them to *.wm.xml: /convert:pkg2wm"));
        };
        let Some(arch) = self.arch else {
            return Err(
                Error::new(format!("{path}: it is not clear for which processor"))
                    .hint("give one with --cpu arm|arm64|x86|amd64"),
            );
        };
        let target = Target {
            architecture: cpu_name(arch),
            version,
            variables: &self.variables,
        };
        let read = |source: &str| self.sources.read(source);
        let models = model(document, target, &read).and_then(|package| {
            let twin = twin(document, target, &package, &read)?;
            Ok([package].into_iter().chain(twin).collect())
        });
        models.map_err(|error| {
            let at = document.source.line_column(error.span.start);
            Error::new(format!("{path}:{}:{}: {error}", at.line, at.column))
        })
    }
}

/// Reads what the command line names.
pub(super) fn plan(arguments: &BuildArgs) -> Result<Plan, Error> {
    let mut defines = vec![("BSPVER".to_owned(), arguments.version.clone())];
    defines.extend(arguments.define.iter().cloned());
    let options = ResolveOptions {
        image: None,
        defines,
    };
    let paths = text_paths(&arguments.paths)?;
    let mut workspaces = gather(&Disk, &paths, &options).map_err(Error::new)?;
    let (mut packages, mut is_broken) = (Vec::new(), false);
    for workspace in &mut workspaces {
        let is_wanted = |package: &Package| {
            let path = package.definition.path();
            let arch = Arch::of_path(path);
            let is_named = paths.iter().any(|named| named == path);
            let is_source = package.definition.is_built() && Origin::of(path) == Origin::Source;
            workspace.is_target(path) && (is_named || is_source) && Arch::fits(arch, arguments.cpu)
        };
        let wanted = workspace.packages.iter();
        let wanted: Vec<_> = wanted
            .filter(|package| is_wanted(package))
            .cloned()
            .collect();
        for package in &wanted {
            packages.push(planned(workspace, package, arguments));
        }
        let broken = broken(workspace, arguments.cpu);
        is_broken |= !broken.is_empty();
        let paths = wanted
            .iter()
            .map(|package| package.definition.path().to_owned());
        workspace.targets = paths.chain(broken).collect();
    }
    // The linter says what is wrong with those that are broken.
    if packages.is_empty() && !is_broken {
        let what = "there is no definition of a package (*.wm.xml) that could be built";
        let shown: Vec<_> = arguments
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(Error::new(format!("{}: {what}", shown.join(", "))).hint(
            "name definitions, or a folder with some; --cpu leaves out those for other processors",
        ));
    }
    Ok(Plan {
        workspaces,
        packages,
    })
}

/// The files that are definitions by their name and that cannot be read as such: without them a build lacks packages.
fn broken(workspace: &Workspace, cpu: Option<Arch>) -> Vec<String> {
    let documents = &workspace.documents;
    let unreadable = documents.unreadable.iter().map(|file| file.place.file());
    let misnamed = documents.misnamed.iter().map(|file| file.source.name());
    let is_wanted = |path: &&str| {
        let lower = path.to_lowercase();
        let is_definition = lower.ends_with(".wm.xml") || lower.ends_with(".pkg.xml");
        is_definition
            && workspace.is_target(path)
            && Origin::of(path) == Origin::Source
            && Arch::fits(Arch::of_path(path), cpu)
    };
    let broken = unreadable.chain(misnamed).filter(is_wanted);
    broken.map(str::to_owned).collect()
}

fn planned(workspace: &Workspace, package: &Package, arguments: &BuildArgs) -> Planned {
    let path = package.definition.path();
    let arch = arguments.cpu.or_else(|| arch(path));
    let home = home(workspace, path);
    let variables = variables(workspace, home, arch, arguments);
    let defined = arguments.define.iter().map(|(_, value)| Path::new(value));
    let defined = defined.filter(|path| path.is_absolute() && path.is_dir());
    let named = arguments.paths.iter().filter(|named| named.is_dir());
    let workspace_folder = on_disk(home);
    let is_workspace = workspace_folder.join("IoTWorkspace.xml").is_file();
    let workspace_folder = is_workspace.then_some(workspace_folder.as_path());
    let roots = named
        .map(PathBuf::as_path)
        .chain(workspace_folder)
        .chain(defined);
    Planned {
        definition: path.to_owned(),
        name: package.definition.output_name(&variables),
        has_twin: arch == Some(Arch::Arm64) && package.definition.has_twin(),
        arch,
        document: match &package.definition {
            Definition::Wm(document) => Some(document.clone()),
            Definition::Pkg(_) => None,
        },
        sources: Sources::new(Path::new(package.definition.folder()), roots),
        variables,
    }
}

/// The processor of the `Source-<arch>` folder that a definition is in, also where that is the current folder.
fn arch(path: &str) -> Option<Arch> {
    Arch::of_path(path).or_else(|| Arch::of_path(&Disk.canonical(path).ok()?))
}

fn on_disk(folder: &str) -> PathBuf {
    PathBuf::from(if folder.is_empty() { "." } else { folder })
}

/// The folder of the nearest workspace at or above a path.
fn home<'a>(workspace: &'a Workspace, path: &'a str) -> &'a str {
    let mut folder = folder_of(path);
    while !workspace.variables.contains_key(folder) && folder != folder_of(folder) {
        folder = folder_of(folder);
    }
    match workspace.variables.contains_key(folder) {
        true => folder,
        false => &workspace.root,
    }
}

/// What the kit's build gives definitions, and above it what the user gives.
fn variables(
    workspace: &Workspace,
    home: &str,
    arch: Option<Arch>,
    arguments: &BuildArgs,
) -> Variables {
    let mut variables = workspace.variables.get(home).cloned().unwrap_or_default();
    // Whole paths, which mean the same from every folder.
    let whole = on_disk(home)
        .canonicalize()
        .unwrap_or_else(|_| on_disk(home));
    let whole = whole
        .to_string_lossy()
        .replace(std::path::MAIN_SEPARATOR, "/");
    let below = |value: &str| {
        // A value that begins with another variable gets its place from that one.
        let rest = value
            .strip_prefix(home)
            .filter(|_| !value.starts_with(['%', '$']))?;
        let is_below = home.is_empty() || rest.is_empty() || rest.starts_with('/');
        let rest = rest.trim_start_matches('/');
        (is_below && !Path::new(value).is_absolute()).then(|| format!("{whole}/{rest}"))
    };
    for name in ["IOTWKSPACE", "COMMON_DIR", "BLD_DIR"] {
        if let Some(value) = variables.get(name).and_then(below) {
            variables.insert(name, value);
        }
    }
    let arch = arch.map_or("", Arch::as_str);
    let source = format!("{whole}/Source-{arch}");
    for (name, value) in [
        ("_RELEASEDIR", "."),
        ("BSPARCH", arch),
        ("BSP_ARCH", arch),
        ("BSPVER", &arguments.version),
        ("BSP_VERSION", &arguments.version),
        ("PRJDIR", &source),
        ("SRC_DIR", &source),
        ("BLDDIR", "%BLD_DIR%"),
    ] {
        variables.insert(name, value);
    }
    for (name, value) in &arguments.define {
        variables.insert(name, value.clone());
    }
    variables
}
