//! Whether systemd ends a user's processes when the user logs out, training runs among them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Where systemd looks for its settings, those that count more first.
const PLACES: [&str; 4] = [
    "etc/systemd",
    "run/systemd",
    "usr/local/lib/systemd",
    "usr/lib/systemd",
];

/// What `logind.conf` and its drop-ins say of it; unset means what the distribution built in, mostly no.
#[derive(Debug, Default, PartialEq, Eq)]
struct Settings {
    kill: bool,
    only: Vec<String>,
    exclude: Option<Vec<String>>,
}

/// Whether logging out would end this user's runs on a system whose files lie below `root`.
pub(super) fn ends_processes_of(user: &str, root: &Path) -> bool {
    // Where another init runs, the files mean nothing.
    if !root.join("run/systemd/system").is_dir() {
        return false;
    }
    let mut settings = Settings::default();
    for path in files(root) {
        // One that can't be read can't be systemd's word either.
        settings.read(&fs::read_to_string(path).unwrap_or_default());
    }
    let has_user = |names: &[String]| names.iter().any(|name| name == user);
    let excluded = match &settings.exclude {
        Some(names) => has_user(names),
        None => user == "root",
    };
    settings.kill && !excluded && (settings.only.is_empty() || has_user(&settings.only))
}

/// The files in the order in which they are read: later ones count more.
fn files(root: &Path) -> Vec<PathBuf> {
    let main = PLACES
        .iter()
        .map(|place| root.join(place).join("logind.conf"))
        .find(|path| path.exists());
    let mut drop_ins = BTreeMap::new();
    for place in PLACES {
        let folder = root.join(place).join("logind.conf.d");
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|end| end == "conf") {
                // Of two of a name, the one in the place that counts more hides the other.
                drop_ins.entry(entry.file_name()).or_insert(path);
            }
        }
    }
    main.into_iter().chain(drop_ins.into_values()).collect()
}

impl Settings {
    fn read(&mut self, text: &str) {
        let mut in_login = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                in_login = line == "[Login]";
                continue;
            }
            let Some((key, value)) = line.split_once('=').filter(|_| in_login) else {
                continue;
            };
            let value = value.trim();
            let names = || value.split_whitespace().map(str::to_owned).collect();
            match key.trim() {
                "KillUserProcesses" => {
                    self.kill = ["1", "yes", "y", "true", "t", "on"]
                        .contains(&value.to_lowercase().as_str());
                }
                "KillOnlyUsers" => self.only = names(),
                "KillExcludeUsers" => self.exclude = Some(names()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn ends(user: &str, files: &[(&str, &str)]) -> bool {
        ends_processes_of(user, system(files).path())
    }

    const KILL: &str = "[Login]\n# a comment\nKillUserProcesses = yes\n";

    #[test]
    fn only_a_system_that_says_so_ends_processes() {
        assert!(!ends("ann", &[]));
        assert!(ends("ann", &[("etc/systemd/logind.conf", KILL)]));
        assert!(!ends("root", &[("etc/systemd/logind.conf", KILL)]));
        assert!(!ends(
            "ann",
            &[(
                "etc/systemd/logind.conf",
                "[Login]\n#KillUserProcesses=yes\n"
            )]
        ));
        assert!(!ends(
            "ann",
            &[(
                "etc/systemd/logind.conf",
                "[Other]\nKillUserProcesses=yes\n"
            )]
        ));
        let root = system(&[("etc/systemd/logind.conf", KILL)]);
        fs::remove_dir(root.path().join("run/systemd/system")).unwrap();
        assert!(!ends_processes_of("ann", root.path()), "another init");
    }

    #[test]
    fn drop_ins_count_more_and_those_of_etc_most() {
        let no = "[Login]\nKillUserProcesses=no\n";
        let main = ("etc/systemd/logind.conf", no);
        assert!(ends(
            "ann",
            &[main, ("usr/lib/systemd/logind.conf.d/50-a.conf", KILL)]
        ));
        assert!(!ends(
            "ann",
            &[
                main,
                ("usr/lib/systemd/logind.conf.d/50-a.conf", KILL),
                ("etc/systemd/logind.conf.d/50-a.conf", no),
            ]
        ));
        assert!(ends(
            "ann",
            &[
                ("etc/systemd/logind.conf.d/10.conf", no),
                ("run/systemd/logind.conf.d/20.conf", KILL),
                ("etc/systemd/logind.conf.d/30.txt", no),
            ]
        ));
        assert!(!ends("ann", &[main, ("usr/lib/systemd/logind.conf", KILL)]));
    }

    #[test]
    fn users_can_be_named_and_left_out() {
        let of = |more: &str| format!("{KILL}{more}\n");
        let ends = |user, more: &str| ends(user, &[("etc/systemd/logind.conf", &of(more))]);
        assert!(ends("ann", "KillOnlyUsers=bob ann") && !ends("eve", "KillOnlyUsers=bob ann"));
        assert!(!ends("ann", "KillExcludeUsers=ann") && ends("root", "KillExcludeUsers=ann"));
    }
}
