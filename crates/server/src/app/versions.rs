//! The versions of a template: who holds each, what they are called, which is current, which go.

mod activate;
mod delete;
mod view;

pub(crate) use view::{size, trimming};

use crate::app::{App, authorise::Action, cx::Cx, named_version::named_version, page, refused::Refused};
use diecast_api::operator::template::{TagVersion, VersionList, VersionView};
use diecast_domain::template::Tag;
use diecast_store::VersionRecord;
use view::Shown;

impl App {
    /// Newest first.
    pub(crate) async fn versions(
        &self,
        cx: &Cx,
        template: &str,
        ask: &page::Ask,
    ) -> Result<VersionList, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.template_named(template)?;
        let mut all: Vec<_> = picture.versions_of(record.id).collect();
        all.sort_by_key(|version| std::cmp::Reverse(version.number));
        // The cursor counts up while the list counts down.
        let key = |version: &&VersionRecord| format!("{:010}", u32::MAX - version.number);
        let (page, next) = ask.cut(all, key)?;
        let shown = Shown::of(&picture, record);
        Ok(VersionList { items: page.into_iter().map(|version| shown.view(version)).collect(), next })
    }

    /// Lets a tag point to this version, and to no other of its template.
    pub(crate) async fn tag_version(
        &self,
        cx: &Cx,
        template: &str,
        version: &str,
        asked: &TagVersion,
    ) -> Result<VersionView, Refused> {
        cx.may(Action::ChangeTemplates)?;
        let tag = tag(&asked.tag)?;
        let (mut change, mut picture) = self.begin().await?;
        let record = picture.template_named(template)?.clone();
        let number = named_version(&picture, &record, version)?.number;
        let mut from = None;
        for there in picture.versions.iter_mut().filter(|there| there.template == record.id) {
            let changed = if there.number == number {
                there.tags.insert(tag.clone())
            } else {
                let moved = there.tags.remove(&tag);
                from = if moved { Some(there.number) } else { from };
                moved
            };
            if changed {
                change.put_version(there).await?;
            }
        }
        let moved = from.map(|from| format!(", and no longer v{from}")).unwrap_or_default();
        let sentence = format!("`{tag}` is v{number} of template `{template}`{moved}");
        if let Some(list) = picture.world.templates.get_mut(&record.id) {
            list.tags.insert(tag, number);
        }
        let shown = Shown::of(&picture, &record);
        let there = picture.versions_of(record.id).find(|there| there.number == number);
        let answer = there.map(|there| shown.view(there));
        self.finish(change, vec![cx.event("version.tagged", "template", template, sentence)]).await?;
        answer.ok_or_else(|| Refused::malformed(format!("there is no version {version}")))
    }

    pub(crate) async fn untag_version(
        &self,
        cx: &Cx,
        template: &str,
        version: &str,
        tag: &str,
    ) -> Result<(), Refused> {
        cx.may(Action::ChangeTemplates)?;
        let tag = self::tag(tag)?;
        let (mut change, picture) = self.begin().await?;
        let record = picture.template_named(template)?;
        let mut there = named_version(&picture, record, version)?.clone();
        if !there.tags.remove(&tag) {
            let what = format!("tag of v{} of template `{template}`", there.number);
            return Err(crate::picture::no_such(&what, tag.as_str()).into());
        }
        change.put_version(&there).await?;
        let sentence = format!("v{} of template `{template}` is no longer `{tag}`", there.number);
        self.finish(change, vec![cx.event("version.untagged", "template", template, sentence)]).await?;
        Ok(())
    }
}

fn tag(text: &str) -> Result<Tag, Refused> {
    text.parse().map_err(|error| Refused::malformed(format!("{error}")))
}
