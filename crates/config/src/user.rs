//! Whose folder it is: a package's service has a user of its own, and what root writes into that user's folder by
//! hand would lock the service out.

use std::{
    fs, io,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

const ROOT: u32 = 0;

/// The user and the group that a folder belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// Whom root should be to work in this folder. None if it may as well be who it is.
pub fn owner_to_be(folder: &Path) -> Option<Owner> {
    // The kernel gives a process's own directory to the user that it acts as.
    let acting = fs::metadata("/proc/self").ok()?.uid();
    let found = fs::metadata(folder).ok()?;
    to_be(acting, Owner { uid: found.uid(), gid: found.gid() })
}

fn to_be(acting: u32, owner: Owner) -> Option<Owner> {
    (acting == ROOT && owner.uid != ROOT).then_some(owner)
}

/// This program again, as that user, with none of root's groups.
pub fn this_program_as(owner: Owner) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    // It stays where it is: a folder that only root may enter cannot be entered anew.
    command.uid(owner.uid).gid(owner.gid);
    Ok(command)
}

/// Goes on as the user that the folder belongs to, with the same words. Returns only if that is who this is, or if
/// it cannot be done.
pub fn go_on_as_owner_of(folder: &Path) -> io::Result<()> {
    let Some(owner) = owner_to_be(folder) else { return Ok(()) };
    Err(this_program_as(owner)?.args(std::env::args_os().skip(1)).exec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_steps_down_where_the_folder_is_a_services_own_and_nobody_else_does() {
        let service = Owner { uid: 990, gid: 980 };
        assert_eq!(to_be(ROOT, service), Some(service));
        assert_eq!(to_be(1000, service), None);
        assert_eq!(to_be(ROOT, Owner { uid: ROOT, gid: ROOT }), None);
        assert_eq!(owner_to_be(Path::new("/no/such/folder")), None);
    }
}
