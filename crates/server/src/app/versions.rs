//! The versions of a template, and who holds each.

use crate::{
    app::{App, authorise::Action, cx::Cx, page, refused::Refused},
    picture::Picture,
};
use diecast_api::{
    operator::template::{SizeView, VersionList, VersionView},
    time::rfc3339,
};
use diecast_domain::template::VersionSize;
use diecast_store::{TemplateRecord, VersionRecord};

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
        let mut all: Vec<_> = picture.versions.iter().filter(|it| it.template == record.id).collect();
        all.sort_by_key(|version| std::cmp::Reverse(version.number));
        // The cursor counts up while the list counts down.
        let key = |version: &&VersionRecord| format!("{:010}", u32::MAX - version.number);
        let (page, next) = ask.cut(all, key)?;
        Ok(VersionList {
            items: page.into_iter().map(|version| view(&picture, record, version)).collect(),
            next,
        })
    }
}

fn view(picture: &Picture, template: &TemplateRecord, version: &VersionRecord) -> VersionView {
    let holders = picture
        .world
        .replicas
        .iter()
        .filter(|((_, digest), replica)| *digest == version.digest && replica.is_ready());
    let mut held_by: Vec<String> = holders
        .filter(|((provider, _), _)| picture.providers.contains_key(provider))
        .map(|((provider, _), _)| picture.provider_name(*provider))
        .collect();
    held_by.sort();
    VersionView {
        number: version.number,
        digest: version.digest.to_string(),
        current: template.current == Some(version.number),
        note: version.note.clone(),
        author: version.author.clone(),
        created_at: rfc3339(version.created_at),
        size: size(&version.size),
        held_by,
        tags: version.tags.iter().map(ToString::to_string).collect(),
        parent: version.parent,
        new_bytes: version.new_bytes.map(|bytes| bytes.0),
        new_percent: None,
        hosts: 0,
        status: String::new(),
        kept_because: Vec::new(),
    }
}

pub(crate) fn size(size: &VersionSize) -> SizeView {
    SizeView {
        virtual_bytes: size.virtual_bytes.0,
        data_bytes: size.data_bytes.0,
        packed_bytes: size.packed_bytes.0,
    }
}
