//! What kinds of machine Diecast looks after, and what their troubles are called.

use diecast_domain::{
    code::Code,
    ids::{HostId, MaintenanceId},
};
use std::fmt;
use uuid::Uuid;

/// One machine of Diecast's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Managed {
    Host(HostId),
    WorkingCopy(MaintenanceId),
}

/// What a machine is for, as its mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Host,
    WorkingCopy,
}

impl Managed {
    pub const fn uuid(&self) -> Uuid {
        match self {
            Self::Host(id) => id.as_uuid(),
            Self::WorkingCopy(id) => id.as_uuid(),
        }
    }

    pub const fn role(&self) -> Role {
        match self {
            Self::Host(_) => Role::Host,
            Self::WorkingCopy(_) => Role::WorkingCopy,
        }
    }

    pub const fn making(&self) -> Code {
        self.either(Code::H0001, Code::M0005)
    }

    pub const fn starting(&self) -> Code {
        self.either(Code::H0002, Code::M0006)
    }

    pub const fn stopping(&self) -> Code {
        self.either(Code::H0003, Code::M0006)
    }

    /// It was asked to shut down and did not.
    pub const fn stays_up(&self) -> Code {
        self.either(Code::H0003, Code::M0002)
    }

    pub const fn removing(&self) -> Code {
        self.either(Code::H0004, Code::M0006)
    }

    /// The hypervisor does not know its machine.
    pub const fn gone(&self) -> Code {
        self.either(Code::H0005, Code::M0004)
    }

    const fn either(&self, host: Code, working_copy: Code) -> Code {
        match self {
            Self::Host(_) => host,
            Self::WorkingCopy(_) => working_copy,
        }
    }
}

impl fmt::Display for Managed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(id) => write!(f, "the host {id}"),
            Self::WorkingCopy(id) => write!(f, "the working copy {id}"),
        }
    }
}
