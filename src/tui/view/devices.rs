//! How busy the run's machine is, and where its time goes, at the lower end of the live view: by this machine itself
//! where the run is on it, else by what its worker logged last.
//!
//! ```text
//! this machine ────────────────────────────────────────────────────────────────
//! CPU     ━━━━━━━━━━━━────────  62 %   16 cores          memory 3.1 of 8.0 GiB
//! GPU 0   ━━━━━━━━━━━━━━━━━━──  93 %   412 W  61 °C      memory 21.0 of 80.0 GiB
//! worker  ━━━━━━━━━━━━━━━━━━━━ 180 %                     memory 2.1 GiB
//! time    data 3 % · forward 31 % · backward 52 % · optimiser 4 % · evaluation 10 %
//! ```

use ratatui::layout::Rect;

use crate::tui::machine::{Gpu, MachineLoad, gib};
use crate::tui::model::Model;
use crate::tui::snapshot::RunSnapshot;
use crate::tui::theme::Role;
use crate::tui::widget::gauge::bar;
use crate::tui::widget::text::Pen;
use crate::tui::words;
use crate::tui::worker_load::{TimeSplit, WorkerLoad};

/// Draws it at the lower end of `area`; what is left above.
pub fn draw(model: &Model, run: &RunSnapshot, pen: &mut Pen, area: Rect) -> Rect {
    let (title, lines) = lines(model, run);
    let height = (1 + lines.len().clamp(1, 12) as u16).min(area.height / 2);
    let above = Rect {
        height: area.height - height,
        ..area
    };
    let place = Rect {
        x: area.x + 1,
        y: above.bottom(),
        width: area.width - 2,
        height,
    };
    if height == 0 {
        return above;
    }
    pen.title(Rect { height: 1, ..place }, &title, Role::Strong);
    for (line, y) in lines.iter().zip(place.y + 1..place.bottom()) {
        let place = Rect {
            y,
            height: 1,
            ..place
        };
        line.draw(pen, place);
    }
    above
}

/// A line of the pane.
struct Line {
    name: String,
    /// What is drawn as a bar, 0..1.
    share: Option<f64>,
    facts: String,
    memory: String,
}

/// The pane's title and lines.
fn lines(model: &Model, run: &RunSnapshot) -> (String, Vec<Line>) {
    let scalars = model.curves_of(&run.path).map(|curves| &curves.scalars);
    let worker = scalars.and_then(|scalars| WorkerLoad::of(scalars));
    let host = run.details().map(|details| details.status.host.as_str());
    let mut lines = Vec::new();
    let Some(here) = &model.machine else {
        lines.push(text("", "looking…".to_owned()));
        return ("this machine".to_owned(), lines);
    };
    let elsewhere = host.filter(|host| *host != here.host);
    let title = match (elsewhere, worker) {
        (Some(host), Some(worker)) => {
            lines.extend(gpu_of_worker(&worker));
            let age = words::age(model.now - worker.at);
            format!("{host}, as its worker saw it {age} ago")
        }
        (elsewhere, _) => {
            lines.push(cpu(here));
            lines.extend(here.gpus.iter().enumerate().map(|(nth, one)| gpu(nth, one)));
            match elsewhere {
                Some(host) => format!("this machine; of {host} the run tells nothing"),
                None => "this machine".to_owned(),
            }
        }
    };
    // What a worker that has gone had is of no interest.
    lines.extend(worker.filter(|_| run.is_live()).and_then(own_of_worker));
    let split = scalars.and_then(|scalars| TimeSplit::of(scalars));
    lines.extend(split.map(|split| text("time", split.told())));
    (title, lines)
}

fn cpu(load: &MachineLoad) -> Line {
    let disk = load
        .disk_free
        .map(|free| format!("  disk {} GiB free", gib(free)));
    Line {
        name: "CPU".to_owned(),
        share: Some(load.cpu),
        facts: format!("{} cores", load.cores),
        memory: format!(
            "memory {} of {} GiB{}",
            gib(load.memory_used),
            gib(load.memory),
            disk.unwrap_or_default()
        ),
    }
}

fn gpu(nth: usize, gpu: &Gpu) -> Line {
    Line {
        name: format!("GPU {nth}"),
        share: Some(gpu.utilisation),
        facts: effort(gpu.watts, gpu.celsius.map(f64::from)),
        memory: format!("memory {} of {} GiB", gib(gpu.memory_used), gib(gpu.memory)),
    }
}

fn effort(watts: Option<f64>, celsius: Option<f64>) -> String {
    let watts = watts.map(|watts| format!("{watts:.0} W"));
    let celsius = celsius.map(|celsius| format!("{celsius:.0} °C"));
    let facts: Vec<String> = watts.into_iter().chain(celsius).collect();
    facts.join("  ")
}

fn gpu_of_worker(load: &WorkerLoad) -> Option<Line> {
    load.gpu.or(load.gpu_memory).map(|_| Line {
        name: "GPU".to_owned(),
        share: load.gpu,
        facts: effort(load.watts, load.celsius),
        memory: memory(load.gpu_memory),
    })
}

/// What the worker itself takes.
fn own_of_worker(load: WorkerLoad) -> Option<Line> {
    load.cpu.or(load.memory).map(|_| Line {
        name: "worker".to_owned(),
        share: load.cpu,
        facts: String::new(),
        memory: memory(load.memory),
    })
}

fn memory(bytes: Option<f64>) -> String {
    bytes.map_or_else(String::new, |bytes| {
        format!("memory {} GiB", gib(bytes.max(0.0) as u64))
    })
}

fn text(name: &str, facts: String) -> Line {
    Line {
        name: name.to_owned(),
        share: None,
        facts,
        memory: String::new(),
    }
}

impl Line {
    fn draw(&self, pen: &mut Pen, line: Rect) {
        const NAME: u16 = 8;
        const FACTS: u16 = 18;
        pen.put(line.x, line.y, NAME - 1, &self.name, Role::Quiet);
        let x = line.x + NAME;
        let wide = pen.width(&self.memory);
        let Some(share) = self.share else {
            let room = line.width.saturating_sub(NAME + wide);
            pen.put(x, line.y, room, &self.facts, Role::Text);
            pen.put_right(line.x, line.y, line.width, &self.memory, Role::Text);
            return;
        };
        let room = line
            .width
            .saturating_sub(NAME + 7 + FACTS + wide + 2)
            .min(60);
        let (full, empty) = bar(share, room.into(), pen.theme);
        pen.put_all(
            x,
            line.y,
            room,
            &[(&full, Role::Curve(0)), (&empty, Role::Quiet)],
        );
        let percent = format!("{:.0} %", share * 100.0);
        pen.put_right(x + room, line.y, 6, &percent, Role::Strong);
        pen.put(x + room + 8, line.y, FACTS, &self.facts, Role::Text);
        pen.put_right(line.x, line.y, line.width, &self.memory, Role::Text);
    }
}
