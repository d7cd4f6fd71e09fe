//! Sites, and the links between them.

use super::{Look, NOTHING, bytes, limit, or_nothing, sheet};
use diecast_api::operator::site::{SiteLinkView, SiteList, SiteView};

pub(crate) fn list(look: Look, list: &SiteList) -> String {
    let row = |it: &SiteView| vec![it.name.clone(), it.providers.len().to_string(), it.providers.join(", ")];
    let header = ["SITE", "PROVIDERS", "WHICH"];
    let mut text = sheet::table(look, &header, list.items.iter().map(row).collect());
    // Each link is told from both of its ends.
    let links = list.items.iter().flat_map(|it| &it.links).filter(|it| it.site < it.other);
    let rows: Vec<_> = links.map(link_row).collect();
    if !rows.is_empty() {
        text.push_str(&format!("\n{}", sheet::table(look, &LINK_HEADER, rows)));
    }
    text
}

pub(crate) fn link(look: Look, it: &SiteLinkView) -> String {
    sheet::table(look, &LINK_HEADER, vec![link_row(it)])
}

const LINK_HEADER: [&str; 5] = ["FROM", "TO", "NOW", "BACK", "LIMIT EACH WAY"];

fn link_row(it: &SiteLinkView) -> Vec<String> {
    let rate = |bytes_per_second: u64| match bytes_per_second {
        0 => NOTHING.to_owned(),
        rate => format!("{}/s", bytes(rate)),
    };
    let limited = Some(limit(it.limit.as_ref(), it.limited.as_ref())).filter(|text| !text.is_empty());
    vec![
        it.site.clone(),
        it.other.clone(),
        rate(it.sending_bytes_per_second),
        rate(it.receiving_bytes_per_second),
        or_nothing(limited),
    ]
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn sites_say_who_stands_there_and_what_crosses_between_them() {
        insta::assert_snapshot!(list(samples::look(None), &samples::sites()));
    }

    #[test]
    fn a_link_that_was_limited_says_what_that_means_now() {
        let link = samples::sites().items.remove(0).links.remove(0);
        insta::assert_snapshot!(super::link(samples::look(None), &link));
    }
}
