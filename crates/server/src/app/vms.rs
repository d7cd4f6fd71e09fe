//! The machines that a provider runs, as its agent last said.

use crate::app::{App, authorise::Action, cx::Cx, page, refused::Refused};
use diecast_api::operator::vm::{VmDiskView, VmList, VmView};
use diecast_domain::provider::Vm;

impl App {
    pub(crate) async fn vms(&self, cx: &Cx, provider: &str, ask: &page::Ask) -> Result<VmList, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.provider_named(provider)?;
        picture.must_answer(record)?;
        let mut vms: Vec<&Vm> =
            picture.report(record.id).map(|it| it.vms.iter().collect()).unwrap_or_default();
        vms.sort_by(|a, b| a.name.cmp(&b.name));
        let (vms, next) = ask.cut(vms, |vm| vm.name.clone())?;
        Ok(VmList { items: vms.into_iter().map(view).collect(), next })
    }
}

fn view(vm: &Vm) -> VmView {
    VmView {
        name: vm.name.clone(),
        uuid: vm.uuid.to_string(),
        power: vm.power.as_str().to_owned(),
        vcpus: vm.vcpus,
        memory_bytes: vm.memory.0,
        disks: vm
            .disks
            .iter()
            .map(|disk| VmDiskView {
                target: disk.target.clone(),
                path: disk.path.clone(),
                format: disk.format.clone(),
            })
            .collect(),
        managed: vm.managed,
        obstacle: vm.obstacle.as_ref().map(Into::into),
    }
}
