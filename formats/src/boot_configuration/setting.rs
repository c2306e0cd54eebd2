//! Boot settings by the names and numbers that they have: the one list for stores and for the documents they are made of.
//!
//! Sources: Microsoft's pages on `BcdLibraryElementTypes`, `BcdBootMgrElementTypes`, `BcdOSLoaderElementTypes` and on
//! `bcdedit /set`; the numbers of flight signing and of the manufacturing mode are those of public readers and of Microsoft's
//! page on the manufacturing mode.

/// A boot setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// As a boot configuration document has it in `WellKnownType`, e.g. `Allow Pre-release Signatures`.
    pub name: &'static str,
    /// As `bcdedit` has it, e.g. `testsigning`.
    pub option: &'static str,
    /// As a store has it, e.g. 0x16000049.
    pub number: u32,
}

/// Test signing.
pub const PRERELEASE_SIGNATURES: Setting =
    setting("Allow Pre-release Signatures", "testsigning", 0x1600_0049);
/// No checks of signatures at all.
pub const NO_INTEGRITY_CHECKS: Setting =
    setting("Disable Integrity Checks", "nointegritychecks", 0x1600_0048);
/// Flight signing.
pub const FLIGHT_SIGNATURES: Setting =
    setting("Allow Flight Signatures", "flightsigning", 0x1600_007e);
/// The manufacturing profile to start with.
pub const MANUFACTURING_MODE: Setting = setting("Manufacturing Mode", "mfgmode", 0x2200_0140);
/// Debuggers, emergency management and boot menus.
pub const DEBUGGING: [Setting; 7] = [
    setting("Debugger Enabled", "bootdebug", 0x1600_0010),
    setting("EMS Enabled", "bootems", 0x1600_0020),
    setting("Kernel Debugger Enabled", "debug", 0x2600_00a0),
    setting("Kernel EMS Enabled", "ems", 0x2600_00b0),
    setting("Display Boot Menu", "displaybootmenu", 0x2600_0020),
    setting("Display Advanced Options", "advancedoptions", 0x1600_0040),
    setting("Display Option Edit", "optionsedit", 0x1600_0041),
];
/// Test signing, as the loader of Windows Vista has it for itself.
pub const LOADER_PRERELEASE_SIGNATURES: Setting = setting(
    "OS Loader Allow Pre-release Signatures",
    "osltestsigning",
    0x2600_0027,
);
/// No checks of signatures, as the loader of Windows Vista has it for itself.
pub const LOADER_NO_INTEGRITY_CHECKS: Setting = setting(
    "OS Loader Disable Integrity Checks",
    "oslnointegritychecks",
    0x2600_0026,
);

const fn setting(name: &'static str, option: &'static str, number: u32) -> Setting {
    Setting {
        name,
        option,
        number,
    }
}

/// What `bcdedit` calls an element; `kind` is the type of the object it belongs to, since boot manager and loader use the same
/// numbers.
pub(super) fn option(number: u32, kind: u32) -> Option<&'static str> {
    let known = [
        PRERELEASE_SIGNATURES,
        NO_INTEGRITY_CHECKS,
        FLIGHT_SIGNATURES,
        MANUFACTURING_MODE,
        LOADER_PRERELEASE_SIGNATURES,
        LOADER_NO_INTEGRITY_CHECKS,
    ];
    let is_class_shared = number >> 28 != 2;
    // The low bits say which program an object is for; the boot managers' are 1 and 2.
    let is_boot_manager = matches!(kind & 0x000f_ffff, 1 | 2);
    let own = match (is_class_shared, is_boot_manager) {
        (true, _) => LIBRARY,
        (false, true) => BOOT_MANAGER,
        (false, false) => LOADER,
    };
    let settings = known.iter().chain(&DEBUGGING);
    let settings = settings.map(|setting| (setting.number, setting.option));
    let mut all = own.iter().copied().chain(settings);
    let found = all.find(|(known, _)| *known == number);
    found.map(|(_, option)| option)
}

const LIBRARY: &[(u32, &str)] = &[
    (0x1100_0001, "device"),
    (0x1200_0002, "path"),
    (0x1200_0004, "description"),
    (0x1200_0005, "locale"),
    (0x1400_0006, "inherit"),
    (0x1500_0007, "truncatememory"),
    (0x1400_0008, "recoverysequence"),
    (0x1600_0009, "recoveryenabled"),
    (0x1700_000a, "badmemorylist"),
    (0x1600_000b, "badmemoryaccess"),
    (0x1500_000c, "firstmegabytepolicy"),
    (0x1500_000d, "relocatephysical"),
    (0x1500_000e, "avoidlowmemory"),
    (0x1500_0011, "debugtype"),
    (0x1500_0012, "debugaddress"),
    (0x1500_0013, "debugport"),
    (0x1500_0014, "baudrate"),
    (0x1500_0015, "channel"),
    (0x1200_0016, "targetname"),
    (0x1600_0017, "noumex"),
    (0x1500_0018, "debugstart"),
    (0x1200_0019, "busparams"),
    (0x1500_001a, "hostip"),
    (0x1500_001b, "port"),
    (0x1600_001c, "dhcp"),
    (0x1200_001d, "key"),
    (0x1600_001e, "vm"),
    (0x1500_0022, "emsport"),
    (0x1500_0023, "emsbaudrate"),
    (0x1200_0030, "loadoptions"),
    (0x1100_0043, "bsdlogdevice"),
    (0x1200_0044, "bsdlogpath"),
    (0x1600_0046, "graphicsmodedisabled"),
    (0x1500_0047, "configaccesspolicy"),
    (0x1200_004a, "fontpath"),
    (0x1500_004b, "integrityservices"),
    (0x1600_0050, "extendedinput"),
    (0x1500_0051, "initialconsoleinput"),
    (0x1500_0052, "graphicsresolution"),
    (0x1600_0053, "restartonfailure"),
    (0x1600_0054, "highestmode"),
    (0x1600_0060, "isolatedcontext"),
    (0x1500_0065, "displaymessage"),
    (0x1500_0066, "displaymessageoverride"),
    (0x1600_006c, "bootuxdisabled"),
    (0x1600_0074, "bootshutdowndisabled"),
    (0x1700_0077, "allowedinmemorysettings"),
];

const BOOT_MANAGER: &[(u32, &str)] = &[
    (0x2400_0001, "displayorder"),
    (0x2400_0002, "bootsequence"),
    (0x2300_0003, "default"),
    (0x2500_0004, "timeout"),
    (0x2600_0005, "resume"),
    (0x2300_0006, "resumeobject"),
    (0x2400_0010, "toolsdisplayorder"),
    (0x2600_0021, "noerrordisplay"),
    (0x2100_0022, "bcddevice"),
    (0x2200_0023, "bcdfilepath"),
    (0x2700_0030, "customactions"),
];

const LOADER: &[(u32, &str)] = &[
    (0x2100_0001, "osdevice"),
    (0x2200_0002, "systemroot"),
    (0x2300_0003, "resumeobject"),
    (0x2600_0010, "detecthal"),
    (0x2200_0011, "kernel"),
    (0x2200_0012, "hal"),
    (0x2200_0013, "dbgtransport"),
    (0x2500_0020, "nx"),
    (0x2500_0021, "pae"),
    (0x2600_0022, "winpe"),
    (0x2600_0024, "nocrashautoreboot"),
    (0x2600_0025, "lastknowngood"),
    (0x2600_0030, "nolowmem"),
    (0x2500_0031, "removememory"),
    (0x2500_0032, "increaseuserva"),
    (0x2600_0040, "vga"),
    (0x2600_0041, "quietboot"),
    (0x2600_0042, "novesa"),
    (0x2600_0043, "novga"),
    (0x2500_0050, "clustermodeaddressing"),
    (0x2600_0051, "usephysicaldestination"),
    (0x2500_0052, "restrictapicluster"),
    (0x2600_0054, "uselegacyapicmode"),
    (0x2500_0055, "x2apicpolicy"),
    (0x2600_0060, "onecpu"),
    (0x2500_0061, "numproc"),
    (0x2600_0062, "maxproc"),
    (0x2500_0063, "configflags"),
    (0x2600_0070, "usefirmwarepcisettings"),
    (0x2500_0071, "msi"),
    (0x2500_0080, "safeboot"),
    (0x2600_0081, "safebootalternateshell"),
    (0x2600_0090, "bootlog"),
    (0x2600_0091, "sos"),
    (0x2600_00a1, "halbreakpoint"),
    (0x2500_00c1, "driverloadfailurepolicy"),
    (0x2500_00c2, "bootmenupolicy"),
    (0x2500_00e0, "bootstatuspolicy"),
    (0x2600_00e1, "disableelamdrivers"),
    (0x2500_00f0, "hypervisorlaunchtype"),
];
