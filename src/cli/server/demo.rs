//! x
use super::Failure;
use crate::config::Flags;
pub(in crate::cli) async fn demo(_flags: &Flags, _phones: Option<u32>, _quiet: bool) -> Result<(), Failure> { Ok(()) }
