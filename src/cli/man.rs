//! `facetui man`

use clap::{Args, CommandFactory};

use super::{Arguments, Failure, output::print_raw};

/// Print the manual page
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  facetui man > facetui.1 && man ./facetui.1")]
pub(super) struct Man {}

impl Man {
    /// Prints it; there is nothing to choose.
    pub fn run() -> Result<(), Failure> {
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
        print_raw(&page)
    }
}
