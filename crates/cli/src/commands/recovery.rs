//! `diecast recovery`.

use super::{Context, texts};
use crate::{
    Failure,
    args::recovery::{AdoptArgs, FinishArgs, RecoveryCommand},
    confirm, render,
};
use diecast_api::operator::recovery::{Adopt, AdoptedView, Finish};
use std::time::{Duration, Instant};

/// Between two questions while something is on its way.
const ASK_INTERVAL: Duration = Duration::from_secs(2);
/// How long what is on its way is waited for, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) async fn run(cx: &mut Context<'_>, command: RecoveryCommand) -> Result<(), Failure> {
    match command {
        RecoveryCommand::Show => {
            let view = cx.client.recovery().await?;
            cx.printer.answer(&view, render::recovery::show)
        }
        RecoveryCommand::Adopt(args) => adopt(cx, args).await,
        RecoveryCommand::Finish(args) => finish(cx, args).await,
    }
}

async fn adopt(cx: &mut Context<'_>, args: AdoptArgs) -> Result<(), Failure> {
    let asked = Adopt { providers: texts(&args.providers), all: args.all };
    let until = Instant::now() + args.wait.timeout.unwrap_or(PATIENCE);
    let mut whole = AdoptedView { adopted: Vec::new(), waiting: Vec::new(), refused: Vec::new() };
    loop {
        let said = cx.client.adopt(&asked).await?;
        whole.adopted.extend(said.adopted);
        (whole.waiting, whole.refused) = (said.waiting, said.refused);
        if !args.wait.wait || whole.waiting.is_empty() || Instant::now() >= until {
            break;
        }
        tokio::time::sleep(ASK_INTERVAL).await;
    }
    cx.printer.answer(&whole, render::recovery::adopted)
}

async fn finish(cx: &mut Context<'_>, args: FinishArgs) -> Result<(), Failure> {
    let view = cx.client.recovery().await?;
    let silent: Vec<&str> =
        view.providers.iter().filter(|it| !it.answers).map(|it| it.name.as_str()).collect();
    let open = view.items.iter().filter(|it| it.adoptable).count();
    if view.open && (open > 0 || !silent.is_empty()) {
        let quiet =
            if silent.is_empty() { String::new() } else { format!("; silent: {}", silent.join(", ")) };
        let what = format!("Finish with {} not adopted{quiet}", render::counted(open as u64, "thing"));
        confirm::destroy(cx.printer, args.yes, &what)?;
    }
    let view = cx.client.finish_recovery(&Finish { force: true }).await?;
    cx.printer.talk("the recovery is finished: everything goes on");
    cx.printer.answer(&view, render::recovery::show)
}
