//! `proofmark catalog create`: from a definition or a folder.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

use clap::Args;
use formats::container::Container;
use formats::container::cat::{
    CatalogBuilder, Definition, FileAttribute, NameValue, Subject, SubjectKind, Tag, Version,
};
use formats::document::decode::decode;
use rayon::prelude::*;
use serde_json::json;
use signer::anchor::Purpose;
use signer::catalog::{CatalogError, Hashable};
use signer::digest::{DigestAlgorithm, hex};
use signer::sign::sign;
use time::OffsetDateTime;

use crate::allow::AllowArgs;
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs;
use crate::output;
use crate::profile::{self, KeyFiles, Ready};
use crate::trust;
use crate::{ReportFormat, instant};

/// Make a catalog of files; the same files, options and time give the same bytes.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Definition as for makecat; its paths count from the current folder
    #[arg(long, value_name = "FILE", required_unless_present = "folder")]
    cdf: Option<PathBuf>,
    /// Folder that the paths of the definition count from
    #[arg(long, value_name = "DIR", requires = "cdf")]
    base: Option<PathBuf>,
    /// Folder whose files are listed, each with its name
    #[arg(value_name = "DIR", conflicts_with = "cdf")]
    folder: Option<PathBuf>,
    /// The catalog; otherwise what the definition says, or DIR.cat in the current folder
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Generation of the catalog: 1 (SHA-1) or 2 (SHA-256)
    #[arg(long, value_name = "1|2", default_value = "2", value_parser = version, conflicts_with = "cdf")]
    version: Version,
    /// Windows versions that the files are for
    #[arg(
        long,
        value_name = "VERSION",
        value_delimiter = ',',
        default_value = "10.0",
        conflicts_with = "cdf"
    )]
    os: Vec<String>,
    /// Time of the catalog instead of now
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    time: Option<OffsetDateTime>,
    /// Identifier of the list, 32 hexadecimal digits; otherwise it follows from the contents
    #[arg(long, value_name = "HEX", value_parser = identifier)]
    list_id: Option<ListIdentifier>,
    /// Sign the catalog with this profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    #[command(flatten)]
    key_files: KeyFiles,
    #[command(flatten)]
    allow: AllowArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// 16 bytes that no other list should have.
#[derive(Debug, Clone, Copy)]
struct ListIdentifier([u8; 16]);

fn identifier(text: &str) -> Result<ListIdentifier, String> {
    let wrong = || "32 hexadecimal digits are expected".to_owned();
    match text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => u128::from_str_radix(text, 16)
            .map(|number| ListIdentifier(number.to_be_bytes()))
            .map_err(|_| wrong()),
        false => Err(wrong()),
    }
}

fn version(text: &str) -> Result<Version, String> {
    match text {
        "1" => Ok(Version::V1),
        "2" => Ok(Version::V2),
        _ => Err("1 or 2 is expected".to_owned()),
    }
}

/// A catalog before its files are hashed.
struct Plan {
    version: Version,
    attributes: Vec<NameValue>,
    files: Vec<Listed>,
    out: PathBuf,
}

/// A file of a plan.
struct Listed {
    path: PathBuf,
    tag: Tag,
    kind: Option<SubjectKind>,
    attributes: Vec<FileAttribute>,
    /// Its line in the definition.
    line: Option<usize>,
}

/// Runs the command.
pub(crate) fn run(arguments: &CreateArgs, config: &Config) -> Result<Exit, Error> {
    // A profile that may not sign is refused before a large folder is hashed.
    let ready = match &arguments.profile {
        Some(name) => Some(signing(name, arguments, config)?),
        None => None,
    };
    let plan = match (&arguments.cdf, &arguments.folder) {
        (Some(cdf), _) => defined(cdf, arguments)?,
        (None, Some(folder)) => of_folder(folder, arguments)?,
        (None, None) => return Err(Error::new("give a folder, or --cdf FILE")),
    };
    let time = arguments.time.unwrap_or_else(OffsetDateTime::now_utc);
    let mut builder = CatalogBuilder::new(plan.version, time);
    for attribute in &plan.attributes {
        builder.attribute(attribute.clone());
    }
    let subjects: Vec<Result<Subject, Error>> = plan.files.par_iter().map(hash).collect();
    for (subject, file) in subjects.into_iter().zip(&plan.files) {
        let added = builder.add(subject?);
        added.map_err(|error| Error::file(&file.path, error))?;
    }
    let write = |identifier: &[u8]| {
        let bytes = builder.write(identifier);
        bytes.map_err(|error| Error::file(&plan.out, error))
    };
    let identifier = match arguments.list_id {
        Some(ListIdentifier(identifier)) => identifier.to_vec(),
        None => {
            let mut digest = DigestAlgorithm::Sha256.of(&write(&[])?);
            digest.truncate(16);
            digest
        }
    };
    let mut bytes = write(&identifier)?;
    if let Some(ready) = &ready {
        bytes = signed(&bytes, ready).map_err(|error| Error::file(&plan.out, error))?;
    }
    if let Some(folder) = plan.out.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    }
    signer::output::write_bytes(&plan.out, &bytes)
        .map_err(|error| Error::file(&plan.out, error))?;
    report(&plan, bytes.len(), &identifier, ready.as_ref(), arguments)?;
    Ok(Exit::Clean)
}

fn signing(name: &str, arguments: &CreateArgs, config: &Config) -> Result<Ready, Error> {
    let ready = profile::load(config, name, &arguments.key_files)?;
    let anchors = trust::anchors(config, &[])?;
    let now = OffsetDateTime::now_utc();
    profile::check(
        &ready,
        &arguments.allow.names(),
        now,
        &anchors,
        Purpose::Code,
    )?;
    Ok(ready)
}

fn defined(cdf: &Path, arguments: &CreateArgs) -> Result<Plan, Error> {
    let bytes = std::fs::read(cdf).map_err(|error| Error::file(cdf, error))?;
    let name = cdf.display().to_string();
    let source = decode(&name, &bytes).map_err(|fault| Error::file(cdf, fault.error))?;
    let definition = Definition::parse(source.text()).map_err(|error| Error::file(cdf, error))?;
    if definition.unfinished {
        output::note(format_args!(
            "note: {name}: the last line has no line end; makecat would leave it out"
        ));
    }
    let base = arguments.base.clone().unwrap_or_default();
    let files = definition.files.into_iter().map(|file| Listed {
        path: base.join(native(&file.path)),
        tag: file.tag,
        kind: file.kind,
        attributes: file.attributes,
        line: Some(file.line),
    });
    let folder = definition.result_dir.as_deref().map(native);
    let named = base
        .join(folder.unwrap_or_default())
        .join(native(&definition.name));
    Ok(Plan {
        version: definition.version,
        attributes: definition.attributes,
        files: files.collect(),
        out: arguments.out.clone().unwrap_or(named),
    })
}

/// A path of a definition as this system writes it.
fn native(path: &str) -> PathBuf {
    match cfg!(windows) {
        true => PathBuf::from(path),
        false => PathBuf::from(path.replace('\\', "/")),
    }
}

fn of_folder(folder: &Path, arguments: &CreateArgs) -> Result<Plan, Error> {
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => {
            let absolute = folder
                .canonicalize()
                .map_err(|error| Error::file(folder, error))?;
            let name = absolute.file_name().ok_or_else(|| {
                Error::file(folder, "this folder has no name to call the catalog by")
                    .hint("--out FILE names the catalog")
            })?;
            PathBuf::from(format!("{}.cat", name.to_string_lossy()))
        }
    };
    let old = out.canonicalize().ok();
    let is_old = |path: &PathBuf| old.is_some() && path.canonicalize().ok() == old;
    let mut paths = inputs::all(&[folder.to_owned()])?;
    paths.retain(|path| !is_old(path));
    let files = paths.into_iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let value = NameValue::from_text("File", &name);
        Listed {
            tag: Tag::Hash,
            kind: None,
            attributes: vec![FileAttribute {
                value,
                in_twin: false,
            }],
            line: None,
            path,
        }
    });
    // 2 is the platform of Windows NT.
    let os: Vec<String> = arguments.os.iter().map(|os| format!("2:{os}")).collect();
    Ok(Plan {
        version: arguments.version,
        attributes: vec![NameValue::from_text("OSAttr", &os.join(","))],
        files: files.collect(),
        out,
    })
}

fn hash(file: &Listed) -> Result<Subject, Error> {
    let path = &file.path;
    let problem = |error: CatalogError| match file.line {
        Some(line) => Error::file(
            path,
            format_args!("{error} (line {line} of the definition)"),
        )
        .hint("paths count from the current folder, or from --base DIR"),
        None => Error::file(path, error),
    };
    let opened = File::open(path).map_err(|error| problem(error.into()))?;
    let mut input = BufReader::new(opened);
    let hashable = match file.kind {
        Some(kind) => Hashable::of_kind(kind, &mut input),
        None => Hashable::recognise(&mut input),
    };
    let subject = hashable.and_then(|hashable| {
        Ok(hashable.subject(&mut input, file.tag.clone(), file.attributes.clone())?)
    });
    subject.map_err(problem)
}

fn signed(bytes: &[u8], ready: &Ready) -> Result<Vec<u8>, signer::sign::SignError> {
    let mut input = Cursor::new(bytes);
    let container = Container::read(&mut input)?;
    let patch = sign(&container, &mut input, &ready.identity, &ready.options)?;
    let mut signed = Vec::new();
    patch.apply(&mut input, &mut signed)?;
    Ok(signed)
}

fn report(
    plan: &Plan,
    length: usize,
    identifier: &[u8],
    ready: Option<&Ready>,
    arguments: &CreateArgs,
) -> Result<(), Error> {
    let version = super::list::number(plan.version);
    let files = plan.files.len();
    let signer = ready.map(|ready| ready.identity.leaf().subject.to_string());
    let text = match arguments.format {
        ReportFormat::Json => {
            let record = json!({
                "file": plan.out.display().to_string(),
                "status": "created",
                "version": version,
                "files": files,
                "bytes": length,
                "list_identifier": hex(identifier),
                "profile": arguments.profile,
                "signer": signer,
            });
            format!("{record:#}\n")
        }
        ReportFormat::Text => {
            let out = plan.out.display();
            let signed = match signer {
                Some(signer) => format!("signed by {signer}"),
                None => "unsigned".to_owned(),
            };
            format!("created  {out} (version {version}, {files} files, {length} bytes, {signed})\n")
        }
    };
    Ok(output::result(&text)?)
}
