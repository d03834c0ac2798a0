//! Commands to a run: small files renamed into its inbox.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Command, RunError};
use crate::atomic::atomic_write;

/// What a look into the inbox brought, in the order of the files' names.
#[derive(Debug, Default)]
pub struct Inbox {
    /// The commands, taken out of the inbox.
    pub commands: Vec<Command>,
    /// Files that held no command, moved to `inbox/rejected/`.
    pub rejected: Vec<RejectedCommand>,
}

/// A file in the inbox that held no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedCommand {
    /// Its name, as found: not to be trusted on a screen.
    pub name: String,
    /// What was wrong with it.
    pub reason: String,
}

/// A command is some tens of bytes; what is larger is something else.
const MAX_COMMAND_BYTES: u64 = 16 * 1024;

/// Puts a command into `folder`; returns the file's path, which is gone once the worker has taken it.
///
/// # Errors
/// When the file can't be written.
pub fn send(folder: &Path, command: &Command) -> Result<PathBuf, RunError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanoseconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_nanos());
    // Sorts by time, and by order within one process where the clock stands still.
    let path = folder.join(format!(
        "{nanoseconds:020}-{}-{:06}.json",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ));
    let text = serde_json::to_vec(command)
        .map_err(|error| RunError::malformed(&path, "command", &error))?;
    atomic_write(&path, &text).map_err(RunError::io("write", &path))?;
    Ok(path)
}

/// Takes all commands out of `folder`, oldest name first; a file is a command once its name ends in `.json`.
///
/// # Errors
/// When the folder can't be read or a file can't be taken away: obeying it again each time would be worse.
pub fn take(folder: &Path) -> Result<Inbox, RunError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Inbox::default()),
        Err(error) => return Err(RunError::io("list", folder)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(RunError::io("list", folder))?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|end| end == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut inbox = Inbox::default();
    for path in paths {
        match read(&path) {
            Ok(command) => {
                fs::remove_file(&path).map_err(RunError::io("take away", &path))?;
                inbox.commands.push(command);
            }
            Err(reason) => inbox.rejected.push(reject(folder, &path, reason)?),
        }
    }
    Ok(inbox)
}

fn read(path: &Path) -> Result<Command, String> {
    // Asked without following links or opening: a pipe would block the worker for good.
    let metadata = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("not a plain file".to_owned());
    }
    if metadata.len() > MAX_COMMAND_BYTES {
        return Err(format!(
            "{} bytes long; a command has at most {MAX_COMMAND_BYTES}",
            metadata.len()
        ));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let command = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    match &command {
        Command::Set { value, .. } if !value.is_finite() => {
            Err(format!("value {value} is not a finite number"))
        }
        _ => Ok(command),
    }
}

fn reject(folder: &Path, path: &Path, reason: String) -> Result<RejectedCommand, RunError> {
    let aside = folder.join("rejected");
    fs::create_dir_all(&aside).map_err(RunError::io("make", &aside))?;
    let name = path.file_name().unwrap_or_default();
    fs::rename(path, aside.join(name)).map_err(RunError::io("move aside", path))?;
    Ok(RejectedCommand {
        name: name.to_string_lossy().into_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_out_once_in_the_order_sent() {
        let folder = tempfile::tempdir().unwrap();
        let change = Command::Set {
            key: "schedule.learning_rate".to_owned(),
            value: 0.01,
        };
        let sent = [Command::Pause, change, Command::Stop { after_epoch: true }];
        for command in &sent {
            send(folder.path(), command).unwrap();
        }
        let inbox = take(folder.path()).unwrap();
        assert_eq!(inbox.commands, sent);
        assert!(inbox.rejected.is_empty());
        assert!(take(folder.path()).unwrap().commands.is_empty());
    }

    #[test]
    fn a_shell_can_write_a_command() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), r#"{"command":"stop"}"#).unwrap();
        fs::write(folder.path().join(".b.json"), "half-writ").unwrap();
        fs::write(folder.path().join("b.json.tmp"), "half-writ").unwrap();
        fs::write(folder.path().join("c.json"), r#"{"command":"resume"}"#).unwrap();
        fs::write(
            folder.path().join("d.json"),
            r#"{"command":"stop","after_epoch":true}"#,
        )
        .unwrap();
        let inbox = take(folder.path()).unwrap();
        let stop = |after_epoch| Command::Stop { after_epoch };
        assert_eq!(inbox.commands, [stop(false), Command::Unpause, stop(true)]);
        assert!(inbox.rejected.is_empty());
    }

    #[test]
    fn what_is_no_command_is_moved_aside_and_the_others_still_work() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.json"), r#"{"command":"explode"}"#).unwrap();
        fs::create_dir(folder.path().join("2.json")).unwrap();
        fs::write(folder.path().join("3.json"), vec![b' '; 20_000]).unwrap();
        fs::write(folder.path().join("4.json"), r#"{"command":"pause"}"#).unwrap();
        let inbox = take(folder.path()).unwrap();
        assert_eq!(inbox.commands, [Command::Pause]);
        let names: Vec<_> = inbox.rejected.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["1.json", "2.json", "3.json"]);
        assert!(inbox.rejected[0].reason.contains("explode"));
        assert!(folder.path().join("rejected/1.json").exists());
    }
}
