//! How far a file is: a bar where stderr is a terminal, else a line at every tenth.

use super::{Printer, live, rate::Rate};
use crate::render;
use indicatif::{ProgressBar, ProgressDrawTarget};
use std::time::Instant;

/// Shows one count of bytes after another. Clears what it drew when it goes.
pub(crate) struct Carrying {
    bar: Option<ProgressBar>,
    rate: Rate,
    /// What was told last: what is done, and which tenth of it.
    told: Option<(String, u64)>,
}

impl Carrying {
    pub(crate) fn new(printer: &Printer) -> Self {
        let bar = printer.draws().then(|| {
            let bar = ProgressBar::with_draw_target(Some(live::FULL), ProgressDrawTarget::stderr());
            bar.set_style(live::style("{prefix:22} [{bar:24}] {wide_msg}").progress_chars("=> "));
            bar
        });
        Self { bar, rate: Rate::default(), told: None }
    }

    pub(crate) fn seen(&mut self, printer: &mut Printer, doing: &str, done: u64, total: u64) {
        let percent = if total == 0 { 0.0 } else { done as f64 * 100.0 / total as f64 };
        let is_other = self.told.as_ref().is_none_or(|(before, _)| before != doing);
        if is_other {
            self.rate = Rate::default();
        }
        let rate = self.rate.seen(Instant::now(), done);
        let text = format!(
            "{percent:.0} %, {} of {}, {}/s",
            render::bytes(done),
            render::bytes(total),
            render::bytes(rate)
        );
        let tenth = (percent / 10.0) as u64;
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(doing.to_owned());
                bar.set_position(live::position(percent));
                bar.set_message(text);
            }
            None if is_other || self.told.as_ref().is_some_and(|(_, told)| *told != tenth) => {
                printer.talk(&format!("{doing}: {percent:.0} % of {}", render::bytes(total)));
            }
            None => {}
        }
        self.told = Some((doing.to_owned(), tenth));
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
