//! Windows: its DHCP client owns port 68 and asks the server for us. No right is needed.

use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::options::{self, TFTP_ADDRESSES, TFTP_NAME};
use crate::service::locate::{DhcpAnswer, DhcpFault, DhcpPort};

/// Longest wait for the DHCP client: it asks the server more than once.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks the DHCP client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client;

impl DhcpPort for Client {
    fn ask<'a>(&'a self, interface: Option<&'a str>) -> BoxFuture<'a, Result<Vec<DhcpAnswer>, DhcpFault>> {
        Box::pin(async move {
            let asked = join_all(adapters(interface)?.into_iter().map(ask)).await;
            // An adapter without DHCP is none of ours; one that works is enough.
            Ok(asked.into_iter().flatten().collect())
        })
    }
}

/// Name for people, and `{GUID}`, of the adapters to ask on.
fn adapters(wanted: Option<&str>) -> Result<Vec<(String, String)>, DhcpFault> {
    use ipconfig::{IfType, OperStatus};
    let all = ipconfig::get_adapters().map_err(|error| DhcpFault::Other(error.to_string()))?;
    let found: Vec<(String, String)> = all
        .iter()
        .filter(|one| wanted.is_none_or(|wanted| wanted == one.friendly_name() || wanted == one.adapter_name()))
        .filter(|one| matches!(one.if_type(), IfType::EthernetCsmacd | IfType::Ieee80211))
        .filter(|one| wanted.is_some() || one.oper_status() == OperStatus::IfOperStatusUp)
        .map(|one| (one.friendly_name().to_owned(), one.adapter_name().to_owned()))
        .collect();
    match wanted {
        Some(wanted) if found.is_empty() => Err(DhcpFault::NoInterface(wanted.to_owned())),
        _ => Ok(found),
    }
}

async fn ask((interface, adapter): (String, String)) -> Option<DhcpAnswer> {
    let asking = spawn_blocking(move || linegate_dhcp_windows::options(&adapter, &[TFTP_ADDRESSES, TFTP_NAME]));
    let found = match timeout(PATIENCE, asking).await.ok()?.ok()? {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(%interface, %error, "the DHCP client does not answer");
            return None;
        }
    };
    let value = |code: u8| found.iter().find(|(option, _)| *option == code).map(|(_, value)| value.as_slice());
    Some(DhcpAnswer {
        interface,
        server: None,
        addresses: value(TFTP_ADDRESSES).map(|value| options::addresses(value).collect()).unwrap_or_default(),
        name: value(TFTP_NAME).and_then(options::host),
        next_server: None,
    })
}
