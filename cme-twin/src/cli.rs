//! `linegate twin`: the twin as a program.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{Behaviour, Preset, System, Twin, TwinConfig, TwinError};

/// The options of `linegate twin`.
#[derive(Debug, Clone, clap::Args)]
pub struct TwinArgs {
    /// Where to listen for SIP and CSTA
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5060")]
    pub sip: SocketAddr,
    /// Where to listen for the XML interface (`/ios_xml_app/cme`)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub xml: SocketAddr,
    /// Where to listen for the control API; `GET /` there lists what it can do. It has no password: keep it on a loopback address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8082")]
    pub control: SocketAddr,
    /// A system of so many phones with one number each instead of the example system
    #[arg(long, value_name = "N", conflicts_with = "system")]
    pub phones: Option<u32>,
    /// A system from a JSON file, as `GET /system` of the control API gives it
    #[arg(long, value_name = "FILE")]
    pub system: Option<PathBuf>,
    /// Which release of CME to behave like
    #[arg(long, value_enum, default_value_t)]
    pub preset: Preset,
    /// Name of the XML user, who also registers by SIP
    #[arg(long, value_name = "NAME", default_value = "ctigw")]
    pub user: String,
    /// Password of that user
    #[arg(
        long,
        value_name = "PASSWORD",
        default_value = "lab-pass-1",
        env = "LINEGATE_TWIN_PASSWORD",
        hide_env_values = true
    )]
    pub password: String,
    /// REGISTER is not challenged
    #[arg(long)]
    pub no_register_password: bool,
}

impl TwinArgs {
    /// The configuration that these options mean.
    ///
    /// # Errors
    /// When the file of `--system` cannot be read or is not a system.
    pub fn config(self) -> Result<TwinConfig, TwinError> {
        let mut system = match (&self.system, self.phones) {
            (Some(path), _) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| TwinError::File(format!("{}: {error}", path.display())))?;
                serde_json::from_str(&text).map_err(|error| TwinError::File(format!("{}: {error}", path.display())))?
            }
            (None, Some(phones)) => System::large(phones),
            (None, None) => System::default(),
        };
        system.xml_user = self.user;
        system.xml_password = self.password;
        system.authenticate_register &= !self.no_register_password;
        Ok(TwinConfig {
            sip: self.sip,
            xml: self.xml,
            control: Some(self.control),
            system,
            behaviour: Behaviour::preset(self.preset),
            ..TwinConfig::default()
        })
    }
}

/// Runs a twin until it is interrupted.
///
/// # Errors
/// When an address cannot be bound, or a file not be read.
pub async fn run(args: TwinArgs) -> Result<(), TwinError> {
    let twin = Twin::start(args.config()?).await?;
    let control = twin.control_addr().map(|address| address.to_string()).unwrap_or_default();
    tracing::info!(sip = %twin.sip_addr(), xml = %twin.xml_addr(), %control, "the twin listens");
    tokio::signal::ctrl_c().await?;
    twin.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        args: TwinArgs,
    }

    #[test]
    fn the_options_mean_a_configuration() {
        Program::command().debug_assert();
        let parse = |words: &[&str]| Program::try_parse_from([&["twin"], words].concat()).map(|program| program.args);
        let config = parse(&["--sip", "127.0.0.1:0", "--phones", "30", "--preset", "8.8", "--no-register-password"])
            .unwrap()
            .config()
            .unwrap();
        assert_eq!((config.system.phones.len(), config.behaviour.preset), (30, Preset::V88));
        assert!(!config.system.authenticate_register && config.behaviour.clear_alerting);
        assert!(parse(&["--phones", "3", "--system", "x.json"]).is_err());
        assert!(parse(&["--system", "/nowhere/x.json"]).unwrap().config().is_err());
    }

    #[test]
    fn a_system_survives_its_json() {
        let system = System::default();
        let text = serde_json::to_string(&system).unwrap();
        assert_eq!(serde_json::from_str::<System>(&text).unwrap(), system);
    }
}
