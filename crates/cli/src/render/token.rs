//! Tokens: what each may do, until when, and when it was used last.

use super::{Look, sheet, time};
use diecast_api::operator::token::{TokenList, TokenView};

pub(crate) fn list(look: Look, list: &TokenList) -> String {
    let row = |it: &TokenView| {
        vec![it.name.clone(), it.role.clone(), expires(look, it), used(look, it), made(look, it)]
    };
    let header = ["NAME", "ROLE", "EXPIRES", "LAST USED", "MADE"];
    sheet::table(look, &header, list.items.iter().map(row).collect())
}

fn expires(look: Look, it: &TokenView) -> String {
    match it.expires_at.as_deref() {
        None => "never".to_owned(),
        Some(at) if it.expired => format!("EXPIRED {}", time::ago(look.now, at)),
        Some(at) => time::until(look.now, at),
    }
}

/// `5 min ago from 10.0.0.7`
fn used(look: Look, it: &TokenView) -> String {
    let Some(at) = it.last_used_at.as_deref() else { return "never".to_owned() };
    let from = it.last_used_from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
    format!("{}{from}", time::ago(look.now, at))
}

fn made(look: Look, it: &TokenView) -> String {
    format!("{} by {}", time::ago(look.now, &it.created_at), it.author)
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn tokens_say_what_they_may_until_when_and_when_they_were_used() {
        insta::assert_snapshot!(list(samples::look(None), &samples::tokens()));
    }
}
