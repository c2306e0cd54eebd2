//! Names of component manifests: who a component is, the 64-bit hash of that, and the file name that ends in it.
//!
//! ```text
//! arm_contoso.kiosk.agent0_628844477771337a_1.0.0.0_none_0123456789abcdef.manifest
//! architecture_name_public key token_version_culture_hash
//! ```
//!
//! No document of Microsoft states the hash. The one here gives every published name whose identity is known: components
//! of OEM packages, of Windows 6.1 to 10.0, drivers, and side-by-side assemblies of applications.

/// Multiplier that joins the hashes of attributes, and the four lanes of a text.
const JOIN: u64 = 0x1_FFFF_FFF7;
/// Multiplier within a lane.
const LANE: u32 = 65_599;
/// Longest name and longest culture that stand in a file name whole, in characters.
const WHOLE_NAME: usize = 40;
const WHOLE_CULTURE: usize = 8;

/// Who a component or deployment is: the attributes of its `assemblyIdentity` that its name depends on. An empty one is
/// absent. `buildType` does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ComponentIdentity {
    /// `name`.
    pub name: String,
    /// `language`; `neutral` counts as absent.
    pub language: String,
    /// `type`: `win32` of application assemblies, `dualModeDriver` of drivers.
    pub kind: String,
    /// `version`, four numbers.
    pub version: String,
    /// `publicKeyToken`, 16 hexadecimal digits.
    pub public_key_token: String,
    /// `processorArchitecture`.
    pub architecture: String,
    /// `versionScope`: `nonSxS`.
    pub version_scope: String,
}

impl ComponentIdentity {
    /// The hash of the identity.
    pub fn hash(&self) -> u64 {
        let attributes = [
            ("name", self.name.as_str()),
            ("culture", self.culture().unwrap_or_default()),
            ("type", &self.kind),
            ("version", &self.version),
            ("publicKeyToken", &self.public_key_token),
            ("processorArchitecture", &self.architecture),
            ("versionScope", &self.version_scope),
        ];
        let present = attributes.iter().filter(|(_, value)| !value.is_empty());
        present.fold(0, |hash: u64, (name, value)| {
            let joined = hash
                .wrapping_mul(JOIN)
                .wrapping_add(text_hash(name).wrapping_mul(JOIN));
            joined.wrapping_add(text_hash(value))
        })
    }

    /// The name of the manifest's file without `.manifest`, in small letters: also the folder of the component's payload
    /// in a cabinet.
    pub fn key_form(&self) -> String {
        let visible: String = self.name.chars().filter(|c| is_visible(*c)).collect();
        let parts = [
            self.architecture.as_str(),
            &shortened(&visible, WHOLE_NAME, 19),
            &self.public_key_token,
            &self.version,
            &shortened(self.culture().unwrap_or("none"), WHOLE_CULTURE, 3),
        ];
        format!("{}_{:016x}", parts.join("_").to_lowercase(), self.hash())
    }

    /// The name of the manifest's file.
    pub fn file_name(&self) -> String {
        self.key_form() + ".manifest"
    }

    fn culture(&self) -> Option<&str> {
        let language = self.language.as_str();
        let is_absent = language.is_empty()
            || language.eq_ignore_ascii_case("neutral")
            || language.eq_ignore_ascii_case("none");
        (!is_absent).then_some(language)
    }
}

/// Whether a character of a name is kept in file names; the hash counts all of them.
pub fn is_visible(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// The hash of a text, without regard to the case of ASCII letters.
pub fn text_hash(text: &str) -> u64 {
    let mut lanes = [0_u32; 4];
    for (character, lane) in text.chars().zip((0..lanes.len()).cycle()) {
        if let Some(lane) = lanes.get_mut(lane) {
            let code = u32::from(character.to_ascii_lowercase());
            *lane = lane.wrapping_mul(LANE).wrapping_add(code);
        }
    }
    let join = |hash: u64, lane: u32| hash.wrapping_mul(JOIN).wrapping_add(lane.into());
    lanes.into_iter().fold(0, join)
}

/// `text`, where it is longer than `whole` its first and last `end` characters with `..` between.
fn shortened(text: &str, whole: usize, end: usize) -> String {
    let count = text.chars().count();
    if count <= whole {
        return text.to_owned();
    }
    let first = text.chars().take(end);
    let last = text.chars().skip(count.saturating_sub(end));
    first.chain("..".chars()).chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_published_hashes() {
        for (text, hash) in [
            ("", 0),
            ("name", 0x0000_c409_fffe_e203),
            ("arm", 0x0000_a8f7_ffff_0c04),
            ("versionScope", 0x7a1e_d23b_790e_da16),
            (r"windows\system32\load.bat", 0xa70d_a655_09d2_14d0),
            (r"Windows\System32\LOAD.bat", 0xa70d_a655_09d2_14d0),
        ] {
            assert_eq!(text_hash(text), hash, "{text}");
        }
    }

    /// Full name, language, type and scope, and the published file name, from which the rest of the identity is read.
    const PUBLISHED: [(&str, &str, &str, &str, &str); 14] = [
        (
            "FadilFadz.CMDInjector.Permanent.Deployment",
            "neutral",
            "",
            "nonSxS",
            "arm_fadilfadz.cmdinject..ermanent.deployment_628844477771337a_1.0.0.0_none_3812df19b195b968",
        ),
        (
            "FadilFadz.CMDInjector.Permanent0",
            "neutral",
            "",
            "nonSxS",
            "arm_fadilfadz.cmdinjector.permanent0_628844477771337a_1.0.0.0_none_a7a677916de429b9",
        ),
        (
            "FadilFadz.CMDInjector.Permanent1",
            "neutral",
            "",
            "nonSxS",
            "arm_fadilfadz.cmdinjector.permanent1_628844477771337a_1.0.0.0_none_a7a660c96de4435a",
        ),
        (
            "FFUTweaker.MainOS.ProvisionedApps0",
            "neutral",
            "",
            "nonSxS",
            "arm_ffutweaker.mainos.provisionedapps0_628844477771337a_1.0.0.0_none_a612d72c2b6a12cb",
        ),
        (
            "Microsoft-Windows-Ntdll",
            "neutral",
            "",
            "nonSxS",
            "amd64_microsoft-windows-ntdll_31bf3856ad364e35_10.0.22621.1485_none_38c42af777bdcc16",
        ),
        (
            "Microsoft-Windows-Ntdll",
            "neutral",
            "",
            "nonSxS",
            "amd64_microsoft-windows-ntdll_31bf3856ad364e35_10.0.22000.1_none_af1a7be800f6bf86",
        ),
        (
            "Microsoft-Windows-Ntdll",
            "neutral",
            "",
            "NonSxS",
            "amd64_microsoft-windows-ntdll_31bf3856ad364e35_6.1.7601.18247_none_b6df585112e2f85b",
        ),
        (
            "BLBMMC",
            "neutral",
            "",
            "nonSxS",
            "msil_blbmmc_31bf3856ad364e35_6.1.7600.16385_none_1e0d17ddf7df43c4",
        ),
        (
            "server-help-chm.uim_snis.Resources",
            "en-US",
            "",
            "nonSxS",
            "amd64_server-help-chm.uim_snis.resources_31bf3856ad364e35_6.1.7600.16385_en-us_46b28c625df92198",
        ),
        (
            "Microsoft-Windows-Printing-AdminScripts.Resources",
            "en-US",
            "",
            "nonSxS",
            "amd64_microsoft-windows-p..inscripts.resources_31bf3856ad364e35_10.0.22621.1_en-us_70432baa400e82bb",
        ),
        (
            "dual_sdbus.inf",
            "neutral",
            "dualModeDriver",
            "nonSxS",
            "amd64_dual_sdbus.inf_31bf3856ad364e35_10.0.22621.1_none_31441826756cc490",
        ),
        (
            "Microsoft.VC90.CRT",
            "",
            "win32",
            "",
            "x86_microsoft.vc90.crt_1fc8b3b9a1e18e3b_9.0.21022.8_none_bcb86ed6ac711f91",
        ),
        (
            "Microsoft.VC90.CRT",
            "",
            "win32",
            "",
            "x86_microsoft.vc90.crt_1fc8b3b9a1e18e3b_9.0.30729.1_none_e163563597edeada",
        ),
        (
            "Microsoft.VC90.CRT",
            "",
            "win32",
            "",
            "x86_microsoft.vc90.crt_1fc8b3b9a1e18e3b_9.0.30729.4148_none_5090ab56bcba71c2",
        ),
    ];

    #[test]
    fn published_names_are_reproduced() {
        for (name, language, kind, scope, published) in PUBLISHED {
            let (architecture, _) = published.split_once('_').unwrap();
            // The name may have `_` as well, what stands behind it has none.
            let mut rest = published.rsplit('_').skip(2);
            let (version, token) = (rest.next().unwrap(), rest.next().unwrap());
            let identity = ComponentIdentity {
                name: name.to_owned(),
                language: language.to_owned(),
                kind: kind.to_owned(),
                version: version.to_owned(),
                public_key_token: token.to_owned(),
                architecture: architecture.to_owned(),
                version_scope: scope.to_owned(),
            };
            assert_eq!(identity.key_form(), published);
            assert_eq!(identity.file_name(), format!("{published}.manifest"));
        }
    }

    fn named(name: &str) -> ComponentIdentity {
        ComponentIdentity {
            name: name.to_owned(),
            architecture: "arm".to_owned(),
            ..ComponentIdentity::default()
        }
    }

    #[test]
    fn names_are_shortened_beyond_forty_characters() {
        let visible = |length: usize| {
            let name: String = ('a'..='z').cycle().take(length).collect();
            let key = named(&name).key_form();
            key.split('_').nth(1).unwrap().to_owned()
        };
        assert_eq!(visible(40).len(), 40);
        assert_eq!(visible(41), "abcdefghijklmnopqrs..wxyzabcdefghijklmno");
        let mut other = named("a");
        other.language = "sr-Cyrl-RS".to_owned();
        assert!(
            other.key_form().contains("_sr-..-rs_"),
            "{}",
            other.key_form()
        );
    }

    /// What a shortened name leaves out still tells two components apart.
    #[test]
    fn names_that_look_alike_when_shortened_differ() {
        let long = |middle: &str| named(&format!("Contoso.Industrial.{middle}.Gateway.Deployment"));
        let (one, two) = (long("Kiosk").key_form(), long("Signs").key_form());
        assert_ne!(one, two);
        assert_eq!(
            one.rsplit_once('_').unwrap().0,
            two.rsplit_once('_').unwrap().0
        );
    }

    #[test]
    fn characters_that_no_file_name_has_count_in_the_hash() {
        let (with, without) = (named(".NET Framework"), named(".NETFramework"));
        assert!(with.key_form().contains("_.netframework_"));
        assert_ne!(with.hash(), without.hash());
    }
}
