//! Builds packages in the shape of real ones: deployment and component manifest, `update.mum`, `update.cat`, payload.

use std::io::Cursor;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use formats::certificate::Certificate;
use formats::container::cab::{Entry, Packing, attribs, pack};
use formats::container::cat::{CatalogBuilder, NameValue, Tag, Version};
use formats::oid::{self, Oid};
use formats::tbs_certificate::{Extension, KeyUsageBits, name};
use formats::{der, der_time};
use signer::anchor::Anchors;
use signer::catalog::Hashable;
use signer::clock::parse_rfc3339;
use signer::digest::{DigestAlgorithm, hex};
use signer::environment::{Environment, HttpReply, HttpRequest, TransportError};
use signer::identity::Identity;
use signer::issue::{Subject, issue};
use signer::sign::{IfSigned, Job, Placement, SignOptions, sign_bytes};
use signer::timestamp::{Obtainer, Protocol, Server, Servers};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::authority::{Authority, Lie};
use crate::image_builder::RawImage;
use crate::package_builder::{Hash, RawFile, RawPackage, SHA256, Style};
use crate::support::repository;

/// A file of a package: its path below the component, and its content.
pub(crate) type Payload = (&'static str, Vec<u8>);

fn testcert(file: &str) -> Vec<u8> {
    std::fs::read(repository().join("testcerts").join(file)).unwrap()
}

pub(crate) fn certificate(name: &str) -> Certificate {
    Certificate::parse(&testcert(&format!("{name}.cer")), 0).unwrap()
}

pub(crate) fn identity(name: &str) -> Identity {
    Identity::from_pfx(&testcert(&format!("{name}.pfx")), "").unwrap()
}

/// What a new certificate says.
pub(crate) struct New<'a> {
    pub(crate) organization: &'a str,
    pub(crate) name: &'a str,
    /// Whose key it is for, and whose it is signed with where there is no issuer.
    pub(crate) key: &'a str,
    pub(crate) issuer: Option<&'a str>,
    /// Days of validity, RFC 3339.
    pub(crate) valid: (&'a str, &'a str),
    /// Purposes, encoded.
    pub(crate) purposes: &'a [&'a [u8]],
}

/// An identity with a certificate that is made for one fixture.
pub(crate) fn made(new: &New<'_>) -> Identity {
    let key_file = testcert(&format!("{}.key", new.key));
    let own = Identity::from_files(&key_file, None, &testcert(&format!("{}.cer", new.key)));
    let own = own.unwrap();
    let issuer = new.issuer.map(|issuer| {
        let key = testcert(&format!("{issuer}.key"));
        Identity::from_files(&key, None, &testcert(&format!("{issuer}.cer"))).unwrap()
    });
    let purposes: Vec<Oid<'_>> = new.purposes.iter().map(|purpose| Oid(purpose)).collect();
    let encoded = name(new.organization, new.name);
    let subject = Subject {
        serial: &[0x5a, 1, 2, 3],
        name: &encoded,
        public_key: &own.leaf().public_key,
        not_before: parse_rfc3339(new.valid.0).unwrap(),
        not_after: parse_rfc3339(new.valid.1).unwrap(),
        extensions: vec![
            Extension::key_usage(KeyUsageBits::SIGNER),
            Extension::extended_key_usage(&purposes),
        ],
    };
    let signer = issuer.as_ref().unwrap_or(&own);
    let leaf = issue(&subject, issuer.as_ref().map(Identity::leaf), signer.key()).unwrap();
    let chain = match &issuer {
        Some(issuer) => vec![leaf, issuer.leaf().clone()],
        None => vec![leaf],
    };
    let pem = chain
        .iter()
        .map(|c| signer::identity::write_pem(c).unwrap());
    Identity::from_files(&key_file, None, pem.collect::<String>().as_bytes()).unwrap()
}

/// A server in memory that stamps at one time.
struct Stamps {
    authority: Authority,
    protocol: Protocol,
}

impl Environment for Stamps {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpReply, TransportError> {
        let (kind, body) = match self.protocol {
            Protocol::Rfc3161 => ("timestamp-reply", self.authority.answer(request.body)),
            Protocol::Legacy => ("octet-stream", self.authority.countersign(request.body)),
        };
        Ok(HttpReply {
            status: 200,
            headers: vec![("Content-Type".to_owned(), format!("application/{kind}"))],
            body,
        })
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> OffsetDateTime {
        self.authority.time
    }

    fn pause(&self, _: Duration) {}

    fn random(&self) -> Result<[u8; 8], TransportError> {
        Ok([7; 8])
    }
}

/// How a file is signed.
pub(crate) struct Signing<'a> {
    pub(crate) by: &'a Identity,
    pub(crate) options: SignOptions,
    /// The time of a stamp by the test authority, and its protocol.
    pub(crate) stamp: Option<(OffsetDateTime, Protocol)>,
}

impl<'a> Signing<'a> {
    pub(crate) fn by(by: &'a Identity) -> Self {
        Self {
            by,
            options: SignOptions::default(),
            stamp: None,
        }
    }

    /// With a time stamp of 2025.
    pub(crate) fn stamped(by: &'a Identity) -> Self {
        let stamp = (datetime!(2025-03-01 12:00 UTC), Protocol::Rfc3161);
        Self {
            stamp: Some(stamp),
            ..Self::by(by)
        }
    }

    pub(crate) fn nested(mut self) -> Self {
        self.options.placement = Placement::Nest;
        self
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let anchors = Anchors::built_in().with(&certificate("tsa-root"));
        let (time, protocol) = self
            .stamp
            .unwrap_or((OffsetDateTime::UNIX_EPOCH, Protocol::Rfc3161));
        let stamps = Stamps {
            authority: Authority {
                identity: identity("tsa"),
                time,
                lie: Lie::Nothing,
                chain: vec![certificate("tsa-root").der],
            },
            protocol,
        };
        let server = Server {
            url: "http://stamps.test/".to_owned(),
            protocol,
        };
        let servers = Servers::new(vec![server], Duration::from_secs(10));
        let obtainer = Obtainer::new(&servers, &anchors, &stamps);
        let job = Job {
            identity: self.by,
            options: &self.options,
            if_signed: IfSigned::Replace,
            stamping: self.stamp.map(|_| &obtainer),
        };
        sign_bytes(bytes, job).unwrap().0
    }
}

/// A small program for `machine`.
pub(crate) fn image(machine: u16) -> Vec<u8> {
    let mut image = RawImage::small(machine == 0x8664);
    image.machine = machine;
    image.bytes()
}

/// An app package of this publisher; `inside` stands in its manifest below the identity.
pub(crate) fn app(publisher: &str, inside: &str) -> Vec<u8> {
    let hash = Hash {
        uri: SHA256,
        of: |bytes| DigestAlgorithm::Sha256.of(bytes),
    };
    let manifest = crate::package_builder::manifest(publisher);
    let manifest = manifest.replace("</Package>", &format!("{inside}</Package>"));
    let manifest = RawFile::new("AppxManifest.xml", manifest, Style::Plain);
    RawPackage::of(Vec::new(), manifest, Style::Plain, hash).bytes()
}

/// What `update.mum` says, and what is in the package.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) architecture: &'static str,
    pub(crate) release: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) owner_type: &'static str,
    pub(crate) partition: &'static str,
    pub(crate) payload: Vec<Payload>,
    /// `registryKeys` and `memberships` of the component.
    pub(crate) component: &'static str,
    pub(crate) catalog: Version,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            name: "Fjordlight.Kiosk.Agent",
            version: "10.1.4.0",
            architecture: "arm",
            release: "Production",
            owner: "Fjordlight",
            owner_type: "OEM",
            partition: "MainOS",
            payload: vec![(r"windows\System32\agent.json", b"{}\r\n".to_vec())],
            component: "",
            catalog: Version::V2,
        }
    }
}

/// A package before it is packed: names and contents in the order of the cabinet.
pub(crate) struct Package(pub(crate) Vec<(String, Vec<u8>)>);

const NAMESPACES: &str = "xmlns=\"urn:schemas-microsoft-com:asm.v3\" manifestVersion=\"1.0\"";

impl Parts {
    fn key(&self) -> String {
        let name = self.name.to_lowercase();
        let Self {
            version,
            architecture,
            ..
        } = self;
        format!("{architecture}_{name}0_628844477771337a_{version}_none_0123456789abcdef")
    }

    fn manifest(&self) -> String {
        let files = self.payload.iter().map(|(path, bytes)| {
            let digest = Base64::encode_string(&DigestAlgorithm::Sha256.of(bytes));
            format!(
                "<file name=\"{path}\" destinationPath=\"$(runtime.system32)\\\"><asmv2:hash \
                 xmlns:asmv2=\"urn:schemas-microsoft-com:asm.v2\" xmlns:dsig=\"http://www.w3.org/2000/09/xmldsig#\">\
                 <dsig:DigestValue>{digest}</dsig:DigestValue></asmv2:hash></file>\r\n"
            )
        });
        let files: String = files.collect();
        format!(
            "<assembly {NAMESPACES}>\r\n{files}{}</assembly>",
            self.component
        )
    }

    fn mum(&self, manifest: &str) -> String {
        let key = self.key();
        let payload = self.payload.iter().map(|(path, bytes)| {
            let hash = hex(&DigestAlgorithm::Sha256.of(bytes)).to_uppercase();
            let size = bytes.len();
            format!("<file name=\"\\{path}\" size=\"{size}\" cabpath=\"{key}\\{path}\" hash=\"{hash}\" />\r\n")
        });
        let payload: String = payload.collect();
        let Self {
            name,
            version,
            architecture,
            release,
            owner,
            owner_type,
            partition,
            ..
        } = self;
        let size = manifest.len();
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<assembly {NAMESPACES}>\r\n\
             <assemblyIdentity name=\"{name}\" version=\"{version}\" language=\"neutral\" \
             processorArchitecture=\"{architecture}\" publicKeyToken=\"628844477771337a\" buildType=\"release\" />\r\n\
             <package identifier=\"{name}\" releaseType=\"Feature Pack\" targetPartition=\"{partition}\">\r\n\
             <customInformation><phoneInformation phoneRelease=\"{release}\" phoneOwnerType=\"{owner_type}\" \
             phoneOwner=\"{owner}\" />\r\n\
             <file name=\"\\update.mum\" size=\"0\" cabpath=\"update.mum\" />\r\n{payload}\
             <file name=\"{key}.manifest\" size=\"{size}\" cabpath=\"{key}.manifest\" />\r\n\
             </customInformation></package>\r\n</assembly>"
        )
    }

    /// The package with an unsigned catalog.
    pub(crate) fn unsigned(&self) -> Package {
        let manifest = self.manifest();
        let mum = self.mum(&manifest);
        let key = self.key();
        let mut files = vec![
            ("update.mum".to_owned(), mum.into_bytes()),
            (format!("{key}.manifest"), manifest.into_bytes()),
        ];
        let payload = self.payload.iter();
        files.extend(payload.map(|(path, bytes)| (format!(r"{key}\{path}"), bytes.clone())));
        let listed: Vec<&[u8]> = files.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        let catalog = catalog(&listed, self.catalog, "2:10.0");
        files.insert(1, ("update.cat".to_owned(), catalog));
        Package(files)
    }

    /// The package with a signed catalog, in a signed cabinet.
    pub(crate) fn signed(&self, signing: &Signing<'_>) -> Vec<u8> {
        self.unsigned().sign_catalog(signing).signed(signing)
    }
}

/// An unsigned catalog of files.
pub(crate) fn catalog(files: &[&[u8]], version: Version, os: &str) -> Vec<u8> {
    let mut builder = CatalogBuilder::new(version, datetime!(2025-03-01 0:00 UTC));
    builder.attribute(NameValue::from_text("OSAttr", os));
    for bytes in files {
        let mut input = Cursor::new(*bytes);
        let hashable = Hashable::recognise(&mut input).unwrap();
        let subject = hashable.subject(&mut input, Tag::Hash, Vec::new());
        builder.add(subject.unwrap()).unwrap();
    }
    builder.write(&[7; 16]).unwrap()
}

/// An unsigned catalog whose `trustedSubjects` hold these bytes.
pub(crate) fn catalog_of(members: &[u8]) -> Vec<u8> {
    let list = der::sequence(&[
        &der::sequence(&[&der::oid(oid::CATALOG_LIST)]),
        &der::octet_string(&[7; 16]),
        &der_time::write(datetime!(2025-03-01 0:00 UTC)),
        &der::algorithm_with_null(oid::CATALOG_LIST_MEMBER_V2),
        &der::tlv(der::SEQUENCE, members),
    ]);
    let body = der::sequence(&[
        &der::integer(1),
        &der::set_of(Vec::new()),
        &der::sequence(&[&der::oid(oid::CTL), &der::tlv(der::context(0), &list)]),
        &der::set_of(Vec::new()),
    ]);
    let content = der::tlv(der::context(0), &body);
    der::sequence(&[&der::oid(oid::SIGNED_DATA), &content])
}

impl Package {
    pub(crate) fn sign_catalog(mut self, signing: &Signing<'_>) -> Self {
        let catalog = self.file("update.cat");
        *catalog = signing.sign(catalog);
        self
    }

    /// The content of the file whose path ends so.
    pub(crate) fn file(&mut self, end: &str) -> &mut Vec<u8> {
        let found = self.0.iter_mut().find(|(name, _)| name.ends_with(end));
        &mut found.unwrap().1
    }

    pub(crate) fn packed(&self) -> Vec<u8> {
        let mut readers: Vec<&[u8]> = self.0.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        let entries = self.0.iter().zip(&mut readers);
        let entries = entries.map(|((name, bytes), data)| Entry {
            name: name.clone(),
            size: bytes.len() as u64,
            timestamp: datetime!(2025-03-01 9:00),
            attribs: attribs::ARCHIVE,
            data,
        });
        let packing = Packing {
            compressed: true,
            reserve: 0,
        };
        pack(entries.collect(), packing, Cursor::new(Vec::new()))
            .unwrap()
            .into_inner()
    }

    pub(crate) fn signed(&self, signing: &Signing<'_>) -> Vec<u8> {
        signing.sign(&self.packed())
    }
}
