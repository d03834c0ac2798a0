//! The command that a recipe has run when its run has ended.

use std::process::{Command, Stdio};

use facetui::{
    config::Recipe,
    run::{RunDirectory, RunState},
};

/// Starts the recipe's `on_finish` where the run has finished or failed; its output goes to the worker's log.
///
/// Nobody waits for it: a message that takes its time holds up nothing.
pub fn ended(run: &RunDirectory) {
    let Ok(status) = run.status() else { return };
    if !matches!(status.state, RunState::Finished | RunState::Failed) {
        return;
    }
    let Ok(recipe) = Recipe::load(&run.recipe_path()) else {
        return;
    };
    let Some(command) = recipe.on_finish else {
        return;
    };
    let started = Command::new("/bin/sh")
        .arg("-c")
        .arg(&command)
        .env("FACETUI_RUN", run.path())
        .env("FACETUI_NAME", &status.name)
        .env("FACETUI_STATE", status.state.to_string())
        .env("FACETUI_STEP", status.step.to_string())
        .env("FACETUI_ERROR", status.last_error.unwrap_or_default())
        .stdin(Stdio::null())
        .spawn();
    if let Err(error) = started {
        super::say(&format!("can't start on_finish: {error}"));
    }
}
