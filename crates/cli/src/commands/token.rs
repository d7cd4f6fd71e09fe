//! `diecast token`.

use super::{Context, listed};
use crate::{
    Failure,
    args::token::{CreateArgs, RevokeArgs, TokenCommand},
    confirm,
    render::{time, token as render},
};
use diecast_api::{
    client::{Page, all},
    operator::token::CreateToken,
};
use serde_json::json;

pub(super) async fn run(cx: &mut Context<'_>, command: TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Create(args) => create(cx, args).await,
        TokenCommand::List => {
            let list = all(async |page: Page| cx.client.tokens(page).await).await?;
            let first = "there are no tokens; make one with `diecast token create NAME`";
            listed(cx, &list, list.items.is_empty(), render::list, first)
        }
        TokenCommand::Revoke(args) => revoke(cx, args).await,
    }
}

async fn create(cx: &mut Context<'_>, args: CreateArgs) -> Result<(), Failure> {
    let create = CreateToken {
        name: args.name.to_string(),
        role: Some(args.role().to_string()),
        expires_at: Some(args.expires.to_string()),
    };
    let made = cx.client.create_token(&create).await?;
    let until = made.expires_at.as_deref().map(|at| format!("until {}", time::instant(at)));
    let until = until.unwrap_or_else(|| "until it is revoked".to_owned());
    cx.printer.talk(&format!("{} works {until}, as {}; it is shown only now:", made.name, made.role));
    cx.printer.answer(&made, |_, made| format!("{}\n", made.token))
}

async fn revoke(cx: &mut Context<'_>, args: RevokeArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    confirm::destroy(cx.printer, args.yes, &format!("Revoke the token {name}"))?;
    cx.client.revoke_token(name).await?;
    cx.printer.talk(&format!("{name} is revoked; it opens nothing any more"));
    if cx.printer.is_json() {
        cx.printer.json(&json!({"name": name, "revoked": true}))?;
    }
    Ok(())
}
