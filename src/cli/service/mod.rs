//! `linegate service`: the gateway as a service of Windows.

// Tested everywhere, used on Windows alone.
#[cfg(any(windows, test))]
mod tools;

#[cfg(windows)]
mod install;
#[cfg(windows)]
mod run;

#[cfg(windows)]
pub(super) use install::{ServiceCommand, service};
#[cfg(windows)]
pub(super) use run::run;
