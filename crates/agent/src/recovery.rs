//! After the server was restored from a backup: what it told before is kept and handed over, with the
//! manifests of what it does not know any more.
//!
//! The orders of former epochs name what lies on this disk: which version of what, which host with which
//! addresses. Nobody else knows. They are written down before the first orders of a higher epoch are
//! taken, and forgotten when the server says that it has learnt what it wanted.

use crate::{
    board::Board,
    data::{self, DataDir},
    server::Server,
};
use anyhow::Result;
use diecast_domain::{
    assignment::{Assignment, Orders},
    digest::Digest,
    recovery::remember,
};
use std::{collections::BTreeSet, fs, sync::Arc, time::Duration};

/// The file of what was told before.
const FORMER: &str = "former.json";
/// Between two looks for a manifest to hand over.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// What an earlier life of this agent kept.
pub fn recall(data: &DataDir) -> Result<Option<Orders>> {
    data::read_json(&data.file(FORMER))
}

/// To be called before `offered` replaces `held`: keeps what would be forgotten, or forgets it.
pub fn keep(data: &DataDir, held: Option<&Assignment>, offered: &Assignment) -> Result<Option<Orders>> {
    let former = recall(data)?;
    if offered.orders.recovery.is_none() {
        data::remove(&data.file(FORMER))?;
        return Ok(None);
    }
    match held.filter(|held| held.generation.epoch < offered.generation.epoch) {
        Some(held) => {
            let kept = remember(former, &held.orders);
            data::write_json(&data.file(FORMER), &kept)?;
            Ok(Some(kept))
        }
        None => Ok(former),
    }
}

/// Hands over the manifests that the orders ask for. Runs for as long as the agent does.
pub async fn hand_over(board: Arc<Board>, data: DataDir, server: Server) {
    let mut handed: BTreeSet<Digest> = BTreeSet::new();
    loop {
        let wanted: Vec<Digest> = {
            let known = board.know();
            let orders = known.assignment.as_ref().and_then(|told| told.orders.recovery.as_ref());
            orders.map(|recovery| recovery.manifests.clone()).unwrap_or_default()
        };
        handed.retain(|digest| wanted.contains(digest));
        for digest in wanted {
            if handed.contains(&digest) {
                continue;
            }
            match fs::read(data.manifest(&digest)) {
                Ok(bytes) => match server.give_manifest(&digest, bytes).await {
                    Ok(_) => {
                        tracing::info!(version = %digest, "a manifest was handed to the restored server");
                        handed.insert(digest);
                    }
                    Err(problem) => {
                        tracing::warn!(version = %digest, code = %problem.code, "{}", problem.cause)
                    }
                },
                Err(error) => tracing::warn!(version = %digest, "its manifest cannot be read: {error}"),
            }
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diecast_domain::{
        assignment::{RecoveryOrder, ReplicaOrder},
        generation::Generation,
        ids::{ProviderId, TemplateId},
        provider::ProviderSettings,
        template::VersionRef,
    };
    use uuid::Uuid;

    fn told(epoch: u64, versions: &[u8], recovery: bool) -> Assignment {
        let settings = ProviderSettings {
            uri: "qemu:///system".into(),
            storage: "default".into(),
            networks: Default::default(),
        };
        let provider = ProviderId::from_uuid(Uuid::from_u128(1));
        let mut orders = Orders::none(provider, "kvm-a".parse().unwrap(), settings);
        let order = |byte: &u8| ReplicaOrder {
            version: VersionRef {
                template: TemplateId::from_uuid(Uuid::from_u128(2)),
                name: "win11".parse().unwrap(),
                number: u32::from(*byte),
                digest: Digest::from_bytes([*byte; 32]),
            },
            attempt: 1,
            go: true,
            sources: Vec::new(),
        };
        orders.replicas = versions.iter().map(order).collect();
        orders.recovery = recovery.then(RecoveryOrder::default);
        Assignment { generation: Generation { epoch, number: 1 }, orders }
    }

    #[test]
    fn what_was_told_before_a_restore_outlives_it_until_the_server_has_learnt_it() {
        let place = tempfile::tempdir().unwrap();
        let data = DataDir::open(place.path()).unwrap();
        let (before, after) = (told(1, &[1, 2], false), told(2, &[1], true));
        let kept = keep(&data, Some(&before), &after).unwrap().unwrap();
        assert_eq!(kept.replicas.len(), 2);
        // Killed before the new orders were written: the same again.
        assert_eq!(keep(&data, Some(&before), &after).unwrap(), Some(kept.clone()));
        // Orders of the same epoch change nothing, and a second restore forgets nothing.
        assert_eq!(keep(&data, Some(&after), &told(2, &[], true)).unwrap(), Some(kept));
        assert_eq!(keep(&data, Some(&after), &told(3, &[1], true)).unwrap().unwrap().replicas.len(), 2);
        assert_eq!(keep(&data, Some(&after), &told(3, &[1], false)).unwrap(), None);
        assert_eq!(recall(&data).unwrap(), None);
    }
}
