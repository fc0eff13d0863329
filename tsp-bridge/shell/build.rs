//! Gives the provider its version resource.

use linegate_tsp_version::{Kind, embed};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    embed("linegate.tsp", "Linegate TAPI service provider", Kind::Library)
}
