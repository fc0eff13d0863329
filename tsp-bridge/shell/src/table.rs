//! The instances of this process, one for each registered provider.

use std::sync::{Arc, PoisonError, RwLock};

use linegate_tsp_core::bridge::slot_of;
use linegate_tsp_core::tapi::err;

use crate::instance::Instance;

/// As many as a handle has room for.
const SLOTS: usize = 15;

static TABLE: RwLock<[Option<Arc<Instance>>; SLOTS]> = RwLock::new([const { None }; SLOTS]);

/// Puts an instance into a free slot.
///
/// # Errors
/// RESOURCEUNAVAIL when there is none.
pub(crate) fn enter(make: impl FnOnce(u32) -> Arc<Instance>) -> Result<Arc<Instance>, i32> {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    let (slot, place) = table.iter_mut().enumerate().find(|(_, place)| place.is_none()).ok_or(err::RESOURCEUNAVAIL)?;
    let instance = make(u32::try_from(slot).unwrap_or(0));
    *place = Some(Arc::clone(&instance));
    Ok(instance)
}

/// Takes the instance of a provider out.
pub(crate) fn leave(provider: u32) -> Option<Arc<Instance>> {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    table.iter_mut().find(|place| place.as_ref().is_some_and(|known| known.provider() == provider))?.take()
}

/// All of them.
pub(crate) fn all() -> Vec<Arc<Instance>> {
    TABLE.read().unwrap_or_else(PoisonError::into_inner).iter().flatten().cloned().collect()
}

/// The instance of a provider.
pub(crate) fn by_provider(provider: u32) -> Option<Arc<Instance>> {
    all().into_iter().find(|instance| instance.provider() == provider)
}

/// The instance that a handle belongs to.
pub(crate) fn by_handle(handle: usize) -> Option<Arc<Instance>> {
    let slot = slot_of(handle)? as usize;
    TABLE.read().unwrap_or_else(PoisonError::into_inner).get(slot)?.clone()
}

/// The instance of a device.
///
/// # Errors
/// BADDEVICEID.
pub(crate) fn by_device(device: u32) -> Result<Arc<Instance>, i32> {
    all().into_iter().find(|instance| instance.bridge().has_device(device)).ok_or(err::BADDEVICEID)
}
