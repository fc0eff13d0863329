//! Numbers: what people write, what the PBX sends, and what the two have to do with each other.
//!
//! A number has three forms. The raw one is what the PBX sent and is never touched. The shown one went through the
//! rules of the PBX and its location. The E.164 one is a key for programs, and there only where it can be known.

mod dial_string;
mod location;
mod plan;

pub use dial_string::{DialString, DialStringError, NumberRange, RawNumber, clean_raw};
pub use location::{Location, LocationError};
pub use plan::{DialError, Dialled, NumberPlan, Shown};
