//! From documents to products: which manifests an `OEMInput.xml` means, which packages those bring, which definitions
//! and cabinets the packages are.

mod lookup;
mod reach;
mod select;

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::document::oem_input::OemInput;
use formats::document::product_settings::ProductSettings;
use formats::document::variables::Variables;
use formats::document::workspace_settings::WorkspaceSettings;
use formats::source::Spanned;
use rayon::prelude::*;

use crate::facts::file::File;
use crate::facts::product::{Arch, NamedManifest};
use crate::facts::{Definition, Package, Product, Workspace};
use crate::files;
use crate::image::ImageType;
use crate::read::Documented;
use lookup::Lookup;
use reach::{Beside, reach};

/// What the user says about the products.
#[derive(Debug, Clone, Default)]
pub struct ResolveOptions {
    /// The image type of every product, whatever its `ReleaseType`.
    pub image: Option<ImageType>,
    /// Variables of paths and names, e.g. `OEM_NAME`; stronger than those of the workspace.
    pub defines: Vec<(String, String)>,
}

/// How many products a workspace may have.
const MOST_PRODUCTS: usize = 500;
/// How many manifests a product may name.
const MOST_MANIFESTS: usize = 256;
/// How many packages the manifests of all products may list together; a real product has a hundred.
const MOST_PACKAGES: usize = 200_000;

/// More of something than any workspace has: going on would cost time and memory without end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {found} {what}, the limit is {limit}")]
pub struct TooMany {
    /// The folder or document.
    pub path: String,
    /// What there is too much of.
    pub what: &'static str,
    /// How many there are.
    pub found: usize,
    /// How many are accepted.
    pub limit: usize,
}

impl TooMany {
    /// Whether there are more than the limit.
    pub fn check(path: &str, what: &'static str, found: usize, limit: usize) -> Result<(), Self> {
        if found <= limit {
            return Ok(());
        }
        Err(Self {
            path: path.to_owned(),
            what,
            found,
            limit,
        })
    }
}

/// Resolves the products and packages of what was read.
pub fn resolve(documented: Documented, options: &ResolveOptions) -> Result<Workspace, TooMany> {
    let Documented {
        mut workspace,
        definitions,
    } = documented;
    workspace.declared = options.image;
    workspace.defines = options.defines.iter().cloned().collect();
    let homes = Homes::of(&workspace);
    workspace.variables = homes.variables(options);
    let none = Variables::new();
    let packages = definitions.into_par_iter().map(|definition| {
        let home = homes.of_path(definition.path());
        let variables = workspace.variables.get(&home.folder);
        package(&workspace, definition, variables.unwrap_or(&none))
    });
    workspace.packages = packages.collect();

    let lookup = Lookup::new(&workspace);
    let mut settings: BTreeMap<&str, Vec<&Arc<File<ProductSettings>>>> = BTreeMap::new();
    for file in &workspace.documents.product_settings {
        settings.entry(file.folder()).or_default().push(file);
    }
    let inputs = &workspace.documents.oem_inputs;
    TooMany::check(&workspace.root, "products", inputs.len(), MOST_PRODUCTS)?;
    let drafts = inputs.par_iter().map(|input| {
        let home = homes.of_path(input.path());
        let beside = settings.get(input.folder()).map_or(&[][..], Vec::as_slice);
        draft(beside, &lookup, home, input, options)
    });
    let drafts: Vec<Draft<'_>> = drafts.collect::<Result<_, _>>()?;
    let manifests = drafts.iter().flat_map(|draft| &draft.manifests);
    let listed = manifests
        .filter_map(NamedManifest::file)
        .map(|file| file.packages.len());
    let listed = listed.fold(0, usize::saturating_add);
    TooMany::check(
        &workspace.root,
        "packages of manifests",
        listed,
        MOST_PACKAGES,
    )?;

    let beside = Beside::new(&workspace);
    let products = drafts.into_par_iter();
    let products = products.map(|draft| draft.finish(&workspace, &lookup, &beside, options));
    workspace.products = products.collect();
    Ok(workspace)
}

fn package(workspace: &Workspace, definition: Definition, variables: &Variables) -> Arc<Package> {
    let name = definition.output_name(variables);
    let arch = Arch::of_path(definition.path());
    let file_name = format!("{name}.cab");
    let mut cabs = workspace.tree.named(&file_name);
    let cab = cabs
        .find(|cab| Arch::fits(Arch::built_for(&cab.path), arch))
        .cloned();
    Arc::new(Package {
        macros: definition.macros(),
        definition,
        name,
        cab,
    })
}

/// The workspace folders inside what was walked.
struct Homes {
    homes: BTreeMap<String, Home>,
    /// For what is in none of them.
    root: Home,
}

/// A workspace folder.
struct Home {
    folder: String,
    settings: Option<Arc<File<WorkspaceSettings>>>,
}

impl Homes {
    fn of(workspace: &Workspace) -> Self {
        let settings = workspace.documents.workspace_settings.iter();
        let settings = settings.filter(|file| {
            file.name()
                .eq_ignore_ascii_case(crate::discover::WORKSPACE_FILE)
        });
        let home = |file: &Arc<File<WorkspaceSettings>>| Home {
            folder: file.folder().to_owned(),
            settings: Some(file.clone()),
        };
        let root = Home {
            folder: workspace.root.clone(),
            settings: None,
        };
        Self {
            homes: settings
                .map(|file| (file.folder().to_owned(), home(file)))
                .collect(),
            root,
        }
    }

    /// The variables of each of them.
    fn variables(&self, options: &ResolveOptions) -> BTreeMap<String, Variables> {
        let homes = [&self.root].into_iter().chain(self.homes.values());
        homes
            .map(|home| (home.folder.clone(), home.variables(options)))
            .collect()
    }

    /// The nearest workspace at or above a path.
    fn of_path(&self, path: &str) -> &Home {
        let mut folder = path;
        while folder != files::folder_of(folder) {
            folder = files::folder_of(folder);
            if let Some(home) = self.homes.get(folder) {
                return home;
            }
        }
        &self.root
    }
}

impl Home {
    /// The variables that every document of the workspace shares.
    fn variables(&self, options: &ResolveOptions) -> Variables {
        let mut variables = Variables::new();
        let mut set = |name: &str, value: String| {
            variables.insert(name, value);
        };
        // Package definitions write `$(OEMNAME)` for what manifests call `%OEM_NAME%`.
        set("OEMNAME", "%OEM_NAME%".to_owned());
        set("IOTWKSPACE", self.folder.clone());
        set("COMMON_DIR", files::join(&self.folder, "Common"));
        set("COMDIR", "%COMMON_DIR%".to_owned());
        set("BLD_DIR", files::join(&self.folder, "Build/%BSP_ARCH%"));
        set("PKGBLD_DIR", "%BLD_DIR%/pkgs".to_owned());
        if let Some(settings) = &self.settings {
            let config = &settings.config;
            for (name, value) in [
                ("OEM_NAME", &config.oem_name),
                ("BLD_DIR", &config.build_dir),
            ] {
                if let Some(value) = value
                    && !value.value.is_empty()
                {
                    set(name, value.value.clone());
                }
            }
        }
        for (name, value) in &options.defines {
            set(name, value.clone());
        }
        variables
    }
}

/// A product whose manifests are found and whose packages are not yet.
struct Draft<'a> {
    home: &'a Home,
    input: &'a Arc<File<OemInput>>,
    settings: Option<&'a Arc<File<ProductSettings>>>,
    arch: Option<Arch>,
    variables: Variables,
    manifests: Vec<NamedManifest>,
}

/// `settings` are those in the folder of the `OEMInput.xml`.
fn draft<'a>(
    settings: &[&'a Arc<File<ProductSettings>>],
    lookup: &Lookup<'_>,
    home: &'a Home,
    input: &'a Arc<File<OemInput>>,
    options: &ResolveOptions,
) -> Result<Draft<'a>, TooMany> {
    let folder = input.folder();
    let settings = settings.iter().copied().min_by_key(|file| {
        // The settings file of a folder is called after it; any other is the next best.
        let expected = format!("{}Settings.xml", files::name_of(folder));
        !file.name().eq_ignore_ascii_case(&expected)
    });
    let arch = settings
        .and_then(|file| Arch::from_word(file.arch.as_ref()?.value.trim()))
        .or_else(|| Arch::of_path(input.path()));
    let variables = product_variables(home, input, settings, arch, options);
    let references = &input.additional_fms.items;
    TooMany::check(input.path(), "manifests", references.len(), MOST_MANIFESTS)?;
    let manifests = references.iter().map(|reference| {
        let found = lookup.manifest(&reference.text.value, &home.folder, arch, &variables);
        NamedManifest {
            reference: reference.clone(),
            features: lookup.features(&found),
            found,
        }
    });
    Ok(Draft {
        manifests: manifests.collect(),
        home,
        input,
        settings,
        arch,
        variables,
    })
}

impl Draft<'_> {
    fn finish(
        self,
        workspace: &Workspace,
        lookup: &Lookup<'_>,
        beside: &Beside<'_>,
        options: &ResolveOptions,
    ) -> Product {
        let Self {
            home,
            input,
            settings,
            arch,
            variables,
            manifests,
        } = self;
        let text =
            |value: &'_ Option<Spanned<String>>| value.as_ref().map(|value| value.value.clone());
        let product = text(&input.product);
        let release_type = text(&input.release_type);
        let image = ImageType::of(product.as_deref(), release_type.as_deref());
        let image = options.image.or(image);
        let packages = select::packages(input, &manifests, image, |entry| {
            lookup.package(entry, &home.folder, arch, &variables)
        });
        let settings_path = settings.map(|settings| settings.path());
        let reach = reach(beside, home, input, &manifests, &packages, settings_path);
        let customizations = reach.iter().filter_map(|path| beside.customizations(path));
        Product {
            name: match files::name_of(input.folder()) {
                "" | ".." => input.name().to_owned(),
                name => name.to_owned(),
            },
            image,
            declared: options.image,
            arch,
            oem_input: input.clone(),
            customizations: customizations.collect(),
            in_workspace: home.settings.is_some() || !workspace.documents.manifests.is_empty(),
            settings: settings.cloned(),
            workspace_settings: home.settings.clone(),
            manifests,
            packages,
            variables,
            reach,
        }
    }
}

fn product_variables(
    home: &Home,
    input: &File<OemInput>,
    settings: Option<&Arc<File<ProductSettings>>>,
    arch: Option<Arch>,
    options: &ResolveOptions,
) -> Variables {
    let mut variables = home.variables(options);
    let mut set = |name: &str, value: &str| {
        let defined = options
            .defines
            .iter()
            .any(|(defined, _)| defined.eq_ignore_ascii_case(name));
        if !defined && !value.is_empty() {
            variables.insert(name, value);
        }
    };
    set("PRODSRC_DIR", input.folder());
    set("PKGSRC_DIR", "%SRC_DIR%/Packages");
    set("BSPSRC_DIR", "%SRC_DIR%/BSP");
    if let Some(arch) = arch {
        set("BSP_ARCH", arch.as_str());
        set("ARCH", arch.as_str());
        set(
            "SRC_DIR",
            &files::join(&home.folder, &format!("Source-{arch}")),
        );
    }
    if let Some(build_type) = &input.build_type {
        set("BUILDTYPE", &build_type.value);
    }
    set("BSPPKG_DIR", "%PKGBLD_DIR%");
    let envs = home.settings.iter().flat_map(|settings| &settings.envs);
    let mut envs = envs.filter(|env| {
        let name = env
            .name
            .as_ref()
            .and_then(|name| Arch::from_word(&name.value));
        name.is_some() && name == arch
    });
    if let Some(env) = envs.next() {
        set(
            "BSPVER",
            env.bsp_version
                .as_ref()
                .map_or("", |version| &version.value),
        );
        set(
            "BSPPKG_DIR",
            env.bsp_pkg_dir.as_ref().map_or("", |folder| &folder.value),
        );
    }
    if let Some(settings) = settings {
        set("BSP", settings.bsp.as_ref().map_or("", |bsp| &bsp.value));
        let config = if input.name().to_ascii_lowercase().starts_with("test") {
            "Test"
        } else {
            "Retail"
        };
        let mut configs = settings.build_configs.iter();
        let config =
            configs.find(|build| build.name.as_ref().is_some_and(|name| name.value == config));
        let folder = config.and_then(|config| config.bsp_pkg_dir.as_ref());
        set("BSPPKG_DIR", folder.map_or("", |folder| &folder.value));
    }
    variables
}

#[cfg(test)]
mod tests;
