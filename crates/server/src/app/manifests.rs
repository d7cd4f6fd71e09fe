//! Manifests: taken from whoever publishes, handed to whoever is to hold the version.

use crate::app::{App, agents::agent, cx::Cx, refused::Refused};
use diecast_domain::{code::Code, digest::Digest};
use diecast_transfer::manifest::Manifest;

impl App {
    /// Checks and keeps a manifest. That of a version stays, and is answered: peers serve by its frames,
    /// so whoever has the same content serves by them too. One of which no version was made is
    /// replaced: its machine was read again, and cut into other frames.
    pub(crate) async fn put_manifest(
        &self,
        cx: &Cx,
        digest: Digest,
        bytes: bytes::Bytes,
        reads_differences: bool,
    ) -> Result<Option<Vec<u8>>, Refused> {
        let provider = agent(cx)?;
        let turn = self.manifest_turns().acquire().await.map_err(Refused::unforeseen)?;
        let checked = bytes.clone();
        let checked = tokio::task::spawn_blocking(move || Manifest::decode_as(&checked, &digest).map(drop));
        checked.await.map_err(Refused::unforeseen)?.map_err(|bad| bad.problem())?;
        let mut change = self.store().change().await?;
        let publishes = change.templates().await?.iter().any(|template| {
            template.publication.as_ref().is_some_and(|publication| publication.provider == provider)
        });
        let told = change.assignment(provider).await?.and_then(|told| told.orders.recovery);
        let wanted = told.is_some_and(|recovery| recovery.manifests.contains(&digest));
        let imports = self.live().bundles.any(provider, |act| act.imports() == Some(digest));
        if !publishes && !wanted && !imports {
            let cause = "this provider is publishing nothing now";
            return Err(Refused::new(Code::A0003, cause));
        }
        if change.versions().await?.iter().any(|version| version.digest == digest) {
            let kept = change.manifest(digest).await?;
            drop((change, turn));
            return match kept {
                Some(kept) => self.readable(kept, reads_differences).await.map(Some),
                None => Ok(None),
            };
        }
        change.put_manifest(digest, &bytes).await?;
        change.commit().await?;
        drop(turn);
        Ok(None)
    }

    pub(crate) async fn manifest(
        &self,
        cx: &Cx,
        digest: Digest,
        reads_differences: bool,
    ) -> Result<Vec<u8>, Refused> {
        let provider = agent(cx)?;
        let mut view = self.store().view().await?;
        let assignment = view.assignment(provider).await?;
        let assigned = assignment.is_some_and(|it| it.orders.replica(&digest).is_some());
        let carried = self.live().bundles.any(provider, |act| act.names(&digest));
        if !assigned && !carried {
            let cause = format!("version {} is not assigned to this provider", digest.short());
            return Err(Refused::new(Code::A0003, cause));
        }
        let manifest = view.manifest(digest).await?;
        drop(view);
        let none = || Refused::new(Code::A0004, format!("there is no manifest of {}", digest.short()));
        self.readable(manifest.ok_or_else(none)?, reads_differences).await
    }

    /// A manifest as who asks for it can read it: an agent of an earlier release knows no differences.
    async fn readable(&self, kept: Vec<u8>, reads_differences: bool) -> Result<Vec<u8>, Refused> {
        if reads_differences {
            return Ok(kept);
        }
        let _turn = self.manifest_turns().acquire().await.map_err(Refused::unforeseen)?;
        let plain = tokio::task::spawn_blocking(move || match Manifest::decode(&kept) {
            Ok(manifest) if !manifest.differences().is_empty() => manifest.without_differences().encode(),
            // What cannot be read is for the agent to refuse.
            Ok(_) | Err(_) => kept,
        });
        plain.await.map_err(Refused::unforeseen)
    }
}
