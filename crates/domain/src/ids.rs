//! A type for every kind of identity, declared in one list.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! id_kinds {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes an identity drawn elsewhere: this crate draws nothing at random.
            pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            pub const fn as_uuid(&self) -> Uuid { self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
        }
    )+};
}

id_kinds! {
    /// One carrying of a bundle.
    BundleId,
    /// One look at a machine's screen.
    ConsoleId,
    /// A machine deployed from a template. Also the machine's own UUID in its hypervisor.
    HostId,
    /// One stay of a template in maintenance. Also its working copy's machine's UUID.
    MaintenanceId,
    /// A one-time act on a provider: start, stop, check, verify.
    OperationId,
    /// A set of hosts kept at a size.
    PoolId,
    /// A hypervisor endpoint that holds templates and runs hosts.
    ProviderId,
    /// The reading of one golden machine into a version.
    PublicationId,
    /// The moving of hosts to another version, in waves.
    RecreationId,
    /// Something to be done at a time, or again and again.
    ScheduleId,
    /// One life of an agent process.
    SessionId,
    /// A named golden machine.
    TemplateId,
}
