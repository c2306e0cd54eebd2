//! `proofmark demo`: the main job on real files, every step a command that a person could type.

use std::path::{Path, PathBuf};

use clap::{Args, Parser};

use crate::error::Error;
use crate::exit::Exit;
use crate::{Cli, output};

/// Show the main job on an example product, under ./proofmark-demo/.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {}

const FOLDER: &str = "proofmark-demo";

macro_rules! files {
    ($($target:literal <- $source:literal,)*) => {
        &[$(($target, include_bytes!(concat!("../", $source)))),*]
    };
}

/// What the demo starts from: the example workspace, a policy, and a key that stands in for a retail key.
const FILES: &[(&str, &[u8])] = files! {
    "workspace/IoTWorkspace.xml" <- "examples/workspace/IoTWorkspace.xml",
    "workspace/Source-arm/Products/Kiosk/RetailOEMInput.xml"
        <- "examples/workspace/Source-arm/Products/Kiosk/RetailOEMInput.xml",
    "workspace/Source-arm/Products/Kiosk/TestOEMInput.xml"
        <- "examples/workspace/Source-arm/Products/Kiosk/TestOEMInput.xml",
    "workspace/Source-arm/Products/Kiosk/KioskSettings.xml"
        <- "examples/workspace/Source-arm/Products/Kiosk/KioskSettings.xml",
    "workspace/Source-arm/Products/Kiosk/prov/customizations.xml"
        <- "examples/workspace/Source-arm/Products/Kiosk/prov/customizations.xml",
    "workspace/Source-arm/Packages/OEMFM.xml" <- "examples/workspace/Source-arm/Packages/OEMFM.xml",
    "workspace/Source-arm/Packages/OEMFMFileList.xml"
        <- "examples/workspace/Source-arm/Packages/OEMFMFileList.xml",
    "workspace/Source-arm/Packages/Kiosk.Agent/Kiosk.Agent.wm.xml"
        <- "examples/workspace/Source-arm/Packages/Kiosk.Agent/Kiosk.Agent.wm.xml",
    "workspace/Source-arm/Packages/Kiosk.Agent/agent.json"
        <- "examples/workspace/Source-arm/Packages/Kiosk.Agent/agent.json",
    "workspace/Source-arm/Packages/Kiosk.Location/Kiosk.Location.wm.xml"
        <- "examples/workspace/Source-arm/Packages/Kiosk.Location/Kiosk.Location.wm.xml",
    "workspace/Source-arm/Packages/Kiosk.Location/location.json"
        <- "examples/workspace/Source-arm/Packages/Kiosk.Location/location.json",
    "workspace/Source-arm/Packages/Provisioning.Auto/Provisioning.Auto.wm.xml"
        <- "examples/workspace/Source-arm/Packages/Provisioning.Auto/Provisioning.Auto.wm.xml",
    "workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoardFM.xml"
        <- "examples/workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoardFM.xml",
    "workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoardFMFileList.xml"
        <- "examples/workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoardFMFileList.xml",
    "workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoard.DeviceLayout/FjordBoard.DeviceLayout.wm.xml"
        <- "examples/workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoard.DeviceLayout/FjordBoard.DeviceLayout.wm.xml",
    "workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoard.DeviceLayout/DeviceLayout.xml"
        <- "examples/workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoard.DeviceLayout/DeviceLayout.xml",
    "workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoard.DeviceLayout/OEMDevicePlatform.xml"
        <- "examples/workspace/Source-arm/BSP/FjordBoard/Packages/FjordBoard.DeviceLayout/OEMDevicePlatform.xml",
    "proofmark.toml" <- "examples/proofmark.toml",
    "policy.toml" <- "examples/policy.toml",
    "keys/retail.pfx" <- "testcerts/demo-retail.pfx",
    "keys/retail-root.cer" <- "testcerts/demo-retail-root.cer",
};

/// The packages of the example and the folders of their files.
const PACKAGES: [(&str, &str); 4] = [
    ("Fjordlight.Kiosk.Agent.cab", "Packages/Kiosk.Agent"),
    ("Fjordlight.Kiosk.Location.cab", "Packages/Kiosk.Location"),
    (
        "Fjordlight.Provisioning.Auto.cab",
        "Packages/Provisioning.Auto",
    ),
    (
        "Fjordlight.FjordBoard.DeviceLayout.cab",
        "BSP/FjordBoard/Packages/FjordBoard.DeviceLayout",
    ),
];

/// Runs the command.
pub(crate) fn run(_arguments: &DemoArgs) -> Result<Exit, Error> {
    write_files()?;
    let build = format!("{FOLDER}/workspace/Build/arm");
    let product = format!("{FOLDER}/workspace/Source-arm/Products/Kiosk");
    let config = format!("--config {FOLDER}/proofmark.toml");
    let policy = format!("--policy {FOLDER}/policy.toml");

    say("1. Pack the example product's packages into cabinets.")?;
    for (cabinet, folder) in PACKAGES {
        let folder = format!("{FOLDER}/workspace/Source-arm/{folder}");
        step(
            &format!("package pack --out {build}/{cabinet} {folder}"),
            Exit::Clean,
        )?;
    }
    say("2. Sign them with the built-in test certificate.")?;
    step(
        &format!("sign --profile test --in-place {build}"),
        Exit::Clean,
    )?;
    say("3. Verify them: intact, and signed by a test certificate.")?;
    step(&format!("verify {build}"), Exit::Clean)?;
    say("4. Lint the test image, which may take test-signed packages in.")?;
    step(
        &format!("lint {policy} {product}/TestOEMInput.xml"),
        Exit::Clean,
    )?;
    say(
        "5. Lint the retail image, which uses the same packages. The gate rejects it with exit code 1.",
    )?;
    step(
        &format!("lint {config} {policy} {product}/RetailOEMInput.xml"),
        Exit::Findings,
    )?;
    say("6. Sign the packages again with the retail profile of proofmark.toml.")?;
    step(
        &format!("sign {config} --profile retail --in-place {build}"),
        Exit::Clean,
    )?;
    step(
        &format!("verify {config} --require retail {build}"),
        Exit::Clean,
    )?;
    say("7. Lint the retail image again.")?;
    step(
        &format!("lint {config} {policy} {product}/RetailOEMInput.xml"),
        Exit::Clean,
    )?;
    say(&format!(
        "Done. The files are in {FOLDER}/; its retail key is public and stands in for yours."
    ))?;
    Ok(Exit::Clean)
}

fn write_files() -> Result<(), Error> {
    for (name, bytes) in FILES {
        let path = Path::new(FOLDER).join(name);
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        std::fs::create_dir_all(&folder).map_err(|error| Error::file(&folder, error))?;
        std::fs::write(&path, bytes).map_err(|error| Error::file(&path, error))?;
    }
    Ok(())
}

fn say(text: &str) -> Result<(), Error> {
    Ok(output::result(&format!("\n{text}\n"))?)
}

/// Runs a command line as if a person had typed it; the words hold no blanks.
fn step(line: &str, expected: Exit) -> Result<(), Error> {
    output::result(&format!("\n$ proofmark {line}\n"))?;
    let words = std::iter::once("proofmark").chain(line.split(' '));
    let cli = Cli::try_parse_from(words).map_err(Error::new)?;
    let exit = crate::run(cli)?;
    match exit == expected {
        true => Ok(()),
        false => Err(Error::new(format_args!(
            "this step ended as {exit:?}, {expected:?} was expected"
        ))),
    }
}
