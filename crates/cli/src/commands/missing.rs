//! A name that the server does not know: which one was probably meant.

use crate::{
    Failure,
    args::{
        ClientCommand, bundle::BundleCommand, distribution::DistributionCommand, host::HostCommand,
        maintenance::MaintenanceCommand, notification::NotificationCommand, pool::PoolCommand,
        provider::ProviderCommand, recreation::RecreationCommand, schedule::ScheduleCommand,
        template::TemplateCommand, token::TokenCommand, version::VersionCommand, vm::VmCommand,
    },
    suggest::closest,
};
use diecast_api::client::{Client, ClientError, all, routes::HostFilter};
use diecast_domain::code::Code;

/// A name that was typed, and what it was to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Provider(String),
    Template(String),
    Host(String),
    Notification(String),
    Pool(String),
    Schedule(String),
    Token(String),
}

/// The names in a command that must exist for it to succeed.
pub(super) fn names(command: &ClientCommand) -> Vec<Typed> {
    let provider = |name: &diecast_domain::names::ProviderName| Typed::Provider(name.to_string());
    let template = |name: &diecast_domain::names::TemplateName| Typed::Template(name.to_string());
    let hosts = |names: &[diecast_domain::names::HostName]| {
        names.iter().map(|name| Typed::Host(name.to_string())).collect::<Vec<_>>()
    };
    let pool = |name: &diecast_domain::names::PoolName| Typed::Pool(name.to_string());
    match command {
        ClientCommand::Provider(command) => match command {
            ProviderCommand::Show { name } | ProviderCommand::Rejoin { name } => vec![provider(name)],
            ProviderCommand::Check(args) => vec![provider(&args.name)],
            ProviderCommand::Set(args) => vec![provider(&args.name)],
            ProviderCommand::Remove(args) => vec![provider(&args.name)],
            ProviderCommand::Add(_) | ProviderCommand::List => vec![],
        },
        ClientCommand::Vm(VmCommand::List { provider: name }) => vec![provider(name)],
        ClientCommand::Template(command) => match command {
            TemplateCommand::Create(args) => {
                std::iter::once(&args.provider).chain(&args.to).map(provider).collect()
            }
            TemplateCommand::Show { name } => vec![template(name)],
            TemplateCommand::Set(args) => vec![template(&args.name)],
            TemplateCommand::Delete(args) => vec![template(&args.name)],
            TemplateCommand::List => vec![],
        },
        ClientCommand::Distribution(command) => {
            let (name, providers) = match command {
                DistributionCommand::Add(args) => (&args.name, args.providers.as_slice()),
                DistributionCommand::Remove(args) => (&args.name, args.providers.as_slice()),
                DistributionCommand::Show(args) => (&args.name, [].as_slice()),
                DistributionCommand::Retry(args) | DistributionCommand::Verify(args) => {
                    (&args.name, args.providers.as_slice())
                }
            };
            std::iter::once(template(name)).chain(providers.iter().map(provider)).collect()
        }
        ClientCommand::Bundle(command) => match command {
            BundleCommand::Export(args) => {
                std::iter::once(template(&args.name)).chain(args.provider.iter().map(provider)).collect()
            }
            BundleCommand::Import(args) => args.provider.iter().chain(&args.to).map(provider).collect(),
            BundleCommand::Show { .. } => vec![],
        },
        ClientCommand::Version(command) => vec![template(match command {
            VersionCommand::List { name } | VersionCommand::Show { name, .. } => name,
            VersionCommand::Tag(args) | VersionCommand::Untag(args) => &args.name,
            VersionCommand::Activate(args) => &args.name,
            VersionCommand::Delete(args) => &args.name,
        })],
        ClientCommand::Maintenance(command) => match command {
            MaintenanceCommand::Enter(args) => {
                std::iter::once(template(&args.name)).chain(args.provider.iter().map(provider)).collect()
            }
            MaintenanceCommand::Show { name } => vec![template(name)],
            MaintenanceCommand::Console(args) => vec![template(&args.name)],
            MaintenanceCommand::Start(args) => vec![template(&args.name)],
            MaintenanceCommand::Leave(args) => vec![template(&args.name)],
            MaintenanceCommand::Cancel(args) => vec![template(&args.name)],
        },
        ClientCommand::Recreation(RecreationCommand::List(args)) => {
            args.template.iter().map(template).collect()
        }
        ClientCommand::Pool(command) => match command {
            PoolCommand::Create(args) => std::iter::once(template(&args.template))
                .chain(args.settings.providers.iter().map(provider))
                .collect(),
            PoolCommand::List => vec![],
            PoolCommand::Show { name } => vec![pool(name)],
            PoolCommand::Set(args) => std::iter::once(pool(&args.name))
                .chain(args.settings.providers.iter().map(provider))
                .collect(),
            PoolCommand::Delete(args) => vec![pool(&args.name)],
        },
        ClientCommand::Schedule(command) => match command {
            ScheduleCommand::Create(args) => (args.template.iter().map(template))
                .chain(args.pool.iter().map(pool))
                .chain(hosts(&args.hosts))
                .collect(),
            ScheduleCommand::List => vec![],
            ScheduleCommand::Show { name }
            | ScheduleCommand::Enable { name }
            | ScheduleCommand::Disable { name } => vec![Typed::Schedule(name.to_string())],
            ScheduleCommand::Delete(args) => vec![Typed::Schedule(args.name.to_string())],
        },
        ClientCommand::Host(command) => match command {
            HostCommand::Create(args) => {
                std::iter::once(template(&args.template)).chain(args.providers.iter().map(provider)).collect()
            }
            HostCommand::List(args) => {
                let providers = args.provider.iter().map(provider);
                args.template
                    .iter()
                    .map(template)
                    .chain(providers)
                    .chain(args.pool.iter().map(pool))
                    .collect()
            }
            HostCommand::Show { name } => hosts(std::slice::from_ref(name)),
            HostCommand::Recreate(args) => (args.template.iter().map(template))
                .chain(args.pool.iter().map(pool))
                .chain(hosts(&args.names))
                .collect(),
            HostCommand::Start(args) => hosts(&args.names),
            HostCommand::Stop(args) => hosts(&args.names),
            HostCommand::Delete(args) => hosts(&args.names),
        },
        ClientCommand::Notification(command) => match command {
            NotificationCommand::Add(_) | NotificationCommand::List => vec![],
            NotificationCommand::Show { name }
            | NotificationCommand::Test { name }
            | NotificationCommand::Enable { name }
            | NotificationCommand::Disable { name } => vec![Typed::Notification(name.to_string())],
            NotificationCommand::Set(args) => vec![Typed::Notification(args.name.to_string())],
            NotificationCommand::Remove(args) => vec![Typed::Notification(args.name.to_string())],
        },
        ClientCommand::Token(TokenCommand::Revoke(args)) => vec![Typed::Token(args.name.to_string())],
        _ => vec![],
    }
}

/// The failure with a better hint, if a name was mistyped and it is clear which was meant.
pub(super) async fn explained(client: &Client, typed: Vec<Typed>, failure: Failure) -> Failure {
    match failure {
        Failure::Client(ClientError::Problem(mut details)) if details.code == Code::A0004.as_str() => {
            for name in typed {
                // Only a better hint is at stake: if this fails too, the server's own stands.
                if let Ok(Some(meant)) = meant(client, &name).await {
                    details.hint = format!("did you mean `{meant}`?");
                    break;
                }
            }
            Failure::Client(ClientError::Problem(details))
        }
        other => other,
    }
}

/// The name that is there and closest to one that is not.
async fn meant(client: &Client, typed: &Typed) -> Result<Option<String>, ClientError> {
    let (typed, there): (&str, Vec<String>) = match typed {
        Typed::Provider(name) => {
            let list = all(async |page| client.providers(page).await).await?;
            (name, list.items.into_iter().map(|it| it.name).collect())
        }
        Typed::Template(name) => {
            let list = all(async |page| client.templates(page).await).await?;
            (name, list.items.into_iter().map(|it| it.name).collect())
        }
        Typed::Pool(name) => {
            let list = all(async |page| client.pools(page).await).await?;
            (name, list.items.into_iter().map(|it| it.name).collect())
        }
        Typed::Notification(name) => {
            let list = all(async |page| client.notifications(page).await).await?;
            (name, list.items.into_iter().map(|it| it.name).collect())
        }
        Typed::Schedule(name) => {
            let list = all(async |page| client.schedules(page).await).await?;
            (name, list.items.into_iter().map(|it| it.name).collect())
        }
        Typed::Token(name) => {
            let list = all(async |page| client.tokens(page).await).await?;
            (name, list.items.into_iter().map(|it| it.name).collect())
        }
        Typed::Host(name) => {
            let filter = HostFilter::default();
            let list = all(async |page| client.hosts(&filter, page).await).await?;
            (name, list.items.into_iter().map(|it| it.name).collect())
        }
    };
    if there.iter().any(|name| name == typed) {
        return Ok(None);
    }
    Ok(closest(typed, there.iter().map(String::as_str)).map(str::to_owned))
}
