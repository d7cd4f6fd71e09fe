//! Lists of hosts: which, in what order, from where on. Searched and sorted here, so that whoever shows ten
//! thousand reads only what is in sight.

use super::view::row;
use crate::{
    app::{App, authorise::Action, cx::Cx, page, pools::pool_named, refused::Refused},
    picture::Picture,
};
use diecast_api::operator::host::{HostList, HostView};
use diecast_domain::{host::Host, names::natural};
use std::cmp::Ordering;

/// Which hosts, and in what order; what is left out is not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) template: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) pool: Option<String>,
    pub(crate) outdated: Option<bool>,
    pub(crate) status: Option<String>,
    /// Words that must all be somewhere in its row.
    pub(crate) search: Option<String>,
    pub(crate) sort: Option<String>,
    pub(crate) descending: bool,
    /// So many are passed over: instead of a cursor, which only the order by name has.
    pub(crate) skip: Option<u32>,
}

type Order = fn(&HostView, &HostView) -> Ordering;

/// What a list can be sorted by.
const ORDERS: [(&str, Order); 8] = [
    ("name", |a, b| natural(&a.name, &b.name)),
    ("status", |a, b| a.status.cmp(&b.status)),
    ("template", |a, b| natural(&a.template, &b.template)),
    ("version", |a, b| a.version.cmp(&b.version)),
    ("in-use", |a, b| a.in_use.cmp(&b.in_use)),
    ("provider", |a, b| natural(&a.provider, &b.provider)),
    ("pool", |a, b| natural(a.pool.as_deref().unwrap_or_default(), b.pool.as_deref().unwrap_or_default())),
    ("address", |a, b| natural(address(a), address(b))),
];

fn address(host: &HostView) -> &str {
    host.addresses.first().map(String::as_str).unwrap_or_default()
}

impl App {
    pub(crate) async fn hosts(&self, cx: &Cx, filter: &Filter, ask: &page::Ask) -> Result<HostList, Refused> {
        cx.may(Action::Read)?;
        let order = filter.sort.as_deref().map(order_named).transpose()?;
        if ask.after.is_some() && (order.is_some() || filter.skip.is_some()) {
            return Err(Refused::malformed(
                "`after` follows the order by name; with `sort` use `skip`".to_owned(),
            ));
        }
        let picture = self.picture().await?;
        let mut all = kept(&picture, filter)?;
        if filter.status.is_none() && filter.search.is_none() && order.is_none() {
            // Nothing is asked for that needs the rows of all.
            all.sort_by(|a, b| a.name.cmp(&b.name));
            let total = all.len();
            let all = all.into_iter().skip(skip(filter)).collect();
            let (page, next) = ask.cut(all, |host| host.name.to_string())?;
            let items = page.into_iter().map(|host| row(&picture, host)).collect();
            return Ok(HostList { items, next, total: count(total) });
        }
        let mut rows: Vec<HostView> = all.into_iter().map(|host| row(&picture, host)).collect();
        rows.retain(|row| filter.status.as_ref().is_none_or(|status| row.status == *status));
        if let Some(search) = &filter.search {
            let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
            rows.retain(|row| has_all(row, &words));
        }
        match order {
            None => rows.sort_by(|a, b| a.name.cmp(&b.name)),
            Some(order) => rows.sort_by(|a, b| order(a, b).then_with(|| natural(&a.name, &b.name))),
        }
        if filter.descending {
            rows.reverse();
        }
        let total = rows.len();
        let rows = rows.into_iter().skip(skip(filter)).collect();
        let (items, next) = ask.cut(rows, |row| row.name.clone())?;
        Ok(HostList { items, next: next.filter(|_| order.is_none()), total: count(total) })
    }
}

/// The hosts that the names in the filter let through.
fn kept<'a>(picture: &'a Picture, filter: &Filter) -> Result<Vec<&'a Host>, Refused> {
    let template = filter.template.as_deref().map(|name| picture.template_named(name)).transpose()?;
    let provider = filter.provider.as_deref().map(|name| picture.provider_named(name)).transpose()?;
    let pool = filter.pool.as_deref().map(|name| pool_named(picture, name)).transpose()?;
    let lets = |host: &&Host| {
        template.is_none_or(|it| it.id == host.template)
            && provider.is_none_or(|it| it.id == host.provider)
            && pool.is_none_or(|it| host.pool == Some(it.id))
            && filter.outdated.is_none_or(|wanted| wanted == picture.is_outdated(host))
    };
    Ok(picture.world.hosts.iter().filter(lets).collect())
}

fn order_named(name: &str) -> Result<Order, Refused> {
    let order = ORDERS.iter().find(|(known, _)| *known == name).map(|(_, order)| *order);
    order.ok_or_else(|| {
        let known: Vec<&str> = ORDERS.iter().map(|(name, _)| *name).collect();
        Refused::malformed(format!("`sort` is `{name}`; it may be {}", known.join(", ")))
    })
}

fn has_all(row: &HostView, words: &[String]) -> bool {
    let pool = row.pool.as_deref().unwrap_or_default();
    let fixed = [&row.name, &row.status, &row.template, &row.provider, pool];
    let mut text = fixed.join(" ");
    for more in row.users.iter().chain(&row.addresses) {
        text.push(' ');
        text.push_str(more);
    }
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn skip(filter: &Filter) -> usize {
    filter.skip.unwrap_or(0) as usize
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
