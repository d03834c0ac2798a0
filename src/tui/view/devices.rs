//! How busy this machine is, at the lower end of the live view.
//!
//! ```text
//! this machine ────────────────────────────────────────────────────────────────
//! CPU     ━━━━━━━━━━━━────────  62 %   16 cores          memory 3.1 of 8.0 GiB
//! GPU 0   ━━━━━━━━━━━━━━━━━━──  93 %   412 W  61 °C      memory 21.0 of 80.0 GiB
//! ```

use ratatui::layout::Rect;

use crate::tui::machine::{Gpu, MachineLoad, gib};
use crate::tui::model::Model;
use crate::tui::theme::Role;
use crate::tui::widget::gauge::bar;
use crate::tui::widget::text::Pen;

/// Draws it at the lower end of `area`; what is left above.
pub fn draw(model: &Model, pen: &mut Pen, area: Rect) -> Rect {
    let gpus = model.machine.as_ref().map_or(0, |load| load.gpus.len());
    let height = (2 + gpus.min(8) as u16).min(area.height / 2);
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
    pen.title(Rect { height: 1, ..place }, "this machine", Role::Strong);
    let Some(load) = &model.machine else {
        pen.put(place.x, place.y + 1, place.width, "looking…", Role::Quiet);
        return above;
    };
    draw_cpu(
        load,
        pen,
        Rect {
            y: place.y + 1,
            height: 1,
            ..place
        },
    );
    for (nth, (gpu, y)) in load
        .gpus
        .iter()
        .zip(place.y + 2..place.bottom())
        .enumerate()
    {
        draw_gpu(
            nth,
            gpu,
            pen,
            Rect {
                y,
                height: 1,
                ..place
            },
        );
    }
    above
}

fn draw_cpu(load: &MachineLoad, pen: &mut Pen, line: Rect) {
    let facts = format!("{} cores", load.cores);
    let disk = load
        .disk_free
        .map(|free| format!("  disk {} GiB free", gib(free)));
    let memory = format!(
        "memory {} of {} GiB{}",
        gib(load.memory_used),
        gib(load.memory),
        disk.unwrap_or_default()
    );
    draw_line("CPU", load.cpu, &facts, &memory, pen, line);
}

fn draw_gpu(nth: usize, gpu: &Gpu, pen: &mut Pen, line: Rect) {
    let power = gpu.watts.map(|watts| format!("{watts:.0} W"));
    let heat = gpu.celsius.map(|celsius| format!("{celsius} °C"));
    let facts: Vec<String> = power.into_iter().chain(heat).collect();
    let memory = format!("memory {} of {} GiB", gib(gpu.memory_used), gib(gpu.memory));
    let name = format!("GPU {nth}");
    draw_line(
        &name,
        gpu.utilisation,
        &facts.join("  "),
        &memory,
        pen,
        line,
    );
}

fn draw_line(name: &str, share: f64, facts: &str, memory: &str, pen: &mut Pen, line: Rect) {
    const NAME: u16 = 8;
    pen.put(line.x, line.y, NAME - 1, name, Role::Quiet);
    let wide = pen.width(memory);
    let room = line.width.saturating_sub(NAME + 7 + 18 + wide + 2).min(60);
    let (full, empty) = bar(share, room.into(), pen.theme);
    let x = line.x + NAME;
    pen.put_all(
        x,
        line.y,
        room,
        &[(&full, Role::Curve(0)), (&empty, Role::Quiet)],
    );
    let percent = format!("{:.0} %", share * 100.0);
    pen.put_right(x + room, line.y, 6, &percent, Role::Strong);
    pen.put(x + room + 8, line.y, 18, facts, Role::Text);
    pen.put_right(line.x, line.y, line.width, memory, Role::Text);
}
