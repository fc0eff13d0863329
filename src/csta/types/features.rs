//! What the switch can do: the capability answer (section 6.1) and `servicesPermitted` of one call (section 5.3).

use super::capability::{EventCapability, ServiceCapability};

/// A set over [`ServiceCapability`]: one bit a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ServiceSet(u128);

impl ServiceSet {
    fn bit(member: ServiceCapability) -> u128 {
        1_u128.checked_shl(member as u32).unwrap_or(0)
    }

    fn insert(&mut self, member: ServiceCapability) {
        self.0 |= Self::bit(member);
    }

    fn contains(self, member: ServiceCapability) -> bool {
        self.0 & Self::bit(member) != 0
    }
}

/// `GetCSTAFeaturesResponse`, compact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CstaFeatures {
    services: ServiceSet,
    events: u64,
    refinements: Vec<(ServiceCapability, Box<str>, bool)>,
    unlisted: Vec<Box<str>>,
}

impl CstaFeatures {
    /// Whether the answer names the service.
    #[must_use]
    pub fn supports(&self, service: ServiceCapability) -> bool {
        self.services.contains(service)
    }

    /// Whether the answer names the event.
    #[must_use]
    pub fn reports(&self, event: EventCapability) -> bool {
        self.events & event_bit(event) != 0
    }

    /// A boolean below a service, such as `alerting` below `clearConnection`; `None` if it was not stated.
    #[must_use]
    pub fn refinement(&self, service: ServiceCapability, name: &str) -> Option<bool> {
        self.refinements.iter().find(|(of, key, _)| *of == service && **key == *name).map(|(_, _, value)| *value)
    }

    /// Services named, in the order of the list.
    pub fn services(&self) -> impl Iterator<Item = ServiceCapability> + '_ {
        ServiceCapability::LISTED.iter().copied().filter(|service| self.supports(*service))
    }

    /// Events named, in the order of the list.
    pub fn events(&self) -> impl Iterator<Item = EventCapability> + '_ {
        EventCapability::LISTED.iter().copied().filter(|event| self.reports(*event))
    }

    /// Names that the standard does not list, as they came.
    pub fn unlisted(&self) -> impl Iterator<Item = &str> {
        self.unlisted.iter().map(AsRef::as_ref)
    }

    /// Whether nothing was named at all: then the configured profile counts (section 6.1, U-20).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.0 == 0 && self.events == 0
    }

    pub(in crate::csta) fn add_service(&mut self, service: ServiceCapability) {
        self.services.insert(service);
    }

    pub(in crate::csta) fn add_event(&mut self, event: EventCapability) {
        self.events |= event_bit(event);
    }

    pub(in crate::csta) fn add_refinement(&mut self, service: ServiceCapability, name: &str, value: bool) {
        self.refinements.push((service, name.into(), value));
    }

    pub(in crate::csta) fn add_unlisted(&mut self, name: &str) {
        self.unlisted.push(name.into());
    }
}

fn event_bit(event: EventCapability) -> u64 {
    1_u64.checked_shl(event as u32).unwrap_or(0)
}

/// `servicesPermitted`: which services the switch would take for this call now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServicesPermitted {
    stated: ServiceSet,
    permitted: ServiceSet,
}

impl ServicesPermitted {
    /// Whether the service is permitted; `None` if the switch said nothing about it.
    #[must_use]
    pub fn permits(&self, service: ServiceCapability) -> Option<bool> {
        self.stated.contains(service).then(|| self.permitted.contains(service))
    }

    /// Whether nothing was stated. Empty groups occur and say nothing (section 5.2).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stated.0 == 0
    }

    pub(in crate::csta) fn state(&mut self, service: ServiceCapability, permitted: bool) {
        self.stated.insert(service);
        if permitted {
            self.permitted.insert(service);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_bit_of_its_own() {
        assert!(ServiceCapability::LISTED.len() <= 128);
        assert!(EventCapability::LISTED.len() <= 64);
        let mut permitted = ServicesPermitted::default();
        assert!(permitted.is_empty());
        for service in ServiceCapability::LISTED {
            assert_eq!(permitted.permits(*service), None);
            permitted.state(*service, *service != ServiceCapability::HoldCall);
        }
        assert_eq!(permitted.permits(ServiceCapability::HoldCall), Some(false));
        assert_eq!(permitted.permits(ServiceCapability::SetRouteingMode), Some(true));
    }
}
