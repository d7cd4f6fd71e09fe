//! Pools: sets of hosts kept at a size.

use crate::{
    app::refused::Refused,
    picture::{Picture, no_such},
};
use diecast_domain::pool::Pool;

pub(crate) fn pool_named<'a>(picture: &'a Picture, name: &str) -> Result<&'a Pool, Refused> {
    let pool = picture.world.pools.iter().find(|pool| pool.name.as_str() == name);
    pool.ok_or_else(|| no_such("pool", name).into())
}
