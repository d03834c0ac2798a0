//! The last line: what the keys do here, or the newest notice.
//!
//! ```text
//! Enter open  p pause  P park  c checkpoint  s stop                   ? help  q quit
//! ✓ margin-centre: paused at step 120                                 ? help  q quit
//! ```

use ratatui::layout::Rect;

use crate::run::{Command, RunState};
use crate::tui::keys::{self, Action, Binding};
use crate::tui::model::{Access, Model, Tone};
use crate::tui::theme::Role;
use crate::tui::update::refusal;
use crate::tui::widget::text::Pen;

/// Draws the footer.
pub fn draw(model: &Model, pen: &mut Pen, area: Rect) {
    let bindings: Vec<&Binding> = keys::of(model.context())
        .filter(|binding| !binding.label.is_empty() && refusal(model, binding.action).is_none())
        .collect();
    let (last, first): (Vec<&Binding>, Vec<&Binding>) = bindings
        .into_iter()
        .partition(|binding| matches!(binding.action, Action::Help | Action::Quit));
    let mut right = area.right() - 1;
    for binding in last.iter().rev() {
        let wide = width(pen, binding, model);
        right -= wide;
        put(pen, right, area.y, binding, model);
        right -= 2;
    }
    if model.access == Access::ReadOnly {
        let text = "read-only";
        right -= pen.width(text);
        pen.put(right, area.y, area.width, text, Role::Waiting);
        right -= 2;
    }
    let left = area.x + 1;
    if let Some(notice) = &model.notice {
        let (mark, role) = match notice.tone {
            Tone::Done => (pen.theme.pick("✓", "+"), Role::Good),
            Tone::Refused => (pen.theme.pick("–", "-"), Role::Waiting),
            Tone::Failed => (pen.theme.pick("✗", "x"), Role::Bad),
        };
        let room = right.saturating_sub(left);
        pen.put_all(
            left,
            area.y,
            room,
            &[(mark, role), (" ", role), (&notice.text, Role::Text)],
        );
        return;
    }
    let mut x = left;
    for binding in first {
        let wide = width(pen, binding, model);
        if x + wide > right {
            continue;
        }
        put(pen, x, area.y, binding, model);
        x += wide + 2;
    }
}

fn width(pen: &Pen, binding: &Binding, model: &Model) -> u16 {
    pen.width(&binding.name()) + 1 + pen.width(label(binding, model))
}

fn put(pen: &mut Pen, x: u16, y: u16, binding: &Binding, model: &Model) {
    let name = binding.name();
    let pieces = [
        (name.as_str(), Role::Strong),
        (" ", Role::Quiet),
        (label(binding, model), Role::Quiet),
    ];
    pen.put_all(x, y, u16::MAX, &pieces);
}

/// `p` is labelled by what it would do now.
fn label(binding: &Binding, model: &Model) -> &'static str {
    if binding.action == Action::TogglePause
        && let Some(run) = model.selected_run()
    {
        let sent = model.pending.get(&run.path).map(|pending| &pending.command);
        let paused = run.state() == Some(RunState::Paused);
        if sent == Some(&Command::Pause) || (paused && sent != Some(&Command::Unpause)) {
            return "unpause";
        }
    }
    binding.label
}
