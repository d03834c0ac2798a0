//! `facetui completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Failure, output::print_raw};

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui completions bash > ~/.local/share/bash-completion/completions/facetui\n  \
                        facetui completions fish > ~/.config/fish/completions/facetui.fish"
)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "facetui",
            &mut script,
        );
        print_raw(&script)
    }
}
