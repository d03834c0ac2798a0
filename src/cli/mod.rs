//! The commands: each parses, calls a room of the library and prints what it says. One file a subcommand; those that
//! only put a command into an inbox share one.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 ran and failed, 2 wrong input,
//! 130 interrupted.

mod completions;
mod dashboard;
mod data;
mod demo;
mod doctor;
mod errors;
mod eval;
mod failure;
mod figures;
mod follow;
mod man;
mod model;
mod output;
mod plot;
mod resume;
mod runs;
mod show;
mod steer;
mod train;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use failure::Failure;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "facetui",
    version,
    about = "A terminal dashboard for face-recognition experiments: train, watch, pause, evaluate and compare",
    after_help = "Examples:\n  facetui demo                      everything once, on drawn faces\n  \
                  facetui                           the dashboard on ./runs\n  \
                  facetui train assets/recipes/cpu-small.toml --config config.ini\n  \
                  facetui doctor                    what this machine has, what is missing\n\n\
                  Without a command, the dashboard opens."
)]
struct Arguments {
    /// The folder of runs
    #[arg(long, value_name = "DIR", default_value = "runs", global = true)]
    runs: PathBuf,
    /// Watch only: no command is sent
    #[arg(long)]
    readonly: bool,
    #[command(flatten)]
    look: dashboard::Look,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Open(dashboard::Open),
    Demo(demo::Demo),
    Train(train::Train),
    Resume(resume::Resume),
    Runs(runs::Runs),
    Show(show::Show),
    Pause(steer::Pause),
    Unpause(steer::Unpause),
    Park(steer::Park),
    Checkpoint(steer::Checkpoint),
    Stop(steer::Stop),
    Set(steer::Set),
    Eval(eval::Eval),
    Errors(errors::Errors),
    Data(data::Data),
    Plot(plot::Plot),
    Model(model::Model),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Reads the command line and obeys it.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match obey(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.told(),
    }
}

fn obey(arguments: Arguments) -> Result<(), Failure> {
    let Arguments {
        runs,
        readonly,
        look,
        command,
    } = arguments;
    let Some(command) = command else {
        return dashboard::open(runs, readonly, &look, None, Vec::new());
    };
    match command {
        Command::Open(command) => command.run(runs, readonly, &look),
        Command::Demo(command) => command.run(&look),
        Command::Train(command) => command.run(runs, &look),
        Command::Resume(command) => command.run(runs, &look),
        Command::Runs(command) => command.run(&runs),
        Command::Show(command) => command.run(&runs),
        Command::Pause(command) => command.run(&runs),
        Command::Unpause(command) => command.run(&runs),
        Command::Park(command) => command.run(&runs),
        Command::Checkpoint(command) => command.run(&runs),
        Command::Stop(command) => command.run(&runs),
        Command::Set(command) => command.run(&runs),
        Command::Eval(command) => command.run(&runs),
        Command::Errors(command) => command.run(&runs),
        Command::Data(command) => command.run(&runs),
        Command::Plot(command) => command.run(&runs),
        Command::Model(command) => command.run(&runs),
        Command::Doctor(command) => command.run(&runs),
        Command::Completions(command) => command.run(),
        Command::Man(_) => man::Man::run(),
    }
}
