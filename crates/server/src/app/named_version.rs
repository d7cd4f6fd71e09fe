//! Which version an operator means: `3`, `v3`, or a tag.

use crate::{
    app::refused::Refused,
    picture::{Picture, no_such},
};
use diecast_domain::{code::Code, template::Tag};
use diecast_store::{TemplateRecord, VersionRecord};

/// The version of `template` that `text` names. One that is being deleted is refused.
pub(crate) fn named_version<'a>(
    picture: &'a Picture,
    template: &TemplateRecord,
    text: &str,
) -> Result<&'a VersionRecord, Refused> {
    let version = match number(text) {
        Some(number) => picture.versions_of(template.id).find(|version| version.number == number),
        None => {
            let tag: Tag = text.parse().map_err(|error| Refused::malformed(format!("{error}")))?;
            picture.versions_of(template.id).find(|version| version.tags.contains(&tag))
        }
    };
    let what = format!("version of template `{}` named", template.name);
    let version = version.ok_or_else(|| no_such(&what, text))?;
    if version.deleting {
        let cause = format!("v{} of template `{}` is being deleted", version.number, template.name);
        return Err(Refused::new(Code::A0010, cause));
    }
    Ok(version)
}

/// The version that hosts are made from when nobody says otherwise.
pub(crate) fn current_version<'a>(
    picture: &'a Picture,
    template: &TemplateRecord,
) -> Result<&'a VersionRecord, Refused> {
    picture
        .current(template)
        .ok_or_else(|| Refused::new(Code::A0010, format!("template `{}` has no version yet", template.name)))
}

/// `3` or `v3`.
pub(crate) fn number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('v').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_be_written_with_a_v_and_anything_else_is_a_tag() {
        assert_eq!((number("3"), number("v12")), (Some(3), Some(12)));
        for tag in ["", "v", "production", "3a", "-1", "+1", "99999999999"] {
            assert_eq!(number(tag), None, "{tag}");
        }
    }
}
