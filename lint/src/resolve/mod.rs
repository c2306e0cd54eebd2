//! From documents to products: which manifests an `OEMInput.xml` means, which packages those bring, which definitions
//! and cabinets the packages are.

mod lookup;
mod reach;
mod select;

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
use crate::files::{self, is_below};
use crate::image::ImageType;
use crate::read::Documented;
use lookup::Lookup;

/// What the user says about the products.
#[derive(Debug, Clone, Default)]
pub struct ResolveOptions {
    /// The image type of every product, whatever its `ReleaseType`.
    pub image: Option<ImageType>,
    /// Variables of paths and names, e.g. `OEM_NAME`; stronger than those of the workspace.
    pub defines: Vec<(String, String)>,
}

/// Resolves the products and packages of what was read.
pub fn resolve(documented: Documented, options: &ResolveOptions) -> Workspace {
    let Documented {
        mut workspace,
        definitions,
    } = documented;
    let homes = Homes::of(&workspace);
    workspace.packages = definitions
        .into_iter()
        .map(|definition| {
            let home = homes.of_path(definition.path());
            let variables = home.variables(options);
            package(&workspace, definition, &variables)
        })
        .collect();
    let lookup = Lookup::new(&workspace);
    let inputs = &workspace.documents.oem_inputs;
    let products: Vec<Product> = inputs
        .par_iter()
        .map(|input| {
            product(
                &workspace,
                &lookup,
                homes.of_path(input.path()),
                input,
                options,
            )
        })
        .collect();
    workspace.products = products;
    workspace
}

fn package(workspace: &Workspace, definition: Definition, variables: &Variables) -> Arc<Package> {
    let name = definition.output_name(variables);
    let arch = Arch::of_path(definition.path());
    let file_name = format!("{name}.cab");
    let mut cabs = workspace.tree.named(&file_name);
    let cab = cabs
        .find(|cab| lookup::fits(lookup::arch_of(&cab.path), arch))
        .cloned();
    Arc::new(Package {
        definition,
        name,
        cab,
    })
}

/// The workspace folders inside what was walked, deepest first.
struct Homes {
    homes: Vec<Home>,
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
        let mut homes: Vec<Home> = settings
            .map(|file| Home {
                folder: file.folder().to_owned(),
                settings: Some(file.clone()),
            })
            .collect();
        homes.sort_by_key(|home| std::cmp::Reverse(home.folder.len()));
        let root = Home {
            folder: workspace.root.clone(),
            settings: None,
        };
        Self { homes, root }
    }

    fn of_path(&self, path: &str) -> &Home {
        let mut homes = self.homes.iter();
        homes
            .find(|home| is_below(path, &home.folder))
            .unwrap_or(&self.root)
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

fn product(
    workspace: &Workspace,
    lookup: &Lookup,
    home: &Home,
    input: &Arc<File<OemInput>>,
    options: &ResolveOptions,
) -> Product {
    let folder = input.folder();
    let settings = workspace.documents.product_settings.iter();
    let settings = settings
        .filter(|file| file.folder() == folder)
        .min_by_key(|file| {
            // The settings file of a folder is called after it; any other is the next best.
            let expected = format!("{}Settings.xml", files::name_of(folder));
            !file.name().eq_ignore_ascii_case(&expected)
        });
    let arch = settings
        .and_then(|file| Arch::from_word(file.arch.as_ref()?.value.trim()))
        .or_else(|| Arch::of_path(input.path()));
    let text = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.value.clone());
    let from_content = ImageType::of(
        text(&input.product).as_deref(),
        text(&input.release_type).as_deref(),
    );
    let image = options.image.or(from_content);

    let variables = product_variables(home, input, settings, arch, options);
    let manifests: Vec<NamedManifest> = input
        .additional_fms
        .items
        .iter()
        .map(|reference| NamedManifest {
            reference: reference.clone(),
            found: lookup.manifest(&reference.text.value, &home.folder, arch, &variables),
        })
        .collect();
    let packages = select::packages(input, &manifests, image, |entry| {
        lookup.package(entry, &home.folder, arch, &variables)
    });
    let reach = reach::reach(workspace, home, input, &manifests, &packages, settings);
    let customizations = &workspace.documents.customizations;
    let reached = customizations
        .iter()
        .filter(|file| reach.contains(file.path()));
    Product {
        name: match files::name_of(folder) {
            "" | ".." => input.name().to_owned(),
            name => name.to_owned(),
        },
        image,
        declared: options.image,
        arch,
        oem_input: input.clone(),
        manifests,
        packages,
        settings: settings.cloned(),
        workspace_settings: home.settings.clone(),
        customizations: reached.cloned().collect(),
        variables,
        in_workspace: home.settings.is_some() || !workspace.documents.manifests.is_empty(),
        reach,
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
