//! What a twin is started with.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use crate::{Behaviour, Faults, System, XmlKnobs};

/// What a twin is started with.
#[derive(Debug, Clone)]
pub struct TwinConfig {
    /// Where to listen for SIP.
    pub sip: SocketAddr,
    /// Where to listen for the XML interface.
    pub xml: SocketAddr,
    /// Where to listen for the control API; `None` = nowhere.
    pub control: Option<SocketAddr>,
    /// The configuration of the router.
    pub system: System,
    /// What real routers differ in, and time limits.
    pub behaviour: Behaviour,
    /// What it does wrong on purpose.
    pub faults: Faults,
    /// The switches of the XML interface.
    pub xml_knobs: XmlKnobs,
}

impl Default for TwinConfig {
    /// Free ports of the loopback address, no control API, the documents' example system.
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            sip: loopback,
            xml: loopback,
            control: None,
            system: System::default(),
            behaviour: Behaviour::default(),
            faults: Faults::default(),
            xml_knobs: XmlKnobs::default(),
        }
    }
}

/// Why a twin does not run.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// An address cannot be bound.
    #[error("the {name} address {address} cannot be used: {source}")]
    Bind {
        /// Which of the addresses.
        name: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A socket or file failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file of the command line is not what it should be.
    #[error("{0}")]
    File(String),
}
