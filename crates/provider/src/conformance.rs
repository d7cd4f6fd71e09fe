//! What any kind of provider must hold to, as a function that its tests call.

use crate::capability::Provider;

/// Panics with what was promised and not held.
pub async fn check(provider: &dyn Provider, pool: &str) {
    let facts = provider.facts().await.expect("a provider knows itself");
    assert!(facts.storages.iter().any(|storage| storage.name == pool), "the pool is shown");
}
