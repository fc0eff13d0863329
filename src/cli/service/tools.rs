//! What `service install` has the tools of Windows do: who may read the data folder, and who may reach the program. The
//! gateway itself holds no unsafe code, so the rights are set by `icacls` and `netsh`, which every Windows has.

use std::ffi::OsString;
use std::path::Path;

/// Name of the service, and of the rule in the firewall.
pub(super) const NAME: &str = "Linegate";
/// The account: it exists with the service, has no password, and may do what any user may.
pub(super) const ACCOUNT: &str = r"NT SERVICE\Linegate";

/// A program of the system folder with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Its name without a folder.
    pub(super) program: &'static str,
    /// What it is told.
    pub(super) arguments: Vec<OsString>,
}

fn step(program: &'static str, arguments: &[&str]) -> Step {
    Step { program, arguments: arguments.iter().map(OsString::from).collect() }
}

fn on_path(program: &'static str, path: &Path, arguments: &[&str]) -> Step {
    let mut made = step(program, arguments);
    made.arguments.insert(0, path.into());
    made
}

/// Leaves the data folder to the system, the administrators and the service. The two groups are named by their numbers,
/// which are the same in every language.
pub(super) fn rights(folder: &Path, is_strange: bool) -> Vec<Step> {
    let service = format!("{ACCOUNT}:(OI)(CI)M");
    let mut steps = Vec::new();
    if is_strange {
        // Anybody may make folders in ProgramData. Nothing secret is in this one yet: what was granted there goes.
        steps.push(on_path("icacls.exe", folder, &["/setowner", "*S-1-5-32-544", "/T", "/C", "/Q"]));
        steps.push(on_path("icacls.exe", folder, &["/reset", "/T", "/C", "/Q"]));
    }
    steps.push(on_path(
        "icacls.exe",
        folder,
        &[
            "/inheritance:r",
            "/grant:r",
            "*S-1-5-18:(OI)(CI)F",
            "/grant:r",
            "*S-1-5-32-544:(OI)(CI)F",
            "/grant:r",
            &service,
            "/Q",
        ],
    ));
    steps
}

/// The rule that lets routers and clients reach the program, whatever its ports are.
pub(super) fn open_firewall(program: &Path) -> Step {
    let mut of_program = OsString::from("program=");
    of_program.push(program);
    let mut made = step("netsh.exe", &["advfirewall", "firewall", "add", "rule"]);
    made.arguments.push(format!("name={NAME}").into());
    made.arguments.extend(["dir=in", "action=allow", "protocol=TCP"].map(OsString::from));
    made.arguments.push(of_program);
    made
}

/// Takes the rule away.
pub(super) fn close_firewall() -> Step {
    let mut made = step("netsh.exe", &["advfirewall", "firewall", "delete", "rule"]);
    made.arguments.push(format!("name={NAME}").into());
    made
}

/// A text file as the old editor of Windows shows it.
pub(super) fn with_returns(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(step: &Step) -> String {
        let words: Vec<_> = step.arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        format!("{} {}", step.program, words.join(" "))
    }

    #[test]
    fn the_folder_is_left_to_three_accounts_only() {
        let steps = rights(Path::new(r"C:\Data"), false);
        assert_eq!(
            steps.iter().map(words).collect::<Vec<_>>(),
            [
                r"icacls.exe C:\Data /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F /grant:r *S-1-5-32-544:(OI)(CI)F /grant:r NT SERVICE\Linegate:(OI)(CI)M /Q"
            ]
        );
    }

    #[test]
    fn what_a_stranger_granted_is_taken_back_before_anything_is_written() {
        let steps: Vec<_> = rights(Path::new(r"C:\Data"), true).iter().map(words).collect();
        assert_eq!(steps.len(), 3);
        assert!(steps[0].contains("/setowner"), "{steps:?}");
        assert!(steps[1].contains("/reset"), "{steps:?}");
        assert!(steps[2].contains("/inheritance:r"), "{steps:?}");
    }

    #[test]
    fn the_firewall_rule_is_for_the_program_and_goes_by_its_name() {
        let open = words(&open_firewall(Path::new(r"C:\Program Files\Linegate\linegate.exe")));
        assert_eq!(
            open,
            r"netsh.exe advfirewall firewall add rule name=Linegate dir=in action=allow protocol=TCP program=C:\Program Files\Linegate\linegate.exe"
        );
        assert_eq!(words(&close_firewall()), "netsh.exe advfirewall firewall delete rule name=Linegate");
    }

    #[test]
    fn lines_end_as_windows_wants_them() {
        assert_eq!(with_returns("a\nb\r\nc\n"), "a\r\nb\r\nc\r\n");
    }
}
