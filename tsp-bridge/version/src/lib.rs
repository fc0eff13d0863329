//! The version resource of a Windows file: what Explorer, deployment tools and the Windows Installer read. It is made by
//! mingw's `windres` and linked like an object.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A library.
    Library,
    /// A program.
    Program,
}

/// Called by the build script of a file: makes its resource and has it linked.
///
/// # Errors
/// When `windres` is missing or refuses the description.
pub fn embed(file: &str, description: &str, kind: Kind) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS")? != "windows" {
        return Ok(());
    }
    let (tool, format) = match env::var("CARGO_CFG_TARGET_ARCH")?.as_str() {
        "x86_64" => ("x86_64-w64-mingw32-windres", "pe-x86-64"),
        "x86" => ("i686-w64-mingw32-windres", "pe-i386"),
        other => return Err(format!("there is no windres for {other}").into()),
    };
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is missing")?);
    let (script, object) = (folder.join("version.rc"), folder.join("version.o"));
    fs::write(&script, describe(file, description, kind, &env::var("CARGO_PKG_VERSION")?))?;
    let done = Command::new(tool)
        .args(["--codepage=65001", "-O", "coff", "-F", format, "-i"])
        .arg(&script)
        .arg("-o")
        .arg(&object)
        .status()
        .map_err(|error| format!("{tool} cannot be run ({error}); scripts/windows setup installs it"))?;
    if !done.success() {
        return Err(format!("{tool} refuses {}", script.display()).into());
    }
    let what = if kind == Kind::Library { "cdylib" } else { "bins" };
    println!("cargo::rustc-link-arg-{what}={}", object.display());
    Ok(())
}

/// The description in the language of resource compilers.
fn describe(file: &str, description: &str, kind: Kind, version: &str) -> String {
    // A pre-release has the numbers of its release: Windows knows four numbers only.
    let release = version.split(['-', '+']).next().unwrap_or(version);
    let mut numbers: Vec<&str> = release.split('.').collect();
    numbers.resize(4, "0");
    let (numbers, kind) = (numbers.join(","), if kind == Kind::Library { 2 } else { 1 });
    let strings: String = [
        ("CompanyName", "Linegate"),
        ("FileDescription", description),
        ("FileVersion", version),
        ("InternalName", file),
        ("LegalCopyright", "MIT OR Apache-2.0"),
        ("OriginalFilename", file),
        ("ProductName", "Linegate TAPI bridge"),
        ("ProductVersion", version),
    ]
    .iter()
    .map(|(name, value)| format!("      VALUE \"{name}\", \"{value}\"\n"))
    .collect();
    format!(
        "1 VERSIONINFO\nFILEVERSION {numbers}\nPRODUCTVERSION {numbers}\nFILEFLAGSMASK 0x3F\nFILEFLAGS 0\nFILEOS 0x40004\n\
         FILETYPE {kind}\nFILESUBTYPE 0\nBEGIN\n  BLOCK \"StringFileInfo\"\n  BEGIN\n    BLOCK \"040904B0\"\n    BEGIN\n\
         {strings}    END\n  END\n  BLOCK \"VarFileInfo\"\n  BEGIN\n    VALUE \"Translation\", 0x409, 1200\n  END\nEND\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_becomes_four_numbers() {
        let text = describe("linegate.tsp", "a provider", Kind::Library, "1.2.3-rc.1");
        assert!(text.contains("FILEVERSION 1,2,3,0\n") && text.contains("FILETYPE 2\n"), "{text}");
        assert!(text.contains("VALUE \"ProductVersion\", \"1.2.3-rc.1\"\n"), "{text}");
    }
}
