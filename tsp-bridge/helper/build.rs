//! Gives the helper its version resource.

use linegate_tsp_version::{Kind, embed};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    embed("linegate-tapi.exe", "Installs, removes and examines the Linegate TAPI bridge", Kind::Program)
}
