//! CSTA XML (ECMA-323): services in, answers and events out.

mod device;
mod event;
mod execute;
mod features;
mod order;
mod service;
mod snapshot;
mod xml;

pub(crate) use device::Watch;
pub(crate) use event::encode as encode_event;
pub(crate) use execute::{Outcome, execute, is_own};
pub(crate) use features::features;
pub(crate) use order::remarks;
pub(crate) use service::Service;
pub(crate) use xml::{Element, Style, parse};

/// The namespace of edition 3, the one CME speaks.
pub(crate) const ED3: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

/// A `CSTAErrorCode`.
pub(crate) fn error(category: &str, value: &str) -> Element {
    let child = if value.is_empty() { Element::new(category) } else { Element::leaf(category, value) };
    Element::new("CSTAErrorCode").with(child)
}
