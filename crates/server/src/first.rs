//! What a first start makes: the authority, the epoch and one administrator, in one change.

use crate::secret;
use anyhow::Context;
use diecast_identity::Authority;
use diecast_store::{Administrator, Store};
use std::io::Write;

/// The administrator that a first start makes.
pub(crate) const ADMINISTRATOR: &str = "admin";
/// Where a password can be given.
pub(crate) const PASSWORD_VARIABLE: &str = "DIECAST_ADMIN_PASSWORD";

const CA_CERTIFICATE: &str = "ca-certificate";
const CA_KEY: &str = "ca-key";

/// What there is now.
pub(crate) struct Installation {
    pub(crate) authority: Authority,
    /// The password that was drawn just now, to be shown once.
    pub(crate) password: Option<String>,
}

/// The installation in this store, made if there is none.
pub(crate) async fn installation(store: &Store, password: Option<&str>) -> anyhow::Result<Installation> {
    let mut change = store.change().await?;
    let certificate = change.setting(CA_CERTIFICATE).await?;
    if let Some((certificate, key)) = certificate.zip(change.setting(CA_KEY).await?) {
        let authority =
            Authority::from_pem(&certificate, &key).context("taking up the certificate authority")?;
        return Ok(Installation { authority, password: None });
    }
    let authority = Authority::create().context("making the certificate authority")?;
    change.put_setting(CA_CERTIFICATE, &authority.certificate_pem()).await?;
    change.put_setting(CA_KEY, &authority.key_pem()).await?;
    change.put_epoch(1).await?;
    let given = password.filter(|password| !password.is_empty());
    given.map_or(Ok(()), crate::password::acceptable)?;
    let drawn = given.is_none().then(secret::password);
    let password = given.or(drawn.as_deref()).expect("either is there");
    let password_hash = hash(password)?;
    change.put_administrator(&Administrator { name: ADMINISTRATOR.to_owned(), password_hash }).await?;
    change.commit().await?;
    Ok(Installation { authority, password: drawn })
}

/// Shows the password that was drawn. On purpose not through the log, which may be kept.
pub(crate) fn show(password: &str, may_be_shown: bool) {
    if !may_be_shown {
        tracing::info!(
            "this is the first start: set a password with `diecast server password`, then sign in as `{ADMINISTRATOR}`"
        );
        return;
    }
    let _ = writeln!(
        std::io::stderr(),
        "\nThis is the first start. Sign in as `{ADMINISTRATOR}` with this password, which is shown only now:\n\n    {password}\n",
    );
}

pub(crate) fn hash(password: &str) -> anyhow::Result<String> {
    secret::password_hash(password).map_err(|error| anyhow::anyhow!("hashing the password: {error}"))
}
