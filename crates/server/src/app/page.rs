//! Lists in pages: what follows a name, as many as asked.

use crate::app::refused::Refused;

/// Items of a page unless it is said.
const LIMIT_DEFAULT: u32 = 200;
/// The most items of a page: some megabytes of JSON.
pub(crate) const LIMIT_MAX: u32 = 1000;

/// Which page is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

impl Ask {
    pub(crate) fn limit(&self) -> Result<u32, Refused> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if (1..=LIMIT_MAX).contains(&limit) {
            return Ok(limit);
        }
        Err(Refused::malformed(format!("`limit` is {limit}; it may be 1 to {LIMIT_MAX}")))
    }

    /// The page of `all`, which is sorted by `key`, and the cursor of the next one.
    pub(crate) fn cut<T>(
        &self,
        all: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Option<String>), Refused> {
        let limit = self.limit()? as usize;
        let follows = |item: &T| self.after.as_ref().is_none_or(|after| key(item) > *after);
        let mut page: Vec<T> = all.into_iter().filter(follows).take(limit + 1).collect();
        let more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().filter(|_| more).map(key);
        Ok((page, next))
    }
}
