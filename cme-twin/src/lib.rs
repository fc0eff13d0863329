//! x
pub mod cli {
    //! x
    /// x
    #[derive(Debug, clap::Args)]
    pub struct TwinArgs {}
    /// x
    pub async fn run(_a: TwinArgs) -> Result<(), std::io::Error> { Ok(()) }
}
