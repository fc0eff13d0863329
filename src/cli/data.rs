//! `linegate backup` and `linegate restore`.

use std::path::Path;

use super::server::read;
use super::{Failure, output};
use crate::app;
use crate::config::Flags;

pub(super) async fn backup(flags: &Flags, to: &Path) -> Result<(), Failure> {
    let folder = read(flags)?.data_dir;
    app::backup(&folder, to).await?;
    output::line(&format!("{} is copied to {}.", folder.display(), to.display()))?;
    Ok(())
}

pub(super) async fn restore(flags: &Flags, from: &Path) -> Result<(), Failure> {
    let folder = read(flags)?.data_dir;
    let restored = app::restore(from, &folder).await?;
    output::line(&format!("{} is as it was in {} (schema {}).", folder.display(), from.display(), restored.schema))?;
    if let Some(replaced) = restored.replaced {
        output::line(&format!("What was there before is in {}; delete it when all is well.", replaced.display()))?;
    }
    Ok(())
}
