//! The program `facetui`: everything it does is in the library.

fn main() -> std::process::ExitCode {
    facetui::cli::run()
}
