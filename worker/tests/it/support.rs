//! What several tests need: engines, a tiny training set, and run directories with workers on them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use burn::tensor::Device;
use facetui::{
    config::DeviceChoice,
    data::{
        Image,
        recordio::{RecordWriter, index_text},
        write_bin,
    },
    run::{Job, JobKind, RunDirectory, RunState, Status, Work},
};
use facetui_worker::model::libtorch;

/// Every engine of this build, by the name that `--device` gives it.
pub fn engines() -> Vec<(&'static str, Device)> {
    let mut engines = vec![("flex", Device::flex())];
    match libtorch::cpu() {
        Some(device) => engines.push(("cpu", device)),
        None => eprintln!("LibTorch is not in this build: only flex is tested"),
    }
    engines
}

/// A shaded square whose colour tells the person and whose shade the image.
fn picture(person: u8, number: u8) -> Vec<u8> {
    let rgb = (0..112 * 112)
        .flat_map(|pixel: u32| {
            let (row, column) = (pixel / 112, pixel % 112);
            let shade = ((row * u32::from(number + 1) + column) % 97) as u8;
            [person * 60 + shade / 2, 200 - person * 50, shade + number]
        })
        .collect();
    let image = Image {
        width: 112,
        height: 112,
        rgb,
    };
    image.to_png().unwrap()
}

/// Writes `train.rec` of three people with five images each, a `.bin` of twenty pairs, and `config.ini`.
pub fn tiny_data(folder: &Path) {
    let train = folder.join("train");
    fs::create_dir_all(&train).unwrap();
    let mut writer = RecordWriter::new(fs::File::create(train.join("train.rec")).unwrap());
    for key in 0..15_u8 {
        let image = picture(key / 5, key % 5);
        writer
            .write_image(u64::from(key), f32::from(key / 5), &image)
            .unwrap();
    }
    let (_, index) = writer.finish().unwrap();
    fs::write(train.join("train.idx"), index_text(&index)).unwrap();

    let mut images = Vec::new();
    let mut same = Vec::new();
    for pair in 0..20_u8 {
        let is_same = pair % 2 == 0;
        images.push(picture(pair % 3, pair % 5));
        images.push(picture(
            if is_same { pair % 3 } else { (pair + 1) % 3 },
            (pair + 2) % 5,
        ));
        same.push(is_same);
    }
    fs::write(folder.join("lfw.bin"), write_bin(&images, &same)).unwrap();
    fs::write(
        folder.join("config.ini"),
        "[lfw]\nenable = on\nnpdata = lfw.bin\n[tiny]\nmxrec = train\n",
    )
    .unwrap();
}

/// A recipe of `steps` steps on the tiny set, with `more` at its end.
pub fn tiny_recipe(stage: &str, steps: u64, more: &str) -> String {
    format!(
        "stage = \"{stage}\"\nsteps = {steps}\nseed = 7\nbatch_size = 4\nmemory_format = \"channels-last\"\ncheckpoint_every = 2\nvalidate_every = 0\nvalidation = []\n[[datasets]]\nname = \"tiny\"\n[network]\ndepth = 32\ndrop = 0.4\n[schedule]\nlearning_rate = 0.01\nwarmup_steps = 0\ndecay = \"constant\"\nboundaries = []\nrates = []\n[triplet]\nimages_per_class = 2\n{more}"
    )
}

/// A recipe with more keys of its top level.
pub fn with_keys(recipe: &str, keys: &str) -> String {
    format!("{keys}\n{recipe}")
}

/// A training run in `folder`, whose data [`tiny_data`] has written; the worker is not started.
pub fn training_run(folder: &Path, name: &str, device: &str, recipe: &str) -> RunDirectory {
    let run = RunDirectory::create(&folder.join("runs"), name).unwrap();
    let device: DeviceChoice = device.parse().unwrap();
    let work = Work::Train {
        from: None,
        auto_batch: false,
    };
    run.save_job(&Job { device, work }).unwrap();
    run.write_file("recipe.toml", recipe.as_bytes()).unwrap();
    let config = facetui::config::DataConfig::load(&folder.join("config.ini")).unwrap();
    run.write_file("config.ini", config.to_ini().as_bytes())
        .unwrap();
    run.write_status(&Status::starting(name, JobKind::Train, 0, "auto"))
        .unwrap();
    run
}

/// A worker that is killed when the test ends before it does.
pub struct Worker(Child);

impl Worker {
    pub fn start(run: &RunDirectory) -> Self {
        let log = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(run.log_path())
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_facetui-worker"))
            .arg("run")
            .arg(run.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap_or_default();
        // A process that has ended stays as a zombie until it is waited for.
        stat.rsplit_once(')')
            .is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end; returns the exit code.
    pub fn wait(mut self) -> Option<i32> {
        let end = Instant::now() + Duration::from_mins(2);
        while Instant::now() < end {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the worker does not end");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the run's status fits.
pub fn wait_for(run: &RunDirectory, what: &str, fits: impl Fn(&Status) -> bool) -> Status {
    let end = Instant::now() + Duration::from_mins(2);
    while Instant::now() < end {
        if let Ok(status) = run.status() {
            if fits(&status) {
                return status;
            }
            let failed = status.state == RunState::Failed;
            assert!(!failed, "waiting for {what}: {:?}", status.last_error);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!(
        "no {what}: {:?}\n{}",
        run.status(),
        run.log_tail(20).join("\n")
    );
}

/// The newest checkpoint's folder.
pub fn newest_checkpoint(run: &RunDirectory) -> PathBuf {
    run.checkpoints().unwrap().pop().unwrap().path
}

/// The folder with the detector's weights; `None`, with a message, where they were not fetched.
///
/// `./x test` fetches them and sets `FACETUI_MTCNN`: with it set, their absence is a failure.
pub fn detector_weights() -> Option<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if let Some(folder) = std::env::var_os("FACETUI_MTCNN") {
        let folder = project.join(folder);
        assert!(folder.is_dir(), "FACETUI_MTCNN: no {}", folder.display());
        return Some(folder);
    }
    let folder = project.join("models/mtcnn");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no detector; `./x setup detector` fetches its weights");
    None
}

/// Whether ONNX Runtime is here; says so where it isn't. A path that is set and wrong fails the test.
pub fn has_onnx_runtime() -> bool {
    let found = facetui::run::worker::onnx_runtime().unwrap().is_some();
    if !found {
        eprintln!("skipped: no ONNX Runtime; `./x setup onnx` fetches it");
    }
    found
}
