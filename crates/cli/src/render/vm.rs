//! The machines of a provider.

use super::{Look, bytes, sheet, yes_no};
use diecast_api::operator::vm::{VmList, VmView};

pub(crate) fn list(look: Look, list: &VmList) -> String {
    let row = |vm: &VmView| {
        let disks: Vec<_> = vm.disks.iter().map(|disk| format!("{} {}", disk.target, disk.format)).collect();
        vec![
            vm.name.clone(),
            vm.power.clone(),
            vm.vcpus.to_string(),
            bytes(vm.memory_bytes),
            disks.join(", "),
            yes_no(vm.managed),
            vm.obstacle.as_ref().map_or_else(|| "yes".into(), |it| format!("no: {} {}", it.code, it.cause)),
        ]
    };
    let header = ["NAME", "POWER", "CPUS", "MEMORY", "DISKS", "MANAGED", "CAN BE PUBLISHED"];
    sheet::table(look, &header, list.items.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn machines_and_whether_a_template_can_be_made_from_each() {
        insta::assert_snapshot!(list(samples::look(None), &samples::vms()));
    }
}
