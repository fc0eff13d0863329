//! The doctor's round: what can be tried from outside, then what the link knows.

use std::time::Duration;

use serde::Deserialize;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{Gateway, Outcome};
use crate::domain::{LineId, PbxId};
use crate::service::doctor::{Check, CheckState, Diagnosis, is_healthy};
use crate::service::error::{Code, ServiceError};
use crate::service::link::LinkCommand;

/// Longest wait for a name and for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Address {
    host: String,
    enabled: bool,
    sip: Sip,
}

#[derive(Deserialize)]
struct Sip {
    port: u16,
}

impl Gateway {
    /// Runs every check of a PBX, and of one line or of all that are not monitored.
    ///
    /// # Errors
    /// When there is no such PBX or line. What does not work stands in the report.
    pub async fn diagnose(&self, pbx: &PbxId, line: Option<&LineId>) -> Outcome<Diagnosis> {
        let link = self.link(pbx)?;
        let view = self.inner.journal.view();
        if let Some(line) = line
            && view.lines.get(line).is_none_or(|known| known.value.pbx_id != *pbx)
        {
            return Err(ServiceError::new(Code::InvalidValue, "This PBX has no such line.")
                .with_hint("Use an id of `GET /api/v1/lines?pbx=…`.")
                .with_field("/line", "This PBX has no such line."));
        }
        let json = view.pbxs.get(pbx).ok_or_else(|| ServiceError::not_found("PBX"))?;
        let address: Address = serde_json::from_slice(json).map_err(|_| ServiceError::not_found("PBX"))?;
        let (mut checks, way) = reach(&address).await;
        match way {
            Way::Off => {}
            // The XML API has another port: it may work where SIP is refused.
            Way::Open | Way::Refused => checks.push(self.read_xml(pbx).await),
            Way::None => {
                checks.push(Check::new("xml_api", CheckState::Skipped, "Not tried: the router is not reached."));
            }
        }
        let (asked, is_reached) = (line.cloned(), way == Way::Open);
        let mut report = link.ask(|reply| LinkCommand::Diagnose { line: asked, is_reached, reply }).await?;
        checks.append(&mut report.checks);
        report.healthy = is_healthy(&checks) && report.lines.iter().all(|line| line.healthy);
        report.checks = checks;
        Ok(report)
    }

    async fn read_xml(&self, pbx: &PbxId) -> Check {
        let link = match self.link(pbx) {
            Ok(link) => link,
            Err(error) => return Check::new("xml_api", CheckState::Skipped, error.detail),
        };
        match link.ask(|reply| LinkCommand::LoadLines { dry_run: true, reply }).await {
            Ok(diff) => {
                let change = diff.added.len() + diff.changed.len() + diff.removed.len();
                let detail = match change {
                    0 => "The router gives its lines; they are as they are known.".to_owned(),
                    count => format!("The router gives its lines; {count} differ from what was known."),
                };
                Check::new("xml_api", CheckState::Ok, detail)
            }
            // Lines may be entered by hand: then nothing is read.
            Err(error) if error.code == Code::Conflict => {
                Check::new("xml_api", CheckState::Skipped, error.detail).hint(error.hint)
            }
            Err(error) => Check::new("xml_api", CheckState::Failed, error.detail).hint(error.hint),
        }
    }
}

/// What the name and the SIP port say now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The PBX is switched off: nothing is tried.
    Off,
    /// There is no address, or nothing answers at it.
    None,
    /// The router answers, and not at its SIP port.
    Refused,
    /// The SIP port answers.
    Open,
}

/// The name and the SIP port, tried now.
async fn reach(address: &Address) -> (Vec<Check>, Way) {
    if !address.enabled {
        let off = Check::new("dns", CheckState::Skipped, "The PBX is switched off.");
        return (vec![off.hint("Enable it: PATCH /api/v1/pbxs/{pbx} with {\"enabled\": true}.")], Way::Off);
    }
    let (host, port) = (address.host.as_str(), address.sip.port);
    let found: Vec<_> = match timeout(PATIENCE, lookup_host((host, port))).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    let Some(first) = found.first().copied() else {
        let dns = Check::new("dns", CheckState::Failed, format!("The name {host} cannot be resolved."));
        let dns = dns.hint("Check the host name and the DNS of this machine, or give the router's IP address.");
        let tcp = Check::new("sip_connection", CheckState::Skipped, "Not tried: there is no address.");
        return (vec![dns, tcp], Way::None);
    };
    let dns = match host.parse::<std::net::IpAddr>() {
        Ok(_) => Check::new("dns", CheckState::Ok, format!("{host} is an address; no name has to be resolved.")),
        Err(_) => Check::new("dns", CheckState::Ok, format!("{host} is {}.", first.ip())),
    };
    let (tcp, way) = match timeout(PATIENCE, TcpStream::connect(first)).await {
        Ok(Ok(_)) => {
            let detail = format!("TCP port {port} of the router answers.");
            (Check::new("sip_connection", CheckState::Ok, detail), Way::Open)
        }
        Ok(Err(error)) => {
            let refused =
                Check::new("sip_connection", CheckState::Failed, format!("TCP port {port} refuses: {error}."))
                    .hint("Check sip.port, and `voice service voip`, `sip`, `registrar server` on the router.");
            (refused, Way::Refused)
        }
        Err(_) => {
            let silent = Check::new("sip_connection", CheckState::Failed, format!("TCP port {port} does not answer."))
                .hint("Check address, routing and firewalls between gateway and router.");
            (silent, Way::None)
        }
    };
    (vec![dns, tcp], way)
}
