//! The last line: what the keys do here, or the newest notice.
//!
//! ```text
//! Enter open  p pause  P park  c checkpoint  s stop                   ? help  q quit
//! ✓ margin-centre: paused at step 120                                 ? help  q quit
//! ```

use ratatui::layout::Rect;

use crate::run::{Command, RunState};
use crate::tui::keys::{Action, Bound};
use crate::tui::model::{Access, Model, Tone};
use crate::tui::theme::Role;
use crate::tui::update::refusal;
use crate::tui::widget::text::Pen;

/// Draws the footer.
pub fn draw(model: &Model, pen: &mut Pen, area: Rect) {
    let usable = |bound: &&Bound| {
        let binding = bound.binding;
        !binding.label.is_empty()
            && !bound.keys.is_empty()
            && refusal(model, binding.action).is_none()
    };
    let bound: Vec<&Bound> = model.keys.of(model.context()).filter(usable).collect();
    let (last, first): (Vec<&Bound>, Vec<&Bound>) = bound
        .into_iter()
        .partition(|bound| matches!(bound.binding.action, Action::Help | Action::Quit));
    let mut right = area.right() - 1;
    for bound in last.iter().rev() {
        let wide = width(pen, bound, model);
        right -= wide;
        put(pen, right, area.y, bound, model);
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
    for bound in first {
        let wide = width(pen, bound, model);
        if x + wide > right {
            continue;
        }
        put(pen, x, area.y, bound, model);
        x += wide + 2;
    }
}

fn width(pen: &Pen, bound: &Bound, model: &Model) -> u16 {
    pen.width(&bound.name()) + 1 + pen.width(label(bound, model))
}

fn put(pen: &mut Pen, x: u16, y: u16, bound: &Bound, model: &Model) {
    let name = bound.name();
    let pieces = [
        (name.as_str(), Role::Strong),
        (" ", Role::Quiet),
        (label(bound, model), Role::Quiet),
    ];
    pen.put_all(x, y, u16::MAX, &pieces);
}

/// `p` is labelled by what it would do now.
fn label(bound: &Bound, model: &Model) -> &'static str {
    if bound.binding.action == Action::TogglePause
        && let Some(run) = model.selected_run()
    {
        let sent = model.pending.get(&run.path).map(|pending| &pending.command);
        let paused = run.state() == Some(RunState::Paused);
        if sent == Some(&Command::Pause) || (paused && sent != Some(&Command::Unpause)) {
            return "unpause";
        }
    }
    bound.binding.label
}
