//! The one place where the dashboard meets the world: events come in, effects are carried out, frames go out.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt;
use rustix::process::{Signal, kill_current_process_group};
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::config::{ConfigErrors, Settings, ThemeChoice};
use crate::run::{IndexHome, host};
use crate::untrusted::{visible, visible_os, visible_path};

use super::catalogue;
use super::effect::Effect;
use super::evidence;
use super::export;
use super::graphics::{self, Answers, Environment};
use super::keys::Keys;
use super::message::{Gesture, Message};
use super::model::{Access, Model};
use super::notify::Notify;
use super::orders;
use super::picture;
use super::poll::{self, Request};
use super::run_view;
use super::terminal::{self, HUNG_UP, Screen};
use super::theme::{Background, Theme};
use super::update::{plays, update};
use super::view::{self, ViewCache};

/// What the dashboard is opened on.
#[derive(Debug, Clone, Default)]
pub struct TuiOptions {
    /// The folder of runs; it need not be there yet.
    pub runs_root: PathBuf,
    /// Give no commands.
    pub readonly: bool,
    /// The name of a run to open as soon as it is seen.
    pub focus: Option<String>,
    /// More run folders, or folders with any program's TensorBoard logs.
    pub extra: Vec<PathBuf>,
    /// How it looks and which keys it obeys.
    pub settings: Settings,
    /// Where indexes of long event logs may be written.
    pub indexes: IndexHome,
    /// Where is kept how each run was looked at; `None` keeps it nowhere.
    pub views: Option<PathBuf>,
}

/// The name of one's own list of mislabelled videos in a folder of runs.
pub const ERROR_LIST: &str = "ytf-errors.txt";

/// Why there is no dashboard.
#[derive(Debug, Error)]
pub enum TuiError {
    /// Input or output is no terminal.
    #[error(
        "the dashboard needs a terminal for input and output; without one, `facetui runs` and `facetui show RUN` tell the same"
    )]
    NoTerminal,
    /// The keys that are set can't all be.
    #[error(transparent)]
    Keys(#[from] ConfigErrors),
    /// The terminal or the system refused.
    #[error("the terminal can't be used: {0}")]
    Terminal(#[from] io::Error),
}

/// Between two frames of a track that is played.
const PICTURE: Duration = Duration::from_millis(200);
/// How long commands still under way are waited for at the end.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// Shows the dashboard until it is left. Runs go on without it.
///
/// # Errors
/// When there is no terminal, or it can't be used.
pub fn run(options: TuiOptions) -> Result<(), TuiError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let keys = Keys::with(&options.settings.keys)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    terminal::report_panics();
    let result = runtime.block_on(serve(options, keys));
    terminal::restore();
    runtime.shutdown_timeout(LAST_ORDERS);
    Ok(result?)
}

/// The runs at hand, as the poller will see them.
struct World {
    screen: Screen,
    notify: Notify,
    root: PathBuf,
    views: Option<PathBuf>,
    requests: Sender<Request>,
    evidence: Sender<evidence::Request>,
    catalogue: Sender<catalogue::Request>,
    messages: UnboundedSender<Message>,
}

/// Whether to go on.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    Leave,
}

async fn serve(options: TuiOptions, keys: Keys) -> io::Result<()> {
    let (sender, mut messages) = unbounded_channel();
    let mut woken = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    let mut model = first_model(&options);
    model.keys = Arc::new(keys);
    let settings = options.settings;
    model.mouse = settings.mouse;
    let frame = Duration::from_secs(1) / u32::try_from(settings.frames_per_second).unwrap_or(60);
    let mut cache = ViewCache::default();
    let mut world = World {
        screen: Screen::take(settings.mouse)?,
        notify: Notify::from(settings.notify).understood_by(|name| std::env::var(name).ok()),
        root: options.runs_root.clone(),
        views: options.views,
        catalogue: catalogue::start(sender.clone()),
        evidence: evidence::start(
            settings
                .error_list
                .clone()
                .unwrap_or_else(|| options.runs_root.join(ERROR_LIST)),
            sender.clone(),
        ),
        requests: poll::start(
            options.runs_root,
            options.extra,
            options.indexes,
            sender.clone(),
        ),
        messages: sender.clone(),
    };
    terminal::leave_with_the_terminal()?;
    let size = crossterm::terminal::size()?;
    update(&mut model, Message::Resized(size.0, size.1));
    // People see something before the terminal is asked what it can.
    world
        .screen
        .draw(|frame| view::draw(&model, &mut cache, frame))?;
    ask_terminal(&mut model, &settings)?;
    let (to_encode, encoded) = picture::start(sender);
    let mut events = EventStream::new();
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next_frame = Instant::now();
    let mut next_picture = Instant::now();
    loop {
        let message = tokio::select! {
            biased;
            // Whatever stopped it, the shell has used the terminal meanwhile.
            _ = woken.recv() => {
                world.screen.take_again()?;
                cache.pictures.forget();
                Some(Message::Redraw)
            }
            event = events.next() => match event {
                Some(Ok(event)) => translate(event, &cache),
                // A terminal that gives no more events is gone.
                Some(Err(_)) | None => terminal::leave(HUNG_UP),
            },
            message = next(&mut messages) => Some(message),
            _ = seconds.tick() => Some(Message::Tick(host::now())),
            () = sleep_until(next_frame), if model.changed => {
                let begun = Instant::now();
                model.changed = false;
                for picture in encoded.try_iter() {
                    cache.pictures.keep(picture);
                }
                world.screen.draw(|frame| view::draw(&model, &mut cache, frame))?;
                model.changed |= cache.is_behind();
                for wanted in cache.pictures.take_wanted() {
                    // The thread ends only with the dashboard, or by a fault that ends it.
                    let _ = to_encode.send(wanted);
                }
                // A terminal that takes its bytes slowly gets fewer frames.
                next_frame = Instant::now() + frame.max(begun.elapsed() * 3);
                None
            }
            () = sleep_until(next_picture), if plays(&model) => {
                next_picture = Instant::now() + PICTURE;
                Some(Message::NextFrame)
            }
        };
        let Some(message) = message else { continue };
        for effect in update(&mut model, message) {
            if let Effect::ExportScreen(file) = effect {
                let told = export::write_screen(&model, &file);
                world.answer(Message::Exported(told));
                continue;
            }
            if matches!(effect, Effect::Clear | Effect::Suspend) {
                cache.pictures.forget();
            }
            if world.carry_out(effect).await? == Then::Leave {
                return Ok(());
            }
        }
    }
}

/// What the terminal can show, and whether it is light.
fn ask_terminal(model: &mut Model, settings: &Settings) -> io::Result<()> {
    let environment = Environment::of(|name| std::env::var(name).ok());
    let answers = if environment.worth_asking() {
        graphics::ask()?
    } else {
        Answers::default()
    };
    model.graphics = graphics::choose(settings.images, environment, &answers);
    if settings.theme == ThemeChoice::Auto && answers.is_light() {
        model.theme.background = Background::Light;
    }
    Ok(())
}

fn first_model(options: &TuiOptions) -> Model {
    let theme = Theme::of_environment(|name| std::env::var(name).ok(), &options.settings);
    let access = if options.readonly {
        Access::ReadOnly
    } else {
        Access::Full
    };
    let root = visible_path(&options.runs_root);
    // Whoever opens one folder wants to see that one.
    let only = match &options.extra[..] {
        [folder] => folder.file_name().map(visible_os),
        _ => None,
    };
    let focus = options.focus.as_deref().map(visible).or(only);
    let mut model = Model::new(theme, access, root, focus);
    model.now = host::now();
    model
}

/// The next message; there is always a sender left, so this never ends.
async fn next(messages: &mut UnboundedReceiver<Message>) -> Message {
    match messages.recv().await {
        Some(message) => message,
        None => std::future::pending().await,
    }
}

impl World {
    async fn carry_out(&mut self, effect: Effect) -> io::Result<Then> {
        match effect {
            Effect::Quit => return Ok(Then::Leave),
            Effect::Clear => self.screen.clear()?,
            Effect::Mouse(wanted) => self.screen.set_mouse(wanted)?,
            Effect::Suspend => {
                self.screen.lend(suspend()).await?;
                self.answer(Message::Redraw);
            }
            Effect::Watch { run, beside } => self.ask(Request::Watch { run, beside }),
            Effect::WatchMachine(wanted) => self.ask(Request::Machine(wanted)),
            Effect::Look => self.ask(Request::Look),
            Effect::ReadScores { of, evaluation } => self.ask(Request::Scores(of, evaluation)),
            Effect::Evidence(request) => {
                // As with the poller.
                let _ = self.evidence.send(request);
            }
            Effect::Catalogue(request) => {
                // As with the poller.
                let _ = self.catalogue.send(request);
            }
            Effect::ExportCurves(curves, file) => {
                self.aside(move || Message::Exported(export::write_curves(&curves, &file)));
            }
            Effect::ExportText(text, file) => {
                self.aside(move || Message::Exported(export::write_text(&text, &file)));
            }
            // The loop has the model, and did it.
            Effect::ExportScreen(_) => {}
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::LoadView(path) => {
                if let Some(folder) = self.views.clone() {
                    let view = run_view::load(&folder, &path);
                    if let Some(view) = view {
                        self.answer(Message::View(path, view));
                    }
                }
            }
            Effect::SaveView(path, view) => {
                if let Some(folder) = &self.views {
                    // How one looked at a run is worth no message.
                    let _ = run_view::save(folder, &path, &view);
                }
            }
            Effect::Notify(text) => self.screen.notify(self.notify, &text)?,
            Effect::Send { path, command } => self.aside(move || {
                let result = orders::send(&path, &command);
                Message::Sent {
                    path,
                    command,
                    result,
                }
            }),
            Effect::Resume { path, name } => self.aside(move || Message::Resumed {
                name,
                result: orders::resume(&path),
            }),
            Effect::Check { edit, order } => self.aside(move || {
                let orders::Checked { keys, result } = orders::check(&order);
                Message::Checked { edit, keys, result }
            }),
            Effect::Manage(path, what) => {
                self.aside(move || Message::Managed(orders::manage(&path, &what)));
            }
            Effect::Launch(order) => {
                let root = self.root.clone();
                self.aside(move || Message::Launched(orders::launch(&order, &root)));
            }
        }
        Ok(Then::GoOn)
    }

    /// Does something that may wait for a disk, on another thread; what comes of it is a message.
    fn aside(&self, work: impl FnOnce() -> Message + Send + 'static) {
        let messages = self.messages.clone();
        spawn_blocking(move || {
            // A dashboard that was left meanwhile needs no answer.
            let _ = messages.send(work());
        });
    }

    fn ask(&self, request: Request) {
        // The poller ends only with the dashboard, or by a fault that ends it.
        let _ = self.requests.send(request);
    }

    fn answer(&self, message: Message) {
        // The receiver lives as long as the loop that calls this.
        let _ = self.messages.send(message);
    }
}

/// Stops the process group as Ctrl-Z would, and comes back when it is told to go on.
async fn suspend() {
    let Ok(mut go_on) = signal(SignalKind::from_raw(Signal::CONT.as_raw())) else {
        return;
    };
    if kill_current_process_group(Signal::TSTP).is_ok() {
        // Where nobody could wake it again the system does not stop it: then no signal comes.
        let _ = timeout(Duration::from_millis(300), go_on.recv()).await;
    }
}

fn translate(event: Event, cache: &ViewCache) -> Option<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Message::Key(key)),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(width, height) => Some(Message::Resized(width, height)),
        Event::Mouse(mouse) => clicked(mouse, cache),
        Event::Key(_) | Event::FocusGained | Event::FocusLost => None,
    }
}

fn clicked(mouse: MouseEvent, cache: &ViewCache) -> Option<Message> {
    let gesture = match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Gesture::Press),
        MouseEventKind::Drag(MouseButton::Left) => Some(Gesture::Drag),
        MouseEventKind::Up(MouseButton::Left) => Some(Gesture::Release),
        MouseEventKind::ScrollDown => Some(Gesture::Wheel(3)),
        MouseEventKind::ScrollUp => Some(Gesture::Wheel(-3)),
        _ => None,
    };
    if let (Some(gesture), Some((chart, at))) = (gesture, cache.on_chart(mouse.column, mouse.row)) {
        return Some(Message::OnChart { chart, at, gesture });
    }
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            cache.target(mouse.column, mouse.row).map(Message::Pointed)
        }
        MouseEventKind::ScrollDown => Some(Message::Wheel(3)),
        MouseEventKind::ScrollUp => Some(Message::Wheel(-3)),
        _ => None,
    }
}
