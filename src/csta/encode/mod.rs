//! Writing: service requests in schema order, and the few answers that we give.

mod reply;
mod request;
mod writer;

pub use self::reply::Reply;
pub use self::request::{CallExtras, MonitorFilter, Request};
pub use self::writer::{Encoding, Namespace};
