//! What packages ship beside the program: completions of shells and manual pages, made from the command line itself.

use std::path::Path;

use clap::CommandFactory as _;

use super::{Cli, Failure, output};

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "linegate", &mut text);
    output::raw(&String::from_utf8_lossy(&text))?;
    Ok(())
}

/// One page for each command, `linegate-pbx-add.1` and so on.
pub(super) fn manual(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_shown_command_has_its_page() {
        let folder = tempfile::tempdir().unwrap();
        manual(folder.path()).unwrap();
        for page in ["linegate.1", "linegate-serve.1", "linegate-pbx-add.1", "linegate-restore.1"] {
            let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{page}");
        }
        let serve = std::fs::read_to_string(folder.path().join("linegate-serve.1")).unwrap();
        assert!(serve.contains("LINEGATE_DATA_DIR"), "{serve}");
    }
}
