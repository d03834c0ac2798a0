//! The program `facetui-worker`.

fn main() -> std::process::ExitCode {
    facetui_worker::command_line::run()
}
