// SPDX-License-Identifier: GPL-2.0

//! The live tree in a terminal.
//!
//! A refresh is a walk (`tree.rs` says what bounds it) and, for each container that is in the
//! window, its files: as many as the terminal has lines. What comes into the window by a key is
//! read then.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Paragraph, Row as Cells, Table};
use ratatui::{DefaultTerminal, Frame, TerminalOptions, Viewport};
use signal_hook::consts::{SIGHUP, SIGTERM};
use signal_hook::flag;

use crate::files::{Limit, Numbers};
use crate::show::{self, Column};
use crate::tree::{Below, Root, Row, View};

/// How long a signal may wait to be noticed.
const NAP: Duration = Duration::from_millis(250);
/// How many times as long as a walk takes no other one begins: a big tree gets a fifth of a CPU.
const REST: u32 = 4;
/// Of a terminal that does not know its size, as on a serial line.
const SMALLEST: Rect = Rect {
    x: 0,
    y: 0,
    width: 80,
    height: 24,
};
/// What names keep, however deep they are.
const NAME: usize = 14;

/// Shows `root` until somebody has seen enough. The terminal is as it was when this returns, and
/// when it panics.
pub fn run(root: Root, view: View, interval: Duration) -> io::Result<()> {
    let told = Arc::new(AtomicBool::new(false));
    // Who waits for a key does not look up when the terminal has gone; and whom the first one does
    // not reach, the second one ends.
    let gone = Arc::new(AtomicBool::new(true));
    flag::register_conditional_shutdown(SIGHUP, 1, gone)?;
    flag::register_conditional_shutdown(SIGTERM, 1, Arc::clone(&told))?;
    flag::register(SIGTERM, Arc::clone(&told))?;
    let mut screen = Screen::new(root, view, interval);
    // Before the terminal changes: if there is nothing to see, that is to be read.
    screen.refresh()?;
    let result = start().and_then(|mut terminal| screen.show(&mut terminal, &told));
    ratatui::restore();
    result
}

fn start() -> io::Result<DefaultTerminal> {
    let mut terminal = ratatui::try_init()?;
    let size = terminal.size()?;
    if size.width == 0 || size.height == 0 {
        let viewport = Viewport::Fixed(SMALLEST);
        terminal = ratatui::try_init_with_options(TerminalOptions { viewport })?;
        terminal.clear()?;
    }
    Ok(terminal)
}

struct Screen {
    root: Root,
    view: View,
    interval: Duration,
    rows: Vec<Row>,
    /// The row that keys are for; a row that is there, for the root always is.
    selected: usize,
    /// The first row of the window.
    top: usize,
    /// How many rows the window had when it was last drawn.
    height: usize,
    /// Of the containers in the window, since the last refresh, and of those of the one before.
    numbers: HashMap<PathBuf, Numbers>,
    before: HashMap<PathBuf, Numbers>,
    /// Does this kernel count hand-overs? Once seen, the columns stay.
    handover: bool,
    paused: bool,
    next: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Then {
    Nothing,
    Draw,
    Quit,
}

impl Screen {
    fn new(root: Root, view: View, interval: Duration) -> Self {
        Self {
            root,
            view,
            interval,
            rows: Vec::new(),
            selected: 0,
            top: 0,
            height: 0,
            numbers: HashMap::new(),
            before: HashMap::new(),
            handover: false,
            paused: false,
            next: Instant::now(),
        }
    }

    fn show(&mut self, terminal: &mut DefaultTerminal, told: &AtomicBool) -> io::Result<()> {
        let mut then = Then::Draw;
        while !told.load(Ordering::Relaxed) {
            if !self.paused && Instant::now() >= self.next {
                self.refresh()?;
                then = Then::Draw;
            }
            if then == Then::Draw {
                terminal.draw(|frame| self.draw(frame))?;
            }
            let mut wait = NAP;
            if !self.paused {
                wait = wait.min(self.next.saturating_duration_since(Instant::now()));
            }
            then = Then::Nothing;
            if event::poll(wait)? {
                then = match event::read()? {
                    Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key)?,
                    Event::Resize(..) => Then::Draw,
                    _ => Then::Nothing,
                };
            }
            if then == Then::Quit {
                break;
            }
        }
        Ok(())
    }

    /// Looks at everything again, and says when to do so next.
    fn refresh(&mut self) -> io::Result<()> {
        let start = Instant::now();
        self.walk()?;
        let end = Instant::now();
        self.next = end + self.interval.max((end - start) * REST);
        self.before = std::mem::take(&mut self.numbers);
        Ok(())
    }

    /// Finds the rows anew. What was selected stays so if it is still there.
    fn walk(&mut self) -> io::Result<()> {
        let selected = self.rows.get(self.selected).map(|row| row.path.clone());
        self.rows = self.root.rows(&self.view)?;
        let same = self
            .rows
            .iter()
            .position(|row| Some(&row.path) == selected.as_ref());
        self.selected = same.unwrap_or(self.selected.min(self.rows.len().saturating_sub(1)));
        Ok(())
    }

    fn key(&mut self, key: KeyEvent) -> io::Result<Then> {
        let page = self.height.saturating_sub(1).max(1);
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Ok(Then::Quit);
            }
            KeyCode::Char('q') | KeyCode::Esc => return Ok(Then::Quit),
            KeyCode::Down | KeyCode::Char('j') => self.select(self.selected + 1),
            KeyCode::Up | KeyCode::Char('k') => self.select(self.selected.saturating_sub(1)),
            KeyCode::PageDown => self.select(self.selected + page),
            KeyCode::PageUp => self.select(self.selected.saturating_sub(page)),
            KeyCode::Home => self.select(0),
            KeyCode::End => self.select(usize::MAX),
            KeyCode::Enter | KeyCode::Char(' ') => match self.below() {
                Below::Folded => self.fold(false)?,
                Below::Shown => self.fold(true)?,
                Below::Nothing => {}
            },
            KeyCode::Right => match self.below() {
                Below::Folded => self.fold(false)?,
                _ => return Ok(Then::Nothing),
            },
            KeyCode::Left => match self.below() {
                Below::Shown => self.fold(true)?,
                _ => self.select_parent(),
            },
            KeyCode::Char('s') => {
                self.view.sort = self.view.sort.next();
                self.walk()?;
            }
            KeyCode::Char('p') => {
                self.paused = !self.paused;
                self.next = Instant::now();
            }
            _ => return Ok(Then::Nothing),
        }
        Ok(Then::Draw)
    }

    fn select(&mut self, row: usize) {
        self.selected = row.min(self.rows.len().saturating_sub(1));
    }

    fn select_parent(&mut self) {
        let parent = self
            .rows
            .get(self.selected)
            .and_then(|row| row.path.parent());
        let found = self
            .rows
            .iter()
            .position(|row| Some(row.path.as_path()) == parent);
        self.selected = found.unwrap_or(self.selected);
    }

    fn below(&self) -> Below {
        self.rows
            .get(self.selected)
            .map_or(Below::Nothing, |row| row.below)
    }

    fn fold(&mut self, fold: bool) -> io::Result<()> {
        if let Some(row) = self.rows.get(self.selected) {
            if fold {
                self.view.folded.insert(row.path.clone());
            } else {
                self.view.folded.remove(&row.path);
            }
        }
        self.walk()
    }

    fn draw(&mut self, frame: &mut Frame) {
        let lines = [
            Constraint::Length(1),
            Constraint::Min(0),
            Constraint::Length(1),
        ];
        let [head, body, foot] = Layout::vertical(lines).areas(frame.area());

        self.height = usize::from(body.height).saturating_sub(1);
        // The selected row is in the window, and no line is left empty that need not be.
        self.top = self
            .top
            .min(self.selected)
            .min(self.rows.len().saturating_sub(self.height));
        self.top = self
            .top
            .max((self.selected + 1).saturating_sub(self.height));
        let end = self.rows.len().min(self.top + self.height);
        self.read(end);

        self.draw_head(frame, head);
        self.draw_rows(frame, body, end);
        let keys = " q quit  ↑↓ move  space fold  s sort  p pause";
        frame.render_widget(Paragraph::new(keys).dim(), foot);
    }

    /// Reads those of the window that were not read since the last refresh.
    fn read(&mut self, end: usize) {
        for row in &self.rows[self.top..end] {
            if self.numbers.contains_key(&row.path) {
                continue;
            }
            // One that has gone since the walk is shown with nothing until the next.
            let numbers = self.root.read(&row.path).unwrap_or_default();
            self.handover |= numbers.handover.is_some();
            self.numbers.insert(row.path.clone(), numbers);
        }
    }

    fn draw_head(&self, frame: &mut Frame, area: Rect) {
        let place = show::clean(&self.root.path.to_string_lossy());
        let left = Line::from(vec![" memctl-top ".bold(), place.into()]);
        let pause = if self.paused { "paused, " } else { "" };
        let (count, sort) = (self.rows.len(), self.view.sort.name());
        let right = Line::from(format!("{pause}{count} containers, by {sort} "));
        let words = u16::try_from(right.width()).unwrap_or(area.width);
        let halves = [Constraint::Min(0), Constraint::Length(words)];
        let [start, end] = Layout::horizontal(halves).areas(area);
        frame.render_widget(Paragraph::new(left), start);
        frame.render_widget(Paragraph::new(right).alignment(Alignment::Right), end);
    }

    fn draw_rows(&self, frame: &mut Frame, area: Rect, end: usize) {
        let columns = show::columns(self.root.version, self.handover);
        let spacing = if area.width < 100 { 1 } else { 2 };
        let numbers: u16 = columns.iter().map(|column| column.width + spacing).sum();
        let name = area.width.saturating_sub(numbers);

        let titles = columns.iter().map(|column| right(column.title.to_string()));
        let head = Cells::new(std::iter::once(Cell::from(" CONTAINER")).chain(titles));
        let rows = (self.top..end).map(|at| {
            let cells = self.cells(&self.rows[at], &columns, name.into());
            if at == self.selected {
                cells.style(Style::new().add_modifier(Modifier::REVERSED))
            } else {
                cells
            }
        });
        let widths = columns
            .iter()
            .map(|column| Constraint::Length(column.width));
        let table = Table::new(
            rows,
            std::iter::once(Constraint::Length(name)).chain(widths),
        )
        .column_spacing(spacing)
        .header(head.style(Style::new().bold().fg(Color::Cyan)));
        frame.render_widget(table, area);
    }

    fn cells(&self, row: &Row, columns: &[Column], width: usize) -> Cells<'static> {
        let numbers = self.numbers.get(&row.path).copied().unwrap_or_default();
        let before = self.before.get(&row.path);
        let cells = columns.iter().map(|column| {
            let cell = right((column.text)(&numbers));
            cell.style(colour(column, &numbers, before))
        });
        Cells::new(std::iter::once(Cell::from(label(row, width))).chain(cells))
    }
}

fn right(text: String) -> Cell<'static> {
    Cell::from(Line::from(text).alignment(Alignment::Right))
}

/// A container's name, as far to the right as it is deep, in `width` cells; what is folded has a
/// plus.
fn label(row: &Row, width: usize) -> String {
    let indent = (row.depth * 2).min(width.saturating_sub(NAME));
    let mark = match row.below {
        Below::Nothing => ' ',
        Below::Folded => '+',
        Below::Shown => '-',
    };
    let text = format!("{:indent$}{mark}{}", "", show::name(&row.path));
    if text.chars().count() <= width {
        return text;
    }
    text.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// What wants to be looked at: usage near the limit, waiting, events since the last refresh.
fn colour(column: &Column, numbers: &Numbers, before: Option<&Numbers>) -> Style {
    let level = |value: u64, some: u64, much: u64| match value {
        _ if value >= much => Style::new().fg(Color::Red),
        _ if value >= some => Style::new().fg(Color::Yellow),
        _ => Style::new(),
    };
    if let Some(trouble) = column.trouble {
        let more = before.is_some_and(|before| trouble(before) < trouble(numbers));
        return if more {
            Style::new().fg(Color::Red).bold()
        } else {
            Style::new()
        };
    }
    match (column.title, numbers.usage, numbers.limit, numbers.pressure) {
        ("USAGE", Some(usage), Some(Limit::Bytes(limit)), _) => {
            level(usage, limit / 100 * 80, (limit / 100 * 95).max(1))
        }
        ("PSI%", _, _, Some(hundredths)) => level(hundredths.into(), 100, 1000),
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::backend::TestBackend;
    use ratatui::Terminal;

    use super::*;
    use crate::files::Sort;
    use crate::tree::tests::{view, Made};

    const SHOP: &[(&str, u64)] = &[
        ("batch", 5 << 20),
        ("shop", 9 << 20),
        ("shop/db", 1 << 20),
        ("shop/web", 2 << 20),
    ];

    fn screen(made: &Made) -> io::Result<Screen> {
        let view = view(Sort::Usage, usize::MAX, &[]);
        let mut screen = Screen::new(made.0.clone(), view, Duration::from_secs(1));
        screen.refresh()?;
        Ok(screen)
    }

    /// The lines of a terminal of this size, without blanks at their ends.
    fn lines(screen: &mut Screen, width: u16, height: u16) -> io::Result<Vec<String>> {
        let mut terminal = Terminal::new(TestBackend::new(width, height))?;
        terminal.draw(|frame| screen.draw(frame))?;
        let cells = terminal.backend().buffer().content();
        let line = |cells: &[ratatui::buffer::Cell]| {
            let text: String = cells.iter().map(|cell| cell.symbol()).collect();
            text.trim_end().to_string()
        };
        Ok(cells.chunks(width.into()).map(line).collect())
    }

    fn press(screen: &mut Screen, keys: &[KeyCode]) -> io::Result<Then> {
        let mut then = Then::Nothing;
        for key in keys {
            then = screen.key(KeyEvent::from(*key))?;
        }
        Ok(then)
    }

    #[test]
    fn all_of_it() -> io::Result<()> {
        let made = Made::new("screen", SHOP)?;
        let lines = lines(&mut screen(&made)?, 80, 24)?;
        assert!(lines[0].starts_with(" memctl-top /"), "{}", lines[0]);
        assert!(lines[0].ends_with("5 containers, by usage"), "{}", lines[0]);
        assert!(lines[1].starts_with(" CONTAINER"), "{}", lines[1]);
        assert!(lines[1].contains("USAGE LIMIT  PROT  WSET PSI% HIGH  MAX  OOM KILL"));
        assert!(lines[2].starts_with("-/ "), "{}", lines[2]);
        assert!(lines[3].starts_with("  -shop "), "{}", lines[3]);
        assert!(lines[3].contains("   9M   max     -     -"), "{}", lines[3]);
        assert!(lines[4].starts_with("     web "), "{}", lines[4]);
        assert!(lines[6].starts_with("   batch "), "{}", lines[6]);
        assert!(lines[23].starts_with(" q quit"), "{}", lines[23]);
        Ok(())
    }

    #[test]
    fn keys() -> io::Result<()> {
        let made = Made::new("keys", SHOP)?;
        let mut screen = screen(&made)?;
        press(&mut screen, &[KeyCode::Down, KeyCode::Enter])?;
        assert!(lines(&mut screen, 80, 24)?[3].starts_with("  +shop "));
        assert_eq!(screen.rows.len(), 3);
        press(&mut screen, &[KeyCode::Char('j'), KeyCode::Char('j')])?;
        assert_eq!(screen.selected, 2);
        press(
            &mut screen,
            &[KeyCode::Char('k'), KeyCode::Char(' '), KeyCode::Down],
        )?;
        assert_eq!((screen.rows.len(), screen.selected), (5, 2));
        press(&mut screen, &[KeyCode::Left])?;
        assert_eq!(screen.selected, 1);
        press(&mut screen, &[KeyCode::Left])?;
        assert_eq!(screen.rows.len(), 3);
        press(&mut screen, &[KeyCode::Right])?;
        assert_eq!(screen.rows.len(), 5);
        // The shop is still the one that is selected.
        press(&mut screen, &[KeyCode::Char('s')])?;
        assert_eq!((screen.view.sort, screen.selected), (Sort::Name, 2));
        press(&mut screen, &[KeyCode::Char('p')])?;
        assert!(lines(&mut screen, 80, 24)?[0].contains("paused"));
        assert_eq!(press(&mut screen, &[KeyCode::Char('x')])?, Then::Nothing);
        assert_eq!(press(&mut screen, &[KeyCode::Char('q')])?, Then::Quit);
        Ok(())
    }

    #[test]
    fn a_window_on_many() -> io::Result<()> {
        let names: Vec<_> = (0..1000).map(|i| format!("c{i:03}")).collect();
        let containers: Vec<_> = names.iter().map(|name| (name.as_str(), 4096)).collect();
        let made = Made::new("many", &containers)?;
        let mut screen = screen(&made)?;
        lines(&mut screen, 80, 24)?;
        assert_eq!(screen.numbers.len(), 21);
        press(&mut screen, &[KeyCode::End])?;
        let end = lines(&mut screen, 80, 24)?;
        assert!(end[22].starts_with("   c999"), "{}", end[22]);
        assert_eq!(screen.numbers.len(), 42);
        press(
            &mut screen,
            &[KeyCode::PageUp, KeyCode::PageUp, KeyCode::Home],
        )?;
        assert!(lines(&mut screen, 80, 24)?[2].starts_with("-/ "));
        // What is not in the window is forgotten.
        screen.refresh()?;
        lines(&mut screen, 80, 24)?;
        assert_eq!(screen.numbers.len(), 21);
        Ok(())
    }

    #[test]
    fn any_size() -> io::Result<()> {
        let made = Made::new("size", SHOP)?;
        let mut screen = screen(&made)?;
        press(&mut screen, &[KeyCode::End])?;
        for (width, height) in [(1, 1), (200, 3), (20, 2), (10, 60), (300, 100), (80, 4)] {
            lines(&mut screen, width, height)?;
        }
        assert!(lines(&mut screen, 80, 4)?[2].starts_with("   batch"));
        Ok(())
    }

    #[test]
    fn containers_go_while_they_are_shown() -> io::Result<()> {
        let made = Made::new("going", SHOP)?;
        let mut screen = screen(&made)?;
        press(&mut screen, &[KeyCode::End])?;
        // Between the walk and the reading, then before the next walk.
        made.remove("batch")?;
        assert!(lines(&mut screen, 80, 24)?[6].starts_with("   batch"));
        made.remove("shop")?;
        screen.refresh()?;
        let lines = lines(&mut screen, 80, 24)?;
        assert!(lines[2].starts_with(" /"), "{}", lines[2]);
        assert_eq!((screen.rows.len(), screen.selected), (1, 0));
        Ok(())
    }

    #[test]
    fn names_that_are_deep_or_long() {
        let row = |path: &str, depth| Row {
            path: path.into(),
            depth,
            below: Below::Folded,
        };
        assert_eq!(label(&row("web", 2), 20), "    +web");
        assert_eq!(label(&row("web", 40), 20), "      +web");
        assert_eq!(
            label(&row("a-name-that-is-too-long", 0), 20),
            "+a-name-that-is-too…"
        );
    }

    #[test]
    fn what_is_marked() {
        let columns = show::columns(crate::files::Version::V2, false);
        let marked = |title: &str, numbers: &Numbers, before: Option<&Numbers>| {
            let column = columns.iter().find(|column| column.title == title);
            column.and_then(|column| colour(column, numbers, before).fg)
        };
        let mut before = Numbers {
            limit: Some(Limit::Bytes(1000)),
            ..Numbers::default()
        };
        before.events.oom_kill = Some(0);
        let mut now = before;
        for (usage, colour) in [
            (500, None),
            (800, Some(Color::Yellow)),
            (950, Some(Color::Red)),
        ] {
            now.usage = Some(usage);
            assert_eq!(marked("USAGE", &now, Some(&before)), colour);
        }
        for (part, colour) in [
            (99, None),
            (100, Some(Color::Yellow)),
            (1000, Some(Color::Red)),
        ] {
            now.pressure = Some(part);
            assert_eq!(marked("PSI%", &now, Some(&before)), colour);
        }
        now.events.oom_kill = Some(1);
        assert_eq!(marked("KILL", &now, Some(&before)), Some(Color::Red));
        assert_eq!(marked("KILL", &now, Some(&now)), None);
        assert_eq!(marked("KILL", &now, None), None);
    }
}
