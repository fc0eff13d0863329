//! Copies for safety and for those who help: `linegate backup`, `linegate restore`, `linegate support-bundle`.

use std::path::Path;

use super::server::read;
use super::{Failure, Remote, output};
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

pub(super) async fn support_bundle(remote: &Remote, to: &Path) -> Result<(), Failure> {
    let client = remote.client()?;
    output::progress("Gathering; the checks of the routers take some seconds.");
    let bytes = client.file("/support-bundle").await?;
    output::private_file(to, &bytes)?;
    output::line(&format!("{} holds no secrets, and labels in the place of numbers and names.", to.display()))?;
    Ok(())
}
